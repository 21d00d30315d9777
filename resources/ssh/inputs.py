"""Which files of the home a job needs on its host."""

from collections.abc import Iterator
from typing import Any


def input_files(value: Any) -> Iterator[dict[str, str]]:
    """Every `{"path", "sha256"}` in a job's params, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str) and isinstance(value.get("sha256"), str):
            yield value
        else:
            for part in value.values():
                yield from input_files(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from input_files(part)
