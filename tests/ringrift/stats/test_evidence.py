"""Evidence of a gate: it survives JSON, and every change of it is found."""

import copy
import hashlib
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from ringrift.cli.gate import gate_app
from ringrift.errors import InvalidInput
from ringrift.stats.evidence import Entrant, GateGame, evidence, verify_evidence
from ringrift.stats.sprt import SequentialTest, judge_blocks

CANDIDATE, OPPONENT = Entrant(key="c" * 16, hashes={"weights": "w1", "profile": "p1"}), Entrant(key="o" * 16)


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
