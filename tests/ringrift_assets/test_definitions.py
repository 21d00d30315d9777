"""The graph as a whole: what it is, that it loads light, and that it has no cycle through the store."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from resources.profile_sync import Delivery
from resources.store.home import REPOSITORY
from resources.store.store import Store
from ringrift.gamesets.schema import SCHEMA_VERSION
from ringrift.network.card import CARD_VERSION
from ringrift.network.layout import ENCODER_VERSION
from ringrift.players.search.value_net import VALUE_ENCODER_VERSION
from ringrift.rules.replay import RULES_VERSION
from ringrift.stats.sprt import GATE_VERSION
from ringrift_assets.definitions import ITERATION, JOBS, defs
from ringrift_assets.runs.dry_run import EARLIER

JUDGED_FROM = ("incumbent", "heuristic_profiles", "trained_model", "tournament_games", "elo_ratings")
SNAPSHOT = Path(__file__).with_name("specs.json")
HEAVY = ("torch", "onnxruntime", "numba", "pandas", "pyarrow", "duckdb", "paramiko")


def specs() -> dict:
    """What a change of the graph changes, in words."""
    graph = defs.resolve_asset_graph()
    assets = {}
    for spec in sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key):
        node = graph.get(spec.key)
        assets[spec.key.to_user_string()] = {
            "group": spec.group_name,
            "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            "kinds": sorted(spec.kinds),
            "owners": list(spec.owners),
            "code_version": spec.code_version,
            "partitions": sorted(spec.partitions_def.partition_dimension_names) if spec.partitions_def else [],
            "checks": sorted(key.name for key in node.check_keys),
            "description": (spec.description or "").splitlines()[0],
        }
    jobs = {
        job.name: sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)
        for job in map(defs.resolve_job_def, JOBS)
    }
    return {"assets": assets, "jobs": jobs}


def test_the_definitions_are_valid():
    dg.Definitions.validate_loadable(defs)


def test_a_change_of_the_graph_shows_in_review():
    """After a change that is meant: python -m tests.ringrift_assets.test_definitions, and look at the difference."""
    assert specs() == json.loads(SNAPSHOT.read_text())


def test_every_asset_has_what_a_user_needs_to_understand_it():
    for spec in defs.resolve_all_asset_specs():
        assert spec.group_name and spec.kinds and spec.owners and spec.code_version
        assert len(spec.description or "") > 100, f"{spec.key} says too little of itself"
    for asset in defs.assets or ():
        assert asset.op.retry_policy is None, "with one, terminating a run would start its step over"


def test_code_versions_follow_the_versions_of_schema_and_rules():
    versions = {spec.key.path[-1]: spec.code_version for spec in defs.resolve_all_asset_specs()}
    expected = f"game-set-{SCHEMA_VERSION}/{RULES_VERSION}"
    assert versions["selfplay_games"] == versions["training_db"] == expected
    assert versions["cmaes_profile"] == f"cmaes-1/gate-{GATE_VERSION}"
    assert versions["heuristic_profiles"] == f"profiles-1/gate-{GATE_VERSION}"
    assert versions["tournament_games"] == f"{expected}/gate-{GATE_VERSION}"
    encoders = f"encoder-{ENCODER_VERSION}/value-{VALUE_ENCODER_VERSION}"
    assert versions["trained_model"] == f"card-{CARD_VERSION}/{encoders}/{RULES_VERSION}"


def test_loading_the_graph_imports_nothing_heavy():
    code = f"""
import sys, ringrift_assets.definitions
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_workspace_file_loads(tmp_path):
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_a_step_reads_from_the_store_is_upstream_in_the_graph_or_of_an_earlier_iteration(finished, monkeypatch):
    reads: list[tuple[str, int]] = []
    real = Store.get

    def spy(self: Store, asset: str, config: str, iteration: int):
        reads.append((asset, iteration))
        return real(self, asset, config, iteration)

    monkeypatch.setattr(Store, "get", spy)
    # The views show the whole store and nothing is made from them.
    monkeypatch.setattr(sys.modules["ringrift_assets.assets.iteration_report"], "refresh", lambda home: None)
    monkeypatch.setattr(sys.modules["ringrift_assets.assets.heuristic_profiles"], "send_profiles", lambda b: Delivery())
    asset_graph = defs.resolve_asset_graph()
    found = {}
    for asset in ITERATION:
        reads.clear()
        assert finished.run(2, [asset]).success
        upstream = {key.path[-1] for key in asset_graph.get_ancestor_asset_keys(dg.AssetKey(asset))}
        for name, iteration in reads:
            own = (name, iteration) == (asset, 2)
            assert own or iteration < 2 or (iteration == 2 and name in upstream), (asset, name, iteration)
        found[asset] = {f"{name} {iteration}" for name, iteration in reads}
        assert {name for name, iteration in reads if iteration < 2} == set(EARLIER.get(asset, ()))
    assert found == {
        "incumbent": {"tier_assignment 0", "tier_assignment 1", "incumbent 2"},
        "selfplay_games": {"incumbent 2", "selfplay_games 2"},
        "training_db": {
            "selfplay_games 2",
            *(f"{asset} {iteration}" for asset in ("training_db", "tournament_games") for iteration in (0, 1)),
            "training_db 2",
        },
        "cmaes_profile": {"incumbent 2", "cmaes_profile 2"},
        "trained_model": {"incumbent 2", "trained_model 2", *(f"training_db {iteration}" for iteration in (0, 1, 2))},
        "heuristic_profiles": {"incumbent 2", "cmaes_profile 2", "heuristic_profiles 2"},
        "tournament_games": {
            *(f"incumbent {iteration}" for iteration in (0, 1, 2)),
            "heuristic_profiles 2",
            *(f"trained_model {iteration}" for iteration in (0, 1, 2)),
            "elo_ratings 0",
            "elo_ratings 1",
            "tournament_games 2",
        },
        "elo_ratings": {
            "incumbent 2",
            "heuristic_profiles 2",
            *(f"{asset} {iteration}" for asset in ("tournament_games", "elo_ratings") for iteration in (0, 1, 2)),
        },
        "tier_assignment": {
            *(f"{asset} 2" for asset in JUDGED_FROM),
            "tier_assignment 2",
        },
        "iteration_report": {
            *(f"{asset} 2" for asset in ITERATION),
            *(f"{asset} {iteration}" for asset in EARLIER["iteration_report"] for iteration in (0, 1)),
        },
    }


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(specs(), indent=1, sort_keys=True) + "\n")
