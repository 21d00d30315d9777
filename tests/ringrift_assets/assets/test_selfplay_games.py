"""Selfplay: what is stored, that it is stored once, and what happens when something is in the way."""

from collections.abc import Sequence

import pyarrow.parquet as pq

from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.home import Home
from ringrift import names
from ringrift.cli.stored_games import prove_stored
from ringrift.gamesets import dedup
from ringrift.gamesets.shards import read_shard
from ringrift.jobs.contract import JobSpec
from ringrift_assets.runs.dry_run import show_plans
from tests.ringrift_assets.conftest import CONFIG, PIPELINE, PLAYED, SKIPPED, checks, failure, metadata

GAMES = "games.parquet"


def test_the_planned_games_are_stored_in_game_order_and_a_missing_engine_is_reported(graph):
    result = graph.run(0, ["incumbent", "selfplay_games"])
    assert result.success
    record = graph.record("selfplay_games")
    games = read_shard(graph.runtime().store.path(record, GAMES))
    order = list(zip(games["job"].to_pylist(), games["game_index"].to_pylist(), strict=True))
    assert order == [("hex8_2p_heuristic", i) for i in range(3)] + [("hex8_2p_random", i) for i in range(6)]
    shown = metadata(result, "selfplay_games")
    assert shown["dagster/row_count"] == shown["planned"] == PLAYED
    assert [row["job"] for row in record.data["skipped"]] == [SKIPPED]
    assert shown["hosts"] == "local (3 jobs)" and shown["games_per_s"] > 0
    assert all(check.passed for check in checks(result).values())
    assert not list(graph.home.inbox.iterdir()), "pulled shards are dropped once their rows are stored"


def test_materializing_again_plays_nothing_and_has_the_same_content(played):
    before = played.record("selfplay_games")
    first = played.run(0, ["incumbent", "selfplay_games"])
    again = played.run(0, ["incumbent", "selfplay_games"])
    assert played.record("selfplay_games") == before and played.started() == []
    assert metadata(again, "selfplay_games")["reused"] is True
    tags = [
        {e.asset_key.path[-1]: e.materialization.tags["dagster/data_version"] for e in events}
        for events in (first.get_asset_materialization_events(), again.get_asset_materialization_events())
    ]
    assert tags[0] == tags[1] and tags[0]["selfplay_games"] == before.content_digest


def test_another_home_with_the_same_pipeline_has_the_same_content_and_data(played, graph_of, tmp_path):
    other = graph_of(Home(tmp_path / "other").prepare())
    other.run(0)
    for asset in ("incumbent", "selfplay_games", "training_db"):
        here, there = played.record(asset), other.record(asset)
        assert here.content_digest == there.content_digest and here.rows == there.rows
        assert here.data == there.data, "what other assets read holds no provenance"


def test_a_damaged_file_is_made_again_with_the_same_content(played):
    before = played.record("selfplay_games")
    path = played.runtime().store.path(before, GAMES)
    path.write_bytes(path.read_bytes()[:-10])
    assert played.run(0, ["selfplay_games"]).success
    after = played.record("selfplay_games")
    assert after.version == 2 and after.content_digest == before.content_digest
    assert played.started() == [], "the finished jobs were attached to, not played again"


class Hasty(Runtime):
    """A bench on which time runs out after the first jobs."""

    finished = 2

    def run(self, capability, specs: Sequence[JobSpec], **more) -> list[JobResult]:
        done = super().run(capability, specs[: self.finished], **more)
        late = specs[self.finished :]
        return done + [JobResult(s, "cancelled", "local", 1, [], None, "not finished") for s in late]


def test_when_time_runs_out_with_enough_games_the_partition_is_partial_and_the_next_run_plays_the_rest(graph):
    hasty = Hasty(graph.home, graph.pipeline, listener=graph.events.append)
    result = graph.run(0, ["incumbent", "selfplay_games"], runtime=hasty)
    assert result.success
    partial = graph.record("selfplay_games")
    assert partial.rows == 6 and partial.missing == {"games": {"hex8_2p_heuristic": [0, 1, 2]}}
    whole = checks(result)["whole"]
    assert not whole.passed and "3 of 9 games are missing; materialize again" in (whole.description or "")
    started = len(graph.started())
    [plan] = show_plans(graph.runtime(), [(0, {CONFIG: ["selfplay_games"]})])
    result = graph.run(0, ["selfplay_games"])
    after = graph.record("selfplay_games")
    assert after.rows == PLAYED and after.missing == {} and checks(result)["whole"].passed
    [chunk], [proof] = plan["jobs"], plan["other_jobs"]
    again, proved = graph.started()[started:]
    assert again == chunk["id"], "only the missing chunk was played"
    assert (proof["job"], proof["after"]) == (proved.split("-")[3], [chunk["job"]])
    assert after.provenance["proof"]["of"] == chunk["games"] == 3, "what was there was proved before"


