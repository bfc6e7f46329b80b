"""One origin and its connections: bounded, kept alive, with a bounded queue of requests that wait for one."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING, Final, final
from urllib.parse import urlsplit

from botproxy.errors import OperatorError
from botproxy.proxy.deadlines import NEVER
from botproxy.proxy.settings import OriginSettings
from botproxy.proxy.upstream import UpstreamConnection
from botproxy.proxy.wire import Wire

if TYPE_CHECKING:
    from botproxy.proxy.pool import OriginPool
    from botproxy.proxy.relay import Relay

_FRESH: Final = 1.0
"""Seconds of idleness up to which a request that cannot be repeated is trusted to a kept connection."""


def _context(settings: OriginSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError) as problem:
        raise OperatorError(f"ca_file {settings.ca_file}: {problem}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Waiter:
    """A request that waits for a connection of one origin."""

    __slots__ = ("deadline", "filed", "origin", "relay", "tried")

    def __init__(self, relay: Relay, origin: Origin, tried: frozenset[int]) -> None:
        self.relay: Relay | None = relay
        self.origin = origin
        self.tried = tried
        self.deadline = NEVER
        self.filed = NEVER

    def on_deadline(self, now: float) -> None:
        """It waited for too long."""
        relay = self.relay
        if relay is not None:
            self.relay = None
            self.origin.timed_out(self, relay)


@final
class Origin:
    """One origin: `http://host:port`, `https://host:port` or `unix:/path/of/socket`."""

    __slots__ = (
        "_closed",
        "_connecting",
        "_connections",
        "_context",
        "_idle",
        "_name",
        "_path",
        "_pool",
        "_port",
        "_queue",
        "_server_name",
        "_settings",
        "_tasks",
        "_wire",
        "down_until",
        "fresh",
        "host",
        "label",
        "number",
    )

    def __init__(
        self, wire: Wire, pool: OriginPool, number: int, url: str, settings: OriginSettings, host: bytes | None
    ) -> None:
        self._wire: Final = wire
        self._pool: Final = pool
        self._settings: Final = settings
        self.number: Final = number
        self.host: Final = host
        self.down_until = 0.0
        self.fresh = _FRESH
        self._path = ""
        self._name = ""
        self._port = 0
        self._context: ssl.SSLContext | None = None
        self._server_name: str | None = None
        self._parse(url)
        self.label: Final = self._path or f"{f'[{self._name}]' if ':' in self._name else self._name}:{self._port}"
        self._idle: Final[list[UpstreamConnection]] = []
        self._connections: Final[set[UpstreamConnection]] = set()
        self._connecting = 0
        self._queue: Final[deque[Waiter]] = deque()
        self._tasks: Final[set[asyncio.Task[None]]] = set()  # no more than `connections`
        self._closed = False

    def _parse(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as problem:
            raise OperatorError(f"origin {url!r}: {problem}") from None
        if parts.scheme in ("unix", "http+unix") and parts.path.startswith("/"):
            self._path = parts.path
            return
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise OperatorError(f"origin {url!r}: write http://HOST:PORT, https://HOST:PORT or unix:/PATH")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
            raise OperatorError(f"origin {url!r}: only scheme, host and port belong here")
        self._name = parts.hostname
        self._port = port or (443 if parts.scheme == "https" else 80)
        if parts.scheme == "https":
            self._context = _context(self._settings)
            self._server_name = self._settings.server_name or self._name

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection beside those of the pool, for a question of our own. Raises OSError."""
        if self._path:
            return await asyncio.open_unix_connection(self._path)
        return await asyncio.open_connection(
            self._name, self._port, ssl=self._context, server_hostname=self._server_name
        )

    @property
    def busy(self) -> int:
        """Connections that are being made or used."""
        return self._connecting + len(self._connections) - len(self._idle)

    # What the pool calls

    def idle(self, repeatable: bool) -> UpstreamConnection | None:
        """A kept connection, the one used last. One that idled for a while is not given to what cannot be repeated."""
        idle = self._idle
        while idle:
            connection = idle[-1]
            if not repeatable and time.monotonic() - connection.idle_since > self.fresh:
                return None
            idle.pop()
            if connection.usable:
                self._wire.counts.upstream_reused += 1
                return connection
        return None

    def room(self) -> bool:
        """Whether one more connection may be opened; an idle one is given up for it if need be."""
        if len(self._connections) + self._connecting < self._settings.connections:
            return True
        if self._idle:
            self._idle.pop(0).close()
            return True
        return False

    def queue(self, waiter: Waiter) -> bool:
        """Wait for a connection to come free; False when too many wait."""
        if len(self._queue) >= self._settings.queue:
            return False
        self._queue.append(waiter)
        self._wire.deadlines.set(waiter, time.monotonic() + self._wire.timeouts.queue)
        return True

    def forget(self, waiter: Waiter) -> None:
        """A waiter gave up."""
        try:
            self._queue.remove(waiter)
        except ValueError:
            return

    def timed_out(self, waiter: Waiter, relay: Relay) -> None:
        """A waiter waited for too long."""
        self.forget(waiter)
        self._pool.settled(relay)
        relay.unavailable(503, f"no free connection to {self.label} within the queue timeout")

    def connect(self, waiter: Waiter) -> None:
        """Open a connection for `waiter`."""
        self._connecting += 1
        task = asyncio.get_running_loop().create_task(self._open(waiter))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, waiter: Waiter) -> None:
        loop = asyncio.get_running_loop()
        connection = UpstreamConnection(self._wire, self)
        try:
            async with asyncio.timeout(self._wire.timeouts.connect):
                if self._path:
                    await loop.create_unix_connection(lambda: connection, self._path)
                else:
                    await loop.create_connection(
                        lambda: connection,
                        self._name,
                        self._port,
                        ssl=self._context,
                        server_hostname=self._server_name,
                    )
        except TimeoutError:
            self._connecting -= 1
            self._failed(waiter, 504, f"{self.label} did not accept a connection in time")
        except (OSError, ssl.SSLError, ConnectionError) as problem:
            self._connecting -= 1
            self._failed(waiter, 502, f"{self.label}: {problem}")
        except asyncio.CancelledError:
            self._connecting -= 1
            connection.close()
            raise
        except Exception as unforeseen:
            self._connecting -= 1
            self._wire.failed("connecting to an origin")
            self._failed(waiter, 502, f"{self.label}: {unforeseen!r}")
        else:
            self._connecting -= 1
            self._wire.counts.upstream_opened += 1
            self.down_until = 0.0
            self._connections.add(connection)
            if not connection.usable:
                self._connections.discard(connection)
                self._failed(waiter, 502, f"{self.label} closed the connection at once")
            elif waiter.relay is not None:
                self._give(waiter, connection)
            else:
                connection.idle_since = time.monotonic()
                self.release(connection)

    def _failed(self, waiter: Waiter, status: int, detail: str) -> None:
        self.down_until = time.monotonic() + self._settings.retry_after_failure
        self._pool.failed(waiter, self, status, detail)
        # Those who wait for a free connection here would otherwise wait for nobody.
        if self._queue and not self._connections and not self._connecting:
            next_waiter = self._queue.popleft()
            self._wire.deadlines.set(next_waiter, NEVER)
            self._pool.failed(next_waiter, self, status, detail)
            while self._queue:
                next_waiter = self._queue.popleft()
                self._wire.deadlines.set(next_waiter, NEVER)
                self._pool.failed(next_waiter, self, status, detail)

    def _give(self, waiter: Waiter, connection: UpstreamConnection) -> None:
        relay = waiter.relay
        waiter.relay = None
        self._wire.deadlines.set(waiter, NEVER)
        self._pool.settled(relay)
        if relay is not None:
            relay.ready(connection)

    # What its connections call

    def release(self, connection: UpstreamConnection) -> None:
        """A connection is free: the first in the queue gets it, else it waits."""
        if self._queue:
            self._wire.counts.upstream_reused += 1
            self._give(self._queue.popleft(), connection)
        elif self._closed:
            connection.close()
        else:
            self._idle.append(connection)
            self._wire.deadlines.set(connection, connection.idle_since + self._wire.timeouts.origin_idle)

    def detach(self, connection: UpstreamConnection) -> None:
        """A connection became a tunnel: it may stay for hours, so it takes no place from those that answer requests. It
        lasts as long as its client's connection, of which there are only so many.
        """
        self.lost(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection is closed; called more than once for some."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._queue and not self._closed:
            waiter = self._queue.popleft()
            self._wire.deadlines.set(waiter, NEVER)
            self.connect(waiter)

    def close(self) -> None:
        """Close what is idle, and let nothing become idle again."""
        self._closed = True
        for connection in self._idle[:]:
            connection.close()
        self._idle.clear()
        for task in self._tasks:
            task.cancel()
