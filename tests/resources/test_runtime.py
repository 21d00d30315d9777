"""A runtime limited to a class of hosts shares files and connections with the one it comes from."""

import json
import shutil
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest

from resources import runtime
from resources.hosts.host import Host
from resources.runtime import BANDWIDTH_VARIABLE, Runtime, bandwidth, home_id
from resources.store.home import Home
from ringrift.errors import InvalidInput
from ringrift.jobs.contract import JobSpec
from ringrift.planning.retry import RetryPolicy
from tests.resources.conftest import Bench
from tests.sshd import free_port, hosts_file


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a file was read or a host connected to."""
    count: Counter[str] = Counter()

    def counted(owner: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def call(*arguments: Any, **more: Any) -> Any:
            count[name] += 1
            return real(*arguments, **more)

        monkeypatch.setattr(owner, name, call)

    counted(runtime, "load_pipeline")
    counted(runtime, "load_hosts")
    counted(paramiko.SSHClient, "connect")
    return count


def test_steps_kept_to_classes_read_each_file_and_connect_to_each_host_once(
    ssh_bench: Bench, tmp_path: Path, calls: Counter[str]
) -> None:
    assert ssh_bench.server is not None
    hosts = [
        ssh_bench.server.host(name, tmp_path / name, ssh_bench.python, **{"class": klass})
        for name, klass in (("one", "aws"), ("two", "vast_ai"))
    ]
    numbers = tmp_path / "pipeline.yaml"
    numbers.write_text("configs: [hex8_2p]")
    whole = Runtime(Home(tmp_path / "home"), numbers, hosts_file(tmp_path / "hosts.yaml", *hosts))
    steps = [whole.within("aws"), whole.within("vast_ai"), whole.within(None), whole]
    assert not calls, "nothing is read before it is used"
    for step in steps:
        assert step.pipeline.configs == ["hex8_2p"]
        for host in step.hosts:
            transport = step.transport(host)
            ssh_bench.transports.append(transport)
            assert transport.job_ids() == []
    assert calls == {"load_pipeline": 1, "load_hosts": 1, "connect": 2}
    assert [[host.name for host in step.eligible("selfplay")] for step in steps] == [
        ["one"],
        ["two"],
        ["one", "two"],
        ["one", "two"],
    ]


NUMBERS = {"retries": 1, "base_delay_s": 0.01, "factor": 3.0, "max_delay_s": 0.04, "jitter": 0.0}


def gone() -> Host:
    return Host.model_validate({"name": "gone", "ssh_host": "u@127.0.0.1", "ssh_port": free_port(), "class": "aws"})


def test_the_pipelines_retries_are_those_of_its_connections_and_of_a_push(tmp_path, monkeypatch):
    pipeline, tries = tmp_path / "pipeline.yaml", []
    pipeline.write_text(json.dumps({"retry": NUMBERS}))
    host, runtime, real = gone(), Runtime(Home(tmp_path / "home"), pipeline), socket.create_connection

    def counted(*arguments):
        tries.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(socket, "create_connection", counted)
    assert "cannot be reached" in runtime.push(pipeline, "there.yaml", [host])["gone"]
    assert len(tries) == 2, "one try and one more"
    assert runtime.transport(host).connection.retry.model_dump() == NUMBERS


def test_a_host_is_reached_even_where_the_pipelines_file_is_gone(tmp_path):
    runtime = Runtime(Home(tmp_path / "home"), tmp_path / "none.yaml")
    assert runtime.transport(gone()).connection.retry == RetryPolicy(), "the reaper ends jobs all the same"


def test_a_home_keeps_its_folder_on_hosts_when_the_machine_is_renamed_and_a_copy_has_its_own(tmp_path, monkeypatch):
    home = Home(tmp_path / "a").prepare()
    before = home_id(home)
    monkeypatch.setattr(socket, "gethostname", lambda: "another-name")
    assert home_id(home) == before and home_id(Home(tmp_path / "none")) == home_id(Home(tmp_path / "none"))
    assert not (tmp_path / "none").exists(), "who only looks makes nothing"
    shutil.copytree(home.root, tmp_path / "copy")
    assert home_id(Home(tmp_path / "copy")) != before
    (home.root / "home_id.json").write_text("{")
    assert home_id(home) == home_id(home) != before


def test_homes_that_share_a_host_have_folders_of_their_own_there_and_bandwidth_is_read(tmp_path, monkeypatch):
    assert home_id(Home(tmp_path / "a")) != home_id(Home(tmp_path / "b"))
    monkeypatch.delenv(BANDWIDTH_VARIABLE, raising=False)
    assert bandwidth() is None
    monkeypatch.setenv(BANDWIDTH_VARIABLE, "2.5")
    assert bandwidth() == 2.5e6
    monkeypatch.setenv(BANDWIDTH_VARIABLE, "fast")
    with pytest.raises(InvalidInput, match="megabytes"):
        bandwidth()


def test_memory_is_part_of_being_eligible(home: Home, tmp_path, monkeypatch):
    hosts = [Host(name="tiny", role="all", memory_gb=0.5), Host(name="big", role="all", memory_gb=8)]
    monkeypatch.setenv("RINGRIFT_HOSTS", str(hosts_file(tmp_path / "hosts.yaml", *hosts)))
    spec = JobSpec(asset="a", config="square19_2p", iteration=0, name="n", kind="noop", params={})
    assert [host.name for host in Runtime(home).eligible("selfplay", [spec])] == ["big"]
