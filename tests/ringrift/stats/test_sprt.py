import copy
import hashlib
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ringrift.cli.gate import gate_app
from ringrift.errors import InvalidInput
from ringrift.planning.gate import gate_of
from ringrift.planning.pipeline import Pipeline
from ringrift.stats.evidence import Entrant, GateGame, evidence, verify_evidence
from ringrift.stats.sprt import SequentialTest, elo_of_score, judge_blocks, score_of_elo, statistics

PAIR = (0.0, 0.25, 0.5, 0.75, 1.0)  # scores a block of two games can have
pair_scores = st.lists(st.sampled_from(PAIR), min_size=1, max_size=300)
CANDIDATE, OPPONENT = Entrant(key="c" * 16, hashes={"weights": "w1", "profile": "p1"}), Entrant(key="o" * 16)


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


# --- evidence ---------------------------------------------------------------------------------------------


def match_games(players: int = 2, blocks: int = 24, wins: float = 0.8, seed: int = 1) -> list[GateGame]:
    """Whole blocks in which the candidate comes first in a share `wins` of the games, else last."""
    rng = np.random.default_rng(seed)
    games = []
    for block in range(blocks):
        for seat in range(players):
            seats = [OPPONENT.key] * players
            seats[seat] = CANDIDATE.key
            first = bool(rng.random() < wins)
            ranking = [2 if first else 1] * players
            ranking[seat] = 1 if first else players
            name = hashlib.sha256(f"{block} {seat}".encode()).hexdigest()[:16]
            games.append(GateGame(block=block, game_hash=name, seats=seats, ranking=ranking))
    return games


def build(games, players=2, gate=None, **other):
    blocks = max(game.block for game in games) + 1
    given = {
        "purpose": "champion",
        "pool": f"square8_{players}p",
        "candidate": CANDIDATE,
        "opponent": OPPONENT,
        "gate": gate or SequentialTest(),
        "openings": [f"opening {i}" for i in range(blocks)],
        "games": games,
    }
    return evidence(**given | other)


def whole(players=2, **how):
    """Evidence of a match that stopped itself."""
    games = match_games(players, 256, **how)
    scores = [block_score(games, block, players) for block in range(256)]
    used = judge_blocks(scores, SequentialTest(), players=players).blocks
    return build(games[: used * players], players)


def block_score(games, block, players):
    return sum(game.ranking[game.seats.index(CANDIDATE.key)] == 1 for game in games if game.block == block) / players


@pytest.fixture(scope="module")
def stored():
    return json.loads(json.dumps(whole()))


@pytest.mark.parametrize("players", [2, 3, 4])
@pytest.mark.parametrize(("wins", "outcome"), [(0.9, "promoted"), (0.2, "rejected")])
def test_evidence_survives_json_and_holds(players, wins, outcome):
    held = json.loads(json.dumps(whole(players, wins=wins)))
    assert held["verdict"]["outcome"] == outcome
    assert len(held["games"]) == players * held["verdict"]["blocks"] == players * len(held["llr_path"])
    assert verify_evidence(held) == []


def test_capped_games_are_ties_and_an_undecided_match_ends_at_the_cap():
    gate = SequentialTest(min_blocks=4, max_blocks=8)
    games = [game.model_copy(update={"ranking": None}) for game in match_games(blocks=8)]
    held = build(games, gate=gate)
    assert held["verdict"]["outcome"] == "inconclusive" and held["verdict"]["mean"] == 0.5
    assert verify_evidence(held) == []


def leaves(value, path=()):
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path, value


def changed(stored, path, new):
    held = copy.deepcopy(stored)
    place = held
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return held


def another(value):
    """A value of the same kind that differs a little."""
    if isinstance(value, float):
        return value + 1e-6
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("0" if value[-1] != "0" else "1")


def test_a_change_of_any_field_is_found(stored):
    for path, value in leaves(stored):
        assert verify_evidence(changed(stored, path, another(value))), path


def test_a_missing_an_added_and_a_foreign_field_are_found(stored):
    for key in stored:
        assert verify_evidence({k: v for k, v in stored.items() if k != key}), key
    assert verify_evidence(stored | {"note": "promoted"})
    for path in [("verdict",), ("params",), ("blocks", 0), ("games", 0), ("candidate",)]:
        place = copy.deepcopy(stored)
        inner = place
        for key in path:
            inner = inner[key]
        inner["extra"] = 1
        assert verify_evidence(place), path
    for foreign in (None, [], "text", {}, {"format": "ringrift-gate/1"}):
        assert verify_evidence(foreign)


