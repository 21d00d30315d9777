"""Files and commands on their way to a host: whole, verified, quoted, at the pace that was asked for."""

import os
from pathlib import Path

import pytest

from resources.hosts.host import PASSPHRASE_VARIABLE, Host
from resources.runner.runner import JobRunner
from resources.runtime import Runtime, Where
from resources.ssh.transport import SshTransport
from resources.store.home import Home
from resources.transports.base import HostRefused
from resources.transports.local import LocalTransport
from ringrift.jobs.inputs import input_file
from tests.sshd import free_port


def entry(path: Path, home: Path) -> dict[str, str]:
    return input_file(home, path).model_dump()


def test_the_files_a_job_names_are_sent_before_it_starts_once_and_again_when_they_changed(bench, tmp_path):
    home = tmp_path / "home"
    model = home / "models" / "a.safetensors"
    model.parent.mkdir(parents=True)
    sent: list[int] = []

    def run(name: str) -> str:
        there = bench.transport(home=home, home_id="mine", progress=lambda done, total: sent.append(total))
        job = bench.spec(name, units=1, input=entry(model, home))
        [result] = JobRunner([there], bench.folder / "inbox").run([job])
        return result.status

    model.with_suffix(".json").write_text("the card")
    model.write_bytes(b"1" * 1000)
    assert run("a") == "done" and sent.count(1000) == 1
    assert run("b") == "done" and sent.count(1000) == 1, "the host has it"
    model.write_bytes(b"2" * 2000)
    assert run("c") == "done" and sent.count(2000) == 1
    kept = bench.folder / "host" / "homes" / "mine" / "models" / "a.safetensors"
    assert kept.read_bytes() == model.read_bytes()
    assert kept.with_suffix(".json").read_text() == "the card", "a model is loaded with the card beside it"


def test_a_file_that_changed_since_the_job_was_planned_is_not_sent(bench, tmp_path):
    home = tmp_path / "home"
    (home / "x").parent.mkdir()
    (home / "x").write_text("one")
    job = bench.spec(units=1, input=entry(home / "x", home))
    (home / "x").write_text("two")
    with pytest.raises(HostRefused, match="changed since the job was planned"):
        bench.transport(home=home).start(job)


def test_folders_with_spaces_and_quotes_are_left_as_they_are(bench):
    odd = "a b'c $HOME;x"
    [result] = bench.runner(transports=[bench.transport(folder=odd)]).run([bench.spec(units=1)])
    assert result.status == "done" and (bench.folder / odd / "jobs-v1").is_dir()


def test_the_passphrase_is_in_no_command_and_in_no_workers_environment(bench, tmp_path, monkeypatch):
    monkeypatch.setenv(PASSPHRASE_VARIABLE, "sesame")
    there = bench.transport()
    assert "sesame" not in there.agent_command() and "sesame" not in " ".join(there.command("j"))
    assert PASSPHRASE_VARIABLE not in LocalTransport(Host(name="here"), tmp_path / "l").environment


def test_a_file_is_pushed_once_to_each_host_and_those_that_did_not_get_it_are_named(bench, tmp_path):
    server = bench.server
    hosts = [
        server.host("a", tmp_path / "a", bench.python),
        server.host("b", tmp_path / "b", bench.python, port=free_port()),
        server.host("c", tmp_path / "c", bench.python, **{"class": "vast_ai"}),
    ]
    source, target = tmp_path / "source.json", tmp_path / "a" / "deep" / "there.json"
    source.write_text("{}")
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text("retry: {base_delay_s: 0.01}")
    workbench = Runtime(Home(tmp_path / "home"), pipeline, where=Where(host_class="aws"))

    def push() -> dict[str, bool | str]:
        return workbench.push(source, "deep/there.json", hosts)

    found = push()
    assert found["a"] is True and set(found) == {"a", "b"} and target.read_text() == "{}"
    assert str(found["b"]).startswith("cannot be reached: ")
    node = target.stat().st_ino
    assert push()["a"] is False and target.stat().st_ino == node, "an equal file is left as it is"
    for changed in ("[]", "[1]"):  # of equal size, then longer
        source.write_text(changed)
        assert push()["a"] is True and target.read_text() == changed
    assert list(target.parent.iterdir()) == [target], "no draft is left"
    assert Runtime(Home(tmp_path / "home"), where=Where(backend="local")).push(source, "x", hosts) == {}


def test_one_connection_serves_many_jobs_and_the_agent_comes_back_when_it_ended(bench):
    there = bench.transport(slots=4)
    results = bench.runner(transports=[there]).run([bench.spec(f"j{n}", units=2) for n in range(6)])
    assert all(result.status == "done" for result in results) and there.connection.connected == 1
    first = there.hello()["pid"]
    os.kill(first, 9)
    [result] = bench.runner(transports=[there]).run([bench.spec("after")])
    assert result.status == "done" and there.hello()["pid"] != first


def test_two_transports_of_one_host_are_told_apart_from_other_hosts_by_their_place(bench):
    one, again, other = bench.transport(), bench.transport(name="alias"), bench.transport(folder="other")
    assert one.where("j") == again.where("j") != other.where("j")
    assert isinstance(one, SshTransport) and one.where("j").startswith("ssh://")
