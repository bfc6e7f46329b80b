"""The worker's end of shared counters: what goes up and when, what comes down, and that neither makes anybody wait."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator

import pytest

from botproxy.link import rates, slices
from botproxy.link.frames import Decoder, FrameError, Kind
from botproxy.link.rates import RateExchange
from botproxy.telemetry import Counters
from botproxy.traffic import CountedRule, RateCounts, decode, encode

NOW = 1_000_000.0
RULE = CountedRule(b"rule", 60, 100)


class Link:
    """A link that takes what it is given, unless it is told not to."""

    def __init__(self) -> None:
        self.table = RateCounts(b"s" * 32, random.Random(1).randbytes, 50_000)
        self.rule = self.table.register(RULE)
        self.counters = Counters()
        self.sent: list[tuple[Kind, bytes]] = []
        self.blocked = False
        self.turns = 0
        self.exchange = RateExchange(
            self.table, self.counters, self.send, asyncio.get_running_loop(), clock=lambda: NOW
        )

    def send(self) -> None:
        self.turns += 1
        decoder = Decoder()
        while not self.blocked:
            frame = self.exchange.next_frame()
            if frame is None:
                return
            self.sent += decoder.feed(frame)

    def hit(self, values: bytes, number: int = 2) -> None:
        key = self.table.key(self.rule, values)
        place = self.table.find(self.rule, key, NOW)
        if place < 0:
            place = self.table.admit(self.rule, key, NOW)
        self.table.add(place, NOW, number)

    def keys(self) -> int:
        return sum(len(list(decode(payload))) for _, payload in self.sent)


@pytest.fixture
async def link(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Link]:
    monkeypatch.setattr(slices, "TICK", 0.02)
    made = Link()
    yield made
    made.exchange.close()


async def eventually(what: object, seconds: float = 5.0) -> None:
    assert callable(what)
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


async def test_what_changed_goes_up_at_a_tick_and_once(link: Link) -> None:
    link.hit(b"a")
    assert link.sent == []
    await eventually(lambda: link.keys() == 1)
    await asyncio.sleep(0.06)
    assert link.keys() == 1
    link.hit(b"a")
    await eventually(lambda: link.keys() == 2)
    assert next(decode(link.sent[-1][1])).hits == 4


async def test_many_keys_go_up_in_slices_with_turns_between(link: Link) -> None:
    for number in range(1000):
        link.hit(struct.pack(">I", number))
    await eventually(lambda: link.keys() == 1000)
    assert max(len(list(decode(payload))) for _, payload in link.sent) <= rates.SLICE
    assert link.turns >= 1000 // rates.SLICE


async def test_above_what_a_tick_takes_the_rest_is_deferred_and_counted(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rates, "KEYS_A_TICK", 200)
    link.exchange.close()
    link.exchange = RateExchange(link.table, link.counters, link.send, asyncio.get_running_loop(), clock=lambda: NOW)
    for number in range(300):
        link.hit(struct.pack(">I", number))
    await eventually(lambda: link.keys() == 300)
    assert link.counters.counts["rate_limit_deferred",] == 100


async def test_a_supervisor_that_does_not_read_costs_nothing_and_learns_all_when_it_does(link: Link) -> None:
    link.blocked = True
    for round_ in range(5):
        for number in range(200):
            link.hit(struct.pack(">I", number), round_ + 2)
        await asyncio.sleep(0.03)
    assert link.sent == []
    link.blocked = False
    link.send()
    other = RateCounts(b"s" * 32, random.Random(2).randbytes, 1000)
    rule = other.register(RULE)

    def all_told() -> bool:
        for _, payload in link.sent:
            other.merge(decode(payload), NOW)
        link.sent.clear()
        places = [other.find(rule, other.key(rule, struct.pack(">I", number)), NOW) for number in range(200)]
        return all(place >= 0 and other.rate(place, NOW) == 20 for place in places)

    await eventually(all_told)


async def test_what_comes_down_is_merged_and_the_secret_taken(link: Link) -> None:
    other = Link()
    other.exchange.close()
    other.table.share_secret(b"x" * 32)
    other.hit(b"a", 7)
    link.exchange.received(Kind.RATES_SECRET, b"x" * 32)
    link.exchange.received(Kind.RATES_MERGED, encode(other.table.take(10)))
    assert not link.exchange.ready.done()
    link.exchange.received(Kind.RATES_COMPLETE, b"")
    assert link.exchange.ready.done()
    place = link.table.find(link.rule, link.table.key(link.rule, b"a"), NOW)
    assert link.table.rate(place, NOW) == 7


async def test_frames_that_came_together_are_taken_one_a_turn(link: Link) -> None:
    other = Link()
    other.exchange.close()
    for number in range(10):
        other.hit(struct.pack(">I", number))
        link.exchange.received(Kind.RATES_MERGED, encode(other.table.take(1)))
    assert len(link.table) == 0
    await asyncio.sleep(0)
    assert len(link.table) <= 2
    await eventually(lambda: len(link.table) == 10)


async def test_a_flood_from_above_is_bounded(link: Link) -> None:
    other = Link()
    other.exchange.close()
    for number in range(200):
        other.hit(struct.pack(">I", number))
        link.exchange.received(Kind.RATES_MERGED, encode(other.table.take(1)))
    assert len(link.table) >= 200 - slices.MAX_WAITING


async def test_a_cut_payload_is_refused(link: Link) -> None:
    with pytest.raises(FrameError):
        link.exchange.received(Kind.RATES_MERGED, b"123")


async def test_at_the_end_everything_is_said(link: Link) -> None:
    for number in range(12_000):
        link.hit(struct.pack(">I", number))
    link.exchange.close()
    link.exchange.flush()
    assert link.keys() == 12_000
