"""Retries of a connection: their pauses, and what is tried again."""

from resources.ssh.retries import delay_s
from ringrift.planning.retry import RetryPolicy


def test_pauses_grow_from_two_seconds_to_thirty_with_jitter():
    usual = RetryPolicy()
    assert [delay_s(usual, n, 0.5) for n in range(1, 7)] == [2, 4, 8, 16, 30, 30]
    assert delay_s(usual, 1, 0.0) == 1.5 and delay_s(usual, 1, 1.0) == 2.5
    assert delay_s(usual, 9, 1.0) == 30, "at most"
    assert delay_s(usual, 2000, 0.5) == 30, "a host may be gone for days"
    own = RetryPolicy(base_delay_s=1.0, factor=3.0, max_delay_s=20.0, jitter=0.5)
    assert [delay_s(own, n, 0.5) for n in range(1, 5)] == [1, 3, 9, 20] and delay_s(own, 1, 0.0) == 0.5
