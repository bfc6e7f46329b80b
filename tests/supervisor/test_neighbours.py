"""What nodes of two versions have to agree on stands here byte by byte: a change of it breaks a neighbour, and this.

Machines of one cluster are upgraded one after the other. If one of these tests fails, do not change what it says: have
the new version read both forms for one release, and write the old one (a new number, topic, field or format byte), so
that nodes of the release before go on working beside it. What release 0.1 left on disk and in browsers is another
matter: `tests/system/test_upgrades.py`.
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from botproxy.cookies import KeyRing, Revocation, clearance, read_revocation, session
from botproxy.cookies.sealing import Sealer
from botproxy.model import Clearance, ClearanceLevel, Session
from botproxy.store import Notice
from botproxy.supervisor.profiles import SharedProfiles
from botproxy.supervisor.rates import Rates
from botproxy.supervisor.state import SharedState
from botproxy.traffic import CountedRule, Profiles, RateCounts, Record, ToldError, decode, encode

RING = KeyRing.from_text((Path(__file__).parents[1] / "data" / "release-0.1" / "secret").read_text())
WHEN = 1_790_000_000.0

RECORD = Record(b"rule-tag", bytes(range(16)), 60, 29_833_333, 7, WHEN + 0.5, WHEN + 1.25, 0.0, WHEN + 60.0)
PACKED = bytes.fromhex(
    "72756c652d746167000102030405060708090a0b0c0d0e0f0000003c01c738750000000700005014000053020000000000000000"
    "41daac4eef000000"
)


def zeros(number: int) -> bytes:
    return bytes(number)


# What is counted


def test_a_counter_travels_in_the_same_bytes() -> None:
    assert encode([RECORD]) == PACKED
    assert list(decode(PACKED)) == [RECORD]


def test_nodes_with_one_secret_call_a_counter_the_same() -> None:
    secret = RING.shared("counters")
    assert secret.hex() == "2e96216949893b602e4b3ab470885a0799b5fd2cbca98845266bcee1bdaedb17"
    counts = RateCounts(secret, zeros)
    number = counts.register(CountedRule(b"shop login", 60, 5))
    assert counts.key(number, b"192.0.2.7").hex() == "475249828ef69c9950a07d4f8c92cc98"


def test_a_stand_in_for_an_address_is_the_same_on_every_node() -> None:
    assert RING.shared("privacy").hex() == "969b78d628bc7fae946cecf22699c8f6695019f5ab28d9de5400d7509d6d1141"


def test_each_table_of_what_callers_did_has_its_layout() -> None:
    """A payload says its table by the first byte alone: another layout needs another number."""
    profiles = Profiles(RING.shared("counters"), zeros)
    caller, network, crowd, path = (3, 19, 88), (0, 7, 96), (0, 11, 672), (0, 7, 168)
    for number, (fixed, figures, bits) in enumerate((caller, caller, network, crowd, crowd, path, caller)):
        said = (7, WHEN, *([WHEN] * fixed), *([1.5] * figures), b"\x01" * bits)
        payload = bytes((number,)) + struct.pack(f"<Qd{fixed}d{figures}f{bits}s", *said)
        table, records = profiles.read_told(payload)
        assert table == number
        assert [(each.key, each.when, *each.fixed, *each.figures, each.bits) for each in records] == [said]
    assert len(profiles.tables) == number + 1


def test_a_payload_of_a_table_that_is_not_known_is_none_and_nothing_more() -> None:
    for payload in (b"\xff" + bytes(204), b"\x00" + bytes(203), b"\x02" + bytes(204)):
        with pytest.raises(ToldError):
            SharedProfiles(lambda: WHEN).take_from_node(payload)


# What visitors bring along


def test_a_clearance_and_a_session_have_the_same_bytes() -> None:
    homes = (b"\xc0\x00\x02\x07",)
    cleared = Clearance(ClearanceLevel.MANAGED, WHEN, True, WHEN + 900, "0123456789abcdef", WHEN - 1000, 5, homes)
    packed = "0203000001a0c4506c0002000001a0c45e27a00123456789abcdef000001a0c44129c0000000050104c0000207"
    assert clearance.encode(cleared).hex() == packed
    assert clearance.decode(bytes.fromhex(packed)) == cleared
    seen = Session("00112233445566778899aabbccddeeff", WHEN, WHEN + 1, 42, b"12345678")
    packed = "0200112233445566778899aabbccddeeff000001a0c4506c00000001a0c4506fe82a3132333435363738"
    assert session.encode(seen).hex() == packed
    assert session.decode(bytes.fromhex(packed)) == seen


def test_what_one_node_seals_another_opens() -> None:
    sealed = "Ab1pAAAAAAAAAAAAAAAAy4X-G91NegN7x3TacSvjI7JMrcqrE7K1"
    sealer = Sealer(RING, "clearance", "shop", zeros)
    assert sealer.seal(b"payload", b"bound") == sealed
    assert sealer.open(sealed.encode(), b"bound") == b"payload"


# What stands in Redis


@pytest.fixture
async def raw(redis_server: Any) -> AsyncIterator[Redis]:
    """A neighbour that knows of nothing but bytes."""
    host, _, port = redis_server.url.removeprefix("redis://").partition("/")[0].partition(":")
    client = Redis(host=host, port=int(port))
    yield client
    await client.aclose()


class Node:
    """A supervisor's share of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rates = Rates()
        self.rates.make_room(1000)
        self.state = SharedState(self.rates, SharedProfiles())

    async def __aenter__(self) -> Node:
        await self.state.configure({"url": self.url, "timeout": 2.0}, RING.shared("counters").hex())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.state.end()


