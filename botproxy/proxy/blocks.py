"""Bytes of a head to its parts, with llhttp; request header blocks that repeat are remembered.

Heads are fed whole and alone: where a head ends is the connection's to find, and what follows it never reaches a parser
that could read it differently.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

import httptools

from botproxy.errors import ClientError
from botproxy.model import Headers
from botproxy.proxy.forwarding import strip_ours, unremarkable
from botproxy.proxy.kinds import Kinds
from botproxy.proxy.vouched import VouchedHeaders, note
from botproxy.remembered import Remembered

_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([^\x00-\x20\x7f]+) HTTP/([0-9]\.[0-9])\r\n")
_VERSIONS: Final = {b"1.1": "HTTP/1.1", b"1.0": "HTTP/1.0"}
_ANY_REQUEST: Final = b"GET / HTTP/1.1\r\n"


class RequestParts(NamedTuple):
    """A request head taken apart; nothing in it was judged yet."""

    method: bytes
    target: bytes
    version: str
    headers: Headers


class Collector:
    """Receives what llhttp finds in a head.

    Headers go straight into a dictionary, without a line of Python for each; when one is repeated, `block_items` finds
    fewer than there are lines and splits the lines instead.
    """

    __slots__ = ("complete", "found", "on_header", "whole")

    def __init__(self) -> None:
        self.found: Final[dict[bytes, bytes]] = {}
        self.on_header: Final = self.found.setdefault
        self.complete = False
        self.whole = False

    def on_headers_complete(self) -> None:
        self.complete = True

    def on_message_complete(self) -> None:
        self.whole = True


def block_items(block: bytes, found: dict[bytes, bytes]) -> Collection[tuple[bytes, bytes]]:
    """The headers of a block that llhttp accepted: lines that end in CR LF and hold a colon, none of them folded."""
    if len(found) == block.count(b"\n") - 1:
        return found.items()
    items: list[tuple[bytes, bytes]] = []
    for line in block.split(b"\r\n")[:-2]:
        name, _, value = line.partition(b":")
        items.append((name, value.strip(b" \t")))
    return items


class RequestReader:
    """One a worker. Remembers at most 4,096 header blocks, and 4 MB of raw bytes."""

    __slots__ = ("_collector", "_kinds", "_max_headers", "_parser", "_remembered", "_used", "_vouched")

    def __init__(self, max_headers: int, vouched: VouchedHeaders | None = None) -> None:
        self._max_headers: Final = max_headers
        self._vouched: Final = vouched or None
        self._remembered: Final[Remembered[Headers]] = Remembered(2_048, 2 * 1024 * 1024, 8 * 1024)
        self._kinds: Final = Kinds()
        self._collector = Collector()
        self._parser = httptools.HttpRequestParser(self._collector)
        self._used = False

    def read(self, head: bytes) -> RequestParts:
        """`head` runs up to and including its empty line. Raises ClientError."""
        line = _REQUEST_LINE.match(head)
        if line is None:
            raise ClientError(400, "Bad request", "no request line")
        method, target, number = line.groups()
        version = _VERSIONS.get(number)
        if version is None:
            raise ClientError(505, "HTTP version not supported", f"version {number!r}")
        block = head[line.end() :]
        headers = self._remembered.get(block)
        if headers is None:
            headers = self._kinds.read(head, line.end(), self._parse)
            self._remembered.offer(block, headers)
        return RequestParts(method, target, version, headers)

    def _parse(self, block: bytes) -> Headers:
        problem = self._feed(block)
        if problem is not None and self._used:
            # A parser that saw `Connection: close` takes nothing after it: only a fresh one's word counts.
            self._renew()
            problem = self._feed(block)
        found = self._collector.found
        items = block_items(block, found)
        if problem is not None or not self._collector.whole:
            self._renew()
        else:
            self._used = True
        if problem is not None:
            raise ClientError(400, "Bad request", problem)
        if len(items) > self._max_headers:
            raise ClientError(431, "Request header fields too large", f"{len(items)} headers")
        vouched = self._vouched
        if vouched is not None:
            said = vouched.among(items)
            if said:
                headers = Headers(strip_ours([item for item in items if item not in said]))
                note(headers, vouched.read(said))
                return headers
        as_is = len(found) == len(items) and unremarkable(found)
        return Headers(tuple(items) if as_is else strip_ours(items))

    def _feed(self, block: bytes) -> str | None:
        """Have the parser read a block; what is wrong with it."""
        collector = self._collector
        collector.found.clear()
        collector.complete = collector.whole = False
        try:
            self._parser.feed_data(_ANY_REQUEST + block)
        except httptools.HttpParserUpgrade:
            collector.whole = False
        except httptools.HttpParserError as problem:
            return str(problem) or "header block"
        return None if collector.complete else "header block without end"

    def _renew(self) -> None:
        self._collector = Collector()
        self._parser = httptools.HttpRequestParser(self._collector)
        self._used = False
