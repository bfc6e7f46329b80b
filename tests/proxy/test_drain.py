"""A worker that leaves while another one goes on loses no request, at full load and from idle connections."""

from __future__ import annotations

import asyncio
import os
import socket

from botproxy.proxy import Listener, OriginPool, Server, Timeouts, Wire

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


async def test_no_request_is_lost_when_one_of_two_workers_drains(rig, hello):
    origin = await rig.origin(hello)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    servers: list[Server] = []
    for _ in range(2):
        wire = Wire()
        pool = OriginPool(wire, [origin.url])
        server = Server(wire, lambda exchange, pool=pool: exchange.forward(pool), lambda refusal: None)
        await server.start([Listener(socket.socket(fileno=os.dup(listener.fileno())))])
        servers.append(server)
    listener.close()
    leaving, staying = servers
    served: list[int] = []
    over = asyncio.Event()

    async def client(pause: float) -> None:
        answered = 0
        while not over.is_set():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while not over.is_set():
                writer.write(GET)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                assert head.startswith(b"HTTP/1.1 200 ")
                assert await reader.readexactly(5) == b"hello"
                answered += 1
                if b"Connection: close" in head:
                    break
                await asyncio.sleep(pause)
            writer.close()
        served.append(answered)

    clients = [asyncio.ensure_future(client(0.0 if number % 2 else 0.05)) for number in range(40)]
    await rig.eventually(lambda: leaving.wire.counts.requests > 100 and staying.wire.counts.requests > 100)
    assert await leaving.drain(10) == 0
    before = leaving.wire.counts.requests
    after = staying.wire.counts.requests
    await rig.eventually(lambda: staying.wire.counts.requests > after + 500)
    over.set()
    await asyncio.gather(*clients)
    assert leaving.wire.counts.requests == before
    assert sum(served) == leaving.wire.counts.requests + staying.wire.counts.requests
    staying.close()
    await rig.eventually(lambda: not staying.wire.fronts)


async def test_idle_connections_are_closed_when_their_own_time_ends(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), timeouts=Timeouts(idle=0.6))
    client = await proxy.connect()
    client.send(GET)
    await client.answer()
    draining = asyncio.ensure_future(proxy.server.drain(10))
    await rig.eventually(lambda: proxy.wire.draining)
    assert await client.rest() == b""
    assert await draining == 0


async def test_nothing_to_wait_for_ends_at_once(rig):
    proxy = await rig.proxy()
    assert await proxy.server.drain(10) == 0
