"""A damaged compile cache is made anew with a warning; a folder that cannot be written is refused by its variable."""

import importlib.util
import logging
from pathlib import Path
from types import ModuleType

import numba
import pytest

from ringrift.compile_cache import use_cache
from ringrift.errors import InvalidInput

SOURCE = "import numba\n\n@numba.njit(cache=True)\ndef add(a, b):\n    return a + b\n"


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache, with a small kernel compiled in it."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    use_cache(tmp_path / "cache")
    (tmp_path / "small.py").write_text(SOURCE)
    assert load(tmp_path).add(1, 2) == 3
    return tmp_path


def load(folder: Path) -> ModuleType:
    """The kernel's module, as another process finds it."""
    spec = importlib.util.spec_from_file_location("small", folder / "small.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("how", ["empty", "cut", "zeroed", "text"])
def test_a_damaged_file_is_compiled_anew_once(cached, caplog, suffix, how):
    [file] = (cached / "cache").rglob(f"*.{suffix}")
    whole = file.read_bytes()
    damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "zeroed": bytes(len(whole)), "text": b"no pickle"}
    file.write_bytes(damaged[how])
    with caplog.at_level(logging.WARNING):
        assert load(cached).add(1, 2) == 3
    assert "cannot be read" in caplog.text and "made anew" in caplog.text
    again = load(cached)
    assert again.add(1, 2) == 3 and sum(again.add.stats.cache_hits.values()) == 1


def test_a_kernel_that_cannot_be_kept_is_used_all_the_same(cached, caplog, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    for file in (cached / "cache").rglob("*.nb*"):
        file.unlink()
    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile.save", full)
    assert load(cached).add(1, 2) == 3
    assert "cannot be kept" in caplog.text and "No space left" in caplog.text


def test_a_folder_that_cannot_be_written_is_refused_by_its_variable(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"NUMBA_CACHE_DIR: compiled kernels cannot be kept in .*; name a folder"):
        use_cache(tmp_path / "file" / "kernels")
