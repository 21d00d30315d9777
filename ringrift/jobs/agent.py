"""The agent: answers an orchestrator's requests about the jobs of this machine over standard input and output.

    python -m ringrift.jobs.agent --root DIR [--slots N] [--python PATH]

One JSON object a line in each direction: `{"id", "do", …arguments}` is answered by `{"id", "result"}` or by
`{"id", "error": {"kind", "text", "errno"}}`; bytes are base64 text. The first line out is the hand-shake. The agent
holds nothing that matters: workers go on when it ends, and another agent finds them by their locks.
"""

import argparse
import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import platform
import select
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringrift.errors import InvalidInput, RingRiftError
from ringrift.files import check_locks
from ringrift.jobs.contract import JobSpec
from ringrift.jobs.folder import JobFolder, staged
from ringrift.jobs.probe import probe
from ringrift.jobs.worker import hello

PROTOCOL = 1
IDLE_S = 600.0  # an agent that nobody asks for so long ends: its connection may be gone without a word
HELLO_MARK = "ringrift-agent "  # before the hand-shake, which may follow a greeting of the login shell

Request = dict[str, Any]


def code_digest() -> str:
    """First 16 hex digits of a SHA-256 over this package's sources: equal on hosts whose workers play equally."""
    package, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def greeting(folder: JobFolder) -> dict[str, Any]:
    """The hand-shake: worker versions, protocol, clock (Unix seconds), and the folder with its free space and slots.

    Raises NoLocks where jobs could not tell whether their workers live.
    """
    check_locks(folder.locks)
    return {
        **hello(),
        "protocol": PROTOCOL,
        "code": code_digest(),
        "clock": time.time(),
        "root": str(folder.root),
        "system": platform.system(),
        "pid": os.getpid(),
        **dataclasses.asdict(folder.status()),
    }


def _start(folder: JobFolder, spec: dict[str, Any], sent: str, home: str) -> bool:
    """Start a job with the shards sent to the staging place `sent`; RINGRIFT_HOME is the folder `home` below the root.

    Raises InvalidInput when this host lacks the kind of job.
    """
    job = JobSpec.model_validate(spec)
    if not (folder.root / home).resolve().is_relative_to(folder.root):
        raise InvalidInput("home", home, "use a folder below the root")
    with staged(folder, sent) as shards:
        return folder.start(job, shards, {"RINGRIFT_HOME": str(folder.root / home)})


def _look(folder: JobFolder, job: str, offset: int) -> dict[str, Any]:
    look = folder.look(job, offset)
    return {"alive": look.alive, "messages": _text(look.messages), "manifest": _text(look.manifest)}


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")


VERBS: dict[str, Callable[..., Any]] = {
    "hello": greeting,
    "exists": JobFolder.exists,
    "job_ids": JobFolder.job_ids,
    "read": lambda folder, **a: _text(folder.read(**a)),
    "look": _look,
    "alive": JobFolder.alive,
    "exited": JobFolder.exited,
    "views": lambda folder, jobs: [view.to_json() for view in folder.views(jobs)],
    "status": lambda folder: dataclasses.asdict(folder.status()),
    "start": _start,
    "signal": JobFolder.signal,
    "quarantine": JobFolder.quarantine,
    "probe": lambda folder: probe(folder.root),
}
"""Verb → what answers it, called with the folder and the request's arguments."""


def answer(folder: JobFolder, line: str) -> dict[str, Any]:
    """The answer to one request line; an error never ends the agent."""
    number = None
    try:
        request = json.loads(line)
        number = request.pop("id")
        return {"id": number, "result": VERBS[request.pop("do")](folder, **request)}
    except Exception as error:
        kind = "os" if isinstance(error, OSError) else type(error).__name__
        return {"id": number, "error": {"kind": kind, "text": str(error), "errno": getattr(error, "errno", None)}}


def serve(folder: JobFolder, idle_s: float = IDLE_S) -> None:
    """Answer requests until standard input ends or nobody asks for `idle_s` seconds."""
    print(HELLO_MARK + json.dumps(greeting(folder)), flush=True)
    pending = b""
    while select.select([0], [], [], idle_s)[0]:
        data = os.read(0, 1 << 16)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            print(json.dumps(answer(folder, line.decode())), flush=True)


def clear_staging(folder: JobFolder, older_s: float = 86400.0) -> None:
    """Remove what was sent for a start that never came, after a day."""
    for place in folder.jobs.glob(".sent-*"):
        with contextlib.suppress(OSError):
            if time.time() - place.stat().st_mtime > older_s:
                shutil.rmtree(place, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m ringrift.jobs.agent")
    parser.add_argument("--root", required=True, help="folder that holds the jobs; ~ is understood")
    parser.add_argument("--slots", type=int, default=0, help="work slots; 0 takes one a core")
    parser.add_argument("--python", default="", help="interpreter of the workers; default this one")
    given = parser.parse_args(arguments)
    python = str(Path(given.python).expanduser()) if given.python else None
    folder = JobFolder(Path(given.root), given.slots or None, python)
    clear_staging(folder)
    try:
        with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
            serve(folder)
    except RingRiftError as error:  # it cannot work here; whoever started it tells the last line
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
