"""The command line as a user types it: called in this process, or in one of its own where that is the point."""

import contextlib
import io
import os
import subprocess
import sys

import pytest

from ringrift.cli import main


def ringrift(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    """`ringrift`, without the platform's verbs, through its entry point in this process."""
    command = ["ringrift", *map(str, arguments)]
    stdout, stderr, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "_add_platform_verbs", lambda: None)
        patch.setattr(sys, "argv", command)
        for name, value in env.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                main.main()
            except SystemExit as end:
                code = int(end.code or 0)
    return subprocess.CompletedProcess(command, code, stdout.getvalue(), stderr.getvalue())


def ringrift_process(*arguments: object, typed: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """`ringrift` in a process of its own."""
    command = [sys.executable, "-m", "ringrift.cli", *map(str, arguments)]
    environment = {**os.environ, **env}
    return subprocess.run(command, capture_output=True, text=True, input=typed, env=environment, timeout=300)