def test_a_partial_partition_completed_later_has_the_content_of_one_made_at_once(graph, graph_of, tmp_path):
    graph.run(0, ["incumbent", "selfplay_games"], runtime=Hasty(graph.home, graph.pipeline))
    graph.run(0, ["selfplay_games"])
    other = graph_of(Home(tmp_path / "other").prepare())
    other.run(0, ["incumbent", "selfplay_games"])
    record = graph.record("selfplay_games")
    assert record.content_digest == other.record("selfplay_games").content_digest
    path = graph.runtime().store.path(record, names.GAMES_FILE)
    proofs = prove_stored([path], None, 0, None)
    assert {host: (proof.games, proof.problems) for host, proof in proofs.items()} == {"local": (PLAYED, [])}


def test_when_time_runs_out_with_too_few_games_the_step_fails_and_nothing_is_stored(graph):
    class Hastier(Hasty):
        finished = 1

    result = graph.run(0, ["incumbent", "selfplay_games"], runtime=Hastier(graph.home, graph.pipeline))
    assert "4 of 9 games are there, 6 are the least" in failure(result)
    assert graph.runtime().store.get("selfplay_games", CONFIG, 0) is None


def test_a_partition_that_another_run_is_writing_is_refused_with_its_run(graph):
    graph.run(0, ["incumbent"])
    with graph.runtime().store.claim("selfplay_games", CONFIG, 0, run="the-other-run"):
        result = graph.run(0, ["selfplay_games"])
    assert "is being written by run the-other-run" in failure(result)
    assert graph.started() == []


def test_a_smaller_plan_is_refused_before_anything_is_played_unless_it_is_meant(played):
    played.pipeline.write_text(played.pipeline.read_text() + "games_scale: 0.5\n")
    assert "has 9 rows and the new version 5" in failure(played.run(0, ["selfplay_games"]))
    assert played.started() == []
    assert played.run(0, ["selfplay_games"], allow_fewer_rows=True).success
    assert played.record("selfplay_games").rows == 5


def test_without_an_incumbent_the_step_says_what_to_materialize_first(graph):
    assert r"incumbent hex8_2p|0000 is not in" in failure(graph.run(0, ["selfplay_games"]))


def test_a_config_without_a_playable_job_fails_and_names_the_reason(graph):
    lines = [line for line in graph.pipeline.read_text().splitlines() if "_random" not in line]
    graph.pipeline.write_text("\n".join(line for line in lines if "_heuristic" not in line))
    text = failure(graph.run(0, ["incumbent", "selfplay_games"]))
    assert "no selfplay job of hex8_2p can be played" in text and SKIPPED in text


def test_a_failing_worker_fails_the_step_with_its_own_words(graph, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setattr("ringrift.jobs.folder.sys.executable", "/bin/false")
    assert "the worker ended with code 1" in failure(graph.run(0, ["incumbent", "selfplay_games"]))


def test_few_different_games_in_a_job_are_warned_about(graph, monkeypatch):
    real = dedup.dedup
    monkeypatch.setattr(dedup, "dedup", lambda table, known=None: (real(table)[0].slice(0, 2), None))
    found = checks(graph.run(0, ["incumbent", "selfplay_games"]))["unique_share"]
    assert not found.passed and found.severity.value == "WARN"
    assert "hex8_2p_random: 2 of 6" in (found.description or "")


def test_iterations_play_different_games(played):
    store = played.runtime().store
    paths = [store.path(played.record("selfplay_games", iteration), GAMES) for iteration in (0, 1)]
    first, second = (set(pq.read_table(path)["game_hash"].to_pylist()) for path in paths)
    assert len(first) == len(second) == PLAYED and not first & second


def test_an_iteration_plays_what_doubles_the_games_that_networks_learn_from(graph):
    sources = PIPELINE.replace("training: {", "training: {sources: [random-only, heuristic-only], ")
    graph.pipeline.write_text(sources + "loop: {growth: 2}\n")
    for iteration in (0, 1, 2):
        assert graph.run(iteration, ["incumbent", "selfplay_games"]).success
    played = [graph.record("selfplay_games", iteration).data for iteration in (0, 1, 2)]
    assert [data["games"] for data in played] == [9, 9, 18], "9 are the pipeline's numbers, then 18 are there"
    assert {job["job"]: job["games"] for job in played[2]["jobs"]} == {"hex8_2p_random": 12, "hex8_2p_heuristic": 6}
    [plan] = show_plans(graph.runtime(), [(3, {CONFIG: ["incumbent", "selfplay_games"]})])
    assert plan["games"] == 36
    first, second = show_plans(graph.runtime(), [(n, {CONFIG: ["incumbent", "selfplay_games"]}) for n in (3, 4)])
    assert (first["games"], second["games"]) == (36, 72), "what the run itself will have played counts"
