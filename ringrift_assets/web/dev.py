"""`python -m ringrift_assets.web.dev`: `dagster dev`, arguments and all, whose web server is the guarded one."""

import sys
from collections.abc import Sequence
from subprocess import Popen
from typing import Any

from dagster._cli import dev

PLAIN, GUARDED = ["-m", "dagster_webserver"], ["-m", "ringrift_assets.web.server"]


def with_guard(command: Sequence[str]) -> list[str]:
    """A command of `dagster dev`, with our web server in the place of Dagster's."""
    return [command[0], *GUARDED, *command[3:]] if list(command[1:3]) == PLAIN else list(command)


def main(arguments: list[str]) -> None:
    """Run it until it is stopped."""
    start = dev.open_ipc_subprocess

    def starting(parts: Sequence[str], **kwargs: Any) -> Popen[Any]:
        return start(with_guard(parts), **kwargs)

    dev.open_ipc_subprocess = starting
    dev.dev_command(arguments, prog_name="ringrift ui")


if __name__ == "__main__":
    main(sys.argv[1:])
