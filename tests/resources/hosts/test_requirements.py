"""Disk space: the one policy, hosts that are passed over, and disks that really fill up."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.hosts.host import Host
from resources.hosts.requirements import (
    GIB,
    JOB_BYTES,
    MIB,
    OTHER_BYTES,
    SYSTEM_GB,
    WORKER_GB,
    DiskFull,
    DiskPolicy,
    needed_gb,
    needs,
    shown,
)
from resources.transports.local import LocalTransport
from ringrift.config import parse_config
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.inputs import InputFile, ModelFile
from ringrift.planning.incumbent import Champion, baseline_incumbent
from ringrift.planning.jobs import train_job
from ringrift.planning.pipeline import Pipeline
from ringrift.planning.selfplay import SelfplayInputs, plan_jobs
from ringrift.players.participant import participant
from ringrift.strict import parse
from tests.resources.conftest import Bench
from tests.resources.kinds import toy

POLICY = DiskPolicy(floor_bytes=GIB, safety=2.0)
needs_mount = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="a small disk is mounted, which takes root on Linux"
)


def spec(config: str = "square8_2p", games: int | None = None) -> JobSpec:
    params = toy.Params(units=0, seconds=0.0, made="", games=games)
    return params.spec(asset="a", config=config, iteration=0, name="n")


class Unchecked(DiskPolicy):
    """Lets jobs start on disks that are too small for them."""

    def refusal(self, host: str, free_bytes: int, spec: JobSpec) -> str | None:
        return None


def test_a_job_needs_its_games_times_the_figure_of_its_board_times_safety_and_the_floor():
    assert POLICY.needed(spec(games=200)) == GIB + JOB_BYTES + 200 * 8192 * 2
    assert POLICY.needed(spec("hexagonal_4p", games=1)) == GIB + JOB_BYTES + 12 * 1024 * 2
    assert POLICY.needed(spec("square19_3p", games=30)) == GIB + JOB_BYTES + 30 * 12 * 1024 * 2
    assert POLICY.needed(spec()) == GIB + JOB_BYTES + 2 * OTHER_BYTES


def test_a_host_is_refused_just_below_what_is_needed_in_one_line_with_host_free_and_needed():
    job = spec(games=64)  # 1 MiB with safety
    needed = POLICY.needed(job)
    assert POLICY.refusal("box", needed, job) is None
    text = POLICY.refusal("box", needed - 1, job)
    assert text == "box has 1.005 GiB free and needs 1.005 GiB (5 MiB for the job, 1 GiB stay free)"
    assert "box has 10 MiB free" in (POLICY.refusal("box", 10 * MIB, job) or "")
    assert [shown(n) for n in (0, 1023, 1536, 5 * GIB, 2**52)] == ["0 B", "1023 B", "1.5 KiB", "5 GiB", "4096 TiB"]


def test_a_full_host_is_passed_over_and_another_one_gets_the_job(bench, monkeypatch):
    full, roomy = bench.transport(name="full", folder="full"), bench.transport(name="roomy", folder="roomy")
    monkeypatch.setattr(full, "free_bytes", lambda: 10 * MIB)
    [result] = bench.runner(transports=[full, roomy]).run([bench.spec()])
    assert result.status == "done" and result.host == "roomy" and not list(full.jobs.iterdir())
    assert sum("no room: full has 10 MiB free" in event.text for event in bench.events) == 1


def test_when_no_host_has_room_the_job_fails_before_it_starts_and_names_every_host(bench, monkeypatch):
    hosts = [bench.transport(name=name, folder=name) for name in ("one", "two")]
    for number, host in enumerate(hosts):
        monkeypatch.setattr(host, "free_bytes", lambda number=number: number * MIB)
    [result] = bench.runner(transports=hosts).run([bench.spec()])
    assert result.status == "failed" and result.attempts == 0
    assert "no host can take it now: one has 0 B free and needs" in result.error
    assert "two has 1 MiB free and needs" in result.error


def mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount(folder, "size=1m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@needs_mount
@pytest.mark.parametrize(
    ("hoard", "words"),
    [
        pytest.param(False, "/out is full; free some space and run the job again", id="the worker can still say so"),
        pytest.param(
            True,
            "the disk is full (0 B free): the worker ended",
            id="not even its last word fits",
        ),
    ],
)
def test_a_disk_that_fills_up_fails_the_job_with_clear_words_and_space_lets_it_go_on(
    either_bench: Bench, small: Path, hoard: bool, words: str
) -> None:
    bench = either_bench
    job = bench.spec(units=16, seconds=0, lines=8000, hoard=hoard)  # 16 shards of 104 kB or more
    [result] = bench.runner(transports=[bench.transport(folder="small")], disk=Unchecked()).run([job])
    assert result.status == "failed" and words in (result.error or "")
    whole = len(result.shards)
    assert 4 <= whole <= 10, "finished shards are kept"
    made = len(bench.lines())
    mount(small, "remount,size=20m")
    half = bench.folder / "small" / "jobs-v1" / job.job_id / "out" / f"unit-{whole:03d}.txt"
    half.unlink(missing_ok=True)  # toy workers do not check what lies there, real ones do
    [again] = bench.runner(transports=[bench.transport(folder="small")], disk=Unchecked()).run([job])
    assert again.status == "done" and len(again.shards) == 16
    assert len(bench.lines()) - made == 16 - whole, "only what was missing was made"
    [other] = bench.runner(transports=[bench.transport(folder="other")], disk=Unchecked()).run(
        [job.model_copy(update={"salt": "undisturbed"})]
    )
    assert [path.read_bytes() for path in again.shards] == [path.read_bytes() for path in other.shards]


@needs_mount
@pytest.mark.slow
def test_real_games_whose_disk_filled_up_are_the_same_once_there_is_space(bench: Bench, small: Path) -> None:
    from ringrift.config import parse_config
    from ringrift.gamesets.digest import content_digest
    from ringrift.gamesets.schema import table_of
    from ringrift.kinds.selfplay import game_plan
    from ringrift.matches.play import play_rows
    from ringrift.planning.pipeline import Pipeline
    from ringrift.planning.selfplay import plan_jobs
    from ringrift.specs.selfplay import SelfplayParams
    from ringrift.strict import parse

    jobs = {"jobs": [{"name": "many", "config": "hex8_2p", "games": 200, "engine": "random-only"}]}
    [job] = plan_jobs(parse(Pipeline, {"selfplay": jobs}, "test"), parse_config("hex8_2p"), 0).jobs
    mount(small, "remount,size=80k")
    host = LocalTransport(Host(name="here"), small)
    runner = bench.runner(transports=[host], disk=Unchecked())
    [result] = runner.run([job])
    assert result.status == "failed" and "full" in (result.error or "") and 0 < len(result.shards) < 8
    mount(small, "remount,size=20m")
    [again] = bench.runner(transports=[host], disk=Unchecked()).run([job])
    assert again.status == "done" and again.manifest and again.manifest.result["played_now"] < 200
    params = parse(SelfplayParams, job.params, "test")
    undisturbed = content_digest(table_of(play_rows(game_plan(params), range(200))))
    assert again.manifest.result["content_digest"] == undisturbed


@needs_mount
def test_an_inbox_on_a_full_disk_says_so_and_the_next_run_brings_the_rest_home(bench: Bench, small: Path) -> None:
    job = bench.spec(units=16, seconds=0, lines=8000)
    runner = bench.runner()
    runner.inbox = small / "inbox"
    with pytest.raises(DiskFull, match=r"inbox.* is full; free some space"):
        runner.run([job])
    mount(small, "remount,size=20m")
    runner = bench.runner()
    runner.inbox = small / "inbox"
    [result] = runner.run([job])
    assert result.status == "done" and len(bench.lines()) == 16, "nothing was made twice"


MODEL = ModelFile(weights="0" * 64, path="models/a.safetensors", sha256="0" * 64)


def training(config: str = "square19_2p", kind: str = "policy_value", **numbers: int) -> JobSpec:
    epochs = {"epochs": {"hex8_2p": 1}} if config == "hex8_2p" else {}
    pipeline = parse(Pipeline, {"training": numbers | epochs | {"kind": kind}}, "test")
    return train_job(pipeline, config, 0, [InputFile(path="games.parquet", sha256="0" * 64)])


def selfplay(engine: str, config: str = "hexagonal_2p") -> JobSpec:
    job = {"name": "a", "config": config, "engine": engine, "games": 3}
    champion = Champion(participant("gumbel", parse_config(config), 9, model=MODEL.weights), MODEL)
    inputs = SelfplayInputs(incumbent=baseline_incumbent(champion=champion))
    pipeline = parse(Pipeline, {"selfplay": {"jobs": [job]}}, "test")
    [spec] = plan_jobs(pipeline, parse_config(config), 0, inputs).jobs
    return spec


def test_networks_need_more_than_other_players():
    assert needs(selfplay("heuristic-only")).memory_gb == WORKER_GB < needs(selfplay("nn-only")).memory_gb < 1.0


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
    needed = needs(training(config, blocks=blocks, channels=channels)).memory_gb
    assert measured < needed < measured + 0.8


def test_a_value_network_needs_little_on_any_board():
    for config, measured in (("square8_2p", 0.559), ("hexagonal_2p", 0.731), ("hexagonal_4p", 0.835)):
        needed = needs(training(config, "value")).memory_gb
        assert measured < needed < measured + 0.8
    assert needs(training("hexagonal_2p", "value")).memory_gb < needs(training("hexagonal_2p")).memory_gb


def test_a_larger_batch_needs_more_and_the_largest_job_counts():
    small, large = training(batch_size=256), training(batch_size=512)
    assert needs(large).memory_gb - WORKER_GB == pytest.approx(2 * (needs(small).memory_gb - WORKER_GB))
    assert needed_gb([selfplay("random-only"), large, small]) == SYSTEM_GB + needs(large).memory_gb
    assert needed_gb([]) == 0.0
