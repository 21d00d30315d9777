"""An iteration on PostgreSQL beside the one on SQLite: the store is the same, only Dagster's own records move."""

import dagster as dg
import pytest

from resources.store.home import HOME_VARIABLE, INSTANCE_VARIABLE, REPOSITORY, Home
from resources.store.store import Store
from ringrift.errors import MissingInput
from ringrift_assets.runs.iteration import open_instance, run_iteration
from tests.ringrift_assets.conftest import CONFIG, PIPELINE

pytest_plugins = ["tests.postgres"]

POSTGRES_YAML = REPOSITORY / "config" / "dagster.postgres.yaml"


@pytest.mark.slow
def test_an_iteration_runs_and_is_found_again_on_postgres_with_the_content_it_has_on_sqlite(
    tmp_path, postgres, finished_home, monkeypatch
):
    for name, value in postgres.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(INSTANCE_VARIABLE, str(POSTGRES_YAML))
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    home = Home(tmp_path / "home")
    monkeypatch.setenv(HOME_VARIABLE, str(home.root))
    [outcome] = run_iteration([CONFIG], 0, tmp_path / "pipeline.yaml", home)
    assert outcome.ok, outcome.error
    with open_instance(home) as instance:
        assert type(instance.event_log_storage).__module__.startswith("dagster_postgres")
        assert instance.get_run_by_id(outcome.run).status == dg.DagsterRunStatus.SUCCESS
        event = instance.get_latest_materialization_event(dg.AssetKey("training_db"))
        assert event.dagster_event.partition == f"{CONFIG}|0000"
    on_sqlite = Store(finished_home.store)
    assert {"selfplay_games", "training_db"} <= set(outcome.records)
    for asset, record in outcome.records.items():
        assert record.content_digest == on_sqlite.need(asset, CONFIG, 0).content_digest, asset


def test_the_environment_chooses_the_instance_file_and_a_wrong_path_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(INSTANCE_VARIABLE, str(POSTGRES_YAML))
    assert (Home(tmp_path).prepare().dagster / "dagster.yaml").read_bytes() == POSTGRES_YAML.read_bytes()
    monkeypatch.setenv(INSTANCE_VARIABLE, str(tmp_path / "nowhere.yaml"))
    with pytest.raises(MissingInput, match="mend or unset RINGRIFT_DAGSTER_CONFIG"):
        Home(tmp_path).prepare()


def test_both_instance_files_differ_in_their_storage_only():
    import yaml

    files = [
        yaml.safe_load((REPOSITORY / "config" / name).read_text()) for name in ("dagster.yaml", POSTGRES_YAML.name)
    ]
    assert files[0].pop("storage") != files[1].pop("storage") and files[0] == files[1]
