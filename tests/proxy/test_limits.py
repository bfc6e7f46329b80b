"""Bounds and timeouts of client connections, and leaving service."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network

import pytest

from botproxy.addresses import NetworkSet
from botproxy.model import Client, Ending
from botproxy.proxy import Limits, OriginSettings, Timeouts, Wire
from botproxy.proxy.front import FrontConnection
from botproxy.proxy.peers import Peer

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


def gated(gate: asyncio.Event):
    async def script(visit):
        while True:
            await visit.head()
            await gate.wait()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return script


@pytest.mark.parametrize("limits", [Limits(connections=3), Limits(connections_per_address=3)])
async def test_connections_above_a_limit_are_told_503(rig, hello, limits):
    proxy = await rig.proxy(await rig.origin(hello), limits=limits)
    clients = [await proxy.connect() for _ in range(3)]
    await rig.eventually(lambda: proxy.wire.counts.connections == 3)
    refused = await proxy.connect()
    answer = await refused.rest()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in answer
    assert [refusal.status for refusal in proxy.refusals] == [503]
    refused.close()
    clients[0].close()
    await rig.eventually(lambda: proxy.wire.counts.connections == 2)
    assert (await proxy.ask(GET))[1] == b"hello"
    for client in clients:
        client.close()
    await rig.eventually(lambda: proxy.wire.counts.connections == 0)
    assert not proxy.wire.addresses


async def test_connections_of_one_ipv6_network_are_counted_together():
    """Each address of a /64 could else have as many as one is allowed."""
    wire = Wire(Limits(connections_per_address=1))
    peers = [
        Peer(address, Client(address, str(address), 1, str(address)), False, False)
        for address in map(ip_address, ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"))
    ]
    fronts = [FrontConnection(wire) for _ in peers]
    faults = [wire.enter(front, peer) for front, peer in zip(fronts, peers, strict=True)]
    assert [fault is None for fault in faults] == [True, False, True]
    for front, peer in zip(fronts, peers, strict=True):
        wire.leave(front, peer)
    assert not wire.addresses


def test_one_address_cannot_take_every_connection_to_an_origin():
    """Not as they come: slow uploads or WebSockets of one visitor would keep everybody else waiting."""
    assert 2 * Limits().connections_per_address <= OriginSettings().connections


async def test_listed_peers_may_have_more_connections_than_one_address(rig, hello):
    trusted = NetworkSet([ip_network("127.0.0.0/8")])
    proxy = await rig.proxy(await rig.origin(hello), limits=Limits(connections_per_address=1), trusted=trusted)
    clients = [await proxy.connect() for _ in range(3)]
    for client in clients:
        client.send(GET)
        assert (await client.answer())[1] == b"hello"


async def test_visitor_behind_a_listed_peer_is_told_to_the_gateway_and_the_origin(rig):
    heads: list[bytes] = []

    async def script(visit):
        while True:
            heads.append(await visit.head())
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    origin = await rig.origin(script)
    request = b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"
    for trusted, address, secure in (
        (NetworkSet(), "127.0.0.1", False),
        (NetworkSet([ip_network("127.0.0.1/32")]), "192.0.2.7", True),
    ):
        proxy = await rig.proxy(origin, trusted=trusted)
        await proxy.ask(request)
        (exchange,) = proxy.exchanges
        assert exchange.client.text == address
        assert exchange.client.peer == "127.0.0.1"
        assert exchange.request.secure is secure
        assert b"CF-Connecting-IP: " + address.encode() + b"\r\n" in heads[-1]


async def test_requests_above_the_limit_are_told_503_and_the_others_are_served(rig):
    gate = asyncio.Event()
    proxy = await rig.proxy(await rig.origin(gated(gate)), limits=Limits(requests=2))
    clients = [await proxy.connect() for _ in range(2)]
    for client in clients:
        client.send(GET)
    await rig.eventually(lambda: proxy.wire.counts.requests_now == 2)
    head, _ = await proxy.ask(GET)
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in head
    gate.set()
    for client in clients:
        assert (await client.answer())[1] == b"ok"
    assert proxy.wire.counts.requests_now == 0


async def test_body_size_is_off_by_default_and_413_when_set(rig):
    async def script(visit):
        head = await visit.head()
        await (visit.until(b"0\r\n\r\n") if b"chunked" in head else visit.exactly(1000))
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await visit.rest()

    origin = await rig.origin(script)
    whole = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
    assert (await (await rig.proxy(origin)).ask(whole))[1] == b"ok"
    proxy = await rig.proxy(origin, limits=Limits(body_size=1000))
    assert (await proxy.ask(whole))[1] == b"ok"
    before = len(origin.visits)
    too_long = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1001\r\n\r\n"
    assert (await proxy.ask(too_long))[0].startswith(b"HTTP/1.1 413 ")
    assert len(origin.visits) == before
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
    client.send(b"fff\r\n" + b"x" * 4095 + b"\r\n0\r\n\r\n")
    assert (await client.head()).startswith(b"HTTP/1.1 413 ")


async def test_head_that_does_not_come_in_time_is_408(rig):
    proxy = await rig.proxy(timeouts=Timeouts(header=0.3))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost:")
    assert (await client.rest()).startswith(b"HTTP/1.1 408 ")
    assert [refusal.status for refusal in proxy.refusals] == [408]


async def test_trickling_head_does_not_move_its_deadline(rig):
    proxy = await rig.proxy(timeouts=Timeouts(header=0.5))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n")

    async def trickle():
        while True:
            client.send(b"X: y\r\n")
            await asyncio.sleep(0.02)

    trickling = asyncio.ensure_future(trickle())
    assert (await client.head()).startswith(b"HTTP/1.1 408 ")
    trickling.cancel()


async def test_connection_that_says_nothing_is_closed_without_a_word(rig):
    proxy = await rig.proxy(timeouts=Timeouts(header=0.3))
    client = await proxy.connect()
    assert await client.rest() == b""
    assert proxy.refusals == []


async def test_kept_connection_is_closed_after_its_idle_time(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), timeouts=Timeouts(idle=0.3))
    client = await proxy.connect()
    client.send(GET)
    await client.answer()
    assert await client.rest() == b""


async def test_refused_client_that_sends_on_is_cut(rig):
    proxy = await rig.proxy(timeouts=Timeouts(linger=0.2))
    client = await proxy.connect()
    client.send(b"nonsense\r\n\r\n")
    await client.head()
    await client.rest()
    await rig.eventually(lambda: not proxy.wire.fronts)


async def test_draining_serves_what_comes_says_close_and_accepts_nothing_more(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    client = await proxy.connect()
    client.send(GET)
    assert b"Connection: close" not in (await client.answer())[0]
    draining = asyncio.ensure_future(proxy.server.drain(10))
    await rig.eventually(lambda: proxy.wire.draining)
    with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system likes
        await proxy.connect()
    assert not draining.done()
    client.send(GET)
    head, body = await client.answer()
    assert body == b"hello"
    assert b"Connection: close\r\n" in head
    assert await client.rest() == b""
    assert await draining == 0


async def test_draining_lets_a_running_answer_end(rig):
    gate = asyncio.Event()
    origin = await rig.origin(gated(gate))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(GET)
    await rig.eventually(lambda: bool(origin.visits))
    draining = asyncio.ensure_future(proxy.server.drain(10))
    await rig.eventually(lambda: proxy.wire.draining)
    gate.set()
    assert (await client.answer())[1] == b"ok"
    assert await draining == 0
    assert proxy.outcomes[0].ending is Ending.FINISHED


async def test_draining_ends_when_its_time_is_over(rig):
    origin = await rig.origin(gated(asyncio.Event()))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(GET)
    await rig.eventually(lambda: bool(origin.visits))
    assert await proxy.server.drain(0.2) == 1
    assert (await proxy.ended()).ending is Ending.DRAINED
    await client.gone()


async def test_nothing_is_left_behind_after_many_connections(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    for _ in range(100):
        assert (await proxy.ask(GET))[1] == b"hello"
    await rig.eventually(lambda: not proxy.wire.fronts)
    counts = proxy.wire.counts
    assert (counts.connections, counts.requests_now, counts.requests) == (0, 0, 100)
    assert not proxy.wire.addresses
    assert not proxy.pool.waiting


async def test_client_that_asks_and_never_reads_has_no_answers_kept_for_it(rig):
    """Answers of our own are held back like relayed ones: what is written ahead of a reader stays bounded."""
    proxy = await rig.proxy()
    body = b"x" * 16_384
    proxy.handler = lambda exchange: exchange.respond(200, (), body)
    client = await proxy.connect(limit=4096)
    client.writer.transport.set_write_buffer_limits(high=1)
    client.writer.transport.pause_reading()
    asked = 50_000
    client.send(GET * asked)
    await rig.eventually(lambda: any(front.write_blocked for front in proxy.wire.fronts))
    (front,) = proxy.wire.fronts
    assert front.transport is not None
    before = len(proxy.exchanges)
    assert front.transport.get_write_buffer_size() < 1024 * 1024
    assert before < asked
    client.writer.transport.resume_reading()
    for _ in range(before + 200):
        assert (await client.answer())[1] == body
    await rig.eventually(lambda: len(proxy.exchanges) > before)
