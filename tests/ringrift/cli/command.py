"""The command line, called in this process."""

import os
import subprocess
import sys


def ringrift(*arguments: object, **env: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ringrift.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env}, timeout=300)
