"""What a host must have follows from the kind of job, the board and the size of the network."""

import pytest

from resources.memory import SYSTEM_GB, WORKER_GB, job_gb, needed_gb
from ringrift.config import parse_config
from ringrift.contract import JobSpec
from ringrift.model_files import ModelFile
from ringrift.network.train_job import train_job
from ringrift.pipeline import Pipeline
from ringrift.selfplay import plan_jobs
from ringrift.strict import parse

MODEL = ModelFile(weights="0" * 64, path="models/a.safetensors", sha256="0" * 64)


def training(config: str = "square19_2p", **numbers: int) -> JobSpec:
    epochs = {"epochs": {"hex8_2p": 1}} if config == "hex8_2p" else {}
    pipeline = parse(Pipeline, {"training": numbers | epochs}, "test")
    return train_job(pipeline, config, 0, [{"path": "games.parquet", "sha256": "0" * 64}])


def selfplay(engine: str, config: str = "hexagonal_2p") -> JobSpec:
    job = {"name": "a", "config": config, "engine": engine, "games": 3}
    pipeline = parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test")
    [spec] = plan_jobs(pipeline, parse_config(config), 0, champion=MODEL).jobs
    return spec


def test_networks_need_more_than_other_players():
    assert job_gb(selfplay("heuristic-only")) == WORKER_GB < job_gb(selfplay("nn-only")) < 1.0


@pytest.mark.parametrize(
    ("config", "blocks", "channels", "measured"),
    [  # GB of `ringrift bench memory`; docs/scaling.md
        ("hex8_2p", 2, 32, 0.694),
        ("hex8_2p", 6, 64, 1.093),
        ("square8_2p", 2, 32, 0.660),
        ("square8_2p", 4, 64, 0.884),
        ("square8_2p", 6, 64, 0.977),
        ("square19_2p", 2, 32, 1.112),
        ("square19_2p", 4, 64, 2.365),
        ("square19_2p", 6, 64, 2.980),
        ("hexagonal_2p", 2, 32, 1.560),
        ("hexagonal_2p", 4, 64, 2.847),
        ("hexagonal_2p", 6, 64, 3.519),
    ],
)
def test_a_training_is_given_what_was_measured_and_not_much_more(config, blocks, channels, measured):
    needed = job_gb(training(config, blocks=blocks, channels=channels))
    assert measured < needed < measured + 0.8


def test_a_larger_batch_needs_more_and_the_largest_job_counts():
    small, large = training(batch_size=256), training(batch_size=512)
    assert job_gb(large) - WORKER_GB == pytest.approx(2 * (job_gb(small) - WORKER_GB))
    assert needed_gb([selfplay("random-only"), large, small]) == SYSTEM_GB + job_gb(large)
    assert needed_gb([]) == 0.0
