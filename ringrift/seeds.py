"""Random streams: one for each (root seed, config, iteration, job, game, seat, purpose), never shared.

A stream is derived with numpy's SeedSequence from a SHA-256 of its key, so that neither Python's salted
`hash` nor additions of small integers can make two streams collide.
"""

import hashlib
import json

import numpy as np

from ringrift.kernels import kernel


def stream(root_seed: int, *key: str | int) -> np.ndarray:
    """State of one random stream, uint64[1], for the kernels below. `key` names what the stream is for."""
    words = np.frombuffer(hashlib.sha256(json.dumps(key).encode()).digest(), dtype=np.uint32)
    sequence = np.random.SeedSequence(entropy=root_seed, spawn_key=tuple(int(w) for w in words))
    return sequence.generate_state(1, dtype=np.uint64)


def seed_number(root_seed: int, *key: str | int) -> int:
    """A 63-bit seed of the stream named by `key`, to store in a record or hand to another process."""
    return int(stream(root_seed, *key)[0] >> np.uint64(1))


@kernel
def mix(z):
    """A bijection of uint64 whose every output bit depends on every input bit (SplitMix64's finalizer)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@kernel
def next_u64(rng):
    """Next 64 bits of the stream `rng` (uint64[1]), which is advanced.

    SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    rng[0] += np.uint64(0x9E3779B97F4A7C15)
    return mix(rng[0])


@kernel
def below(rng, n):
    """Uniform integer in [0, n), n < 2**31, by multiply-shift of 32 random bits."""
    return np.int64(((next_u64(rng) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@kernel
def uniform_of(bits):
    """Float in [0, 1) made of the upper 53 of 64 random bits."""
    return np.float64(bits >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@kernel
def uniform(rng):
    """Uniform float in [0, 1) with 53 random bits."""
    return uniform_of(next_u64(rng))
