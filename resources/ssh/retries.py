"""Retries with growing, jittered delays while a host cannot be reached."""

from typing import TypeVar

from ringrift.planning.retry import RetryPolicy

Result = TypeVar("Result")


def delay_s(policy: RetryPolicy, attempt: int, chance: float) -> float:
    """Seconds to wait after failed attempt number `attempt` ≥ 1, more or less of them by `chance` in [0, 1).

    With the documented policy 2, 4, 8, … ±25 %, at most 30.
    """
    try:
        grown = policy.base_delay_s * policy.factor ** (attempt - 1)
    except OverflowError:
        return policy.max_delay_s
    return min(grown * (1 + policy.jitter * (2 * chance - 1)), policy.max_delay_s)
