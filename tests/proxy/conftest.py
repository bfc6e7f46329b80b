"""A proxy on loopback with real sockets, in front of origins whose every byte the test writes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
import uvloop

from botproxy.addresses import NetworkSet
from botproxy.addresses.settings import VouchedSettings
from botproxy.model import Outcome
from botproxy.proxy import (
    Exchange,
    Limits,
    Listener,
    OneContext,
    OriginPool,
    OriginSettings,
    Refusal,
    ResponseHead,
    Server,
    Timeouts,
    Wire,
)
from botproxy.proxy.accepting import Protocols
from botproxy.proxy.certificates import Contexts
from botproxy.proxy.server import PROTOCOLS
from botproxy.proxy.vouched import VouchedHeaders

Script = Callable[["Visit"], Awaitable[None]]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on."""
    return {"uvloop": uvloop.new_event_loop}


class Wired:
    """One end of a connection, with patience."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        """A head with its empty line."""
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)

    async def exactly(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), 10)

    async def until(self, mark: bytes) -> bytes:
        return await asyncio.wait_for(self.reader.readuntil(mark), 10)

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def gone(self) -> bool:
        """Wait until the other side has closed or reset the connection."""
        with contextlib.suppress(ConnectionError, OSError):
            while await asyncio.wait_for(self.reader.read(65536), 10):
                pass
        return True

    async def answer(self) -> tuple[bytes, bytes]:
        """A response head and its body by Content-Length."""
        head = await self.head()
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return head, await self.exactly(int(value))
        return head, b""

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.transport.abort()


class Visit(Wired):
    """A connection that the proxy made to an origin."""


class Origin:
    """A listening origin: each connection runs `script`."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.visits: list[Visit] = []
        self.errors: list[BaseException] = []
        self.received = b""
        self.url = ""

    async def start(self, context: ssl.SSLContext | None = None, path: str | None = None) -> None:
        if path is not None:
            self._server = await asyncio.start_unix_server(self._accept, path)
            self.url = f"unix:{path}"
            return
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=context)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = Visit(reader, writer)
        self.visits.append(visit)
        task = asyncio.get_running_loop().create_task(self._run(visit))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, visit: Visit) -> None:
        try:
            await self._script(visit)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception as problem:
            self.errors.append(problem)
        finally:
            visit.close()

    def stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def close(self) -> None:
        self.stop_listening()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Proxy:
    """The proxy under test, and what it reported."""

    def __init__(
        self,
        limits: Limits | None,
        timeouts: Timeouts | None,
        trusted: NetworkSet | None,
        protocols: Protocols = PROTOCOLS,
        vouched: VouchedSettings | None = None,
    ) -> None:
        names = None if vouched is None else VouchedHeaders(vouched)
        self.wire = Wire(limits, timeouts, trusted=trusted, vouched=names)
        self.outcomes: list[Outcome] = []
        self.refusals: list[Refusal] = []
        self.exchanges: list[Exchange] = []
        self.pool: OriginPool | None = None
        self.on_response: Callable[[ResponseHead], Sequence[tuple[bytes, bytes]]] | None = None
        self.handler: Callable[[Exchange], None] = self._forward
        self.server = Server(self.wire, self._handle, self.refusals.append, protocols)
        self.port = 0
        self._clients: list[Wired] = []

    def _forward(self, exchange: Exchange) -> None:
        assert self.pool is not None
        exchange.forward(self.pool, (), self.on_response)

    def _handle(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        exchange.on_ended = self.outcomes.append
        self.handler(exchange)

    async def start(self, context: ssl.SSLContext | Contexts | None, **more: Any) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        contexts = OneContext(context) if isinstance(context, ssl.SSLContext) else context
        await self.server.start([Listener(listener, contexts, **more)])

    async def connect(self, **options: object) -> Wired:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, **options)  # type: ignore[arg-type]
        client = Wired(reader, writer)
        self._clients.append(client)
        return client

    async def ask(self, data: bytes) -> tuple[bytes, bytes]:
        """One request on a connection of its own, answered with a Content-Length."""
        client = await self.connect()
        client.send(data)
        answer = await client.answer()
        client.close()
        return answer

    async def ended(self, count: int = 1) -> Outcome:
        """Wait for that many exchanges to end; the last one's outcome."""
        await eventually(lambda: len(self.outcomes) >= count)
        return self.outcomes[count - 1]

    async def close(self) -> None:
        for client in self._clients:
            client.reset()
        if self.pool is not None:
            self.pool.close()
        self.server.close()
        await eventually(lambda: not self.wire.fronts)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for a condition that other tasks bring about; the test fails when it does not come."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - conditions here have no event
            await asyncio.sleep(0.005)


class Rig:
    """Makes proxies and origins, and closes them."""

    def __init__(self) -> None:
        self._origins: list[Origin] = []
        self._proxies: list[Proxy] = []

    async def origin(self, script: Script, context: ssl.SSLContext | None = None, path: str | None = None) -> Origin:
        origin = Origin(script)
        await origin.start(context, path)
        self._origins.append(origin)
        return origin

    async def proxy(
        self,
        *origins: Origin | str,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        settings: OriginSettings | None = None,
        context: ssl.SSLContext | Contexts | None = None,
        trusted: NetworkSet | None = None,
        protocols: Protocols = PROTOCOLS,
        vouched: VouchedSettings | None = None,
        **listener: Any,
    ) -> Proxy:
        """`listener` are fields of `Listener`."""
        proxy = Proxy(limits, timeouts, trusted, protocols, vouched)
        if origins:
            urls = [origin if isinstance(origin, str) else origin.url for origin in origins]
            proxy.pool = OriginPool(proxy.wire, urls, settings)
        await proxy.start(context, **listener)
        self._proxies.append(proxy)
        return proxy

    async def close(self) -> None:
        for proxy in self._proxies:
            await proxy.close()
        for origin in self._origins:
            await origin.close()

    eventually = staticmethod(eventually)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    await made.close()


@pytest.fixture
def hello() -> Script:
    """Answers every request with a small body and keeps the connection."""

    async def script(visit: Visit) -> None:
        while True:
            await visit.head()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")

    return script
