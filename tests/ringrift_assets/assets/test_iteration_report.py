"""The report: the documented summary, a page that stands alone, and the views made again."""

import json
import re

from resources.views.state import state_path
from tests.ringrift_assets.conftest import CONFIG, PLAYED, SKIPPED, checks, failure, metadata


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
    store = finished.runtime().store
    path = store.folder("tournament_games", CONFIG, 1) / "partition.json"
    record = json.loads(path.read_text())
    record["missing"] = {"matches": ["round_robin"]}
    path.write_text(json.dumps(record))
    found = checks(finished.run(1, ["iteration_report"]))["report_complete"]
    assert not found.passed and "partial: tournament_games" in (found.description or "")


def test_without_the_assets_above_the_step_says_what_to_materialize_first(graph):
    assert "incumbent hex8_2p|0000 is not in" in failure(graph.run(0, ["iteration_report"]))
