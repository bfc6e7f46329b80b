"""What every `KeyValue` does."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

import pytest

from botproxy.store import KeyValue, OwnedKeys, StoreFull


class Subject(Protocol):
    """See `conftest.Subject`."""

    store: KeyValue
    unit: float

    async def sleep(self, seconds: float) -> None: ...


async def test_a_key_burns_once(store: KeyValue) -> None:
    assert await store.burn(b"nonce", 60.0)
    assert not await store.burn(b"nonce", 60.0)
    assert await store.burn(b"other", 60.0)


async def test_of_many_who_ask_at_once_exactly_one_gets_it(store: KeyValue) -> None:
    said = await asyncio.gather(*(store.burn(b"nonce", 60.0) for _ in range(50)))
    assert sum(said) == 1


async def test_a_key_is_its_owners_alone(store: OwnedKeys) -> None:
    assert await store.own(b"token", b"first", 60.0)
    assert await store.own(b"token", b"first", 60.0)
    assert not await store.own(b"token", b"second", 60.0)
    assert not await store.own(b"token", b"second", 60.0)
    assert not await store.burn(b"token", 60.0)
    assert await store.burn(b"nobody's", 60.0)
    assert not await store.own(b"nobody's", b"first", 60.0)


async def test_a_key_may_hold_any_bytes(store: KeyValue) -> None:
    assert await store.burn(bytes(range(256)), 60.0)
    assert not await store.burn(bytes(range(256)), 60.0)


async def test_a_key_is_forgotten_once_its_time_is_over(subject: Subject) -> None:
    assert await subject.store.burn(b"nonce", 20 * subject.unit)
    assert await subject.store.burn(b"short", subject.unit)
    await subject.sleep(1.5 * subject.unit)
    assert not await subject.store.burn(b"nonce", 20 * subject.unit)
    assert await subject.store.burn(b"short", subject.unit)


async def test_a_full_store_refuses_rather_than_forget_a_live_key(bounded: KeyValue, clock: Any) -> None:
    for number in range(4):
        assert await bounded.burn(b"%d" % number, 60.0 + number)
    with pytest.raises(StoreFull):
        await bounded.burn(b"one more", 60.0)
    assert not await bounded.burn(b"0", 60.0)
    clock.now += 60.0
    assert await bounded.burn(b"one more", 60.0)


@pytest.mark.parametrize(
    ("key", "ttl"), [(b"", 1.0), (b"x" * 257, 1.0), (b"x", 0.0), (b"x", -1.0), (b"x", float("nan"))]
)
async def test_what_no_store_can_keep_is_a_mistake_of_the_caller(store: KeyValue, key: bytes, ttl: float) -> None:
    with pytest.raises(ValueError, match=r"key has|time to live"):
        await store.burn(key, ttl)
