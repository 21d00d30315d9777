"""The compile cache follows the kernel sources, in subfolders too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ringrift
from ringrift.kernels import KERNEL_FILES, KERNEL_FOLDERS

PACKAGE = Path(ringrift.__file__).parent
CALLER = """from ringrift.kernels import entry
from ringrift.players.heuristic.counts import popcount


@entry
def count(mask):
    return popcount(mask)
"""
COUNT = "import numpy as np; from ringrift.players.caller import count; print(count(np.int64(7)))"


def counted(root: Path) -> str:
    env = os.environ | {"PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(root / "cache")}
    return subprocess.check_output([sys.executable, "-c", COUNT], cwd=root, env=env, text=True).strip()


def test_a_kernel_that_was_edited_in_a_subfolder_is_compiled_anew_for_its_callers(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "ringrift", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "ringrift" / "players" / "caller.py").write_text(CALLER)
    assert counted(tmp_path) == "3"
    source = tmp_path / "ringrift" / "players" / "heuristic" / "counts.py"
    text = source.read_text()
    assert text.count("def popcount(") == 1
    head, _, rest = text.partition("def popcount(")
    assert ">> 56" in rest
    source.write_text(f"{head}def popcount({rest.replace('>> 56', '>> 55', 1)}")
    assert counted(tmp_path) == "6"


def test_every_file_whose_kernels_others_call_is_in_the_cache_key():
    keyed = {path for folder in KERNEL_FOLDERS for path in (PACKAGE / folder).rglob("*.py")}
    keyed |= {PACKAGE / name for name in KERNEL_FILES}
    called = {path for path in PACKAGE.rglob("*.py") if "\n@kernel\n" in path.read_text()}  # entries nobody compiles in
    forgotten = {str(path.relative_to(PACKAGE)) for path in called - keyed}
    assert called and not forgotten
