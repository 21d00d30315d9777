"""The matches of an iteration: what is stored, what is skipped, time that runs out, games nobody planned."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from resources.runner.events import JobResult
from resources.runtime import Runtime
from resources.store.home import Home
from resources.store.trust import let_back
from ringrift.gamesets.game_hash import hash_game
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs.contract import JobSpec
from ringrift.stats.pairing import choose_tables
from tests.ringrift_assets.conftest import CONFIG, MATCH_GAMES, checks, failure, metadata

GAMES = "games.parquet"


def test_matches_are_stored_with_scores_and_what_cannot_be_played_with_its_reason(finished):
    data = finished.record("tournament_games").data
    assert [(m["match"], m["kind"], m["games"], m["whole"]) for m in data["matches"]] == [
        ("Heuristic_D2_vs_Heuristic_D3", "matchup", 4, True),
        ("round_robin", "round_robin", 12, True),
    ]
    assert data["games"] == MATCH_GAMES and data["rejected"] == {}
    reasons = {entry["match"]: entry["reason"] for entry in data["skipped"]}
    assert reasons["candidate"].startswith("no candidate: ") and "of 1000 games are there" in reasons["candidate"]
    assert reasons["tier_D2"] == "D2 is the highest tier"
    assert "engine NN is not available" in reasons["Heuristic_D5_vs_NN_D6"]
    first = data["matches"][0]["entrants"][0]
    assert data["participants"][first["key"]]["name"] == "Heuristic_D2" and 0 <= first["score"] <= 1
    assert data["participants"][first["key"]]["participant"]["engine"] == "heuristic"


def test_there_is_something_to_look_at_and_the_games_lie_in_the_logs(finished):
    result = finished.run(0, ["tournament_games"])
    shown = metadata(result, "tournament_games")
    assert shown["reused"] and shown["dagster/row_count"] == MATCH_GAMES
    assert shown["end_of_longest_game"].startswith("![") and len(shown["end_of_longest_game"]) < 1000
    assert len(shown["matches"].records) == 2 and len(shown["skipped"].records) == 4
    assert all(check.passed for check in checks(result).values()) and set(checks(result)) == {
        "whole",
        "all_games_verify",
        "equal_time",
    }
    log = finished.home.logs / "tournaments" / "iter0" / f"{CONFIG}.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == MATCH_GAMES and all(hash_game(line) == line["game_hash"] for line in lines)


def test_materializing_again_plays_nothing_and_iterations_play_different_games(finished):
    before = finished.record("tournament_games")
    assert finished.run(0, ["tournament_games"]).success
    assert finished.record("tournament_games") == before and finished.started() == []
    store = finished.runtime().store
    paths = [store.path(finished.record("tournament_games", iteration), GAMES) for iteration in (0, 1)]
    first, second = (set(pq.read_table(path)["game_hash"].to_pylist()) for path in paths)
    assert first and not first & second


def test_later_round_robins_play_the_tables_that_tell_most_by_the_ratings_before(finished):
    store = finished.runtime().store
    first, second = (
        {e["key"]: e["seats"] for e in finished.record("tournament_games", n).data["matches"][1]["entrants"]}
        for n in (0, 1)
    )
    assert first == dict.fromkeys(first, 6), "nobody is rated yet: each pair meets once"
    assert sum(second.values()) == sum(first.values()) and second.keys() <= first.keys()
    ratings = finished.record("elo_ratings")
    fit = json.loads(store.path(ratings, "fit.json").read_text())
    pairs = choose_tables(np.array(fit["ratings"]), np.array(fit["covariance"]), players=2, count=6)
    seats = Counter(fit["participants"][i] for pair in pairs for i in pair)
    assert second == {key: 2 * times for key, times in seats.items()}


class Hasty(Runtime):
    """A bench on which time runs out after the first job of the matches."""

    finished = 1

    def run(self, capability, specs: Sequence[JobSpec], **more) -> list[JobResult]:
        if capability is None:
            return super().run(capability, specs, **more)
        done = super().run(capability, specs[: self.finished], **more)
        late = specs[self.finished :]
        return done + [JobResult(s, "cancelled", "local", 1, [], None, "not finished") for s in late]


def test_when_time_runs_out_whole_matches_are_kept_and_the_next_run_plays_the_others(graph, graph_of, tmp_path):
    graph.start()
    hasty = Hasty(graph.home, graph.pipeline, listener=graph.events.append)
    result = graph.run(0, ["tournament_games"], runtime=hasty)
    assert result.success
    partial = graph.record("tournament_games")
    assert partial.rows == 4 and partial.missing == {"matches": ["round_robin"]}
    whole = checks(result)["whole"]
    assert not whole.passed and whole.severity.value == "WARN" and "round_robin" in (whole.description or "")
    started = len(graph.started())
    assert graph.run(0, ["tournament_games"]).success
    after = graph.record("tournament_games")
    assert after.rows == MATCH_GAMES and after.missing == {}
    names = [job.split("-")[3] for job in graph.started()[started:]]
    assert names == ["round_robin", "prove", "match_results"], "only the match that was not whole was played"
    other = graph_of(Home(tmp_path / "other").prepare())
    other.start()
    other.run(0, ["tournament_games"])
    there = other.record("tournament_games")
    assert after.content_digest == there.content_digest and after.data == there.data


def test_when_no_match_is_whole_the_step_fails_and_nothing_is_stored(graph):
    class Hastier(Hasty):
        finished = 0

    graph.start()
    result = graph.run(0, ["tournament_games"], runtime=Hastier(graph.home, graph.pipeline))
    assert "none of the 2 matches is whole (not finished); materialize again" in failure(result)
    assert graph.runtime().store.get("tournament_games", CONFIG, 0) is None


class Forging(Runtime):
    """A bench with a game that was not played like that: after the jobs of a kind, winner and loser are exchanged."""

    after = "tournament"
    shard: Path

    def run(self, capability, specs: Sequence[JobSpec], **more) -> list[JobResult]:
        results = super().run(capability, specs, **more)
        if capability is not None:
            self.shard = results[0].shards[0]
        if specs[0].kind == self.after:
            rows = read_shard(self.shard).to_pylist()
            rows[0]["ranking"] = rows[0]["ranking"][::-1]
            rows[0]["winner"] = 3 - rows[0]["winner"]
            write_shard(self.shard, pa.Table.from_pylist(rows, schema=read_shard(self.shard).schema))
        return results


def test_a_host_that_brings_a_forged_result_is_set_apart_and_nothing_is_stored(graph):
    graph.start()
    runtime = Forging(graph.home, graph.pipeline, listener=graph.events.append)
    result = graph.run(0, ["tournament_games", "elo_ratings"], runtime=runtime)
    assert "local: it is set apart: 1 of 4 games do not hold, wrong_winner: " in failure(result)
    [aside] = (graph.home.root / "set_aside").iterdir()
    assert aside.name.split("-")[3] == "Heuristic_D2_vs_Heuristic_D3"
    for asset in ("tournament_games", "elo_ratings"):
        assert graph.runtime().store.get(asset, CONFIG, 0) is None
    let_back(graph.home, "local")
    assert graph.run(0, ["tournament_games"]).success
    assert graph.record("tournament_games").rows == MATCH_GAMES, "the job that did not hold was played anew"


def test_a_result_forged_after_the_proof_does_not_count_and_stops_everything_that_would_be_made_from_it(graph):
    graph.start()
    runtime = Forging(graph.home, graph.pipeline, listener=graph.events.append)
    runtime.after = "prove"
    result = graph.run(0, ["tournament_games", "elo_ratings"], runtime=runtime)
    found = checks(result)["all_games_verify"]
    assert not found.passed and "1 games are not the planned ones (wrong_winner: 1)" in (found.description or "")
    assert graph.record("tournament_games").rows == MATCH_GAMES - 1
    assert graph.runtime().store.get("elo_ratings", CONFIG, 0) is None


def test_without_an_incumbent_the_step_says_what_to_materialize_first(graph):
    assert r"incumbent hex8_2p|0000 is not in" in failure(graph.run(0, ["tournament_games"]))
