"""The report: the documented summary, a page that stands alone, and the views made again."""

import json
import re

from resources.views.state import state_path
from ringrift_assets.steps.report_html import PROGRESS_PICTURE
from tests.resources.model_makers import change_record
from tests.ringrift_assets.conftest import CONFIG, PLAYED, SKIPPED, Graph, checks, failure, metadata


def put_anchor(graph: Graph, iteration: int, elo: float) -> None:
    """Add a match against an anchor to a stored tournament, as if the newest player had won so much Elo in it."""

    def add(record: dict) -> None:
        first, anchor, *_ = sorted(record["data"]["participants"])
        entrants = [{"key": key, "seats": 50, "score": 0.5, "wins": 25} for key in (first, anchor)]
        about = {"match": "anchor", "title": "t", "kind": "anchor", "job": "j", "games": 50, "capped": 0, "whole": True}
        standing = {"elo": elo, "low": elo - 50, "high": None}
        record["data"]["matches"].append(
            {**about, "entrants": entrants, "openings": 25, "gate": None, "standing": standing}
        )

    change_record(graph.runtime().store, "tournament_games", CONFIG, iteration, add)


def test_the_summary_is_the_documented_block(finished):
    store, record = finished.runtime().store, finished.record("iteration_report", 1)
    text = store.path(record, "summary.txt").read_text()
    lines = text.splitlines()
    assert lines[1] == "=== Iteration 1 Complete ===" and lines[3] == "Selfplay:    {'dispatched': 2, 'total': 3}"
    assert re.fullmatch(r"Eval:        \{'Heuristic2_vs_Heuristic3_Hex8': [01]\.\d+\}", lines[6])
    assert lines[4] == f"CMA-ES:      {{'{CONFIG}': True}}" and lines[7] == "Promotions:  {}"
    assert f"=== Elo Leaderboard ({CONFIG}) ===" in lines and re.fullmatch(r"  1\. \w+: \d+", lines[-4])


def test_the_page_needs_nothing_else_and_its_links_lead_to_files_of_the_home(finished):
    finished.run(1, ["iteration_report"])
    stored = finished.runtime().store.path(finished.record("iteration_report", 1), "report.html")
    page = finished.home.reports / CONFIG / "iter0001.html"
    for path in (stored, page):
        text = path.read_text()
        assert "<script" not in text and not re.search(r'(src|href)="(?!data:|\.\./)', text)
        assert text.count("data:image/svg+xml;base64,") == 5 and SKIPPED in text
        links = re.findall(r'href="([^"]+)"', text)
        assert len(links) == 12
        for link in links:
            assert (path.parent / link).resolve().exists(), link


def test_the_views_are_made_again_even_when_nothing_is_new(finished):
    state_path(finished.home).unlink()
    (finished.home.logs / "tournaments" / "iter0" / f"{CONFIG}.jsonl").unlink()
    (finished.home.reports / CONFIG / "iter0000.html").unlink()
    result = finished.run(1, ["iteration_report"])
    assert result.success and metadata(result, "iteration_report")["reused"]
    state = json.loads(state_path(finished.home).read_text())
    assert state["phase"] == "complete" and state["games_generated"] == {"iter_0": PLAYED, "iter_1": PLAYED}
    assert (finished.home.logs / "tournaments" / "iter0" / f"{CONFIG}.jsonl").is_file()
    assert (finished.home.reports / CONFIG / "iter0000.html").is_file()


def test_a_state_file_that_does_not_parse_is_an_error_with_the_remedy_and_is_left_as_it_is(finished):
    state_path(finished.home).write_text('{"iteration": 5, ')
    text = failure(finished.run(1, ["iteration_report"]))
    assert "state.json does not parse; move it aside, it is made again from the store" in text
    assert state_path(finished.home).read_text() == '{"iteration": 5, '


def test_a_partial_partition_is_told_by_the_report(finished):
    change_record(
        finished.runtime().store,
        "tournament_games",
        CONFIG,
        1,
        lambda record: record.update(missing={"matches": ["round_robin"]}),
    )
    found = checks(finished.run(1, ["iteration_report"]))["report_complete"]
    assert not found.passed and "partial: tournament_games" in (found.description or "")


def test_what_the_cpu_time_bought_is_told_and_an_iteration_without_an_anchor_match_is_not_measured(finished):
    progress = finished.record("iteration_report", 1).data["progress"]
    assert progress["points"] == [] and progress["anchor"] is None, "the current player is the anchor itself"
    costs = {cost["phase"]: cost for cost in progress["costs"]}
    spent = [finished.record("selfplay_games", iteration).provenance["cpu_s"] for iteration in (0, 1)]
    assert costs["selfplay"]["cpu_s"] == spent[1] > 0
    assert abs(costs["selfplay"]["cpu_s_so_far"] - sum(spent)) < 0.01 and costs["training"]["cpu_s"] == 0
    text = (finished.home.reports / CONFIG / "iter0001.html").read_text()
    assert "newest player: not measured" in text and f'alt="{PROGRESS_PICTURE}"' not in text
    assert "What the CPU time bought" in text and "what the first network lacks" in text


def test_a_match_against_the_anchor_of_any_iteration_so_far_makes_the_report_again_with_the_curve(finished):
    put_anchor(finished, 0, 20.0)
    put_anchor(finished, 1, 120.4)
    shown = metadata(finished.run(1, ["iteration_report"]), "iteration_report")
    assert not shown["reused"] and "data:image/svg+xml" in shown["progress"] and shown["elo_gained"] == "+0"
    assert len(shown["elo_over_anchor"].records) == 2
    page = (finished.home.reports / CONFIG / "iter0001.html").read_text()
    assert f'alt="{PROGRESS_PICTURE}"' in page and "newest player: +120 (+70 to no bound)" in page
    assert metadata(finished.run(1, ["iteration_report"]), "iteration_report")["reused"]


def test_cpu_time_is_shown_anew_and_does_not_change_what_the_report_is_known_by(finished):
    before = finished.record("iteration_report", 1)
    change_record(
        finished.runtime().store, "selfplay_games", CONFIG, 0, lambda record: record["provenance"].update(cpu_s=7200.0)
    )
    assert not metadata(finished.run(1, ["iteration_report"]), "iteration_report")["reused"]
    after = finished.record("iteration_report", 1)
    assert after.data["progress"]["costs"][0]["cpu_s_so_far"] > 7200 and after.content_digest == before.content_digest


def test_without_the_assets_above_the_step_says_what_to_materialize_first(graph):
    assert "incumbent hex8_2p|0000 is not in" in failure(graph.run(0, ["iteration_report"]))
