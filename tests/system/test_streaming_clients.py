"""What stays open or is large goes through the whole proxy as it comes: nothing is held back, nothing is held whole."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from botproxy.demo.downloads import content

from .conftest import Proxy, Start, descendants

MEGABYTE = 1024**2
GROWTH = 12 * MEGABYTE
"""What a worker may grow by while a body of many times that size passes: buffers and the allocator's own slack."""


def resident(proxy: Proxy) -> int:
    """Bytes of memory that the largest process below the supervisor, which is the worker, ever had."""
    sizes = []
    for process in descendants(proxy.program.process.pid):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
        if found is not None:
            sizes.append(int(found[1]) * 1024)
    return max(sizes)


async def test_a_websocket_echoes_and_ends_with_going_away_when_the_proxy_stops(start: Start, demo_origin: str) -> None:
    proxy = await asyncio.to_thread(start, demo_origin)
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{proxy.url}/chat/socket") as socket:
        await socket.send_str("hello")
        async with asyncio.timeout(10):
            while "hello" not in await socket.receive_str():
                pass
            large = os.urandom(4000)
            await socket.send_bytes(large)
            message = await socket.receive()
            assert message.data == large
            os.kill(proxy.program.process.pid, signal.SIGTERM)
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
    assert await asyncio.to_thread(proxy.program.process.wait, 15) == 0
    event = await asyncio.to_thread(proxy.event, ClientRequestPath="/chat/socket")
    assert event["EdgeResponseStatus"] == 101


async def test_server_sent_events_arrive_when_they_are_sent(start: Start, demo_origin: str) -> None:
    proxy = await asyncio.to_thread(start, demo_origin)
    async with aiohttp.ClientSession() as session, session.get(f"{proxy.url}/tide/stream?events=3") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        times = [time.monotonic() async for line in answer.content if line.startswith(b"data:")]
    assert len(times) == 3
    assert times[1] - times[0] > 0.5  # the origin sends one a second, and none waited for the next
    assert times[2] - times[1] > 0.5


async def test_a_large_download_and_a_part_of_it_arrive_whole(start: Start, demo_origin: str) -> None:
    proxy = await asyncio.to_thread(start, demo_origin)
    size = 200 * MEGABYTE
    wanted = hashlib.sha256()
    for offset in range(0, size, MEGABYTE):
        wanted.update(content(offset, MEGABYTE))
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{proxy.url}/files/leaflet.bin") as answer:
            await answer.read()
        before = resident(proxy)
        received = hashlib.sha256()
        async with session.get(f"{proxy.url}/files/soundings.bin") as answer:
            assert answer.content_length == size
            async for piece in answer.content.iter_any():
                received.update(piece)
        assert received.digest() == wanted.digest()
        ranged = {"Range": f"bytes={size - 100_000}-{size - 50_001}"}
        async with session.get(f"{proxy.url}/files/soundings.bin", headers=ranged) as answer:
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes {size - 100_000}-{size - 50_001}/{size}"
            assert await answer.read() == content(size - 100_000, 50_000)
    assert resident(proxy) - before < GROWTH


@pytest.fixture
async def sink() -> AsyncIterator[str]:
    """An origin that answers with the length and digest of what was uploaded."""

    async def take(request: web.Request) -> web.Response:
        digest, size = hashlib.sha256(), 0
        async for piece in request.content.iter_any():
            digest.update(piece)
            size += len(piece)
            if request.query.get("slowly"):
                await asyncio.sleep(0.001)
        return web.json_response([size, digest.hexdigest(), request.headers.get("Transfer-Encoding", "")])

    application = web.Application()
    application.add_routes([web.post("/", take)])
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.mark.parametrize("path", ["/", "/?slowly=1"])
async def test_a_chunked_upload_of_64_mb_arrives_whole_even_when_the_origin_is_slow(
    start: Start, sink: str, path: str
) -> None:
    proxy = await asyncio.to_thread(start, sink)
    block = os.urandom(MEGABYTE)
    digest = hashlib.sha256(block * 64).hexdigest()

    async def upload() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield block

    async with aiohttp.ClientSession() as session:
        async with session.post(proxy.url, data=b"small") as answer:
            assert (await answer.json())[0] == 5
        before = resident(proxy)
        async with session.post(proxy.url + path, data=upload()) as answer:
            assert await answer.json() == [64 * MEGABYTE, digest, "chunked"]
    assert resident(proxy) - before < GROWTH


async def test_a_slow_reader_costs_no_memory_and_gets_every_byte(start: Start, demo_origin: str) -> None:
    proxy = await asyncio.to_thread(start, demo_origin)
    size = 64 * MEGABYTE
    async with aiohttp.ClientSession() as session, session.get(f"{proxy.url}/files/leaflet.bin") as answer:
        await answer.read()
    before = resident(proxy)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=65536)
    writer.write(b"GET /files/bytes-%d.bin HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n" % size)
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(20):
        await reader.readexactly(1000)
        await asyncio.sleep(0.05)
    assert resident(proxy) - before < GROWTH
    offset = 20_000
    while piece := await reader.read(65536):
        assert piece == content(offset, len(piece))
        offset += len(piece)
    assert offset == size
    writer.close()
    assert resident(proxy) - before < GROWTH


async def test_a_client_that_leaves_midway_ends_the_origins_work(start: Start, demo_origin: str) -> None:
    proxy = await asyncio.to_thread(start, demo_origin)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET /tide/stream HTTP/1.1\r\nHost: a.test\r\n\r\n")
    await reader.readuntil(b"data:")
    writer.transport.abort()
    event = await asyncio.to_thread(proxy.event, ClientRequestPath="/tide/stream")
    assert event["BotproxyEnding"] == "client_left"
