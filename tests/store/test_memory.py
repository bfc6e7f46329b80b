"""The store in memory, beyond what all stores do."""

from __future__ import annotations

import pytest

from botproxy.store import StoreFull
from botproxy.store.memory import MemoryStore


def test_what_was_refused_is_counted() -> None:
    store = MemoryStore(max_keys=1)
    store.burn_now(b"a", 60.0)
    for _ in range(3):
        with pytest.raises(StoreFull):
            store.burn_now(b"b", 60.0)
    assert store.refused == 3
    assert len(store) == 1


def test_expired_keys_take_no_room() -> None:
    now = [0.0]
    store = MemoryStore(clock=lambda: now[0])
    for number in range(1000):
        store.burn_now(b"%d" % number, 1.0)
        now[0] += 0.1
    assert len(store) <= 11