def test_nonsense_in_any_field_is_a_difference_and_no_crash(stored):
    for path, value in leaves(stored):
        for nonsense in (None, "", -1, 10**400, math.nan, [], {}, True):
            if nonsense != value:
                assert verify_evidence(changed(stored, path, nonsense)), (path, nonsense)


def forge(stored, path, new):
    """Change a field and renew the digest, as one who knows the format would."""
    held = changed(stored, path, new)
    names = ("format", "purpose", "pool", "candidate", "opponent", "params", "openings", "games")
    text = json.dumps({name: held[name] for name in names}, sort_keys=True, separators=(",", ":"))
    held["digest"] = hashlib.sha256(text.encode()).hexdigest()
    return held


def test_a_result_changed_under_a_renewed_digest_no_longer_fits_the_verdict(stored):
    assert verify_evidence(forge(stored, ("games", 0, "ranking"), stored["games"][0]["ranking"])) == []
    for number, game in enumerate(stored["games"]):
        problems = verify_evidence(forge(stored, ("games", number, "ranking"), game["ranking"][::-1]))
        assert any(line.startswith(f"blocks.{number // 2}.score") for line in problems), number


def test_hypotheses_changed_under_a_renewed_digest_no_longer_fit_the_path(stored):
    for name, value in {"elo0": -10.0, "elo1": 36.0}.items():
        problems = verify_evidence(forge(stored, ("params", name), value))
        assert any(line.startswith("llr_path.0:") for line in problems), name


def test_every_difference_is_named(stored):
    problems = verify_evidence(changed(changed(stored, ("verdict", "outcome"), "rejected"), ("llr_path", 2), 9.0))
    assert [line.split(":")[0] for line in problems] == ["llr_path.2", "verdict.outcome"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda games: games[:-1], "once in each seat"),
        (lambda games: games[:2], "had not ended"),
        (lambda games: [*games[:-1], games[-2]], "once in each seat"),
        (lambda games: [games[0].model_copy(update={"seats": ["x", OPPONENT.key]}), *games[1:]], "games.0.seats"),
        (lambda games: [games[0].model_copy(update={"seats": [CANDIDATE.key] * 2}), *games[1:]], "games.0.seats"),
        (lambda games: [games[0].model_copy(update={"game_hash": games[9].game_hash}), *games[1:]], "two blocks"),
        (lambda games: [games[0].model_copy(update={"ranking": [1, 3]}), *games[1:]], "ranking"),
    ],
)
def test_games_that_are_no_whole_gate_are_refused(stored, spoil, message):
    games = [GateGame(**game) for game in stored["games"]]
    with pytest.raises(InvalidInput, match=message):
        build(spoil(games))


def test_a_match_that_went_on_after_its_end_is_refused():
    with pytest.raises(InvalidInput, match="ended after block"):
        build(match_games(blocks=200, wins=0.9))


def test_openings_are_used_once_and_the_candidate_is_not_its_own_opponent(stored):
    games = [GateGame(**game) for game in stored["games"]]
    with pytest.raises(InvalidInput, match="opening of its own"):
        build(games, openings=["same"] * len(stored["openings"]))
    with pytest.raises(InvalidInput, match="blocks"):
        build(games, openings=stored["openings"][:-1])
    with pytest.raises(InvalidInput, match="own opponent"):
        build(games, opponent=CANDIDATE)


def test_the_command_tells_a_true_evidence_from_a_changed_one(tmp_path, stored):
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(stored))
    bad.write_text(json.dumps(changed(stored, ("verdict", "outcome"), "rejected")))
    shown = CliRunner().invoke(gate_app, ["verify", str(good)])
    assert shown.exit_code == 0 and "holds; promoted" in shown.output
    shown = CliRunner().invoke(gate_app, ["verify", str(bad), "--json"])
    answer = json.loads(shown.output)
    assert shown.exit_code == 1 and not answer["holds"] and "verdict.outcome" in answer["problems"][0]
