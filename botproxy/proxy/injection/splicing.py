"""A text put before a gzip body without unpacking it.

A stored block (RFC 1951, section 3.2.4) in front of the first one moves nothing that the others refer to: a distance
never reaches back beyond what stood there before. Only the trailer changes, and the checksum of two texts one after the
other follows from theirs (RFC 1952, section 2.3.1). What it costs does not depend on the size of the page.
"""

from __future__ import annotations

import zlib
from struct import Struct
from typing import Final, final

import re2
from isal.isal_zlib import crc32_combine

Part = bytes | memoryview
"""Some of a body."""

_MAGIC: Final = b"\x1f\x8b\x08"
_FIRST: Final = 0x1F
_TRAILER: Final = Struct("<II")


def _member() -> re2._Regexp:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.dot_nl = True
    return re2.compile(b"\x1f\x8b\\x08[\\x00-\\x1f].{4}[\\x00\\x02\\x04](?:[\\x00-\\x0d]|\xff)", options)


_MEMBER: Final = _member()
"""What the header of a gzip member looks like. RE2 finds it ten times as fast as `bytes.find` does."""

_STORED: Final = Struct("<BHH")
_TRAILER_SIZE: Final = 8
_HEADER_SIZE: Final = 10
_HELD: Final = _TRAILER_SIZE + _HEADER_SIZE - 1
"""Bytes kept until more comes: the end of a member can only be told once the beginning of the next is there."""

_FLUSHED: Final = b"\x00\x00\xff\xff"
"""How deflate ends what is to be read at once. What ends so is passed on whole."""

_LAST_FLUSHED: Final = b"\x00\x00\xff\xff\x03\x00"
_USUAL_RATIO: Final = 64
_MOST_RATIO: Final = 1032
_KEPT: Final = 64 * 1024
_VERIFIED: Final = 8 * 1024 * 1024
MOST_TEXT: Final = 0xFFFF
OVERHEAD: Final = _STORED.size
"""Bytes that a text grows by."""


def header_size(data: bytes) -> int:
    """Bytes of the gzip header that `data` begins with; 0 when it is none, or not whole."""
    if len(data) < _HEADER_SIZE or not data.startswith(_MAGIC):
        return 0
    flags = data[3]
    at = _HEADER_SIZE
    if flags & 0xE0:
        return 0
    if flags & 4:
        if len(data) < at + 2:
            return 0
        at += 2 + (data[at] | data[at + 1] << 8)
    for flag in (8, 16):
        if flags & flag:
            end = data.find(b"\x00", at)
            if end < 0:
                return 0
            at = end + 1
    if flags & 2:
        at += 2
    return at if at <= len(data) else 0


@final
class Splice:
    """One gzip body on its way, with a text before it."""

    __slots__ = ("_crc", "_kept", "_kept_size", "_mended", "_size", "_tail", "_through")

    def __init__(self) -> None:
        self._crc = 0
        self._size = 0
        self._tail = b""
        self._kept: list[memoryview] = []  # as much of the body as it takes to be sure of its end, when there is doubt
        self._kept_size = 0
        self._through = 0  # bytes of deflate so far
        self._mended = False

    def begin(self, data: bytes, header: int, text: bytes) -> list[Part]:
        """The first of the body, whose gzip header has this size, and the text, of at most `MOST_TEXT` bytes."""
        size = len(text)
        self._crc = zlib.crc32(text)
        self._size = size
        return [
            b"%b%b%b" % (data[:header], _STORED.pack(0, size, size ^ 0xFFFF), text),
            *self.feed(data, header),
        ]

    def feed(self, data: bytes, begin: int = 0) -> list[Part]:
        """What goes on of the body, of which `data` is more from `begin` on. Nothing large is copied."""
        size = len(data) - begin
        if self._mended:
            return [data]
        view = memoryview(data)
        if self._kept_size <= _KEPT:
            self._kept.append(view[begin:])
            self._kept_size += size
        self._through += size
        tail = self._tail
        if size <= _HELD or _MEMBER.search(data, begin if tail else begin + _TRAILER_SIZE) is not None:
            return [self._feed_small(tail + data[begin:])]
        # A member that begins in the tail begins with that byte, which few tails have.
        if tail and _FIRST in tail and _MEMBER.search(tail + data[:_HELD]) is not None:
            return [self._feed_small(tail + data)]
        cut = len(data) if data.endswith(_FLUSHED) else len(data) - _HELD
        self._tail = data[cut:]
        return [tail, view[begin:cut]] if tail else [view[begin:cut]]

    def _feed_small(self, data: bytes) -> bytes:
        """The same for what is small, or might have the beginning of another member in it."""
        found = _MEMBER.search(data, _TRAILER_SIZE) if len(data) > _HELD else None
        while found is not None:  # by chance in one of two million pages
            at = found.start()
            if self._ends_at(self._through - len(data) + at):
                self._mended = True
                self._tail = b""
                self._kept.clear()
                return data[: at - _TRAILER_SIZE] + self._trailer(data[at - _TRAILER_SIZE : at]) + data[at:]
            found = _MEMBER.search(data, at + 1)
        if data.endswith(_FLUSHED):
            self._tail = b""
            return data
        cut = max(len(data) - _HELD, 0)
        self._tail = data[cut:]
        return data[:cut]

    def end(self) -> bytes:
        """The rest, once the body is over."""
        tail = self._tail
        self._tail = b""
        if not self._mended and len(tail) >= _TRAILER_SIZE and self._whole(tail):
            tail = tail[:-_TRAILER_SIZE] + self._trailer(tail[-_TRAILER_SIZE:])
        self._kept.clear()
        return tail

    def _whole(self, tail: bytes) -> bool:
        """Whether these last bytes end in a trailer. A body that was cut short has none, and what stands in its place
        is as good as random, but for what ends a flush."""
        deflated = self._through - _TRAILER_SIZE
        inflated = _TRAILER.unpack(tail[-_TRAILER_SIZE:])[1]
        if deflated <= 0 or tail.endswith(_LAST_FLUSHED) or inflated < deflated - deflated // 1000 - 16:
            return False
        if inflated <= _USUAL_RATIO * deflated:
            return True
        return inflated <= _MOST_RATIO * deflated + 64 and (self._kept_size > _KEPT or self._ends_at(self._through))

    def _trailer(self, found: bytes) -> bytes:
        crc, size = _TRAILER.unpack(found)
        return _TRAILER.pack(crc32_combine(self._crc, crc, size), (size + self._size) & 0xFFFFFFFF)

    def _ends_at(self, size: int) -> bool:
        """Whether the member, with its trailer, has exactly this many bytes after its header. Seldom asked."""
        if self._kept_size > _KEPT:
            return False
        data = b"".join(self._kept)[: size - _TRAILER_SIZE]
        inflate = zlib.decompressobj(-15)
        taken = 0
        try:
            while data and not inflate.eof and taken < _VERIFIED:
                taken += len(inflate.decompress(data, 64 * 1024))
                data = inflate.unconsumed_tail
        except zlib.error:
            return False
        return inflate.eof and not inflate.unused_data
