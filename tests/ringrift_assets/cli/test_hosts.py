"""`ringrift hosts` as a user types it, and preparing a host with a real wheel over SSH."""

import json
import site
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from resources.hosts.host import LOCAL
from resources.ssh.bootstrap import _environment
from resources.ssh.connection import SshConnection
from resources.store.home import Home
from resources.store.trust import set_apart
from ringrift.errors import InvalidInput
from ringrift.planning.retry import RetryPolicy
from ringrift_assets.cli.hosts import hosts_app
from tests.sshd import Sshd, free_port, hosts_file, known, python_here


def hosts(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(hosts_app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture
def fleet(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hosts file: this machine, a host that answers, one whose port is closed, one in maintenance."""
    known(monkeypatch, sshd)
    monkeypatch.setenv("RINGRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("resources.ssh.connection.DEFAULT_RETRY", RetryPolicy(base_delay_s=0.01))
    python = python_here(tmp_path)
    file = hosts_file(
        tmp_path / "hosts.yaml",
        LOCAL,
        sshd.host("there", tmp_path / "there", python, max_parallel_jobs=3, memory_gb=16),
        sshd.host("closed", tmp_path / "closed", python, port=free_port()),
        sshd.host("away", tmp_path / "away", python, status="maintenance", note="back on Monday"),
    )
    monkeypatch.setenv("RINGRIFT_HOSTS", str(file))
    return file


def test_list_shows_every_host_with_its_class_and_why_it_is_not_in_use(fleet):
    rows = {row["host"]: row for row in json.loads(hosts("list", "--json"))["hosts"]}
    assert rows["local"]["class"] == "local" and rows["there"]["class"] == "aws"
    assert rows["there"]["problem"] is None and rows["there"]["slots"] == 3
    assert rows["away"]["problem"] == "status is maintenance (back on Monday)"
    text = hosts("list")
    assert "this machine" in text and "away: status is maintenance (back on Monday)" in text


def test_a_host_that_is_set_apart_is_listed_with_the_reason_until_it_is_trusted_again(fleet):
    home = Home().prepare()
    set_apart(home, "there", "a-job", "2 of 9 games do not hold")
    rows = {row["host"]: row for row in json.loads(hosts("list", "--json"))["hosts"]}
    assert "2 of 9 games do not hold (a-job); `ringrift hosts trust there`" in rows["there"]["problem"]
    with pytest.raises(InvalidInput, match="set apart are there"):
        hosts("trust", "local")
    assert "there may play again" in hosts("trust", "there")
    rows = {row["host"]: row for row in json.loads(hosts("list", "--json"))["hosts"]}
    assert rows["there"]["problem"] is None


def test_check_asks_every_host_at_once_and_fails_for_one_that_does_not_answer(fleet):
    rows = {row["host"]: row for row in json.loads(hosts("check", "--json", code=1))["hosts"]}
    there = rows["there"]
    assert there["problem"] is None and there["note"] == "" and there["slots"] == "3 of 3 free"
    assert "contract 1" in there["version"] and abs(there["skew_s"]) < 5
    assert there["CPU"].endswith("%") and there["MEM"].endswith("%") and there["DISK"].endswith("%")
    assert rows["local"]["problem"] is None
    assert "cannot be reached" in rows["closed"]["problem"]
    assert hosts("check", "there", "local")
    assert "\nclosed: cannot be reached" in hosts("check", code=1), "the name stands there once"
    with pytest.raises(InvalidInput, match="the hosts file has local, there, closed, away"):
        hosts("check", "their")


def test_a_host_that_is_meant_to_do_nothing_is_no_problem(fleet):
    hosts_file(fleet, LOCAL.model_copy(update={"role": "coordinator"}))
    [row] = json.loads(hosts("check", "--json"))["hosts"]
    assert row["problem"] is None and row["MEM"].endswith("%")


@pytest.mark.slow
def test_bootstrap_installs_this_package_and_shakes_hands(sshd: Sshd, tmp_path: Path, monkeypatch):
    """The environment's dependencies come from this one; a package index is not needed."""
    known(monkeypatch, sshd)
    environment = tmp_path / "there" / "env"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    file = hosts_file(tmp_path / "hosts.yaml", LOCAL, sshd.host("there", tmp_path / "there", "", max_parallel_jobs=2))
    monkeypatch.setenv("RINGRIFT_HOSTS", str(file))
    assert "there: ringrift 0." in hosts("bootstrap", "there", "--no-dependencies", "--no-warm")
    assert (packages / "ringrift" / "jobs" / "agent.py").is_file(), "the wheel was installed there"
    assert "there" in hosts("check", "there")
    row = json.loads(hosts("check", "there", "--json"))["hosts"][0]
    assert row["problem"] is None and row["note"] == "", "its package is this one"
    with pytest.raises(InvalidInput, match="only hosts reached by SSH"):
        hosts("bootstrap", "local")


def test_an_environment_whose_interpreter_does_not_run_is_made_anew(sshd: Sshd, tmp_path: Path, monkeypatch):
    known(monkeypatch, sshd)
    programs = tmp_path / "there" / "env" / "bin"
    programs.mkdir(parents=True)
    (programs.parent / "pyvenv.cfg").write_text("home = /opt/gone\n")
    (programs / "python").symlink_to("/opt/gone/python3")
    (programs / "python3").symlink_to("python")
    host = sshd.host("there", tmp_path / "there", "")
    connection = SshConnection(host)
    assert _environment(connection, host).endswith("env/bin/python")
    assert subprocess.run([str(programs / "python"), "-c", "import pip"]).returncode == 0
    connection.close()
