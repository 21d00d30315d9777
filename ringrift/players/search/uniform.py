"""The random player: a uniform choice among the legal decisions."""

import numpy as np

from ringrift.kernels import kernel
from ringrift.seeds import below


@kernel
def choose_uniform(buf, n, rng):
    """One of the `n` >= 1 move codes in `buf` (uint32[>= n]), uniformly. Consumes one draw of `rng`."""
    return np.int64(buf[below(rng, n)])
