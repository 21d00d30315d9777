"""A real PostgreSQL server for the tests: a cluster of its own on a free port of 127.0.0.1, gone afterwards."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

BINARIES = Path("/usr/lib/postgresql")
USER, DATABASE = "ringrift", "dagster"
START_S = 60.0


def missing() -> str | None:
    """Why no server can be started here, with the remedy; None when one can."""
    if _binaries() is None:
        return f"there is no PostgreSQL server below {BINARIES}: apt-get install postgresql"
    if os.geteuid() == 0 and _account() is None:
        return "PostgreSQL does not run as root and there is no user postgres: apt-get install postgresql"
    return None


def _binaries() -> Path | None:
    """The folder of the newest installed server."""
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as when the tests run as root, who may not."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


@contextmanager
def postgres_server() -> Iterator[dict[str, str]]:
    """A running server with an empty database; yields the DAGSTER_PG_* variables that lead to it."""
    binaries, account = _binaries(), _account() if os.geteuid() == 0 else None
    assert binaries is not None, missing()
    # pytest's own folders are closed to other users, and socket paths may have 107 characters at most
    folder = Path(tempfile.mkdtemp(prefix="ringrift-pg-"))
    password = secrets.token_hex(16)
    (folder / "password").write_text(password)
    owner = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    for path in (folder, folder / "password"):
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)
    try:
        make = [binaries / "initdb", "-D", folder / "data", "-U", USER, "-A", "scram-sha-256"]
        make += ["--pwfile", folder / "password", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **owner)
        port = _free_port()
        command = [binaries / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-k", folder]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen([*command, "-F"], cwd=folder, stdout=log, stderr=log, **owner)
        try:
            _create_database(server, port, password, folder / "log")
            yield {
                "DAGSTER_PG_HOST": "127.0.0.1",
                "DAGSTER_PG_PORT": str(port),
                "DAGSTER_PG_USER": USER,
                "DAGSTER_PG_PASSWORD": password,
                "DAGSTER_PG_DB": DATABASE,
            }
        finally:
            server.send_signal(signal.SIGINT)  # "fast shutdown": connections are closed, the files are whole
            server.wait(30)
    finally:
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _create_database(server: subprocess.Popen, port: int, password: str, log: Path) -> None:
    """Wait until the server answers and make the database."""
    import psycopg2

    deadline = time.monotonic() + START_S
    while True:
        try:
            connection = psycopg2.connect(
                host="127.0.0.1", port=port, user=USER, password=password, dbname="postgres", connect_timeout=5
            )
            break
        except psycopg2.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text(errors='replace')[-2000:]}") from error
            time.sleep(0.1)
    try:
        connection.autocommit = True  # CREATE DATABASE does not work inside a transaction
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, str]]:
    """The variables of a PostgreSQL server; skipped where none can be started, except in CI, where that fails."""
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with postgres_server() as variables:
        yield variables
