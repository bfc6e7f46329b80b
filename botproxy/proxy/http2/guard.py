"""What a client sends, looked at frame by frame before anything works on it: floods end here, and cost little.

Only the nine bytes that begin each frame are read, and of three small kinds the payload, for the fingerprint. Nothing
is kept of the rest, so that whatever a client does costs a few hundred bytes. Sources: RFC 9113 sections 4.1 and 10.5,
CVE-2019-9511 to 9518 (PING, SETTINGS, empty frames and others), CVE-2023-44487, CVE-2024-27316.
"""

from __future__ import annotations

import time
from typing import Final, final

from botproxy.proxy.http2.fingerprint import Portrait
from botproxy.proxy.http2.settings import Http2Limits

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGEST_FRAME: Final = 16 * 1024
"""Bytes of a frame's payload, which is what HTTP/2 allows unless a larger size was offered (RFC 9113 section 4.2)."""

NO_ERROR: Final = 0
PROTOCOL_ERROR: Final = 1
INTERNAL_ERROR: Final = 2
FRAME_SIZE_ERROR: Final = 6
REFUSED_STREAM: Final = 7
CANCEL: Final = 8
ENHANCE_YOUR_CALM: Final = 11

DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

_END_STREAM: Final = 1  # of DATA and HEADERS; of SETTINGS and PING the same bit says that it confirms
_END_HEADERS: Final = 4
_PADDED: Final = 8
_HIDDEN: Final = b"\xfa"  # a type that nobody uses: such frames are passed over (RFC 9113 section 4.1)
_SPAN: Final = 10.0
_HEADER: Final = 9

KINDS: Final = ("resets", "continuations", "settings", "pings", "priorities", "window_updates", "empty_frames")
"""What is counted; the names of settings, too. Besides: "frame_size" and "header_block"."""

_RESETS: Final = 0
_SETTINGS: Final = 2
_PINGS: Final = 3
_PRIORITIES: Final = 4
_WINDOW_UPDATES: Final = 5
_EMPTY: Final = 6
_COUNTED: Final = {RST_STREAM: _RESETS, SETTINGS: _SETTINGS, PING: _PINGS, WINDOW_UPDATE: _WINDOW_UPDATES}


class FloodError(Exception):
    """A client sends more of something than anybody needs. `kind` is counted, `code` goes into GOAWAY."""

    def __init__(self, kind: str, code: int = ENHANCE_YOUR_CALM) -> None:
        super().__init__(f"HTTP/2: too much: {kind}")
        self.kind = kind
        self.code = code


@final
class Guard:
    """One a connection. `going_away` once the client has said that it opens no more streams."""

    __slots__ = (
        "_block",
        "_block_size",
        "_continuations",
        "_counts",
        "_credit",
        "_kind",
        "_limits",
        "_most",
        "_open",
        "_rest",
        "_since",
        "_skip",
        "going_away",
        "portrait",
    )

    def __init__(self, limits: Http2Limits, block_size: int) -> None:
        """`block_size`: bytes of a header block as it is sent."""
        self._limits: Final = tuple([int(getattr(limits, kind)) for kind in KINDS])
        self._block_size: Final = block_size
        self._most: Final = limits.continuations
        self._counts = [0] * len(KINDS)
        self._credit = 0  # WINDOW_UPDATE frames that what we sent accounts for
        self._since = time.monotonic()
        self._rest = b""
        self._skip = len(PREFACE)
        self._kind = -1  # of the last frame
        self._open = False  # whether a header block is under way
        self._block = 0  # bytes of it
        self._continuations = 0
        self.going_away = False
        self.portrait: Portrait | None = Portrait()  # until the first request is there

    @property
    def waiting(self) -> bool:
        """Whether something is begun that should be over soon: a header block, or a frame that carries no body."""
        return self._open or bool(self._rest) or (self._skip > 0 and self._kind != DATA)

    def sent_data(self) -> None:
        """A DATA frame went out, which a client may answer with a WINDOW_UPDATE of its stream and its connection."""
        self._credit += 2

    def was_reset(self) -> None:
        """A stream was ended by us for a fault of the client's. Raises FloodError."""
        self._count(_RESETS)

    def check(self, data: bytes) -> bytes:
        """Look at what arrived; what of it, and of what was held back before, is to be worked on now.

        Raises FloodError.
        """
        skip = self._skip
        size = len(data)
        if skip >= size:
            self._skip = skip - size
            return data
        if self._rest:
            data = self._rest + data
            size = len(data)
            self._rest = b""
        at = skip
        hidden = -1
        while at < size:
            start = at
            at += _HEADER
            if at > size:
                self._rest = data[start:]
                data = data[:start]
                at = size = start
                break
            length = int.from_bytes(data[start : start + 3], "big")
            kind = self._kind = data[start + 3]
            flags = data[start + 4]
            if length > LARGEST_FRAME:
                raise FloodError("frame_size", FRAME_SIZE_ERROR)
            wanted = self._wanted(kind, flags, length)
            if at + wanted > size:
                self._rest = data[start:]
                data = data[:start]
                at = size = start
                break
            if kind == DATA:
                # Padding fills a frame that carries nothing as well as no byte does.
                padded = flags & _PADDED and length > 0
                if (length == 0 or (padded and (data[at] == 0 or data[at] + 1 >= length))) and not flags & _END_STREAM:
                    self._count(_EMPTY)
            elif kind in (HEADERS, CONTINUATION):
                self._headers(kind, flags, length)
            elif kind == GOAWAY:
                # It concerns streams that a server opens; h2 would end everything.
                self.going_away = True
                hidden = start
                self._count(_PRIORITIES)
            else:
                self._count(_COUNTED.get(kind, _PRIORITIES))
                if wanted and self.portrait is not None:
                    self._portray(self.portrait, kind, data[start + 5 : at + length])
            at += length
            if hidden >= 0:
                data = data[: hidden + 3] + _HIDDEN + data[hidden + 4 :]
                hidden = -1
        self._skip = at - size
        return data

    def _wanted(self, kind: int, flags: int, length: int) -> int:
        """How many bytes of the payload have to be there."""
        if kind == DATA:
            return 1 if flags & _PADDED and length else 0
        if self.portrait is not None and kind in (SETTINGS, WINDOW_UPDATE, PRIORITY) and length <= 256:
            return length
        return 0

    def _portray(self, portrait: Portrait, kind: int, rest: bytes) -> None:
        stream = int.from_bytes(rest[:4], "big") & 0x7FFFFFFF
        if kind == SETTINGS:
            portrait.settings(rest[4:])
        elif kind == WINDOW_UPDATE:
            portrait.window_update(stream, rest[4:])
        else:
            portrait.priority(stream, rest[4:])

    def _headers(self, kind: int, flags: int, length: int) -> None:
        if kind == HEADERS:
            self._block = self._continuations = 0
        else:
            self._continuations += 1
            if self._continuations > self._most:
                raise FloodError("continuations")
        ends = flags & _END_HEADERS
        if not length and not ends:
            self._count(_EMPTY)
        self._block += length
        if self._block > self._block_size:
            raise FloodError("header_block")
        self._open = not ends

    def _count(self, which: int) -> None:
        counts = self._counts
        counts[which] += 1
        limit = self._limits[which]
        if which == _WINDOW_UPDATES:
            limit += self._credit
        if counts[which] > limit:
            now = time.monotonic()
            if now - self._since < _SPAN:
                raise FloodError(KINDS[which])
            self._since = now
            self._counts = [0] * len(KINDS)
            self._credit = 0
