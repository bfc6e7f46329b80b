"""What callers did, in the supervisor: who is told what, and what happens when somebody does not listen."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from ipaddress import ip_address

import pytest

from botproxy.link.frames import Kind
from botproxy.model import Client, Headers, Request, Tls
from botproxy.supervisor import profiles as supervising
from botproxy.supervisor.profiles import MAX_FOR_NODES, SharedProfiles
from botproxy.supervisor.telling import MAX_UNREAD
from botproxy.traffic import Profiles, Seen, ToldError
from botproxy.traffic.signals import read_signals

NOW = 1_700_000_000.0
JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"


class Down:
    """A worker: a link that takes what comes down into its own profiles."""

    def __init__(self) -> None:
        self.open = True
        self.unread = 0
        self.kinds: list[Kind] = []
        self.table = Profiles(b"s" * 32, random.Random(1).randbytes, 0.05)

    def tell(self, kind: Kind, payload: bytes) -> None:
        self.kinds.append(kind)
        if kind is Kind.PROFILES_MERGED:
            self.table.merge(payload, NOW)
        elif kind is Kind.SIGNALS:
            self.table.signals = read_signals(payload)

    def visit(self, address: str, number: int = 5) -> list[bytes]:
        request, client = who(address)
        keys = self.table.keys(request, client, "")
        for _ in range(number):
            self.table.observe(keys, request, Seen(NOW, 200, b"text/html", False, 50, False))
        told = []
        while payload := self.table.take(48, NOW):
            told.append(payload)
        return told

    def requests(self, address: str) -> float:
        return self.table.read(self.table.keys(*who(address), ""), NOW).address.requests


def who(address: str) -> tuple[Request, Client]:
    headers = Headers(((b"Host", b"a"), (b"User-Agent", b"Mozilla/5.0 (X11) Firefox/140.0")))
    request = Request("0" * 16, NOW, b"GET", b"/", b"/", None, "HTTP/2", True, b"a", "a", headers, 0)
    return request, Client(ip_address(address), address, 1, address, Tls("TLSv1.3", "x", ja4=JA4))


async def eventually(what: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


async def test_what_one_worker_saw_all_others_know_and_it_is_not_told_itself() -> None:
    shared = SharedProfiles(lambda: NOW)
    one, other = Down(), Down()
    shared.join(1, one)
    shared.join(2, other)
    await eventually(lambda: Kind.PROFILES_COMPLETE in one.kinds and Kind.PROFILES_COMPLETE in other.kinds)
    one.kinds.clear()
    for payload in one.visit("192.0.2.1"):
        shared.take(1, payload)
    assert other.requests("192.0.2.1") == pytest.approx(5.0, rel=1e-4)
    assert one.requests("192.0.2.1") == pytest.approx(5.0, rel=1e-4)
    assert one.kinds == []


async def test_a_worker_that_begins_is_told_everything_before_it_is_complete() -> None:
    shared = SharedProfiles(lambda: NOW)
    one = Down()
    shared.join(1, one)
    for number in range(300):
        for payload in one.visit(f"10.0.{number >> 8}.{number & 255}"):
            shared.take(1, payload)
    late = Down()
    shared.join(2, late)
    await eventually(lambda: Kind.PROFILES_COMPLETE in late.kinds)
    assert all(late.requests(f"10.0.{n >> 8}.{n & 255}") == pytest.approx(5.0, rel=1e-4) for n in range(300))
    assert late.kinds[-1] is Kind.PROFILES_COMPLETE


async def test_signals_are_told_to_all_and_to_who_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "SIGNAL_SECONDS", 0.02)
    shared = SharedProfiles(lambda: NOW)
    one = Down()
    shared.join(1, one)
    for number in range(10):
        for payload in one.visit(f"192.0.2.{number}"):
            shared.take(1, payload)
    await eventually(lambda: Kind.SIGNALS in one.kinds)
    late = Down()
    shared.join(2, late)
    await eventually(lambda: Kind.PROFILES_COMPLETE in late.kinds)
    signals = late.table.read(late.table.keys(*who("192.0.2.1"), ""), NOW).signals
    assert signals is not None
    assert signals.h2h3_ratio_1h == pytest.approx(1.0)
    assert signals.browser_ratio_1h == pytest.approx(1.0)
    assert (signals.reqs_rank_1h, signals.ips_rank_1h) == (1, 1)
    shared.leave(1)
    shared.leave(2)


async def test_who_does_not_read_is_not_told_and_that_is_counted() -> None:
    shared = SharedProfiles(lambda: NOW)
    one, slow = Down(), Down()
    shared.join(1, one)
    shared.join(2, slow)
    slow.unread = MAX_UNREAD + 1
    for payload in one.visit("192.0.2.1"):
        shared.take(1, payload)
    assert slow.requests("192.0.2.1") == 0.0
    assert shared.unheard > 0


async def test_what_waits_for_other_nodes_is_bounded() -> None:
    shared = SharedProfiles(lambda: NOW)
    shared.share_with_nodes(True)
    one = Down()
    shared.join(1, one)
    for number in range(3 * MAX_FOR_NODES):
        for payload in one.visit(f"192.0.{number >> 8}.{number & 255}"):
            shared.take(1, payload)
    waiting = 0
    while shared.tell_nodes():
        waiting += 1
    assert waiting == MAX_FOR_NODES
    assert shared.unheard > 0
    shared.share_with_nodes(False)
    assert shared.tell_nodes() == b""


async def test_what_no_worker_says_is_refused() -> None:
    with pytest.raises(ToldError):
        SharedProfiles(lambda: NOW).take(1, b"\x09")
