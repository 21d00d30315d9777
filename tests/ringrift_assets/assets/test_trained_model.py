"""The model of an iteration: trained for real on a small board, kept, judged, found again; or said to be too early."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from typer import Typer
from typer.testing import CliRunner

from resources.models.registry import Registry
from resources.store.home import Home
from ringrift.cli.gate import gate_app
from ringrift.config import Config
from ringrift.errors import InvalidInput
from ringrift.gamesets.shards import read_shard, write_shard
from ringrift.jobs.contract import file_sha256
from ringrift.network.tensors import load_model
from ringrift.network.value.files import load_value_network
from ringrift.planning import matches as evaluation
from ringrift.players.participant import Participant, participant
from ringrift.stats.evidence import verify_evidence
from ringrift_assets.cli import models as cli_models
from ringrift_assets.runs.dry_run import show_plans
from ringrift_assets.steps.proofs import evidence_problems
from tests.resources.model_makers import put_record
from tests.resources.sample_contents import RATING, sample
from tests.ringrift.conftest import HEX8, play
from tests.ringrift.network.nets import save_model
from tests.ringrift_assets.assets.test_incumbent import put_verdict
from tests.ringrift_assets.conftest import CONFIG, PIPELINE, Graph, checks, failed, failure, metadata, untuned

UNTRAINED = "training: {min_games: {hex8_2p: 1000}, epochs: {hex8_2p: 1}}\n"
TRAINING = """
training:
  {kind: policy_value, blocks: 2, channels: 8, batch_size: 64, max_row_uses: 2, device: cpu, soft_share: 0.9,
   min_games: {hex8_2p: 20}, epochs: {hex8_2p: 2}}
"""
VALUE_TRAINING = """
training:
  {device: cpu, min_games: {hex8_2p: 20}, value: {batch_size: 64, max_row_uses: 2, epochs: 2}}
"""


def collect(graph: Graph, iteration: int, games: pa.Table) -> None:
    """Store games as the iteration's selfplay and make its training set."""
    graph.pipeline.write_text(PIPELINE.replace(UNTRAINED, TRAINING))
    graph.run(iteration, ["incumbent"])
    graph.put_games(iteration, games)
    result = graph.run(iteration, ["training_db"])
    assert result.success, failure(result)


