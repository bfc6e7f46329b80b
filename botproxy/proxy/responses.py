"""An origin's response head: how long its body is, what of it the visitor gets; heads that repeat are remembered.

Framing follows RFC 9112 section 6.3. What can be read in two ways is the origin's failure (502), never passed on.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

import httptools

from botproxy.errors import OriginError
from botproxy.proxy.blocks import Collector, block_items
from botproxy.proxy.forwarding import lines, response_headers
from botproxy.proxy.records import ResponseHead
from botproxy.remembered import Remembered

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n")
_ALLOWED: Final = bytes([9, 10, 13, *range(0x20, 0x7F), *range(0x80, 0x100)])
_WITHOUT_BODY: Final = frozenset((204, 304))


class OriginHead(NamedTuple):
    """A response head, understood. What depends on the request (HEAD, version) is not in here."""

    head: ResponseHead  # `body_length` as the head says, for any method but HEAD
    lines: bytes  # status line and headers for the visitor; framing as Content-Length says, no Connection
    bodiless: bool  # 1xx, 204, 304
    length: int | None  # Content-Length
    chunked: bool
    keep_alive: bool
    content_type: bytes
    upgrade: bytes  # lower-case value of Upgrade
    dated: bool
    referrer_policy: bytes


class ResponseReader:
    """One a worker. Remembers at most 1,024 heads of at most 2 KB each."""

    __slots__ = ("_remembered",)

    def __init__(self) -> None:
        self._remembered: Final[Remembered[OriginHead]] = Remembered(512, 1024 * 1024, 2 * 1024)

    def read(self, head: bytes) -> OriginHead:
        """`head` runs up to and including its empty line. Raises OriginError(502)."""
        known = self._remembered.get(head)
        if known is None:
            known = _understand(head)
            self._remembered.offer(head, known)
        return known


def _parse(head: bytes, block: bytes) -> Collection[tuple[bytes, bytes]]:
    collector = Collector()
    parser = httptools.HttpResponseParser(collector)
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError as problem:
        raise OriginError(502, f"response head: {problem}") from None
    if not collector.complete:
        raise OriginError(502, "response head without end")
    if head.translate(None, _ALLOWED):
        raise OriginError(502, "control character in the response head")
    return block_items(block, collector.found)


def _index(items: Collection[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Values by lower-case name; repeated ones are joined as a list, which none that decides on framing survives."""
    index = {name.lower(): value for name, value in items}
    if len(index) != len(items):
        index = {}
        for name, value in items:
            key = name.lower()
            index[key] = index[key] + b", " + value if key in index else value
    return index


def _understand(head: bytes) -> OriginHead:
    line = _STATUS_LINE.match(head)
    if line is None:
        raise OriginError(502, "no status line")
    modern = line[1] == b"1"
    status = int(line[2])
    reason: bytes = line[3] or b""
    items = _parse(head, head[line.end() :])
    index = _index(items)
    length: int | None = None
    digits = index.get(b"content-length")
    if digits is not None:
        if not digits.isdigit() or len(digits) > 18:
            raise OriginError(502, "Content-Length of the response cannot be read in one way")
        length = int(digits)
    coding = index.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower() != b"chunked" or not modern:
            raise OriginError(502, "Transfer-Encoding of the response other than chunked")
        if digits is not None:
            raise OriginError(502, "both Content-Length and Transfer-Encoding in the response")
    connection = index.get(b"connection")
    keep_alive = modern
    if connection is not None:
        words = [word.strip(b" \t") for word in connection.lower().split(b",")]
        keep_alive = b"close" not in words and (modern or b"keep-alive" in words)
    bodiless = status < 200 or status in _WITHOUT_BODY
    kept = response_headers(items, connection)
    if digits is not None and (status < 200 or status == 204):
        kept = [item for item in kept if item[0].lower() != b"content-length"]
    return OriginHead(
        ResponseHead(status, reason, tuple(items), 0 if bodiless else length),
        b"HTTP/1.1 %d %b\r\n%b" % (status, reason, lines(kept)),
        bodiless,
        length,
        coding is not None,
        keep_alive,
        index.get(b"content-type", b""),
        index.get(b"upgrade", b"").lower(),
        b"date" in index,
        index.get(b"referrer-policy", b""),
    )
