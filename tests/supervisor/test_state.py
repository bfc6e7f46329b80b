"""State that several nodes share: together over a real server, alone while it is away, together again."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from botproxy.errors import OperatorError
from botproxy.link.frames import Kind
from botproxy.store import Notice
from botproxy.supervisor.profiles import SharedProfiles
from botproxy.supervisor.rates import Rates
from botproxy.supervisor.state import SharedState
from botproxy.traffic import CountedRule, RateCounts, decode, encode

NOW = 1_000_000.0
RULE = CountedRule(b"rule", 60, 100)
SECRET = "ab" * 32


class Worker:
    """The only worker of a node: a link that remembers what came down, and its counters."""

    open = True
    unread = 0

    def __init__(self) -> None:
        self.table = RateCounts(b"own" * 8, random.Random(1).randbytes, 50_000)
        self.rule = self.table.register(RULE)
        self.told: list[Notice] = []
        self.complete = False

    def tell(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.RATES_SECRET:
            self.table.share_secret(payload)
        elif kind is Kind.RATES_MERGED:
            self.table.merge(decode(payload), NOW)
        elif kind is Kind.RATES_COMPLETE:
            self.complete = True

    def notices(self, topic: str, notices: Sequence[Notice]) -> None:
        assert topic == "revoked"
        self.told += notices

    def rate(self, values: bytes) -> int:
        place = self.table.find(self.rule, self.table.key(self.rule, values), NOW)
        return self.table.rate(place, NOW) if place >= 0 else 0


class Node:
    """A supervisor's share of it, with one worker."""

    def __init__(self) -> None:
        self.rates = Rates(clock=lambda: NOW)
        self.rates.make_room(20_000)
        self.state = SharedState(self.rates, SharedProfiles())
        self.worker = Worker()

    async def begin(self, url: str) -> None:
        await self.state.configure({"url": url, "timeout": 1.0}, SECRET)
        self.rates.join(1, self.worker)
        self.state.join(1, self.worker)

    def hit(self, values: bytes, number: int) -> None:
        table = self.worker.table
        key = table.key(self.worker.rule, values)
        place = table.find(self.worker.rule, key, NOW)
        if place < 0:
            place = table.admit(self.worker.rule, key, NOW)
        table.add(place, NOW, number)
        self.rates.take(1, encode(table.take(5000)))


@asynccontextmanager
async def nodes(url: str, number: int = 2) -> AsyncIterator[list[Node]]:
    made = [Node() for _ in range(number)]
    for each in made:
        await each.begin(url)
    yield made
    for each in made:
        await each.state.end()


