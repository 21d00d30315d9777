"""`ringrift gate verify` looks at the games: evidence whose digest was renewed falls too."""

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift import names
from ringrift.cli.gate import gate_app
from ringrift.errors import MissingInput
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import write_shard
from ringrift.kinds.match_results import gate_evidence
from ringrift.kinds.prove import plan_of
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.players.ladder import rung
from ringrift.specs.prove import StoredPlan, read_plans, write_plans
from ringrift.stats.evidence import Entrant, GateGame, evidence
from ringrift.stats.sprt import SequentialTest
from tests.ringrift.kinds.test_prove import HEX8

GATE = replace(SequentialTest(), min_blocks=2, max_blocks=4)


def verify(file: Path, *arguments: object) -> tuple[int, dict]:
    command = ["verify", str(file), *map(str, arguments), "--json"]
    result = CliRunner().invoke(gate_app, command, catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)


def renewed(held: dict, **changed: object) -> dict:
    """What a forger makes: the same evidence with other games or openings, everything derived from them anew."""
    given = held | changed
    return evidence(
        purpose=given["purpose"],
        pool=given["pool"],
        candidate=Entrant(**given["candidate"]),
        opponent=Entrant(**given["opponent"]),
        gate=SequentialTest.from_dict(given["params"]),
        openings=given["openings"],
        games=[GateGame(**game) for game in given["games"]],
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, list[dict]]:
    """A gate of a home: its folder in the store, its evidence and its rows."""
    folder = tmp_path_factory.mktemp("home") / "store" / "tournament_games" / "hex8_2p" / "0000" / "v0001"
    folder.mkdir(parents=True)
    terms = MatchTerms(config=HEX8, iteration=0, root_seed=1)
    spec = match_job(terms, "champion", rung(2, HEX8), rung(1, HEX8), gate=GATE)
    stored = StoredPlan(kind=spec.kind, params=spec.params, host="aws-1", exact=True)
    plan, rankings, rows = plan_of(stored.game_params()), {}, []
    for index in plan.order(rankings):
        rows += play_rows(plan, [index])
        rankings[index] = rows[-1]["ranking"]
    held = gate_evidence(rows, plan, GATE, "champion")
    write_shard(folder / names.GAMES_FILE, table_of(rows))
    write_plans(folder / names.PLANS_FILE, [stored])
    (folder / names.gate_file("champion")).write_text(json.dumps(held))
    return folder, held, rows


def test_the_games_of_an_honest_gate_are_found_and_played_again(played, tmp_path):
    folder, held, rows = played
    code, found = verify(folder / names.gate_file("champion"), "--share", 0.5)
    assert code == 0 and found["checked"]["games"] == len(rows) and found["checked"]["planned"]
    assert found["checked"]["proved"] == (len(rows) + 1) // 2
    copied = folder.parents[3] / "tier_assignment" / "hex8_2p" / "0000" / "v0001" / "champion_evidence.json"
    copied.parent.mkdir(parents=True, exist_ok=True)
    copied.write_bytes((folder / names.gate_file("champion")).read_bytes())
    assert verify(copied)[1]["checked"]["games_file"] == str((folder / names.GAMES_FILE).resolve())
    alone = tmp_path / "alone.json"
    alone.write_text(json.dumps(held))
    code, found = verify(alone)
    assert code == 0 and found["checked"] is None, "only its own arithmetic"
    assert verify(alone, "--games", folder / names.GAMES_FILE)[1]["checked"]["planned"]
    with pytest.raises(MissingInput, match="give the game set"):
        verify(alone, "--games", tmp_path / "none.parquet")


def test_evidence_with_a_renewed_digest_falls(played, tmp_path):
    folder, held, _ = played
    games = folder / names.GAMES_FILE
    file = tmp_path / "forged.json"
    other = copy.deepcopy(held["games"])
    for game in other:
        game["ranking"] = None if game is other[0] else game["ranking"]
    hashes = [game | {"game_hash": f"{number:016x}"} for number, game in enumerate(held["games"])]
    forgeries = {
        "another result": renewed(held, games=other),
        "games that nobody has": renewed(held, games=hashes),
        "other openings": renewed(held, openings=[str(n) for n in range(len(held["openings"]))]),
    }
    for what, forged in forgeries.items():
        file.write_text(json.dumps(forged))
        assert verify(file)[0] == 0, f"{what}: it holds by itself"
        code, found = verify(file, "--games", games)
        assert code == 1 and found["problems"], what


def test_a_gate_whose_games_are_not_all_there_and_one_that_was_played_elsewhere_say_so(played, tmp_path):
    folder, held, rows = played
    (tmp_path / "gate.json").write_text(json.dumps(held))
    write_shard(tmp_path / names.GAMES_FILE, table_of(rows[:-1]))
    plans = read_plans(folder / names.PLANS_FILE)
    write_plans(tmp_path / names.PLANS_FILE, plans)
    code, found = verify(tmp_path / "gate.json")
    assert code == 1 and found["problems"]
    write_shard(tmp_path / names.GAMES_FILE, table_of(rows))
    write_plans(tmp_path / names.PLANS_FILE, [plan.model_copy(update={"exact": False}) for plan in plans])
    code, found = verify(tmp_path / "gate.json", "--share", 1)
    assert code == 0 and (found["checked"]["proved"], found["checked"]["decided"]) == (0, len(rows))


def test_without_a_plan_the_games_are_still_looked_up_and_replayed(played, tmp_path):
    _, held, rows = played
    (tmp_path / "match.gate.json").write_text(json.dumps(held))
    write_shard(tmp_path / "match.parquet", table_of(rows))
    code, found = verify(tmp_path / "match.gate.json")
    assert code == 0 and found["checked"]["games"] == len(rows) and not found["checked"]["planned"]
    write_shard(tmp_path / "match.parquet", table_of([*rows[:-1], rows[-1] | {"moves": rows[-1]["moves"][:-1]}]))
    assert verify(tmp_path / "match.gate.json")[0] == 1
    write_shard(tmp_path / "match.parquet", table_of(rows[:-1]))
    assert "is not in" in verify(tmp_path / "match.gate.json")[1]["problems"][0]
