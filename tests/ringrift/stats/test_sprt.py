import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringrift.errors import InvalidInput
from ringrift.planning.gate import gate_of
from ringrift.planning.pipeline import Pipeline
from ringrift.stats.sprt import SequentialTest, elo_of_score, judge_blocks, score_of_elo, statistics

PAIR = (0.0, 0.25, 0.5, 0.75, 1.0)  # scores a block of two games can have
pair_scores = st.lists(st.sampled_from(PAIR), min_size=1, max_size=300)


def blocks_of(mean: float, blocks: int, seed: int = 0) -> list[float]:
    """Pentanomial blocks of two independent games with this mean score."""
    return (np.random.default_rng(seed).binomial(2, mean, blocks) / 2).tolist()


# --- the test ---------------------------------------------------------------------------------------------


def test_parameters_are_those_of_the_pipeline_file():
    assert gate_of(Pipeline()) == SequentialTest()
    assert SequentialTest().upper == pytest.approx(2.944, abs=1e-3) and SequentialTest().lower == pytest.approx(
        -2.944, abs=1e-3
    )
    assert score_of_elo(35) == pytest.approx(0.55, abs=3e-4)
    assert elo_of_score(score_of_elo(-123)) == pytest.approx(-123)


@pytest.mark.parametrize(
    "wrong",
    [
        {"elo1": 0.0},
        {"elo0": math.nan},
        {"alpha": 0.0},
        {"beta": 0.5},
        {"min_blocks": 0},
        {"min_blocks": 300},
        {"max_blocks": 1.5},
        {"floor_score": 1.1},
        {"floor_games": -1},
        {"version": 2},
        {"alpha": "0.05"},
        {"min_blocks": True},
    ],
)
def test_a_gate_without_meaning_is_refused(wrong):
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        SequentialTest(**wrong)


@settings(max_examples=50)
@given(pair_scores)
def test_llr_is_the_formula_on_the_regularised_pentanomial_counts(scores):
    """Oracle: the counts of the five results, half a block added at both ends, in plain sums."""
    counts = [scores.count(value) + (0.5 if value in (0, 1) else 0) for value in PAIR]
    total = sum(counts)
    m = sum(c * x for c, x in zip(counts, PAIR, strict=True)) / total
    v = sum(c * (x - m) ** 2 for c, x in zip(counts, PAIR, strict=True)) / total
    s0, s1 = score_of_elo(0), score_of_elo(35)
    llr, mean, variance = statistics(np.array(scores), SequentialTest())
    assert llr[-1] == pytest.approx(len(scores) * (s1 - s0) * (2 * m - s0 - s1) / (2 * v))
    assert (mean[-1], variance[-1]) == pytest.approx((np.mean(scores), v))


def exact_llr(counts, s0, s1):
    """Log likelihood ratio of the two closest multinomials with means s1 and s0 (by bisection)."""
    total = sum(counts)

    def closest(mean):
        low, high = -1 / (1 - mean) + 1e-12, 1 / mean - 1e-12
        for _ in range(200):
            t = (low + high) / 2
            moment = sum(c * (x - mean) / (1 + t * (x - mean)) for c, x in zip(counts, PAIR, strict=True))
            low, high = (t, high) if moment > 0 else (low, t)
        return [c / total / (1 + t * (x - mean)) for c, x in zip(counts, PAIR, strict=True)]

    return sum(c * math.log(q / p) for c, p, q in zip(counts, closest(s0), closest(s1), strict=True) if c)


@pytest.mark.parametrize("counts", [(20, 30, 60, 50, 40), (40, 0, 100, 0, 60), (5, 60, 70, 60, 10), (25, 1, 48, 1, 29)])
def test_llr_is_close_to_the_exact_generalized_likelihood_ratio(counts):
    scores = np.repeat(PAIR, counts)
    llr = statistics(scores, SequentialTest())[0][-1]
    assert llr == pytest.approx(exact_llr(counts, score_of_elo(0), score_of_elo(35)), rel=0.06, abs=0.06)


