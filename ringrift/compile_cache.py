"""The folder of compiled kernels: one that can be written, and files in it that cannot be read are made anew.

Numba's own answers are a traceback for a file that was cut, for ever, and other folders, which are not named after the
kernels' sources, for one that cannot be written.
"""

import functools
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import Cache

from ringrift.errors import InvalidInput

VARIABLE = "NUMBA_CACHE_DIR"
log = logging.getLogger(__name__)


def use_cache(folder: Path) -> None:
    """Let numba keep what it compiles in `folder`; call it before the first decorator runs.

    Raises InvalidInput, naming NUMBA_CACHE_DIR, when nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        problem = f"compiled kernels cannot be kept in {folder}: {error.strerror or error}"
        named = os.environ.get(VARIABLE)
        raise InvalidInput(VARIABLE, named, "name a folder that can be written", problem=problem) from error
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    if not hasattr(Cache.load_overload, "__wrapped__"):
        Cache.load_overload = _or_compiled_anew(Cache.load_overload)  # type: ignore[method-assign]
        Cache.save_overload = _or_not_kept(Cache.save_overload)  # type: ignore[method-assign]


def _or_compiled_anew(load: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(load)
    def loaded(self: Any, *arguments: Any) -> Any:
        try:
            return load(self, *arguments)
        except Exception as error:  # a pickle that was cut, and machine code that is none, raise anything
            log.warning(
                "a file of the compile cache in %s cannot be read (%s): it is made anew", self.cache_path, error
            )
            self.flush()  # the index: what it names is overwritten
            return None

    return loaded


def _or_not_kept(save: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(save)
    def saved(self: Any, *arguments: Any) -> Any:
        try:
            return save(self, *arguments)
        except OSError as error:
            log.warning("a compiled kernel cannot be kept in %s: %s", self.cache_path, error)

    return saved
