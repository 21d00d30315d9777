"""Numba decorators shared by every kernel, and the compile cache they use.

Numba's own cache does not notice that a callee in another module changed, so the cache folder is named
after a digest of all kernel sources: editing a kernel starts a fresh folder, and a stale one is never read.
`NUMBA_CACHE_DIR` is honoured as the parent folder.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import numba
from platformdirs import user_cache_dir

from ringrift.compile_cache import use_cache

KERNEL_FOLDERS = ("rules", "players", "network/gumbel")
KERNEL_FILES = (
    "boards.py",
    "kernels.py",
    "seeds.py",
    "network/layout.py",
    "network/encoding.py",
    "network/encode_moves.py",
)


def source_digest() -> str:
    """First 16 hex digits of the SHA-256 over all kernel sources."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for name in KERNEL_FILES:
        digest.update((root / name).read_bytes())
    for folder in KERNEL_FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def cache_dir() -> Path:
    """Folder that holds this version's compiled kernels."""
    parent = os.environ.get("NUMBA_CACHE_DIR") or user_cache_dir("ringrift")
    return Path(parent) / f"kernels-{source_digest()}"


use_cache(cache_dir())

_COMMON: Any = {"cache": True, "nogil": True, "error_model": "numpy"}

kernel = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False, **_COMMON)  # type: ignore[call-overload]
"""A kernel called from kernels only.

It has no Python wrapper, which saves a third of the compile time, and counts no references: every array it
sees belongs to its caller, and the atomic counting of the board tables would make the engine 3.7 times slower.
Such a kernel must not allocate.
"""

entry = numba.njit(**_COMMON)
"""A kernel called from Python. Each one relinks everything it calls (seconds), so there are few."""
