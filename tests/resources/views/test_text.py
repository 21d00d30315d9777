"""The documented text blocks, to the letter."""

import re

from resources.store.contents.matches import MatchStanding
from resources.store.contents.operations import HostUse, ReportContent
from resources.views.text import elo_text, iteration_block, leaderboard_block, resource_block
from tests.resources.sample_contents import sample

ROWS = [{"name": "Heuristic_D5", "elo": 1534.4}, {"name": "MCTS_D8", "elo": 1687.0}, {"name": "MCTS_D6", "elo": 1623.0}]


def report(config: str, **more) -> ReportContent:
    empty = {"cmaes": {}, "training": {}, "eval": {}, "promotions": {}}
    changes = {"selfplay": {"dispatched": 2, "total": 3}, **empty, **more, "config": config}
    return ReportContent.model_validate(sample("iteration_report", **changes))


def test_the_summary_of_an_iteration_is_the_documented_block():
    reports = [
        report("square8_2p", eval={"Heuristic5_vs_MCTS6_Square8": 0.4}, promotions={"square8_2p": "D6"}),
        report("square8_3p", selfplay={"dispatched": 20, "total": 20}),
    ]
    assert iteration_block(5, reports) == (
        "============================================================\n"
        "=== Iteration 5 Complete ===\n"
        "============================================================\n"
        "Selfplay:    {'dispatched': 22, 'total': 23}\n"
        "CMA-ES:      {}\n"
        "Training:    {}\n"
        "Eval:        {'Heuristic5_vs_MCTS6_Square8': 0.4}\n"
        "Promotions:  {'square8_2p': 'D6'}\n"
        "============================================================"
    )


def test_the_leaderboard_is_the_documented_block_best_first():
    expected = "=== Elo Leaderboard ===\n  1. MCTS_D8: 1687\n  2. MCTS_D6: 1623\n  3. Heuristic_D5: 1534"
    assert leaderboard_block(ROWS) == expected
    assert leaderboard_block(ROWS, "hexagonal_3p", top=1) == (
        "=== Elo Leaderboard (hexagonal_3p) ===\n  1. MCTS_D8: 1687"
    )


def test_resource_lines_are_the_documented_ones_and_a_silent_host_gives_its_reason():
    hosts = {
        "mac-studio": {"cpu": 45.2, "mem": 67.0, "disk": 34.0, "gpu": 0.0, "problem": None},
        "vast": {"cpu": 78.0, "mem": 45.0, "disk": 22.0, "gpu": None, "problem": None},
        "aws": {"cpu": None, "mem": None, "disk": None, "gpu": None, "problem": "status is offline"},
    }
    uses = {name: HostUse(ready=not use["problem"], **use) for name, use in hosts.items()}
    lines = resource_block(uses).splitlines()
    assert lines[:2] == ["=== Resource Usage ===", "  mac-studio: CPU=45%, MEM=67%, DISK=34%, GPU=0%"]
    assert re.fullmatch(r"  [\w-]+: CPU=\d+%, MEM=\d+%, DISK=\d+%, GPU=\d+%", lines[1])
    assert lines[2:] == ["  vast: CPU=78%, MEM=45%, DISK=22%, GPU=n/a", "  aws: status is offline"]


def test_elo_is_whole_with_its_interval_and_says_where_there_is_none():
    found = MatchStanding(elo=136.97, low=-84.9, high=None)
    assert elo_text(found) == "+137 (-85 to no bound)" and elo_text(found, 10) == "+1,370 (-849 to no bound)"
    assert elo_text(MatchStanding(elo=0, low=0, high=0)) == "+0" and elo_text(None) == "not measured"
