"""Values of a pipeline file that can never work are refused when it is read, with a word of what does."""

import time

import pytest

from ringrift.errors import InvalidInput
from ringrift.planning.pipeline import load_pipeline


def message(folder, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_pipeline(folder / "mine.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("gate: {elo0: 40}", ["gate", "elo0 < elo1"]),
        ("gate: {elo1: 5000}", ["gate", "elo1 <= 1000"]),
        ("gate: {min_blocks: 300}", ["gate", "min_blocks <= max_blocks"]),
        ("gate: {max_blocks: 1000000000}", ["gate.max_blocks", "10000"]),
        ("gate: {elo1: .nan}", ["gate.elo1", "finite"]),
        ("games_scale: .inf", ["games_scale", "finite"]),
        ("evaluation: {elo_start: .nan}", ["evaluation.elo_start", "finite"]),
        ("tiers: {ladder: []}", ["tiers", "start at a tier"]),
        ("tiers: {ladder: [D4, D2]}", ["tiers", "let the ladder rise"]),
        ("tiers: {ladder: [D2, D2]}", ["tiers", "each tier once"]),
        ("tiers: {ladder: [D2, D4], start: D8}", ["tiers", "D2, D4"]),
        ("cmaes: {panel: [Nobody_D5]}", ["cmaes.panel[0]", "Nobody_D5", "Heuristic"]),
        ("cmaes: {panel: [Gumbel_D9]}", ["cmaes.panel[0]", "Gumbel_D9", "Heuristic"]),
        ("cmaes: {games_per_evaluation: 1000000000}", ["cmaes.games_per_evaluation", "1000"]),
        ("cmaes: {population: 900, scale: 2}", ["cmaes.population is 1800"]),
        (
            "evaluation: {matchups: [{first: Nobody_D5, second: Random_D1, config: square8_2p, games: 2}]}",
            ["evaluation.matchups[0].first", "Nobody_D5", "Champion"],
        ),
        (
            "evaluation: {matchups: [{first: Random_D1, second: Random_D1, config: square8_2p, games: 2}]}",
            ["evaluation.matchups[0]", "name two players"],
        ),
        ("evaluation: {round_robin: {players: [A_D1, Random_D1, MCTS_D5, MCTS_D6]}}", ["players[0]", "A_D1"]),
        (
            "selfplay: {jobs: [{name: a, config: square8_2p, games: 1000000000, engine: mixed}]}",
            ["selfplay.jobs[0].games", "1000000"],
        ),
        (
            "games_scale: 9000\nselfplay: {jobs: [{name: a, config: square8_2p, games: 900, engine: mixed}]}",
            ["a plays 8100000 games"],
        ),
        ("configs: [square8_2p, square8_2p]", ["name each config once", "square8_2p"]),
        ("configs: [hex_2p, hexagonal_2p]", ["name each config once", "hexagonal_2p"]),
    ],
)
def test_what_can_never_work_is_refused_at_once(tmp_path, text, parts):
    found = message(tmp_path, text)
    assert all(part in found for part in parts), found


def test_players_that_come_later_may_be_named(tmp_path):
    rows = "".join(
        f"  - {{first: {name}, second: Random_D1, config: square8_2p, games: 2}}\n"
        for name in ("Champion_D9", "Gumbel_D9", "NN_D9")
    )
    (tmp_path / "mine.yaml").write_text(f"evaluation:\n matchups:\n{rows}")
    assert len(load_pipeline(tmp_path / "mine.yaml").evaluation.matchups) == 3


def test_many_keys_are_checked_in_linear_time(tmp_path):
    rows = "".join(f"key{number}: 1\n" for number in range(60_000))
    (tmp_path / "mine.json").write_text(
        "{" + rows.replace("key", '"key').replace(":", '":').replace("\n", ",") + '"z": 1}'
    )
    started = time.process_time()
    with pytest.raises(InvalidInput, match="unknown key 'key0'"):
        load_pipeline(tmp_path / "mine.json")
    assert time.process_time() - started < 5, "seconds where each key is looked for among all take minutes"
