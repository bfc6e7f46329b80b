"""Content codings of pages: undone in slices, so that no few bytes become megabytes at once, and gzip made again.

Whoever reads calls `give`, then `take` until `waiting` says that nothing is left.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, final

from isal import isal_zlib

if TYPE_CHECKING:
    from backports.zstd import ZstdDecompressor
    from brotli import Decompressor

_GZIP: Final = 31
_ZLIB: Final = 15
_RAW: Final = -15
_MAGIC: Final = b"\x1f\x8b"
_WINDOW_LOG: Final = 23
"""Of zstd: the largest window that HTTP allows, 8 MB (RFC 9659 section 3)."""

KNOWN: Final = frozenset((b"gzip", b"x-gzip", b"deflate", b"br", b"zstd"))
"""Codings, in lower case, that are understood besides none."""


class CodingError(Exception):
    """A body is not coded as its header says."""


class Decoder:
    """Undoes one coding. `complete` is whether what was given is a whole body; what comes after is passed over."""

    def __init__(self) -> None:
        self.complete = False

    @property
    def waiting(self) -> bool:
        """Whether `take` has more to give."""
        raise NotImplementedError

    def give(self, data: bytes) -> None:
        """More of the body."""
        raise NotImplementedError

    def take(self, most: int) -> bytes:
        """At most about `most` bytes, what is there already; raises CodingError."""
        raise NotImplementedError


@final
class PlainDecoder(Decoder):
    """No coding at all."""

    def __init__(self) -> None:
        super().__init__()
        self.complete = True
        self._data = b""

    @property
    def waiting(self) -> bool:
        """See `Decoder`."""
        return self._data != b""

    def give(self, data: bytes) -> None:
        """See `Decoder`."""
        self._data = self._data + data if self._data else data

    def take(self, most: int) -> bytes:
        """See `Decoder`; all of it."""
        data = self._data
        self._data = b""
        return data


@final
class DeflateDecoder(Decoder):
    """gzip, with as many members as there are, and what is called deflate: zlib, or what some send in its place."""

    def __init__(self, gzip: bool) -> None:
        super().__init__()
        self._gzip: Final = gzip
        self._data = b""
        self._more = False  # its window may hold more than was taken
        self._over = False  # what comes is passed over
        self._inflate: isal_zlib.Decompress | None = None

    @property
    def waiting(self) -> bool:
        """See `Decoder`."""
        if self._inflate is None:
            return not self._over and len(self._data) >= 2
        return self._data != b"" or self._more

    def give(self, data: bytes) -> None:
        """See `Decoder`."""
        if not self._over:
            self._data = self._data + data if self._data else data

    def take(self, most: int) -> bytes:
        """See `Decoder`."""
        inflate = self._inflate
        if inflate is None:
            if len(self._data) < 2:
                return b""
            if self.complete and not (self._gzip and self._data.startswith(_MAGIC)):
                # Not another member (RFC 1952 section 2.2): browsers pass over it as well.
                self._over = True
                self._data = b""
                return b""
            inflate = self._inflate = isal_zlib.decompressobj(self._bits())
            self.complete = False
        try:
            found: bytes = inflate.decompress(self._data, most)
        except isal_zlib.IsalError as problem:  # type: ignore[misc]  # its stub calls the class an instance
            raise CodingError(str(problem)) from None
        self._data = inflate.unconsumed_tail
        self._more = len(found) >= most
        if inflate.eof:
            self._data = inflate.unused_data
            self._more = False
            self._inflate = None
            self.complete = True
        return found

    def _bits(self) -> int:
        if self._gzip:
            return _GZIP
        # Some send deflate without its zlib wrapping; browsers read both.
        data = self._data
        return _ZLIB if data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0 else _RAW


@final
class BrotliDecoder(Decoder):
    """br."""

    def __init__(self) -> None:
        super().__init__()
        from brotli import Decompressor

        self._brotli: Final[Decompressor] = Decompressor()
        self._data = b""
        self._more = False

    @property
    def waiting(self) -> bool:
        """See `Decoder`."""
        return not self.complete and (self._data != b"" or self._more)

    def give(self, data: bytes) -> None:
        """See `Decoder`."""
        if not self.complete:
            self._data = self._data + data if self._data else data

    def take(self, most: int) -> bytes:
        """See `Decoder`."""
        from brotli import error

        try:
            # It takes no further input while it has output that was not taken.
            given = b"" if not self._brotli.can_accept_more_data() else self._data
            found: bytes = self._brotli.process(given, output_buffer_limit=most)
        except error as problem:
            raise CodingError(str(problem)) from None
        if given:
            self._data = b""
        self.complete = self._brotli.is_finished()
        # It may take more input while it still has output.
        self._more = len(found) >= most or not self._brotli.can_accept_more_data()
        if self.complete:
            self._data = b""
        return found


@final
class ZstdDecoder(Decoder):
    """zstd, with as many frames as there are."""

    def __init__(self) -> None:
        super().__init__()
        self._data = b""
        self._zstd: ZstdDecompressor = self._new()

    def _new(self) -> ZstdDecompressor:
        from backports.zstd import DecompressionParameter, ZstdDecompressor

        return ZstdDecompressor(options={DecompressionParameter.window_log_max: _WINDOW_LOG})

    @property
    def waiting(self) -> bool:
        """See `Decoder`."""
        return self._data != b"" or not (self._zstd.needs_input or self._zstd.eof)

    def give(self, data: bytes) -> None:
        """See `Decoder`."""
        self._data = self._data + data if self._data else data

    def take(self, most: int) -> bytes:
        """See `Decoder`."""
        from backports.zstd import ZstdError

        after = self._zstd.eof
        if after:
            self._zstd = self._new()
        given = self._data if self._zstd.needs_input else b""
        try:
            found = self._zstd.decompress(given, most)
        except ZstdError as problem:
            if after:
                self._zstd = self._new()
                self._data = b""
                return b""
            raise CodingError(str(problem)) from None
        self.complete = False
        if given:
            self._data = b""
        if self._zstd.eof:
            self._data = self._zstd.unused_data + self._data
            self.complete = True
        return found


def decoder(coding: bytes) -> Decoder:
    """What undoes this coding, one of `KNOWN` or empty."""
    if not coding:
        return PlainDecoder()
    if coding == b"br":
        return BrotliDecoder()
    if coding == b"zstd":
        return ZstdDecoder()
    return DeflateDecoder(coding != b"deflate")


def beginning(coding: bytes, data: bytes, most: int) -> bytes:
    """The first bytes of a body, at most about `most` of them, as far as they follow from `data`; raises CodingError.

    Nothing is remembered; the same data can be given to a decoder afterwards.
    """
    if not coding:
        return data[:most]
    if coding in (b"gzip", b"x-gzip"):
        return _gzip_beginning(data, most)
    undo = decoder(coding)
    undo.give(data)
    found = b""
    while undo.waiting and len(found) < most:
        piece = undo.take(most)
        if not piece and not undo.waiting:
            break
        found += piece
        if not piece:
            break
    return found[:most]


def _gzip_beginning(data: bytes, most: int) -> bytes:
    # For a few bytes zlib is faster than isal, whose tables are large.
    found = b""
    while True:
        inflate = zlib.decompressobj(_GZIP)
        try:
            found += inflate.decompress(data, most - len(found))
        except zlib.error as problem:
            if found:
                return found
            raise CodingError(str(problem)) from None
        data = inflate.unused_data
        if not inflate.eof or not data.startswith(_MAGIC) or len(found) >= most:
            return found


@final
class GzipEncoder:
    """Makes gzip; everything that was put in can be read at once on the other side."""

    __slots__ = ("_deflate",)

    def __init__(self) -> None:
        self._deflate: Final = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _GZIP)

    def add(self, data: bytes) -> bytes:
        """The coded bytes of `data`, without those that make it readable at once."""
        return self._deflate.compress(data)

    def flush(self) -> bytes:
        """What makes everything before readable."""
        return self._deflate.flush(isal_zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        """The end."""
        return self._deflate.flush(isal_zlib.Z_FINISH)
