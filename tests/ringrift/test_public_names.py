import subprocess
import sys

import ringrift


def test_the_public_names_are_there():
    assert [name for name in ringrift.__all__ if getattr(ringrift, name, None) is None] == []
    assert ringrift.Game("hex8_2p").legal_moves()


def test_they_load_nothing_heavy_before_they_are_used():
    code = (
        "import sys, ringrift; from ringrift import parse_config; parse_config('square8_2p'); "
        "print({'numba', 'numpy', 'pyarrow', 'torch'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
