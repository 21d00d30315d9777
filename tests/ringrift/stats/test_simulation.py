import numpy as np
import pytest

from ringrift.bench.gate import TABLES
from ringrift.stats import simulation
from ringrift.stats.plackett_luce import fit_tables
from ringrift.stats.simulation import (
    CORRELATED,
    DRAWS,
    INDEPENDENT,
    MODELS,
    ONE_SIDED,
    UNEVEN,
    best_found,
    documented_rule_rate,
    gate_rates,
    interval_coverage,
    rotated_coverage,
    simulate_blocks,
    simulate_rotations,
    simulate_tables,
    strength_for,
)
from ringrift.stats.sprt import SequentialTest, judge_blocks, score_of_elo


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
@pytest.mark.parametrize("players", TABLES)
@pytest.mark.parametrize("elo", [0, 70])
def test_simulated_candidates_score_what_their_elo_says(model, players, elo):
    scores = simulate_blocks(np.random.default_rng(1), 100, 250, players, strength_for(elo, model), model)
    assert scores.shape == (100, 250) and scores.min() >= 0 and scores.max() <= 1
    assert scores.mean() == pytest.approx(score_of_elo(elo), abs=5 * scores.std() / 158)


def test_openings_and_draws_shape_the_blocks_as_named():
    def spread(model):
        return simulate_blocks(np.random.default_rng(2), 100, 250, 2, 0, model).var()

    assert spread(INDEPENDENT) == pytest.approx(0.125, rel=0.03), "two fair coins"
    assert spread(ONE_SIDED) < 0.6 * spread(INDEPENDENT), "rotation halves what an opening decides"
    assert spread(UNEVEN) > spread(CORRELATED), "an opening that suits the candidate suits it in every seat"
    assert spread(DRAWS) < 0.8 * spread(CORRELATED)
    with pytest.raises(ValueError, match="draws"):
        strength_for(400, DRAWS)


def test_rotated_tables_seat_each_player_once_in_each_seat():
    seated, ranks = simulate_rotations(np.random.default_rng(3), 10, 3, np.zeros(5), CORRELATED)
    for block in seated.reshape(10, 3, 3):
        assert len(set(block[0])) == 3
        assert all(sorted(column) == sorted(block[0]) for column in block.T)
    assert (np.sort(ranks, axis=1) == [1, 2, 3]).all()
    drawn = simulate_rotations(np.random.default_rng(3), 500, 2, np.zeros(5), DRAWS)[1]
    assert (drawn == 1).all(1).mean() == pytest.approx(0.3, abs=0.05)


def test_simulated_tables_are_ranked_by_strength_and_seat():
    seated, ranks = simulate_tables(np.random.default_rng(4), 4000, 2, np.array([0, 100.0, 0]), np.array([50.0, -50]))
    first = ranks[:, 0] == 1
    both = first[(seated == [0, 2]).all(1) | (seated == [2, 0]).all(1)]
    assert both.mean() == pytest.approx(score_of_elo(100), abs=0.04)


def test_the_calibration_judges_as_the_gate_does():
    """The same simulated blocks, one match at a time through `decide`."""
    gate, seed = SequentialTest(max_blocks=64), [7]
    rates = gate_rates(gate, 3, 35, CORRELATED, 100, seed)
    scores = simulate_blocks(np.random.default_rng(seed), 100, 64, 3, strength_for(35, CORRELATED), CORRELATED)
    verdicts = [judge_blocks(row, gate, players=3) for row in scores.tolist()]
    for name in ("promoted", "rejected", "inconclusive"):
        assert getattr(rates, name) == pytest.approx(sum(v.outcome == name for v in verdicts) / 100)
    assert rates.blocks == pytest.approx(np.mean([v.blocks for v in verdicts]))
    held = [v.elo_interval[0] <= 35 <= v.elo_interval[1] for v in verdicts]
    assert rates.interval == pytest.approx(np.mean(held))


@pytest.mark.parametrize("players", TABLES)
def test_promotions_rise_with_strength_and_equal_players_are_rarely_promoted(players):
    promoted = [
        gate_rates(SequentialTest(), players, elo, CORRELATED, 250, [8, players]).promoted for elo in (-35, 0, 35, 70)
    ]
    assert promoted == sorted(promoted)
    assert promoted[0] <= 0.01 and promoted[1] <= 0.08 and promoted[2] >= 0.5 and promoted[3] >= 0.97


def test_a_planted_careless_gate_is_shown_as_one():
    """No minimum, no floor, alpha 0.4: the calibration must not find that it keeps the bar."""
    careless = SequentialTest(min_blocks=1, alpha=0.4, beta=0.4, floor_score=0.0)
    assert gate_rates(careless, 2, 0, CORRELATED, 250, [9]).promoted > 0.25


def test_the_documented_rule_alone_promotes_more_than_a_third_of_equal_players():
    assert documented_rule_rate() == pytest.approx(0.377, abs=0.0005)
    assert documented_rule_rate(20) == pytest.approx(0.412, abs=0.0005), "11 of 20: more games, no better rule"


@pytest.mark.parametrize("players", TABLES)
def test_intervals_of_the_batch_fit_hold_the_truth_as_often_as_they_say(players):
    assert 0.91 <= interval_coverage(players, 60, [10, players]) <= 0.99


def test_planted_intervals_that_are_too_narrow_are_shown_as_such(monkeypatch):
    monkeypatch.setattr(simulation, "Z95", 1.0)
    assert interval_coverage(2, 60, [11]) < 0.8


def test_decisive_openings_make_intervals_wide_and_players_who_depend_on_them_make_them_narrow():
    shares = [rotated_coverage(4, 60, model, [12]) for model in (ONE_SIDED, UNEVEN)]
    assert shares[0] > 0.97 > 0.95 > shares[1]


def test_the_best_of_eight_is_found_by_the_fit_more_often_than_by_sequential_elo():
    fitted, sequential = best_found(60, [13])
    assert fitted >= 0.9 and fitted > sequential > 0.5


def test_a_fit_of_equal_agents_finds_no_favourite():
    found = np.zeros(4)
    rng = np.random.default_rng(14)
    for _ in range(200):
        found[fit_tables(*simulate_tables(rng, 100, 2, np.zeros(4), np.zeros(2)), 4, 0).theta.argmax()] += 1
    assert found.min() > 20
