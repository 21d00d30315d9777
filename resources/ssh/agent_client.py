"""The agent of one remote host as this process sees it: requests out, answers in, in order."""

import json
import time
from typing import Any

import paramiko

from resources.transports.base import HostRefused, HostUnreachable
from ringrift.jobs.agent import HELLO_MARK, PROTOCOL
from ringrift.jobs.contract import CONTRACT_VERSION

NO_PYTHON = (126, 127)  # exit codes of a shell that finds no such program


class NotStarted(Exception):
    """The agent's command ended before its hand-shake."""

    def __init__(self, code: int, words: str):
        super().__init__(words)
        self.code, self.words = code, words


class Agent:
    """The agent on one channel: lines out, lines in. One request at a time."""

    def __init__(self, client: paramiko.SSHClient, channel: paramiko.Channel, stall_s: float):
        self.client, self.channel, self._stall_s = client, channel, stall_s
        self.greeting: dict[str, Any] = {}
        self.skew_s = 0.0
        self._pending = b""
        self._number = 0

    def shake(self, timeout_s: float) -> None:
        """Read the hand-shake. Raises NotStarted when the command ends without one."""
        self.channel.settimeout(timeout_s)
        while True:
            line = self._line()
            if line is None:
                code = self.channel.recv_exit_status()
                words = self.channel.recv_stderr(4000).decode(errors="replace").strip().splitlines()
                raise NotStarted(code, words[-1] if words else "")
            if line.startswith(HELLO_MARK):
                break
        self.greeting = json.loads(line.removeprefix(HELLO_MARK))
        self.skew_s = float(self.greeting["clock"]) - time.time()
        self.channel.settimeout(self._stall_s)

    def ask(self, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        self._number += 1
        self.channel.sendall(json.dumps({"id": self._number, "do": verb, **arguments}).encode() + b"\n")
        line = self._line()
        if line is None:
            raise EOFError
        answer = json.loads(line)
        if answer.get("id") != self._number:
            raise EOFError
        return dict(answer)

    def _line(self) -> str | None:
        """The next whole line, None at the end of the channel."""
        while b"\n" not in self._pending:
            data = self.channel.recv(1 << 16)
            if not data:
                return None
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()


def start_fault(host: str, python: str, problem: NotStarted) -> HostRefused | HostUnreachable:
    """Why the agent of `host` did not start under the interpreter `python`, with the remedy."""
    if problem.code == -1:
        return HostUnreachable(host, "the agent was lost while it started")
    remedy = f"run: ringrift hosts bootstrap {host}"
    if problem.code in NO_PYTHON:
        return HostRefused(f"{host}: there is no worker's interpreter {python}; {remedy}")
    if "No module named" in problem.words:
        return HostRefused(f"{host}: {python} has no ringrift of this version ({problem.words}); {remedy}")
    return HostRefused(f"{host}: its agent ended with code {problem.code}: {problem.words or 'it said nothing'}")


def version_fault(host: str, greeting: dict[str, Any]) -> HostRefused | None:
    """None if the agent that sent `greeting` speaks this contract and protocol, else the fault with the remedy."""
    got = (greeting.get("contract"), greeting.get("protocol"))
    if got == (CONTRACT_VERSION, PROTOCOL):
        return None
    return HostRefused(
        f"{host} has a worker of another version (contract {got[0]}, protocol {got[1]}; here "
        f"{CONTRACT_VERSION} and {PROTOCOL}); run: ringrift hosts bootstrap {host}"
    )
