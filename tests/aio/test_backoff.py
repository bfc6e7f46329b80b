"""How long is waited before something that died is started again."""

from __future__ import annotations

from botproxy.aio.backoff import Backoff


def test_the_first_death_is_answered_at_once_and_quick_ones_ever_later() -> None:
    backoff = Backoff()
    assert [backoff.died(0.1) for _ in range(12)] == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_a_long_life_is_forgiven() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.died(0.1)
    assert backoff.died(61.0) == 0.0
    assert backoff.died(0.1) == 0.1
