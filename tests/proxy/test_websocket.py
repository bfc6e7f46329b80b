"""WebSockets pass through as they are, and are told when we go away."""

from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.model import Ending
from botproxy.proxy import Timeouts
from botproxy.proxy.settings import OriginSettings
from botproxy.proxy.websocket import CLOSE_TO_CLIENT, CLOSE_TO_ORIGIN, FrameBoundary

HANDSHAKE = (
    b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def frame(payload: bytes, masked: bool = False, opcode: int = 2) -> bytes:
    size = len(payload)
    mark = 0x80 if masked else 0
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([mark | size])
    elif size < 65536:
        head += bytes([mark | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([mark | 127]) + size.to_bytes(8, "big")
    return head + (b"\0\0\0\0" if masked else b"") + payload


async def echo(visit):
    head = await visit.head()
    assert b"Upgrade: websocket\r\n" in head
    assert b"Connection: Upgrade\r\n" in head
    assert b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" in head
    visit.send(SWITCH)
    while data := await visit.reader.read(65536):
        visit.send(data)
        await visit.writer.drain()


async def test_bytes_pass_both_ways_as_they_are(rig):
    origin = await rig.origin(echo)
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(HANDSHAKE)
    head = await client.head()
    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
    assert head.count(b"Upgrade: websocket\r\n") == 1
    assert b"Cf-Ray: " in head
    for size in (0, 1, 125, 126, 70000, 2_000_000):
        sent = frame(os.urandom(size), masked=True)
        client.send(sent)
        assert await client.exactly(len(sent)) == sent
    client.close()
    outcome = await proxy.ended()
    assert outcome.status == 101
    assert outcome.request_bytes > 2_000_000
    assert outcome.response_bytes > 2_000_000
    assert outcome.ending is Ending.FINISHED
    assert not origin.errors


async def test_bytes_sent_right_after_the_handshake_are_not_lost(rig):
    async def script(visit):
        await visit.head()
        visit.send(SWITCH + frame(b"first"))
        visit.send(await visit.exactly(len(frame(b"early", True))))
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(HANDSHAKE + frame(b"early", True))
    await client.head()
    assert await client.exactly(7) == frame(b"first")
    assert await client.exactly(11) == frame(b"early", True)


async def test_origin_may_decline_and_the_connection_goes_on(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    client = await proxy.connect()
    for _ in range(2):
        client.send(HANDSHAKE)
        assert (await client.answer())[1] == b"hello"


async def test_other_upgrades_are_ignored_and_never_reach_the_origin(rig):
    heads: list[bytes] = []

    async def script(visit):
        while True:
            heads.append(await visit.head())
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n")
    client.send(b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
    assert (await client.answer())[1] == b"ok"
    assert b"pgrade" not in heads[0]
    assert b"HTTP2-Settings" not in heads[0]


async def test_client_that_leaves_ends_the_origins_side(rig):
    ended = asyncio.Event()

    async def script(visit):
        await visit.head()
        visit.send(SWITCH)
        await visit.gone()
        ended.set()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(HANDSHAKE)
    await client.head()
    client.close()
    await asyncio.wait_for(ended.wait(), 5)


async def test_origin_that_leaves_ends_the_clients_side(rig):
    async def script(visit):
        await visit.head()
        visit.send(SWITCH + frame(b"bye"))
        await visit.writer.drain()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(HANDSHAKE)
    await client.head()
    assert await client.rest() == frame(b"bye")
    assert (await proxy.ended()).ending is Ending.FINISHED


async def test_silent_tunnel_is_closed_after_its_time(rig):
    proxy = await rig.proxy(await rig.origin(echo), timeouts=Timeouts(tunnel_silence=0.3))
    client = await proxy.connect()
    client.send(HANDSHAKE)
    await client.head()
    await client.gone()


async def test_draining_tells_both_sides_that_we_go_away(rig):
    told: list[bytes] = []

    async def script(visit):
        await visit.head()
        visit.send(SWITCH)
        told.append(await visit.exactly(len(CLOSE_TO_ORIGIN)))

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(HANDSHAKE)
    await client.head()
    assert await proxy.server.drain(5) == 0
    assert await client.rest() == CLOSE_TO_CLIENT
    assert told == [CLOSE_TO_ORIGIN]


async def test_tunnel_opened_while_draining_is_told_at_once(rig):
    proxy = await rig.proxy(await rig.origin(echo))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost")
    await rig.eventually(lambda: bool(proxy.wire.fronts))
    draining = asyncio.ensure_future(proxy.server.drain(5))
    await rig.eventually(lambda: proxy.wire.draining)
    client.send(b": a.test" + HANDSHAKE[HANDSHAKE.index(b"\r\nConnection") :])
    assert (await client.head()).startswith(b"HTTP/1.1 101 ")
    assert await client.exactly(4) == CLOSE_TO_CLIENT
    assert await draining == 0


async def test_goodbye_waits_for_the_end_of_a_frame(rig):
    half, go_on = asyncio.Event(), asyncio.Event()
    whole = frame(b"x" * 300)

    async def script(visit):
        await visit.head()
        visit.send(SWITCH + whole[:100])
        await visit.writer.drain()
        half.set()
        await go_on.wait()
        visit.send(whole[100:] + frame(b"never seen"))
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(HANDSHAKE)
    await client.head()
    await client.exactly(100)
    draining = asyncio.ensure_future(proxy.server.drain(5))
    await rig.eventually(lambda: proxy.wire.draining)
    go_on.set()
    assert await client.exactly(204) == whole[100:]
    assert await client.exactly(4) == CLOSE_TO_CLIENT
    client.close()
    await draining


@given(
    payloads=st.lists(st.integers(0, 300) | st.sampled_from([65535, 65536]), min_size=1, max_size=5),
    masked=st.booleans(),
    data=st.data(),
)
def test_frame_ends_are_found_wherever_reads_split_them(payloads, masked, data):
    stream = b"".join(frame(b"\x88" * size, masked) for size in payloads)
    ends = set()
    at = 0
    for size in payloads:
        at += len(frame(b"\x88" * size, masked))
        ends.add(at)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    boundary = FrameBoundary()
    seen = 0
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        piece = stream[begin:end]
        found = boundary.first_end(piece)
        if begin in ends or begin == 0:
            assert found == 0
        else:
            following = min(position for position in ends if position > begin)
            assert found == (following - begin if following <= end else -1)
        boundary.follow(piece)
        seen = end
        assert boundary.between == (seen in ends or seen == 0)


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
async def test_handshake_with_a_body_or_of_another_version_is_no_handshake(rig, hello, version):
    proxy = await rig.proxy(await rig.origin(hello))
    request = HANDSHAKE.replace(b"HTTP/1.1", version)
    if version == b"HTTP/1.1":
        request = request.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\nx")
    client = await proxy.connect()
    client.send(request)
    assert not (await client.head()).startswith(b"HTTP/1.1 101")


async def test_a_tunnel_takes_no_place_from_requests(rig):
    async def both(visit):
        head = await visit.head()
        visit.send(SWITCH if b"Upgrade: websocket" in head else b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await visit.reader.read()

    origin = await rig.origin(both)
    proxy = await rig.proxy(origin, settings=OriginSettings(connections=1, queue=1))
    tunnels = [await proxy.connect() for _ in range(3)]
    for tunnel in tunnels:
        tunnel.send(HANDSHAKE)
        assert (await tunnel.head()).startswith(b"HTTP/1.1 101 ")
    head, _ = await proxy.ask(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
