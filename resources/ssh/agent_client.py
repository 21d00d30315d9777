"""The agent of one remote host as this process sees it: requests out, answers in, in order."""

import json
import time
from typing import Any

import paramiko
from pydantic import TypeAdapter

from resources.ssh.answers import BadAnswer, Greeting, checked, most_bytes, read_object
from resources.transports.base import HostRefused, HostUnreachable
from ringrift.jobs.agent import HELLO_MARK, PROTOCOL
from ringrift.jobs.contract import CONTRACT_VERSION

CHATTER_BYTES = 1 << 20  # of what a login shell prints before the hand-shake
GREETING = TypeAdapter(Greeting)
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
        self._pending = bytearray()
        self._number = 0

    def shake(self, timeout_s: float) -> None:
        """Read the hand-shake. Raises NotStarted when the command ends without one, BadAnswer when it cannot be."""
        self.channel.settimeout(timeout_s)
        chatter = 0  # bytes that the login shell printed before it
        while True:
            line = self._line(CHATTER_BYTES - chatter)
            if line is None:
                code = self.channel.recv_exit_status()
                words = self.channel.recv_stderr(4000).decode(errors="replace").strip().splitlines()
                raise NotStarted(code, words[-1] if words else "")
            if line.startswith(HELLO_MARK.encode()):
                break
            chatter += len(line) + 1
        said = read_object(line.removeprefix(HELLO_MARK.encode()))
        if (said.get("contract"), said.get("protocol")) != (CONTRACT_VERSION, PROTOCOL):
            self.greeting = said  # what another version says besides is its own
            return
        self.greeting = checked(GREETING, said, "the hand-shake").model_dump()
        self.skew_s = self.greeting["clock"] - time.time()
        self.channel.settimeout(self._stall_s)

    def ask(self, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send a request and wait for its answer. Raises BadAnswer, EOFError, and what paramiko raises."""
        self._number += 1
        self.channel.sendall(json.dumps({"id": self._number, "do": verb, **arguments}).encode() + b"\n")
        line = self._line(most_bytes(verb, arguments))
        if line is None:
            raise EOFError
        answer = read_object(line)
        if answer.get("id") != self._number:
            raise BadAnswer("an answer to another request")
        return answer

    def _line(self, most: int) -> bytes | None:
        """The next whole line, None at the end of the channel. Raises BadAnswer when it is longer than `most` bytes."""
        seen = 0
        while (end := self._pending.find(b"\n", seen)) < 0:
            seen = len(self._pending)
            if seen > most:
                break
            data = self.channel.recv(1 << 16)
            if not data:
                return None
            self._pending += data
        if end < 0 or end > most:
            raise BadAnswer(f"a line of more than {most} bytes")
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        return line


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
