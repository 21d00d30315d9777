"""Preparing a host for its first job: send the package, make an environment, warm the kernels, shake hands."""

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from resources.hosts.host import Host
from resources.ssh.connection import SshConnection, shell_path
from resources.ssh.sftp import Pace, push
from resources.ssh.transport import ENVIRONMENT, SshTransport, root_of, worker_python
from resources.store.home import REPOSITORY
from resources.transports.base import HostRefused
from ringrift.errors import MissingInput, RingRiftError

PYTHONS = ("python3.13", "python3.12", "python3.11", "python3")
PACKAGES = ("ringrift", "resources", "sensors", "ringrift_assets")
SHORT_S, LONG_S = 60.0, 1800.0  # of silence: a question, an installation
DRAFTS = "packages"  # below ringrift_path: the wheels that were sent


class BootstrapFailed(RingRiftError):
    """A step on the host did not end well; the message has its last words."""


def build_wheel(folder: Path) -> Path:
    """Build this checkout's wheel in `folder`; nothing is written to the checkout. Raises MissingInput.

    It holds the whole distribution; its base dependencies are those of a worker.
    """
    project = REPOSITORY / "pyproject.toml"
    if not project.is_file():
        raise MissingInput(f"{project} is not there; bootstrap hosts from a checkout of the repository")
    source = folder / "source"
    source.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(REPOSITORY / name, source / name)
    for name in PACKAGES:
        shutil.copytree(REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = sorted(folder.glob("*.whl"))
    if done.returncode or not found:
        raise BootstrapFailed(f"the wheel could not be built: {_last(done.stderr)}")
    return found[0]


def bootstrap(
    host: Host,
    *,
    dependencies: bool = True,
    warm: bool = True,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, object]:
    """Make a host ready for jobs and return its hand-shake. Repeatable: a host that has all of it gets the new wheel.

    The environment is `{ringrift_path}/env`, made with the newest Python ≥ 3.11 on the host's PATH, unless the host has
    a python_path: then the wheel goes into that environment. `dependencies=False` installs the wheel alone, for hosts
    without a package index. Raises HostRefused, HostUnreachable or BootstrapFailed.
    """
    connection = SshConnection(host)
    with tempfile.TemporaryDirectory(prefix="ringrift-wheel-") as name:
        progress(f"{host.name}: connecting")
        python = connection.patiently(lambda: _environment(connection, host))
        progress(f"{host.name}: building the package")
        wheel = build_wheel(Path(name))
        progress(f"{host.name}: sending {wheel.name}")
        sent = connection.patiently(lambda: _send(connection, host, wheel))
        progress(f"{host.name}: installing")
        pip = f"{shell_path(python)} -m pip install -q --disable-pip-version-check"
        wheel_path, constraints = (shlex.quote(path) for path in sent)
        if dependencies:
            _step(connection, host, f"{pip} -c {constraints} {wheel_path}", "installing the dependencies")
        _step(connection, host, f"{pip} --no-deps --force-reinstall {wheel_path}", "installing the package")
        if warm:
            progress(f"{host.name}: compiling the kernels")
            _step(connection, host, f"{shell_path(python)} -m ringrift.cli warmup", "compiling the kernels")
        connection.close()
    progress(f"{host.name}: shaking hands")
    transport = SshTransport(host)
    try:
        return transport.connection.patiently(transport.hello)
    finally:
        transport.close()


def _environment(connection: SshConnection, host: Host) -> str:
    """The interpreter to install into; the environment is made if the host has none that runs."""
    python = worker_python(host)
    if connection.run(f"{shell_path(python)} -c 'import pip'", timeout_s=SHORT_S).code == 0:
        return python
    if host.python_path:
        problem = "is not there, does not run or has no pip"
        raise HostRefused(f"{host.name}: its python_path {host.python_path} {problem}; mend it or take it out")
    check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    tries = "; ".join(f"{name} -c {shlex.quote(check)} 2>/dev/null && {{ echo {name}; exit 0; }}" for name in PYTHONS)
    found = connection.run(f"{tries}; exit 1", timeout_s=SHORT_S)
    if found.code:
        raise HostRefused(f"{host.name} has no Python 3.11 or newer with venv on its PATH; install one there")
    folder = shell_path(f"{root_of(host)}/{ENVIRONMENT}")
    _step(
        connection,
        host,
        f"mkdir -p {shell_path(root_of(host))} && {found.stdout.split()[-1]} -m venv --clear {folder}",
        "making the environment",
    )
    return python


def _send(connection: SshConnection, host: Host, wheel: Path) -> tuple[str, str]:
    """Send the wheel and the constraints; returns their absolute places there."""
    root = connection.run(
        f"mkdir -p {shell_path(root_of(host))} && cd {shell_path(root_of(host))} && pwd", timeout_s=SHORT_S
    )
    if root.code:
        raise BootstrapFailed(f"{host.name}: {root_of(host)} cannot be made: {_last(root.stderr)}")
    folder = f"{root.stdout.strip().splitlines()[-1]}/{DRAFTS}"
    places = (f"{folder}/{wheel.name}", f"{folder}/constraints.txt")
    with connection.sftp() as client:
        for source, place in zip((wheel, REPOSITORY / "constraints.txt"), places, strict=True):
            push(client, source, place, Pace(None))
    return places


def _step(connection: SshConnection, host: Host, script: str, what: str) -> None:
    """Run one step of the installation. Raises BootstrapFailed with its last words."""
    done = connection.patiently(lambda: connection.run(script, timeout_s=LONG_S))
    if done.code:
        words = _last(done.stderr) or _last(done.stdout) or "it said nothing"
        raise BootstrapFailed(f"{host.name}: {what} failed with code {done.code}: {words}")


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[-3:])[-500:]
