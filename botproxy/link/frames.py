"""Frames on a link: four bytes of length, one of kind, a payload. Bytes in, frames out; no socket here."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import final

from botproxy.errors import BotproxyError

MAX_PAYLOAD = 16 * 1024**2
"""Bytes; nothing of ours comes near it, so a longer one means that the two ends no longer agree."""

HEADER = 5


class Kind(IntEnum):
    """What a frame carries. Upwards below 64, downwards from 64 on."""

    STATE = 1
    EVENTS = 2
    COUNTERS = 3
    ASK = 4
    RATES = 5
    BOT_QUESTION = 6
    PROFILES = 7
    REPORT = 8
    PASSED_OVER = 9
    ANSWER = 64
    MODES = 65
    DRAIN = 66
    RATES_SECRET = 67
    RATES_MERGED = 68
    RATES_COMPLETE = 69
    BOT_ANSWER = 70
    BOT_LIST = 71
    NOTICES = 72
    PROFILES_MERGED = 73
    PROFILES_COMPLETE = 74
    SIGNALS = 75
    ANOMALIES = 76


class FrameError(BotproxyError):
    """The other end does not speak this language: the link is closed."""


def encode(kind: Kind, payload: bytes) -> bytes:
    """One frame."""
    return b"%s%c%s" % (len(payload).to_bytes(4, "big"), kind, payload)


@final
class Decoder:
    """Cuts a stream into frames. Holds at most one incomplete frame."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[tuple[Kind, bytes]]:
        """Frames completed by `data`, in order. FrameError when it is no frame of ours."""
        self._buffer += data
        start = 0
        end = len(self._buffer)
        try:
            while end - start >= HEADER:
                size = int.from_bytes(self._buffer[start : start + 4], "big")
                if size > MAX_PAYLOAD:
                    raise FrameError(f"a frame of {size} bytes")
                if end - start < HEADER + size:
                    break
                try:
                    kind = Kind(self._buffer[start + 4])
                except ValueError as unknown:
                    raise FrameError(str(unknown)) from None
                # Through a view: a slice of the buffer would be a copy of its own.
                with memoryview(self._buffer) as whole:
                    payload = bytes(whole[start + HEADER : start + HEADER + size])
                start += HEADER + size
                yield kind, payload
        finally:
            del self._buffer[:start]
