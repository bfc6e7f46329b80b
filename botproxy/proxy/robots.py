"""The managed robots.txt of a zone: what is asked of bots, before what the origin says.

The origin is asked on connections of our own and seldom; while it is away its last answer stands.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, final

import httptools

from botproxy.bots.robots import joined
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.origin import Origin

PATH: Final = b"/robots.txt"
MAX_SIZE: Final = 512 * 1024
"""Bytes of an origin's robots.txt; crawlers read no more than 500 KiB (RFC 9309, 2.5)."""

FETCH_SECONDS: Final = 5.0
FRESH_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 30.0
MAX_HOSTS: Final = 64
"""Hosts of a zone whose robots.txt is remembered; above it, those longest known are asked for again."""

MAX_WAITING: Final = 1_000
"""Requests that wait for an origin's robots.txt; further ones get ours alone."""

_HEADERS: Final = ((b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"max-age=300"))


class _Known(NamedTuple):
    text: bytes  # the origin's; b"" when it has none
    until: float  # monotonic seconds


@final
class ManagedRobots:
    """Answers requests for `/robots.txt` of one zone."""

    def __init__(
        self,
        text: bytes,
        origins: Sequence[Origin],
        host: bytes | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`text` is ours; `host` is what origins are asked for instead of what visitors said."""
        self._text: Final = text
        self._origins: Final = tuple(origins)
        self._host: Final = host
        self._clock: Final = clock
        self._known: Final[dict[bytes, _Known]] = {}
        self._asking: Final[dict[bytes, asyncio.Task[None]]] = {}
        self._waiting: Final[dict[bytes, list[Exchange]]] = {}
        self._number_waiting = 0

    def wants(self, exchange: Exchange) -> bool:
        """Whether this request is one to be answered here."""
        request = exchange.request
        return request.path == PATH and request.method in (b"GET", b"HEAD")

    def answer(self, exchange: Exchange) -> None:
        """Answer, now or once the origin has."""
        host = self._host or exchange.request.host.encode("ascii", "replace")
        known = self._known.get(host)
        if known is not None and self._clock() < known.until:
            self._respond(exchange, known.text)
            return
        if self._number_waiting >= MAX_WAITING:
            self._respond(exchange, known.text if known is not None else b"")
            return
        self._number_waiting += 1
        self._waiting.setdefault(host, []).append(exchange)
        if host not in self._asking:
            task = asyncio.get_running_loop().create_task(self._ask(host))
            self._asking[host] = task

    def close(self) -> None:
        """Give up what is being asked."""
        for task in self._asking.values():
            task.cancel()

    async def _ask(self, host: bytes) -> None:
        text: bytes | None = None
        try:
            for origin in self._origins:
                text = await fetch(origin, host)
                if text is not None:
                    break
        finally:
            self._asking.pop(host, None)
            last = self._known.pop(host, None)
            known = _Known(text, self._clock() + FRESH_SECONDS) if text is not None else None
            if known is None:
                known = _Known(last.text if last is not None else b"", self._clock() + RETRY_SECONDS)
            while len(self._known) >= MAX_HOSTS:
                del self._known[next(iter(self._known))]
            self._known[host] = known
            waiting = self._waiting.pop(host, [])
            self._number_waiting -= len(waiting)
            for exchange in waiting:
                self._respond(exchange, known.text)

    def _respond(self, exchange: Exchange, theirs: bytes) -> None:
        if not exchange.answered:
            exchange.respond(200, _HEADERS, joined(self._text, theirs))


async def fetch(origin: Origin, host: bytes) -> bytes | None:
    """What an origin says at `/robots.txt`: b"" when it has none, None when it did not say anything in time."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            return await _fetch(origin, host)
    except (OSError, TimeoutError, httptools.HttpParserError):
        return None


async def _fetch(origin: Origin, host: bytes) -> bytes | None:
    reader, writer = await origin.dial()
    try:
        writer.write(
            b"GET /robots.txt HTTP/1.1\r\nHost: %b\r\nUser-Agent: botproxy\r\nAccept: text/plain, */*;q=0.1\r\n"
            b"Accept-Encoding: identity\r\nConnection: close\r\n\r\n" % host
        )
        answer = _Answer()
        parser = httptools.HttpResponseParser(answer)
        while not answer.complete and answer.size <= MAX_SIZE:
            data = await reader.read(65536)
            if not data:
                break
            parser.feed_data(data)
        status = parser.get_status_code() if answer.begun else 0
    finally:
        writer.close()
    if status >= 500 or status == 0:
        return None
    return answer.text() if status == 200 else b""


class _Answer:
    """Receives what llhttp finds in an answer; keeps at most `MAX_SIZE` bytes and a piece."""

    def __init__(self) -> None:
        self.begun = False
        self.complete = False
        self.size = 0
        self._pieces: list[bytes] = []
        self._plain = True

    def on_header(self, name: bytes, value: bytes) -> None:
        said = value.strip().lower()
        match name.lower():
            case b"content-encoding":
                self._plain = self._plain and said in (b"", b"identity")
            case b"content-type":
                self._plain = self._plain and said.startswith(b"text/plain")

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, data: bytes) -> None:
        self.size += len(data)
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        self.complete = True

    def text(self) -> bytes:
        """The body, as far as it is read; b"" when it is no plain text."""
        if not self._plain:
            return b""
        whole = b"".join(self._pieces)
        if len(whole) <= MAX_SIZE:
            return whole
        return whole[: whole.rfind(b"\n", 0, MAX_SIZE) + 1]
