"""One whole iteration on each kind of Dagster instance: the store is the same, only Dagster's own records move."""

from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from resources.storage import HOME_VARIABLE, INSTANCE_VARIABLE, REPOSITORY, Home
from ringrift.errors import MissingInput
from ringrift_assets.run import PartitionOutcome, open_instance, run_iteration
from tests.assets.conftest import CONFIG, PIPELINE

pytest_plugins = ["tests.postgres"]

POSTGRES_YAML = REPOSITORY / "config" / "dagster.postgres.yaml"
STORAGE_MODULES = {"sqlite": "dagster._core.storage", "postgres": "dagster_postgres"}


@pytest.fixture(scope="module")
def ran(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], tuple[Home, PartitionOutcome]]]:
    """Gives the home and the outcome of one iteration on a kind of instance, run once."""
    done: dict[str, tuple[Home, PartitionOutcome]] = {}
    with pytest.MonkeyPatch.context() as patch:

        def run(kind: str) -> tuple[Home, PartitionOutcome]:
            patch.delenv(INSTANCE_VARIABLE, raising=False)
            if kind == "postgres":
                for name, value in request.getfixturevalue("postgres").items():
                    patch.setenv(name, value)
                patch.setenv(INSTANCE_VARIABLE, str(POSTGRES_YAML))
            if kind not in done:
                folder: Path = tmp_path_factory.mktemp(kind)
                (folder / "pipeline.yaml").write_text(PIPELINE)
                home = Home(folder / "home")
                patch.setenv(HOME_VARIABLE, str(home.root))
                [outcome] = run_iteration([CONFIG], 0, folder / "pipeline.yaml", home)
                done[kind] = (home, outcome)
            return done[kind]

        yield run


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_iteration_runs_and_is_found_again_on_its_instance(ran, kind):
    home, outcome = ran(kind)
    assert outcome.ok, outcome.error
    with open_instance(home) as instance:
        assert type(instance.event_log_storage).__module__.startswith(STORAGE_MODULES[kind])
        assert instance.get_run_by_id(outcome.run).status == dg.DagsterRunStatus.SUCCESS
        event = instance.get_latest_materialization_event(dg.AssetKey("training_db"))
        assert event.dagster_event.partition == f"{CONFIG}|0000"


@pytest.mark.slow
def test_the_content_does_not_depend_on_the_instance(ran):
    digests = [{a: r.content_digest for a, r in ran(kind)[1].records.items()} for kind in ("sqlite", "postgres")]
    assert digests[0] == digests[1] and {"selfplay_games", "training_db"} <= set(digests[0])


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
    assert "storage" not in files[0] and files[1].pop("storage") and files[0] == files[1]
