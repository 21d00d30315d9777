"""`ringrift run` in a terminal: its bars move, and Ctrl-C, which all foreground processes get, ends it as promised."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from typer import Typer
from typer.testing import CliRunner

from resources.hosts.file import HOSTS_VARIABLE
from resources.runner.events import Control
from resources.store.home import Home
from ringrift_assets.cli import verbs as cli
from ringrift_assets.devtools.kills import workers
from ringrift_assets.runs import interrupt
from ringrift_assets.runs import iteration as run
from ringrift_assets.runs.interrupt import watched

GAMES = 200  # one job for each config, so that two configs have one slot each
PIPELINE = f"""
configs: [square8_2p, square8_3p]
selfplay:
  min_games: 1
  chunk_games: {GAMES}
  jobs:
    - {{name: two, config: square8_2p, engine: mcts-only, difficulty: 4, games: {GAMES}}}
    - {{name: three, config: square8_3p, engine: mcts-only, difficulty: 4, games: {GAMES}}}
polling: {{first_s: 0.1, interval_s: 0.2}}
"""
HOSTS = "hosts: {local: {role: all, max_parallel_jobs: 2}}"
CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CTRL_C = b"\x03"
ASK = "Ctrl-C again within 3 s"
DETACHED = "detached: the jobs go on; run the same command again to attach to them"
CANCELLED = "cancelled: the jobs were stopped"


class Terminal:
    """A command in the foreground of a pseudo-terminal of its own, 160 columns wide."""

    def __init__(self, command: list[str], environment: dict[str, str]):
        self._keyboard, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 50, 160, 0, 0))
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=self._take,
        )
        os.close(terminal)
        self._shown = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @staticmethod
    def _take() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored if the tests run in the background of a script

    def _read(self) -> None:
        try:
            while data := os.read(self._keyboard, 65536):
                self._shown += data
        except OSError:  # the last process has left the terminal
            os.close(self._keyboard)

    def screen(self) -> str:
        """All that was ever shown, without control sequences, in one line."""
        return " ".join(CONTROL_SEQUENCE.sub("", self._shown.decode(errors="replace")).split())

    def counts(self, config: str) -> set[str]:
        """Every number of games that the bar of a config has shown."""
        return set(re.findall(rf"selfplay_games {config}\|0000 \S+ (\d+)/{GAMES}", self.screen()))

    def press(self, key: bytes) -> None:
        os.write(self._keyboard, key)

    def wait_for(self, what: Callable[[], bool], seconds: float) -> None:
        """Until `what()` holds; the command must go on till then."""
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline and self.process.poll() is None, self.screen()
            time.sleep(0.05)

    def close(self) -> None:
        """End the command if it still runs, and read the rest of what it shows."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join(10)


@pytest.mark.slow
@pytest.mark.parametrize(("configs", "presses"), [(["square8_2p"], 1), (["square8_2p", "square8_3p"], 2)])
def test_the_bars_move_then_ctrl_c_detaches_and_a_second_one_cancels(
    home: Home, tmp_path: Path, configs: list[str], presses: int
):
    pipeline, hosts = tmp_path / "pipeline.yaml", tmp_path / "hosts.yaml"
    pipeline.write_text(PIPELINE)
    hosts.write_text(HOSTS)
    command = [sys.executable, "-m", "ringrift.cli", "run", "--config", str(pipeline), "--phase", "selfplay"]
    environment = {**os.environ, HOSTS_VARIABLE: str(hosts), "TERM": "xterm"}
    terminal = Terminal([*command, "-c", ",".join(configs)], environment)
    try:
        terminal.wait_for(lambda: all(len(terminal.counts(config)) > 1 for config in configs), 180)
        assert len(workers(home)) == len(configs)
        terminal.press(CTRL_C)
        terminal.wait_for(lambda: ASK in terminal.screen(), 30)
        if presses > 1:
            terminal.press(CTRL_C)
        assert terminal.process.wait(60) == 1
        alive = workers(home)
        terminal.close()
        told, untold = (DETACHED, CANCELLED) if presses == 1 else (CANCELLED, DETACHED)
        assert terminal.screen().count(told) == len(configs) and untold not in terminal.screen()
        assert "Traceback" not in terminal.screen()
        assert len(alive) == (len(configs) if presses == 1 else 0)
    finally:
        terminal.close()
        for process in workers(home):
            process.kill()


def test_ctrl_c_while_the_first_is_dealt_with_cancels_and_a_later_one_does_not_take_it_back():
    said: list[str] = []

    def press() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def say(text: str) -> None:
        said.append(text)
        press()

    def work(control: Control) -> str:
        press()
        while not control.asked:
            time.sleep(0.01)
        press()
        time.sleep(0.5)
        return control.what

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert watched(work, say, grace_s=0.1) == "cancel" and len(said) == 1
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_that_is_left_before_its_config_begins_says_so_and_exits_with_1(home, tmp_path, monkeypatch):
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text(PIPELINE)
    control = Control()
    control.ask("detach")
    monkeypatch.setattr(interrupt, "watched", lambda work, say: work(control=control))
    app = Typer()
    cli.register(app)
    command = ["run", "--config", str(pipeline), "-c", "square8_2p", "--phase", "selfplay"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 1 and "1 of 1 configs had not begun; run the same command again" in result.output


def test_runs_of_the_command_line_leave_the_terminal_alone_and_those_of_the_web_server_are_captured(home):
    with run.open_instance(home) as instance:
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:  # DAGSTER_HOME is set by now
        assert type(instance.compute_log_manager).__name__ == "LocalComputeLogManager"
