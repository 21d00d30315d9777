"""Dagster's SQLite storage with its engines kept: the same files, read and written by Dagster's own class too."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance import InstanceRef
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage

from resources import sqlite_storage
from resources.sqlite_storage import Engines, RunStorage
from resources.store.home import Home


@dg.asset
def thing() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"number": 3})


def instance_of(home: Home, plain: bool) -> dg.DagsterInstance:
    if plain:
        (home.dagster / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home.dagster)))


@pytest.mark.parametrize("plain_first", [True, False])
def test_a_home_can_go_from_dagsters_own_storage_to_this_one_and_back(home: Home, monkeypatch, plain_first: bool):
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    for number, plain in enumerate((plain_first, not plain_first)):
        home.prepare()
        with instance_of(home, plain) as instance:
            assert type(instance.run_storage) is (SqliteRunStorage if plain else RunStorage)
            assert dg.materialize([thing], instance=instance).success
            assert len(instance.get_runs()) == number + 1
            records = instance.fetch_materializations(thing.key, limit=9).records
            assert [record.asset_materialization.metadata["number"].value for record in records] == [3] * (number + 1)
            assert all(instance.all_logs(run.run_id) for run in instance.get_runs())
            assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}


def test_the_engines_of_the_databases_used_last_are_kept(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sqlite_storage, "ENGINES", 2)
    engines = Engines()
    first, second = engines.of("sqlite:///a.db"), engines.of("sqlite:///b.db")
    assert engines.of("sqlite:///a.db") is first
    engines.of("sqlite:///c.db")
    assert engines.of("sqlite:///a.db") is first and engines.of("sqlite:///b.db") is not second