async def eventually(what: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


async def test_what_one_node_counts_the_other_knows_soon(redis_server: Any) -> None:
    async with nodes(redis_server.url) as (one, other):
        one.hit(b"a", 7)
        other.hit(b"a", 5)
        await eventually(lambda: one.worker.rate(b"a") == 12 and other.worker.rate(b"a") == 12)
        other.hit(b"a", 1)
        await eventually(lambda: one.worker.rate(b"a") == 13)


async def test_nothing_is_counted_twice_on_its_way_around(redis_server: Any) -> None:
    async with nodes(redis_server.url, 3) as three:
        for round_ in range(5):
            for each in three:
                each.hit(b"a", round_ + 1)
            await asyncio.sleep(0.12)
        await eventually(lambda: all(each.worker.rate(b"a") == 45 for each in three))
        await asyncio.sleep(0.5)
        assert [each.worker.rate(b"a") for each in three] == [45, 45, 45]


async def test_a_node_that_begins_knows_everything_before_its_worker_serves(redis_server: Any) -> None:
    async with nodes(redis_server.url, 1) as (one,):
        for number in range(3000):
            one.hit(struct.pack(">I", number), 2)
        await asyncio.sleep(1.0)
        other = Node()
        await other.begin(redis_server.url)
        await eventually(lambda: other.worker.complete)
        known = sum(other.worker.rate(struct.pack(">I", number)) == 2 for number in range(3000))
        await other.state.end()
        assert known == 3000


async def test_a_node_hears_from_the_others_what_the_server_has_forgotten(redis_server: Any) -> None:
    async with nodes(redis_server.url, 1) as (one,):
        one.hit(b"a", 7)
        await asyncio.sleep(0.5)
        redis_server.stop()
        redis_server.start()
        await eventually(lambda: one.state.status == "shared")
        other = Node()
        await other.begin(redis_server.url)
        await eventually(lambda: other.worker.rate(b"a") == 7)
        await other.state.end()


async def test_nodes_go_on_alone_while_the_server_is_away_and_are_together_again(
    redis_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with nodes(redis_server.url) as (one, other):
        assert (one.state.status, other.state.status) == ("shared", "shared")
        redis_server.stop()
        await eventually(lambda: one.state.status == "away" and other.state.status == "away")
        begun = time.monotonic()
        assert await one.state.burn(b"nonce", 60.0)
        assert not await one.state.burn(b"nonce", 60.0)
        await one.state.post("revoked", Notice(b"a", b"", time.time() + 60))
        assert time.monotonic() - begun < 1.0
        one.hit(b"a", 3)
        other.hit(b"a", 4)
        assert one.worker.rate(b"a") == 3
        assert one.state.counts["state_alone", "burn"] == 1
        assert one.state.gauges()["state_reachable"] == 0.0
        await asyncio.sleep(1.5)
        redis_server.start()
        await eventually(lambda: one.worker.rate(b"a") == 7 and other.worker.rate(b"a") == 7)
        await eventually(lambda: [each.id for each in other.worker.told] == [b"a"])
        assert not await one.state.burn(b"nonce", 60.0)
        assert await one.state.burn(b"another", 60.0)
        assert not await other.state.burn(b"another", 60.0)
    said = [each.getMessage() for each in caplog.records]
    assert said.count("shared state is away, this node goes on alone") == 2


async def test_a_server_that_never_was_there_holds_up_no_start(free_port: Any) -> None:
    begun = time.monotonic()
    async with nodes(f"redis://127.0.0.1:{free_port()}", 1) as (one,):
        assert time.monotonic() - begun < 4.0
        assert one.state.status == "away"
        await eventually(lambda: one.worker.complete)
        assert await one.state.burn(b"nonce", 60.0)


async def test_a_notice_reaches_all_workers_of_all_nodes_and_those_that_come_later(redis_server: Any) -> None:
    async with nodes(redis_server.url) as (one, other):
        notice = Notice(b"session", b"why", time.time() + 600)
        await one.state.post("revoked", notice)
        assert one.worker.told == [notice]
        await eventually(lambda: other.worker.told == [notice])
        late = Worker()
        other.state.join(2, late)
        assert late.told == [notice]
        third = Node()
        await third.begin(redis_server.url)
        assert third.worker.told == [notice]
        await third.state.end()
        await one.state.post("revoked", notice)
        await asyncio.sleep(0.4)
        assert other.worker.told == [notice]


async def test_a_flood_of_keys_goes_in_bounded_pieces_heaviest_first(redis_server: Any) -> None:
    async with nodes(redis_server.url) as (one, other):
        for number in range(8000):
            one.hit(struct.pack(">I", number), 2)
        one.hit(b"heavy", 50)
        await eventually(lambda: other.worker.rate(b"heavy") == 50)
        await eventually(lambda: other.worker.rate(struct.pack(">I", 7999)) == 2)


async def test_what_a_stranger_writes_there_is_refused_and_counted(redis_server: Any) -> None:
    async with nodes(redis_server.url, 1) as (one,):
        remote = one.state._remote
        assert remote is not None
        await remote.exchange(
            "rates",
            [{b"x": b"y"}, {b"n": b"short", b"r": b"1"}, {b"n": b"n" * 16, b"r": b"cut"}, {b"n": b"o" * 16}],
            b"0",
        )
        one.hit(b"a", 3)
        await eventually(lambda: one.state.counts.get(("state_refused",)) == 1)
        await asyncio.sleep(0.3)
        assert one.state.status == "shared"


async def test_another_server_is_taken_with_a_new_configuration_and_none_as_well(redis_server: Any) -> None:
    async with nodes(redis_server.url) as (one, other):
        await one.state.configure(None, "")
        assert one.state.status == "alone"
        assert one.state.gauges() == {}
        assert await other.state.burn(b"nonce", 60.0)
        assert await one.state.burn(b"nonce", 60.0)
        await one.state.configure({"url": redis_server.url}, SECRET)
        assert one.state.status == "shared"
        assert not await one.state.burn(b"nonce", 60.0)


async def test_a_password_file_that_is_gone_is_said(redis_server: Any, tmp_path: Path) -> None:
    node = Node()
    with pytest.raises(OperatorError, match=r"state\.password_file"):
        await node.state.configure({"url": redis_server.url, "password_file": str(tmp_path / "none")}, SECRET)