@pytest.fixture(scope="module")
def trained_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which iteration 0 has trained a model. Copy it, do not touch it."""
    folder = tmp_path_factory.mktemp("trained")
    home = Home(folder / "home").prepare()
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("RINGRIFT_HOME", str(home.root))
        graph = Graph(home, folder / "pipeline.yaml", instance)
        collect(graph, 0, play(HEX8, 30))
        result = graph.run(0, ["trained_model"])
        assert result.success, failure(result)
    return home


@pytest.fixture
def trained(home: Home, trained_home: Home, graph_of: Callable[[Home], Graph]) -> Graph:
    shutil.copytree(trained_home.root, home.root, dirs_exist_ok=True)
    graph = graph_of(home)
    graph.pipeline.write_text(PIPELINE.replace(UNTRAINED, TRAINING))
    return graph


def models(*arguments: object) -> tuple[int, str]:
    app = Typer()
    cli_models.register(app)
    result = CliRunner().invoke(app, ["models", *map(str, arguments)], catch_exceptions=False)
    return result.exit_code, result.stdout


def test_with_too_few_games_the_partition_says_so_a_check_warns_and_the_next_games_count(graph):
    collect(graph, 0, play(HEX8, 6))
    result = graph.run(0, ["trained_model"])
    assert result.success
    record = graph.record("trained_model")
    assert record.data["status"] == "not_enough_games" and record.rows == 0 and record.files == {}
    assert (record.data["have"], record.data["need"]) == (graph.record("training_db").rows, 20)
    found = checks(result)["enough_games"]
    assert not found.passed and found.severity.value == "WARN" and "of 20 games are there" in found.description
    assert Registry(graph.home).models() == []


def test_a_model_is_kept_with_its_card_its_figures_and_its_picture(trained):
    result = trained.run(0, ["trained_model"])
    assert result.success
    record = trained.record("trained_model")
    assert set(record.files) == {"model.safetensors", "model.json", "losses.svg"} and record.rows == 1
    assert record.content_digest == record.data["weights"], "a model's data version is its identity"
    shown = metadata(result, "trained_model")
    assert shown["reused"] and shown["model"] == f"{CONFIG}_iter0" and shown["parent"].startswith("none")
    assert shown["network"] == "policy_value" and shown["began_with"] == "random weights"
    assert shown["losses"].startswith("![") and len(shown["losses"]) < 1000
    assert {row.data["metric"] for row in shown["metrics"].records} >= {"loss", "policy", "value_mse"}
    assert shown["parameters"]["blocks"] == 2 and shown["games_upto_here"] == record.data["have"]
    net, card = load_model(trained.home.models / f"{CONFIG}_iter0.safetensors", HEX8)
    assert card.weights == record.data["weights"] and sum(p.numel() for p in net.parameters()) > 1000
    found = checks(result)
    assert {name for name, check in found.items() if not check.passed} <= {
        "soft_target_coverage",
        "better_than_constant",
    }
    assert not found["soft_target_coverage"].passed, "0.9 are asked for and random players do not search"
    assert found["enough_games"].passed and found["finite_metrics"].passed
    assert found["strong_sources"].passed and "not judged" in found["strong_sources"].description
    games = record.data["window"]["games"]
    assert sum(record.data["players"].values()) == 2 * games and shown["seats_by_player"] == record.data["players"]


def test_a_value_network_is_a_model_too_whose_parent_is_the_champion_and_whose_weights_are_its_own(trained):
    first = trained.record("trained_model").data
    put_verdict(trained, 0, **{**trained.record("incumbent").data, **champion_of(first)})
    collect(trained, 1, play(HEX8, 12, root_seed=8, iteration=1))
    trained.pipeline.write_text(PIPELINE.replace(UNTRAINED, VALUE_TRAINING))
    result = trained.run(1, ["trained_model"])
    assert result.success, failure(result)
    data, shown = trained.record("trained_model", 1).data, metadata(result, "trained_model")
    assert data["network"] == "value" == shown["network"] and data["soft_share"] is None
    assert data["parent"] == first["weights"] and shown["parent"] == first["model_id"]
    assert data["start_metrics"] is None and shown["began_with"] == "random weights"
    assert shown["parameters"]["width"] == 256 and shown["parameters"]["epochs"] == 2
    assert {row.data["metric"] for row in shown["metrics"].records} == {
        "loss",
        "value_mse",
        "value_mse_constant",
        "rows",
    }
    assert "soft_target_share" not in shown and shown["losses"].startswith("![")
    network = load_value_network(trained.home.models / f"{CONFIG}_iter1.safetensors", HEX8)
    assert network.weights == data["weights"]
    found = checks(result)
    assert found["soft_target_coverage"].passed and "not applicable" in found["soft_target_coverage"].description
    assert found["finite_metrics"].passed
    code, _ = models("lineage", f"{CONFIG}_iter1", "--verify", 3)
    assert code == 0


def champion_of(model: dict, player: Participant | None = None) -> dict:
    """A trained model as the champion in the data of an incumbent or a verdict."""
    player = player or participant("gumbel", HEX8, 9, model=model["weights"])
    names = {"champion": model["model_id"], "champion_weights": model["weights"]}
    return {**names, "champion_player": player.to_dict(), "champion_profile": None}


def test_a_network_that_learns_from_games_of_weak_players_is_warned_about(trained):
    first = trained.record("trained_model").data
    put_verdict(trained, 0, **{**trained.record("incumbent").data, **champion_of(first)})
    collect(trained, 1, play(HEX8, 12, root_seed=8, iteration=1))

    def judged() -> dg.AssetCheckEvaluation:
        result = trained.run(1, ["trained_model"])
        assert result.success, failure(result)
        return checks(result)["strong_sources"]

    assert "no ratings" in judged().description
    players = trained.record("trained_model", 1).data["players"]
    keys = {name.partition("#")[2]: name for name in players}
    rank = sorted(keys, key=lambda key: players[keys[key]])
    assert len(rank) > 2
    for rated, weak, passed in (
        (rank, rank[1:], False),
        (rank, rank[:1], True),
        (rank[:1], rank[:1], False),  # those without a rating are not judged
        ([], [], True),
    ):
        put_rated(trained, {key: 1000.0 if key in weak else 1300.0 for key in rated}, first["weights"], 1400.0)
        seats = {key: players[keys[key]] for key in rated}
        share = sum(seats[key] for key in weak) / max(1, sum(seats.values()))
        found = judged()
        assert found.passed == passed == (share <= 0.5) and found.severity.value == "WARN"
        if not rated:
            assert "no player of the window has a rating" in found.description
        elif not found.passed:
            assert f"{share:.0%} of the rated seats" in found.description and "training.sources" in found.description
    put_rated(trained, dict.fromkeys(rank, 1000.0), "b" * 64, 1400.0)
    assert "the champion has no rating" in judged().description


def put_rated(graph: Graph, ratings: dict[str, float], champion: str, strength: float) -> None:
    """Ratings after iteration 0 of some players by key, and of who plays with the network `champion`."""
    rows = [{**RATING, "key": key, "rating": value} for key, value in {**ratings, "c" * 16: strength}.items()]
    networks = {"c" * 16: {"engine": "descent", "value_model": champion}}
    people = {row["key"]: {"name": row["key"], "participant": networks.get(row["key"], {})} for row in rows}
    data = sample("elo_ratings", ratings=rows, participants=people)
    put_record(graph.runtime().store, "elo_ratings", CONFIG, 0, data)


def test_the_next_model_descends_from_the_champion_and_is_judged_beside_it(trained):
    first = trained.record("trained_model").data
    name = first["model_id"]
    put_verdict(trained, 0, **{**trained.record("incumbent").data, **champion_of(first)})
    collect(trained, 1, play(HEX8, 12, root_seed=8, iteration=1))
    result = trained.run(1, ["trained_model"])
    assert result.success, failure(result)
    second = trained.record("trained_model", 1).data
    assert second["parent"] == first["weights"] and second["have"] > first["have"]
    shown = metadata(result, "trained_model")
    assert shown["parent"] == name and shown["began_with"] == "the parent's weights"
    rows = {row.data["metric"]: row.data["parent"] for row in metadata(result, "trained_model")["metrics"].records}
    assert float(rows["loss"]) > 0
    registry = Registry(trained.home)
    assert [m.model_id for m in registry.lineage(f"{CONFIG}_iter1")] == [f"{CONFIG}_iter1", f"{CONFIG}_iter0"]
    registry.deprecate(name, "a test")
    trained.run(1, ["incumbent"])
    assert trained.record("incumbent", 1).data["champion"] is None
    assert trained.run(1, ["trained_model"]).success
    again = trained.record("trained_model", 1).data
    assert again["parent"] is None and again["start_metrics"] is None, "it was trained again, from random weights"


def test_a_tower_begins_anew_after_a_champion_of_the_other_kind(trained):
    first = trained.record("trained_model").data
    champion = champion_of(first, replace(participant("descent", HEX8, 5), value_model=first["weights"]))
    put_verdict(trained, 0, **{**trained.record("incumbent").data, **champion})
    collect(trained, 1, play(HEX8, 12, root_seed=8, iteration=1))
    result = trained.run(1, ["trained_model"])
    assert result.success, failure(result)
    data = trained.record("trained_model", 1).data
    assert data["parent"] == first["weights"] and data["start_metrics"] is None


def test_the_games_of_a_model_can_be_played_again_and_forgery_shows(trained):
    name = f"{CONFIG}_iter0"
    code, text = models("lineage", name, "--verify", 5, "--json")
    found = json.loads(text)["verify"]
    assert (code, found["replayed"], found["problems"]) == (0, 5, []) and found["games"] >= 20
    games = found["games"]
    code, text = models("lineage", name, "--verify", games)
    assert code == 0 and text.splitlines()[-1] == f"{games} of {games} games replayed exactly"
    store = trained.runtime().store
    path = store.path(trained.record("training_db"), "games.parquet")
    forged = forge(path)
    code, text = models("lineage", name, "--verify", 5)
    assert code == 1 and f"{path} is not the file that the model was trained on" in text
    card = store.path(trained.record("trained_model"), "model.json")  # a forger who mends the card as well
    held = json.loads(card.read_text())
    held["window"]["files"] = [{**entry, "sha256": file_sha256(path)} for entry in held["window"]["files"]]
    card.write_text(json.dumps(held))
    code, text = models("lineage", name, "--verify", games)
    assert code == 1 and f"game {forged}: " in text and f"{games - 1} of {games} games replayed exactly" in text
    path.unlink()
    code, text = models("lineage", name, "--verify", 5)
    assert code == 1 and f"{path} is not there" in text


def forge(path: Path) -> str:
    """Give one game of a shard the moves of another; returns its hash."""
    table = read_shard(path)
    rows = table.to_pylist()
    rows[0]["moves"] = rows[1]["moves"]
    write_shard(path, pa.Table.from_pylist(rows, schema=table.schema))
    return rows[0]["game_hash"]


def test_two_models_of_a_config_are_compared_and_others_refused(home, tmp_path, monkeypatch):
    monkeypatch.setenv("RINGRIFT_HOME", str(home.root))
    registry = Registry(home)
    for name, seed, config in (("one", 1, HEX8), ("two", 2, HEX8), ("again", 1, HEX8), ("wide", 3, Config("hex8", 3))):
        save_model(tmp_path / f"{name}.safetensors", config, seed)
        registry.register(name, tmp_path / f"{name}.safetensors", config.key)
    options = ("--simulations", 2, "--games", 32)
    code, text = models("compare", "one", "two", *options, "--json", "--save", tmp_path / "games.parquet")
    found = json.loads(text)
    assert code == 0 and found["config"] == CONFIG and found["whole"]
    assert [player["participant"]["model"] for player in found["players"]] == [
        registry.get(name).weights for name in ("one", "two")
    ]
    assert sum(player["score"] for player in found["players"]) == pytest.approx(1.0)
    assert found["gate"]["verdict"]["outcome"] in ("promoted", "rejected", "inconclusive")
    assert verify_evidence(json.loads((tmp_path / "games.gate.json").read_text())) == []
    code, text = models("compare", "one", "two", *options)
    score = f"{found['players'][0]['score']:.3f}"
    assert code == 0 and score in text and f"gate: {found['gate']['verdict']['outcome']} after" in text
    for other in ("again", "wide"):
        with pytest.raises(InvalidInput, match="give two different models of one config"):
            models("compare", "one", other, *options)


def test_an_export_can_be_played_with(trained, tmp_path):
    code, _ = models("export", f"{CONFIG}_iter0", tmp_path / "server")
    assert code == 0 and load_model(tmp_path / "server" / "model.safetensors", HEX8)[1].config == CONFIG
    assert json.loads((tmp_path / "server" / "profile.json").read_text())["profile"] == "heuristic_v1_balanced"


def test_a_config_outside_the_nine_must_be_named(trained):
    trained.pipeline.write_text(PIPELINE.replace(UNTRAINED, ""))
    assert "training.min_games: 'hex8_2p' is not allowed; name this config" in failure(
        trained.run(0, ["trained_model"])
    )


# --- candidate and champion ---------------------------------------------------------------------------------

EVALUATION = ("tournament_games", "elo_ratings", "tier_assignment")
MATCHES_OLD, MATCHES_NEW = "gate: {max_blocks: 16}", "gate: {min_blocks: 4, max_blocks: 24, elo1: 150}"


@pytest.fixture
def judged(trained: Graph, monkeypatch: pytest.MonkeyPatch) -> Graph:
    """The graph with short gates, and a random player in the place of the reference search."""
    text = PIPELINE.replace(UNTRAINED, TRAINING).replace(MATCHES_OLD, MATCHES_NEW)
    trained.pipeline.write_text(text.replace("evaluation:\n", "evaluation:\n  network_simulations: 8\n"))

    def weak(pipeline, config, profile, profiles=None, champion=None):
        return champion or participant("random", config, 1)

    monkeypatch.setattr(evaluation, "current_player", weak)
    return trained


def test_a_candidate_that_beats_the_reference_becomes_champion_and_plays_from_the_next_iteration_on(judged):
    model = judged.record("trained_model").data
    put_untuned(judged)
    result = judged.run(0, EVALUATION)
    assert result.success, failure(result)
    assert failed(result) == {"equal_time"}, "the stand-in of the reference takes no time at all"
    verdict = judged.record("tier_assignment").data["verdicts"]["champion"]
    assert verdict["promoted"] and verdict["now"] == model["model_id"] and verdict["before"] is None
    assert verdict["reason"].startswith("candidate_vs_reference: promoted after")
    store = judged.runtime().store
    path = store.path(judged.record("tier_assignment"), "champion_evidence.json")
    held = json.loads(path.read_text())
    assert held["purpose"] == "champion" and held["candidate"]["hashes"]["model"] == model["weights"]
    assert verify_evidence(held) == []
    [problem] = evidence_problems(path, held["digest"], promoted=True, candidate="a" * 64, kind="model")
    assert problem == f"the candidate played model {model['weights']}, not {'a' * 64}"
    rating = Registry(judged.home).best(CONFIG)
    assert rating and rating.weights == model["weights"] and rating.rating > 1000
    _its_export_proves_itself(judged, model)
    _the_champion_plays(judged, model)


def _its_export_proves_itself(graph: Graph, model: dict) -> None:
    """What a stranger does: he has nothing but the exported folder."""
    folder = graph.pipeline.parent / "exported"
    files = Registry(graph.home).export(model["model_id"], folder)
    assert {path.name for path in files if path.parent == folder / "certificate"} >= {"gate.json", "games.parquet"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RINGRIFT_HOME", str(folder / "nothing"))
        command = ["verify", str(folder / "certificate" / "gate.json"), "--share", "1", "--json"]
        found = CliRunner().invoke(gate_app, command, catch_exceptions=False)
    checked = json.loads(found.stdout)["checked"]
    assert found.exit_code == 0 and checked["planned"] and checked["proved"] == checked["games"] > 0


def put_untuned(graph: Graph) -> None:
    """The profile of iteration 0 as a search without a better one leaves it."""
    tuned = untuned(graph.record("incumbent").data)
    put_record(graph.runtime().store, "heuristic_profiles", CONFIG, 0, tuned)


def test_a_judged_iteration_stays_as_it_is_when_its_model_is_deprecated_and_the_next_one_plays_without_it(judged):
    put_untuned(judged)
    assert judged.run(0, EVALUATION).success
    made = ("incumbent", *EVALUATION)
    before, model = [judged.record(asset) for asset in made], judged.record("trained_model").data
    assert judged.record("tier_assignment").data["champion"] == model["model_id"]
    Registry(judged.home).deprecate(model["model_id"], "a test")
    judged.events.clear()
    result = judged.run(0, made)
    assert all(metadata(result, asset)["reused"] for asset in made) and judged.started() == []
    assert [judged.record(asset) for asset in made] == before, "the same jobs, digests and versions"
    [plan] = show_plans(judged.runtime(), [(0, {CONFIG: made})])
    assert {match["id"] for match in plan["matches"]} == {match["job"] for match in before[1].data["matches"]}

    judged.start(1)
    assert judged.record("incumbent", 1).data["champion"] is None, "the only champion is deprecated"
    assert judged.run(1, ["tournament_games"]).success
    data = judged.record("tournament_games", 1).data
    assert model["weights"] not in {entry["participant"].get("model") for entry in data["participants"].values()}
    [reason] = [entry["reason"] for entry in data["skipped"] if entry["match"].startswith("round_robin with Gumbel")]
    assert "it is deprecated" in reason


def _the_champion_plays(graph: Graph, model: dict) -> None:
    """The next iteration: nn-only games with the champion, and a candidate that is the champion skips the gate."""
    graph.pipeline.write_text(graph.pipeline.read_text().replace("epochs: {hex8_2p: 2}", "epochs: {hex8_2p: 1}"))
    result = graph.run(1)
    assert result.success, failure(result)
    assert graph.record("incumbent", 1).data["champion_weights"] == model["weights"]
    played = {job["job"]: job["games"] for job in graph.record("selfplay_games", 1).data["jobs"]}
    assert played["hex8_2p_nn"] == 5 and graph.record("selfplay_games", 1).data["skipped"] == []
    graph.start(1)
    put_model_record(graph, model)
    graph.run(1, EVALUATION)
    skipped = {entry["match"]: entry["reason"] for entry in graph.record("tournament_games", 1).data["skipped"]}
    assert "the candidate is the champion, weight for weight" in skipped["candidate"]
    after = graph.record("tier_assignment", 1).data
    assert (after["champion"], after["champion_weights"]) == (model["model_id"], model["weights"])


def put_model_record(graph: Graph, model: dict) -> None:
    """The same weights as the model of iteration 1."""
    store = graph.runtime().store
    source = store.path(graph.record("trained_model"), "model.safetensors").parent

    def files(folder):
        for name in ("model.safetensors", "model.json"):
            shutil.copyfile(source / name, folder / name)

    put_record(store, "trained_model", CONFIG, 1, {**model, "parent": model["weights"]}, files)
