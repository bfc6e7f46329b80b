"""Frames between a worker and a hook process: eight bytes of lengths, JSON, and bytes that JSON cannot hold.

length of all that follows the first four bytes (4) · length of the JSON (4) · JSON · bytes
"""

from __future__ import annotations

import struct
from typing import Any, Final, final

import orjson

MAX_FRAME: Final = 32 * 1024**2
"""Bytes of any frame; a reader has a smaller bound of its own."""

_LENGTHS: Final = struct.Struct("!II")


class BadFrame(ValueError):  # noqa: N818 - said of what was read
    """The other end sent what is no frame, or one that is larger than its reader allows."""


def encode(message: Any, body: bytes = b"") -> bytes:
    """One frame."""
    text = orjson.dumps(message)
    return b"%b%b%b" % (_LENGTHS.pack(4 + len(text) + len(body), len(text)), text, body)


@final
class Decoder:
    """Cuts a stream into frames. Holds at most one frame of `limit` bytes, and one read."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit: Final = limit
        self._buffer = b""

    def feed(self, data: bytes) -> list[tuple[Any, bytes]]:
        """Messages that are complete now, each with its bytes. Raises BadFrame."""
        buffer = self._buffer + data if self._buffer else data
        found: list[tuple[Any, bytes]] = []
        while len(buffer) >= 8:
            length, text = _LENGTHS.unpack_from(buffer)
            if length > self._limit or text > length - 4:
                raise BadFrame(f"a frame of {length} bytes" if length > self._limit else "lengths that do not fit")
            end = 4 + length
            if len(buffer) < end:
                break
            try:
                message = orjson.loads(buffer[8 : 8 + text])
            except orjson.JSONDecodeError as problem:
                raise BadFrame(f"no JSON: {problem}") from None
            found.append((message, buffer[8 + text : end]))
            buffer = buffer[end:]
        self._buffer = buffer
        return found