@given(pair_scores)
def test_better_by_the_same_everywhere_never_counts_against_the_candidate(scores):
    low = [score / 2 for score in scores]
    gains = [
        judge_blocks([score + shift for score in low], SequentialTest(max_blocks=512, min_blocks=512)).llr
        for shift in (0, 0.2, 0.5)
    ]
    assert gains == sorted(gains)


@given(pair_scores)
def test_with_mirrored_hypotheses_mirrored_scores_give_the_mirrored_llr(scores):
    gate = SequentialTest(elo0=-20, elo1=20, min_blocks=256)
    llr, mirrored = (statistics(np.array(x), gate)[0] for x in (scores, [1 - score for score in scores]))
    assert llr == pytest.approx(-mirrored, abs=1e-9)


@given(pair_scores, pair_scores)
def test_a_verdict_is_final_whatever_is_played_after_it(scores, more):
    verdict = judge_blocks(scores, SequentialTest())
    if verdict.outcome != "continue":
        assert judge_blocks(scores + more, SequentialTest()) == verdict
    if verdict.outcome in ("promoted", "rejected"):
        assert judge_blocks(scores[: verdict.blocks], SequentialTest()) == verdict
        assert judge_blocks(scores[: verdict.blocks - 1], SequentialTest()).outcome == "continue"


@given(pair_scores)
def test_a_verdict_keeps_min_cap_bounds_and_floor(scores):
    gate = SequentialTest()
    verdict = judge_blocks(scores, gate)
    assert verdict.blocks == len(verdict.llr_path) <= gate.max_blocks
    assert verdict.llr == verdict.llr_path[-1]
    assert verdict.promoted == (verdict.outcome == "promoted")
    assert all(math.isfinite(x) for x in (verdict.stderr, verdict.elo, *verdict.elo_interval))
    assert verdict.elo_interval[0] <= verdict.elo <= verdict.elo_interval[1]
    match verdict.outcome:
        case "promoted":
            assert verdict.blocks >= 16 and verdict.llr >= gate.upper and verdict.mean >= 0.55 - 1e-9
        case "rejected":
            assert verdict.blocks >= 16 and verdict.llr <= gate.lower
        case "inconclusive":
            assert verdict.blocks == 256
        case "continue":
            assert verdict.blocks == len(scores) < 256


def test_known_good_and_bad_candidates_get_their_verdict():
    assert judge_blocks(blocks_of(0.7, 256), SequentialTest()).outcome == "promoted"
    assert judge_blocks(blocks_of(0.4, 256), SequentialTest()).outcome == "rejected"
    assert judge_blocks([1.0] * 256, SequentialTest()).blocks == 16
    assert judge_blocks([0.0] * 256, SequentialTest()).blocks == 16
    even = judge_blocks([0.5, 0.51] * 128, SequentialTest())
    assert even.outcome == "rejected" and even.blocks < 40


def test_equal_blocks_alone_have_no_certainty_at_the_minimum():
    assert judge_blocks([0.5] * 16, SequentialTest()).outcome == "continue"
    assert judge_blocks([0.5] * 40, SequentialTest()).outcome == "rejected"


def test_the_documented_floor_keeps_a_sure_but_small_gain_from_promotion():
    scores = [0.54] * 128 + [0.545] * 128
    verdict = judge_blocks(scores, SequentialTest())
    assert verdict.llr > SequentialTest().upper and verdict.mean < 0.55
    assert verdict.outcome == "inconclusive"
    assert judge_blocks(scores, SequentialTest(floor_score=0.5)).outcome == "promoted"
    few = SequentialTest(min_blocks=1, floor_games=10, elo1=700)
    assert judge_blocks([1.0] * 5, few, players=2).outcome == "promoted"
    assert judge_blocks([1.0] * 4, few, players=2).outcome == "continue"
    assert judge_blocks([1.0] * 4, few, players=3).outcome == "promoted"


@pytest.mark.parametrize("scores", [[], [1.1], [-0.1, 0.5], [math.nan], [[0.5]]])
def test_no_blocks_or_impossible_scores_are_refused(scores):
    with pytest.raises(InvalidInput, match="block_scores"):
        judge_blocks(scores, SequentialTest())