async def until(done: Any) -> Any:
    for _ in range(1000):
        found = await done()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("not in time")


async def test_a_node_writes_under_the_same_names(redis_server: Any, raw: Redis) -> None:
    now = time.time()
    said = Revocation("ip", "192.0.2.7/32", WHEN)
    assert said.name.hex() == "fb8b66d80e7ea463c89e43ec8be7fee7"
    assert said.encode() == b'["ip","192.0.2.7/32",1790000000.0]'
    async with Node(redis_server.url) as node:
        assert await node.state.burn(b"nonce", 60.0)
        assert await node.state.own(b"passed", b"me", 60.0)
        await node.state.post("revoked", Notice(said.name, said.encode(), now + 60.0))
        table = RateCounts(RING.shared("counters"), zeros)
        rule = table.register(CountedRule(b"shop login", 60, 5))
        key = table.key(rule, b"192.0.2.7")
        table.add(table.admit(rule, key, now), now, 3)
        node.rates.take(1, encode(table.take(5000)))

        async def counters() -> Any:
            entries = [fields for _, fields in await raw.xrange("botproxy:s:rates")]
            return [fields for fields in entries if b"r" in fields] and entries

        entries = await until(counters)
    assert sorted(await raw.keys("*")) == [
        b"botproxy:b:{revoked}",
        b"botproxy:b:{revoked}:e",
        b"botproxy:b:{revoked}:v",
        b"botproxy:n:nonce",
        b"botproxy:n:passed",
        b"botproxy:s:rates",
    ]
    assert await raw.get("botproxy:n:passed") == b"owner:me"
    (held,) = (await raw.hgetall("botproxy:b:{revoked}")).items()
    assert (held[0], held[1][8:]) == (said.name, said.encode())
    assert entries[0].keys() == {b"n", b"h"}
    assert all(fields.keys() <= {b"n", b"h", b"r", b"p"} and len(fields[b"n"]) == 16 for fields in entries)
    (record,) = decode(next(fields[b"r"] for fields in entries if b"r" in fields))
    assert (record.key, record.hits, record.period) == (key, 3, 60)


async def test_a_node_reads_what_a_neighbour_wrote_and_passes_over_what_it_does_not_know(
    redis_server: Any, raw: Redis
) -> None:
    now = time.time()
    window = int(now // 60)
    theirs = Record(b"rule-tag", bytes(range(16)), 60, window, 7, window * 60.0, window * 60.0, 0.0, 0.0)
    neighbour = {"n": b"neighbour-number", "h": b"1"}
    await raw.xadd("botproxy:s:rates", neighbour)
    await raw.xadd("botproxy:s:rates", {"n": b"neighbour-number", "z": b"of a later version"})
    await raw.xadd("botproxy:s:rates", {"n": b"neighbour-number", "p": b"\xff of a later version"})
    await raw.xadd("botproxy:s:rates", {"n": b"neighbour-number", "r": encode([theirs])})
    said = Revocation("ip", "192.0.2.7/32", now)
    async with Node(redis_server.url) as node:
        # What a script of another version does on the server.
        await raw.hset("botproxy:b:{revoked}", said.name, struct.pack(">d", now + 60.0) + said.encode())
        await raw.hset("botproxy:b:{revoked}", b"later", struct.pack(">d", now + 60.0) + b'["kind of later", 1]')
        await raw.incr("botproxy:b:{revoked}:v")

        async def learned() -> Any:
            notices = await node.state.posted("revoked")
            return len(notices) == 2 and notices

        notices = await until(learned)
        assert [read_revocation(notice.body) for notice in notices if notice.id == said.name] == [said]
        assert [read_revocation(notice.body) for notice in notices if notice.id == b"later"] == [None]
        assert await raw.set("botproxy:n:burnt", b"token", nx=True) is not False
        assert not await node.state.burn(b"burnt", 60.0), "what a neighbour burnt is burnt here"
        found = [record for record in node.rates.counts.all_but(1) if record.rule == b"rule-tag"]
        assert [(record.key, record.hits) for record in found] == [(bytes(range(16)), 7)]
        assert node.state.counts["state_refused",] == 1
