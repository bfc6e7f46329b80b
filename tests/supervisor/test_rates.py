"""Counters of all workers in the supervisor: who is told what, when, and how fast."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable

from botproxy.link.frames import Kind
from botproxy.supervisor.rates import Rates
from botproxy.supervisor.telling import MAX_UNREAD
from botproxy.traffic import CountedRule, RateCounts, decode, encode

NOW = 1_000_000.0
RULE = CountedRule(b"rule", 60, 100)


class Down:
    """A worker: a link that remembers what came down, and its counters."""

    def __init__(self) -> None:
        self.open = True
        self.unread = 0
        self.kinds: list[Kind] = []
        self.table = RateCounts(b"own" * 8, random.Random(1).randbytes, 50_000)
        self.rule = self.table.register(RULE)

    def tell(self, kind: Kind, payload: bytes) -> None:
        self.kinds.append(kind)
        if kind is Kind.RATES_SECRET:
            self.table.share_secret(payload)
        elif kind is Kind.RATES_MERGED:
            self.table.merge(decode(payload), NOW)

    def hit(self, values: bytes, number: int) -> None:
        key = self.table.key(self.rule, values)
        place = self.table.find(self.rule, key, NOW)
        if place < 0:
            place = self.table.admit(self.rule, key, NOW)
        self.table.add(place, NOW, number)

    def rate(self, values: bytes) -> int:
        place = self.table.find(self.rule, self.table.key(self.rule, values), NOW)
        return self.table.rate(place, NOW) if place >= 0 else 0

    def up(self) -> bytes:
        return encode(self.table.take(5000))


async def eventually(what: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


def shared(keys: int = 100_000) -> Rates:
    made = Rates(clock=lambda: NOW)
    made.make_room(keys)
    return made


async def test_workers_learn_of_each_other_soon() -> None:
    rates = shared()
    one, other = Down(), Down()
    rates.join(1, one)
    rates.join(2, other)
    one.hit(b"a", 30)
    other.hit(b"a", 12)
    rates.take(1, one.up())
    rates.take(2, other.up())
    await eventually(lambda: one.rate(b"a") == 42 and other.rate(b"a") == 42)


async def test_a_new_worker_is_told_everything_before_it_is_told_that_this_is_all() -> None:
    rates = shared()
    old = Down()
    rates.join(1, old)
    for number in range(5000):
        old.hit(struct.pack(">I", number), number % 90 + 2)
    rates.take(1, old.up())
    rates.leave(1)
    new = Down()
    rates.join(2, new)
    await eventually(lambda: Kind.RATES_COMPLETE in new.kinds)
    assert new.kinds[0] is Kind.RATES_SECRET
    assert new.kinds[-1] is Kind.RATES_COMPLETE
    assert all(new.rate(struct.pack(">I", number)) == number % 90 + 2 for number in range(5000))


async def test_a_worker_that_does_not_read_is_waited_for_and_told_the_newest() -> None:
    rates = shared()
    one, slow = Down(), Down()
    rates.join(1, one)
    rates.join(2, slow)
    slow.unread = MAX_UNREAD + 1
    said = len(slow.kinds)
    for _ in range(3):
        one.hit(b"a", 10)
        rates.take(1, one.up())
        await asyncio.sleep(0.03)
    assert len(slow.kinds) == said
    slow.unread = 0
    await eventually(lambda: slow.rate(b"a") == 30)
    assert len(slow.kinds) == said + 1


async def test_a_worker_that_died_takes_nothing_with_it_that_it_had_said() -> None:
    rates = shared()
    one, other = Down(), Down()
    rates.join(1, one)
    rates.join(2, other)
    one.hit(b"a", 30)
    rates.take(1, one.up())
    one.open = False
    rates.leave(1)
    third = Down()
    rates.join(3, third)
    await eventually(lambda: other.rate(b"a") == 30 and third.rate(b"a") == 30)


async def test_one_worker_alone_has_nobody_to_tell() -> None:
    rates = shared()
    one = Down()
    rates.join(1, one)
    one.hit(b"a", 30)
    rates.take(1, one.up())
    await asyncio.sleep(0.1)
    assert one.kinds == [Kind.RATES_SECRET, Kind.RATES_COMPLETE]


async def test_without_rate_limits_nothing_is_kept() -> None:
    rates = Rates(clock=lambda: NOW)
    one = Down()
    rates.join(1, one)
    one.hit(b"a", 30)
    rates.take(1, one.up())
    assert len(rates.counts) == 0
