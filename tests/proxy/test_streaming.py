"""Bodies of any size pass through at the pace of the slower side, and hardly any of them is ever held."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from botproxy.model import Ending
from botproxy.proxy import Timeouts

MB = 1024 * 1024
BLOCK = bytes(range(256)) * 256  # 64 KB
SIZE = 64 * MB


def held(proxy) -> int:
    """Bytes of bodies that the proxy holds in its own memory."""
    total = 0
    for front in proxy.wire.fronts:
        total += front.buffered
        if front.transport is not None:
            total += front.transport.get_write_buffer_size()
    for exchange in proxy.exchanges:
        total += exchange.relay.held if exchange.relay is not None else 0
    return total


def download(chunked: bool):
    async def script(visit):
        await visit.head()
        visit.writer.transport.set_write_buffer_limits(high=65536)
        if chunked:
            visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        else:
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE // len(BLOCK)):
            visit.send(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK)
            await visit.writer.drain()
        if chunked:
            visit.send(b"0\r\n\r\n")
        await visit.rest()

    return script


async def read_body(client, chunked: bool):
    digest = hashlib.sha256()
    size = 0
    if not chunked:
        while size < SIZE:
            data = await asyncio.wait_for(client.reader.read(65536), 10)
            assert data
            digest.update(data)
            size += len(data)
        return size, digest.digest()
    while True:
        length = int((await client.until(b"\r\n")).strip(), 16)
        data = await client.exactly(length)
        await client.exactly(2)
        if not length:
            return size, digest.digest()
        digest.update(data)
        size += length


@pytest.fixture(scope="module")
def whole() -> bytes:
    digest = hashlib.sha256()
    for _ in range(SIZE // len(BLOCK)):
        digest.update(BLOCK)
    return digest.digest()


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_download_arrives_whole(rig, whole, chunked):
    proxy = await rig.proxy(await rig.origin(download(chunked)))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    await client.head()
    assert await read_body(client, chunked) == (SIZE, whole)
    outcome = await proxy.ended()
    assert outcome.body_bytes == SIZE
    assert outcome.ending is Ending.FINISHED


@pytest.mark.parametrize("chunked", [False, True])
async def test_slow_reader_holds_the_origin_back_and_hardly_any_memory(rig, whole, chunked):
    origin = await rig.origin(download(chunked))
    proxy = await rig.proxy(origin)
    client = await proxy.connect(limit=65536)
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    await client.head()
    # Nobody reads: once every socket buffer is full, the origin must stand still.
    transport = origin.visits[0].writer.transport
    await rig.eventually(lambda: proxy.exchanges[0].sent > 0)
    before = -1
    async with asyncio.timeout(10):
        while before != proxy.exchanges[0].sent or transport.get_write_buffer_size() == 0:
            before = proxy.exchanges[0].sent
            await asyncio.sleep(0.1)
    assert proxy.exchanges[0].sent < SIZE // 2
    assert held(proxy) < MB
    assert await read_body(client, chunked) == (SIZE, whole)


def upload_target(digests: list[bytes], pause: asyncio.Event | None = None):
    async def script(visit):
        head = await visit.head()
        digest = hashlib.sha256()
        if pause is not None:
            await pause.wait()
        if b"chunked" in head:
            while length := int((await visit.until(b"\r\n")).strip(), 16):
                digest.update(await visit.exactly(length))
                await visit.exactly(2)
        else:
            left = SIZE
            while left:
                data = await asyncio.wait_for(visit.reader.read(65536), 10)
                digest.update(data)
                left -= len(data)
        digests.append(digest.digest())
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await visit.rest()

    return script


async def send_body(client, chunked: bool) -> None:
    client.writer.transport.set_write_buffer_limits(high=65536)
    for _ in range(SIZE // len(BLOCK)):
        client.send(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK)
        await client.writer.drain()
    if chunked:
        client.send(b"0\r\n\r\n")


def upload_head(chunked: bool) -> bytes:
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
    return b"POST / HTTP/1.1\r\nHost: a.test\r\n" + framing + b"\r\n\r\n"


@pytest.mark.parametrize("chunked", [False, True])
async def test_large_upload_arrives_whole(rig, whole, chunked):
    digests: list[bytes] = []
    proxy = await rig.proxy(await rig.origin(upload_target(digests)))
    client = await proxy.connect()
    client.send(upload_head(chunked))
    await send_body(client, chunked)
    assert (await client.answer())[1] == b"ok"
    assert digests == [whole]
    outcome = await proxy.ended()
    assert outcome.request_bytes >= SIZE


@pytest.mark.parametrize("chunked", [False, True])
async def test_slow_origin_holds_the_sender_back_and_hardly_any_memory(rig, whole, chunked):
    digests: list[bytes] = []
    go_on = asyncio.Event()
    proxy = await rig.proxy(await rig.origin(upload_target(digests, go_on)))
    client = await proxy.connect()
    client.send(upload_head(chunked))
    sending = asyncio.ensure_future(send_body(client, chunked))
    await rig.eventually(lambda: bool(proxy.exchanges))
    (front,) = proxy.wire.fronts
    before = -1
    async with asyncio.timeout(10):
        while before != front.body_received:
            before = front.body_received
            await asyncio.sleep(0.1)
    assert 0 < front.body_received < SIZE // 2
    assert held(proxy) < MB
    go_on.set()
    await sending
    assert (await client.answer())[1] == b"ok"
    assert digests == [whole]


async def test_server_sent_events_are_passed_on_at_once(rig):
    sent = asyncio.Queue()

    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            visit.send(b"data: %d\n\n" % await sent.get())

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nAccept: text/event-stream\r\n\r\n")
    await client.head()
    for number in range(5):
        sent.put_nowait(number)
        assert await client.until(b"\n\n\r\n") == b"9\r\ndata: %d\n\n\r\n" % number


async def test_both_directions_may_stream_at_the_same_time(rig):
    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while length := int((await visit.until(b"\r\n")).strip(), 16):
            data = await visit.exactly(length)
            await visit.exactly(2)
            visit.send(b"%x\r\n%b\r\n" % (length, data[::-1]))
        visit.send(b"0\r\n\r\n")
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
    await client.head()
    for _ in range(3):
        client.send(b"3\r\nabc\r\n")
        assert await client.exactly(8) == b"3\r\ncba\r\n"
    client.send(b"0\r\n\r\n")
    assert await client.rest() == b"0\r\n\r\n"


async def test_client_that_stops_reading_is_cut(rig):
    proxy = await rig.proxy(await rig.origin(download(False)), timeouts=Timeouts(send=0.3))
    client = await proxy.connect(limit=4096)
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    await client.head()
    outcome = await proxy.ended()
    assert outcome.ending is Ending.CLIENT_LEFT
    assert outcome.body_bytes < SIZE
    await rig.eventually(lambda: not proxy.wire.fronts)


async def test_client_that_stops_sending_is_told_408(rig):
    cancelled = asyncio.Event()

    async def script(visit):
        await visit.head()
        await visit.gone()
        cancelled.set()

    proxy = await rig.proxy(await rig.origin(script), timeouts=Timeouts(body=0.3))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nabc")
    assert (await client.rest()).startswith(b"HTTP/1.1 408 ")
    assert (await proxy.ended()).status == 408
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_client_that_trickles_its_body_is_told_408(rig):
    async def script(visit):
        await visit.head()
        await visit.gone()

    proxy = await rig.proxy(await rig.origin(script), timeouts=Timeouts(body=0.8, body_rate=1000))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n")

    async def trickle():
        while True:
            client.send(b"x")
            await asyncio.sleep(0.02)

    trickling = asyncio.ensure_future(trickle())
    assert (await client.head()).startswith(b"HTTP/1.1 408 ")
    trickling.cancel()
