"""The chunked transfer coding (RFC 9112 section 7.1), read strictly: what could be read in two ways is refused.

Chunk extensions and trailers are read and dropped, as the RFC allows; both are bounded.
"""

from __future__ import annotations

import re
from typing import Final

from botproxy.proxy.bodies import BodyReader

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER_LINE: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*)?\r\n")
_LINE_LIMIT: Final = 4096
_TRAILERS_LIMIT: Final = 16 * 1024

_SIZE: Final = 0
_DATA: Final = 1
_DATA_END: Final = 2
_TRAILER: Final = 3


class ChunkedError(ValueError):
    """The bytes are not a chunked body."""


class TooLargeError(ChunkedError):
    """The chunks announce a larger body than is accepted."""


class ChunkedReader(BodyReader):
    """Keeps at most one unfinished line (4 KB) between calls. `limit` bounds the body's bytes."""

    __slots__ = ("_limit", "_partial", "_state", "_total", "_trailers")

    def __init__(self, limit: int | None = None) -> None:
        super().__init__()
        self._limit: Final = limit
        self._partial = b""
        self._state = _SIZE
        self._total = 0
        self._trailers = 0

    def feed(self, data: bytes) -> bytes:
        """The body bytes in `data`; ChunkedError when they are no such coding."""
        if len(data) < self.sure:
            self.sure -= len(data)
            return data
        if self._partial:
            data = self._partial + data
            self._partial = b""
        pieces: list[bytes] = []
        at = 0
        end = len(data)
        while at < end and not self.finished:
            if self._state == _DATA:
                piece = data[at : at + self.sure]
                pieces.append(piece)
                at += len(piece)
                self.sure -= len(piece)
                if self.sure == 0:
                    self._state = _DATA_END
                continue
            newline = data.find(b"\n", at, at + _LINE_LIMIT)
            if newline < 0:
                self._keep(data[at:])
                break
            self._line(data[at : newline + 1])
            at = newline + 1
        if self.finished:
            self.rest = data[at:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _keep(self, partial: bytes) -> None:
        if self._state == _DATA_END and partial != b"\r":
            raise ChunkedError("chunk longer than its size")
        if len(partial) >= _LINE_LIMIT:
            raise ChunkedError("line too long in a chunked body")
        self._partial = partial

    def _line(self, line: bytes) -> None:
        state = self._state
        if state == _DATA_END:
            if line != b"\r\n":
                raise ChunkedError("chunk longer than its size")
            self._state = _SIZE
        elif state == _SIZE:
            match = _SIZE_LINE.fullmatch(line)
            if match is None:
                raise ChunkedError("bad chunk size")
            self.sure = int(match[1], 16)
            self._total += self.sure
            if self._limit is not None and self._total > self._limit:
                raise TooLargeError(f"chunked body of more than {self._limit} bytes")
            self._state = _DATA if self.sure else _TRAILER
        else:
            if _TRAILER_LINE.fullmatch(line) is None:
                raise ChunkedError("bad trailer")
            self._trailers += len(line)
            if self._trailers > _TRAILERS_LIMIT:
                raise ChunkedError("trailers too long")
            self.finished = line == b"\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk that carries `data`, which is not empty (an empty chunk would end the body)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK: Final = b"0\r\n\r\n"
