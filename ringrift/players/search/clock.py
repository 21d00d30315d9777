"""A clock that kernels can read, for players with a time ceiling and for what players take."""

from numba import types

from ringrift.kernels import kernel

TICKS_A_MS = 1000  # POSIX: CLOCKS_PER_SEC is one million
_clock = types.ExternalFunction("clock", types.int64())


@kernel
def cpu_ticks():
    """The CPU time of this process so far, in ticks."""
    return _clock()


@kernel
def deadline(time_ms):
    """The CPU time of this process, in ticks, at which a search begun now has had `time_ms`; 0 for no ceiling."""
    return _clock() + time_ms * TICKS_A_MS if time_ms > 0 else 0


@kernel
def is_past(ticks):
    """True once the deadline `ticks` is reached; a deadline of 0 never is."""
    return ticks > 0 and _clock() >= ticks
