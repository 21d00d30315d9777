"""A Dagster web server of one home for as long as it is needed: pictures for the docs, browser tests."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from resources.hosts.file import HOSTS_VARIABLE
from resources.hosts.host import KNOWN_HOSTS_VARIABLE
from resources.runtime import PIPELINE_VARIABLE
from resources.store.home import HOME_VARIABLE, INSTANCE_VARIABLE, REPOSITORY, Home
from ringrift.errors import RingRiftError
from ringrift.files import user_path

READY_S, STOP_S = 90.0, 20.0
LOCATION_QUERY = """{ workspaceOrError { __typename ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""


class ServerFailed(RingRiftError):
    """The web server or its code location did not come up."""


PATHS = (HOSTS_VARIABLE, KNOWN_HOSTS_VARIABLE, INSTANCE_VARIABLE, PIPELINE_VARIABLE, "NUMBA_CACHE_DIR")
"""Variables that name files or folders: a relative one starts at the folder of who sets it."""


def environment(home: Home) -> dict[str, str]:
    """Variables that make Dagster's processes, which run in another folder, use this home and the files named here."""
    named = {name: user_path(os.environ[name], name).resolve() for name in PATHS if os.environ.get(name)}
    absolute = {name: str(path) for name, path in named.items()}
    return {**absolute, HOME_VARIABLE: str(home.root), "DAGSTER_HOME": str(home.dagster)}


@contextmanager
def web_server(home: Home) -> Iterator[str]:
    """Run the web server of a home on a free port of 127.0.0.1; yields its address once the graph is loaded.

    Stops it, and what it started, at the end. Raises ServerFailed with the end of its output.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "ringrift_assets.web.server", "-w", str(REPOSITORY / "workspace.yaml")]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, "-h", "127.0.0.1", "-p", str(port)],
            cwd=REPOSITORY,
            env={**os.environ, **environment(home)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_until_loaded(url, process, output)
            yield url
        finally:
            _stop(process)


def query(url: str, text: str) -> Any:
    """The `data` of a GraphQL query."""
    body = json.dumps({"query": text}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def wait_until_loaded(url: str, process: subprocess.Popen[bytes], output: Any) -> None:
    """Wait for the graph itself: the port answers before it is there, and also when it cannot be loaded.

    Raises ServerFailed with the end of the server's output.
    """
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            entries = query(url, LOCATION_QUERY)["workspaceOrError"].get("locationEntries", [])
            loaded = [entry["locationOrLoadError"] or {} for entry in entries]
            kinds = {entry.get("__typename") for entry in loaded}
            if "PythonError" in kinds:
                raise ServerFailed(f"the code location does not load: {loaded[0]['message']}")
            if kinds == {"RepositoryLocation"}:
                return
        time.sleep(0.3)
    output.seek(0)
    tail = output.read()[-2000:].decode(errors="replace")
    raise ServerFailed(f"the web server was not ready within {READY_S:g} s; its last words:\n{tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """TERM to the server, which ends its code server; KILL to its whole session if that takes too long."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
