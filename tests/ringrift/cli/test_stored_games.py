"""`ringrift games prove`: stored games are proved again, host by host, and what does not hold is named."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringrift import names
from ringrift.cli.games import games_app
from ringrift.errors import MissingInput
from ringrift.gamesets.schema import table_of
from ringrift.gamesets.shards import write_shard
from ringrift.kinds.prove import plan_of
from ringrift.matches.play import play_rows
from ringrift.planning.jobs import MatchTerms, match_job
from ringrift.players.ladder import rung
from ringrift.specs.prove import StoredPlan, read_plans, write_plans
from tests.ringrift.kinds.test_prove import HEX8, selfplay


def prove(*arguments: object) -> tuple[int, dict]:
    result = CliRunner().invoke(games_app, ["prove", *map(str, arguments), "--json"], catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)


def stored(folder: Path, *jobs: tuple[str, bool]) -> list[dict]:
    """A game set of some jobs, each (host, exact), with its plans: selfplay first, then matches. Returns its rows."""
    terms = MatchTerms(config=HEX8, iteration=0, root_seed=1)
    specs = [
        selfplay("mcts-only"),
        *(match_job(terms, f"m{n}", rung(2, HEX8), rung(1, HEX8), blocks=2) for n in range(len(jobs) - 1)),
    ]
    plans = [
        StoredPlan(kind=spec.kind, params=spec.params, host=host, exact=exact)
        for spec, (host, exact) in zip(specs, jobs, strict=True)
    ]
    rows = [row for plan in map(plan_of, map(StoredPlan.game_params, plans)) for row in play_rows(plan, plan.indices)]
    folder.mkdir(parents=True, exist_ok=True)
    write_shard(folder / names.GAMES_FILE, table_of(rows))
    write_plans(folder / names.PLANS_FILE, plans)
    assert read_plans(folder / names.PLANS_FILE) == plans
    return rows


def test_games_are_proved_host_by_host_and_only_those_that_were_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path))
    stored(tmp_path / "store" / "selfplay_games", ("aws-1", True), ("aws-2", True), ("gpu-1", False))
    code, found = prove("--share", 1)
    counts = {name: (p["games"], p["proved"], p["decided"]) for name, p in found["hosts"].items()}
    assert code == 0 and found["holds"]
    assert counts == {"aws-1": (4, 4, 0), "aws-2": (4, 4, 0), "gpu-1": (4, 0, 4)}
    assert prove("--host", "aws-2", "--share", 0.25)[1]["hosts"]["aws-2"]["proved"] == 1
    assert list(prove("--host", "aws-2")[1]["hosts"]) == ["aws-2"]
    assert prove("-c", "square8_2p")[1]["hosts"] == {}


def test_what_does_not_hold_is_told_with_its_host(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path / "home"))
    rows = stored(tmp_path, ("aws-1", True), ("aws-2", True))
    of_another = rows[-1] | {"job": "nobody_asked"}
    rows[0] |= {"search_values": [rows[0]["search_values"][0] ^ 1, *rows[0]["search_values"][1:]]}
    rows[5] |= {"seed": rows[5]["seed"] ^ 1}
    write_shard(tmp_path / names.GAMES_FILE, table_of([*rows, of_another]))
    code, found = prove(tmp_path / names.GAMES_FILE, "--share", 1)
    told = {name: " ".join(proof["problems"]) for name, proof in found["hosts"].items()}
    assert code == 1 and not found["holds"] and set(told) == {"aws-1", "aws-2", "(nobody)"}
    assert "game 0: played again it has other search_values" in told["aws-1"]
    assert "seed or seats of game 1 differ" in told["aws-2"] and "1 games that no job has planned" in told["(nobody)"]
    result = CliRunner().invoke(games_app, ["prove", str(tmp_path / names.GAMES_FILE)], catch_exceptions=False)
    assert result.exit_code == 1 and "aws-2: 4 games, 0 played again, 1 problems" in result.stdout


def test_games_without_plans_and_homes_without_games_say_so(tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path / "home"))
    with pytest.raises(MissingInput, match="no games are stored"):
        prove()
    stored(tmp_path, ("aws-1", True))
    (tmp_path / names.PLANS_FILE).unlink()
    with pytest.raises(MissingInput, match="stored by an older version have no plans"):
        prove(tmp_path)
