"""A workbench that is kept to a class of hosts shares what was read and opened with the one it comes from."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko
import pytest

from resources import runtime as workbench
from resources.runtime import Runtime
from resources.store.home import Home
from ringrift.planning import pipeline
from tests.resources.conftest import Bench
from tests.sshd import hosts_file


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

    counted(pipeline, "load_pipeline")
    counted(workbench, "load_hosts")
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
