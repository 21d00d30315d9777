"""The pipeline's numbers of retries, where connections are made for it."""

import json
import socket

from resources.hosts.host import Host
from resources.runtime import Runtime
from resources.store.home import Home
from ringrift.planning.retry import RetryPolicy
from tests.sshd import free_port

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
