"""The worker's end of shared profiles: what goes up and when, what comes down, and that neither makes anybody wait."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest

from botproxy.link import profiles as exchanging
from botproxy.link import slices
from botproxy.link.frames import Decoder, FrameError, Kind
from botproxy.link.profiles import ProfileExchange
from botproxy.model import Client, Headers, Ja4Signals, Request
from botproxy.telemetry import Counters
from botproxy.traffic import Profiles, Seen
from botproxy.traffic.signals import write_signals

NOW = 1_700_000_000.0


class Link:
    """A link that takes what it is given, unless it is told not to."""

    def __init__(self) -> None:
        self.table = Profiles(b"s" * 32, random.Random(1).randbytes, 0.1)
        self.counters = Counters()
        self.sent: list[bytes] = []
        self.blocked = False
        self.turns = 0
        loop = asyncio.get_running_loop()
        self.exchange = ProfileExchange(self.table, self.counters, self.send, loop, clock=lambda: NOW)

    def send(self) -> None:
        self.turns += 1
        decoder = Decoder()
        while not self.blocked:
            frame = self.exchange.next_frame()
            if frame is None:
                return
            for kind, payload in decoder.feed(frame):
                assert kind is Kind.PROFILES
                self.sent.append(payload)

    def visit(self, address: str, number: int = 4) -> None:
        request, client = who(address)
        keys = self.table.keys(request, client, "")
        for _ in range(number):
            self.table.observe(keys, request, Seen(NOW, 200, b"text/html", False, 50, False))

    def requests(self, address: str) -> float:
        return self.table.read(self.table.keys(*who(address), ""), NOW).address.requests


def who(address: str) -> tuple[Request, Client]:
    headers = Headers(((b"Host", b"shop.example"),))
    request = Request(
        "0" * 16, NOW, b"GET", b"/", b"/", None, "HTTP/1.1", False, b"shop.example", "shop.example", headers, 0
    )
    return request, Client(ip_address(address), address, 1, address)


@pytest.fixture
async def link(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Link]:
    monkeypatch.setattr(slices, "TICK", 0.02)
    made = Link()
    yield made
    made.exchange.close()


async def eventually(what: object, seconds: float = 20.0) -> None:
    assert callable(what)
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.002)


async def test_what_changed_goes_up_at_a_tick_and_says_it_once(link: Link) -> None:
    other = Link()
    link.visit("192.0.2.1", 5)
    await eventually(lambda: link.table.waiting == 0)
    for payload in link.sent:
        other.exchange.received(Kind.PROFILES_MERGED, payload)
    other.exchange.received(Kind.PROFILES_COMPLETE, b"")
    assert other.requests("192.0.2.1") == pytest.approx(5.0, rel=1e-4)
    assert other.table.waiting == 0  # what was heard is not told again
    said = len(link.sent)
    await asyncio.sleep(0.1)
    assert len(link.sent) == said
    other.exchange.close()


async def test_who_asked_once_or_twice_is_nobody_elses_business(link: Link) -> None:
    link.visit("192.0.2.1", 2)
    await asyncio.sleep(0.1)
    assert link.sent == []


async def test_many_go_up_in_slices_the_rest_is_deferred_and_counted(
    link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchanging, "KEYS_A_TICK", 200)
    link.exchange.close()
    link.exchange = ProfileExchange(link.table, link.counters, link.send, asyncio.get_running_loop(), clock=lambda: NOW)
    for number in range(1000):
        link.visit(f"10.0.{number >> 8}.{number & 255}")
    await eventually(lambda: link.table.waiting == 0)
    sizes = [len(payload) // 200 for payload in link.sent]
    assert max(sizes) <= 2 * exchanging.SLICE
    assert link.counters.counts["profiles_deferred",] > 0
    assert link.counters.gauges["profile_keys"] > 1000


async def test_a_supervisor_that_does_not_read_costs_nothing_and_learns_all_when_it_does(link: Link) -> None:
    link.blocked = True
    for _ in range(5):
        link.visit("192.0.2.1", 4)
        await asyncio.sleep(0.03)
    link.blocked = False
    link.exchange.flush()
    other = Link()
    for payload in link.sent:
        other.exchange.received(Kind.PROFILES_MERGED, payload)
    other.exchange.received(Kind.PROFILES_COMPLETE, b"")
    assert other.exchange.ready.done()
    assert other.requests("192.0.2.1") == pytest.approx(20.0, rel=1e-4)
    other.exchange.close()


async def test_signals_come_down_and_a_payload_of_nothing_is_refused(link: Link) -> None:
    signals = {7: Ja4Signals(0.5, 0.25, 1.0, 0.0, 1, 2, 3, 4, 0.5, 0.75)}
    link.exchange.received(Kind.SIGNALS, write_signals(signals))
    assert link.table.signals == signals
    link.exchange.received(Kind.PROFILES_MERGED, b"\x07")
    with pytest.raises(FrameError):
        link.exchange.received(Kind.PROFILES_COMPLETE, b"")
