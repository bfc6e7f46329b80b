"""A WebSocket between client and origin: bytes pass as they are; frames are followed to say goodbye in between two.

RFC 6455: frame layout in section 5.2, closing in 5.5.1 and 7.4.1 (1001, "going away").
"""

from __future__ import annotations

from typing import Final, final

_GOING_AWAY: Final = b"\x03\xe9"
CLOSE_TO_CLIENT: Final = b"\x88\x02" + _GOING_AWAY
CLOSE_TO_ORIGIN: Final = b"\x88\x82\x00\x00\x00\x00" + _GOING_AWAY
"""A client's frames are masked (section 5.3); a mask of zeros leaves the payload as it is."""


@final
class FrameBoundary:
    """Knows where the frames of one direction end. Keeps at most one frame header (14 bytes)."""

    __slots__ = ("_header", "_left")

    def __init__(self) -> None:
        self._header = b""
        self._left = 0

    @property
    def between(self) -> bool:
        """Whether everything seen so far is whole frames."""
        return self._left == 0 and not self._header

    def follow(self, data: bytes) -> None:
        """Take note of `data`."""
        at = 0
        end = len(data)
        while at < end:
            if self._left:
                step = min(self._left, end - at)
                self._left -= step
                at += step
                continue
            seen = len(self._header)
            header = self._header + data[at : at + 14 - seen]
            size = _header_size(header)
            if len(header) < size:
                self._header = header
                break
            at += size - seen
            self._header = b""
            self._left = _payload_size(header)

    def first_end(self, data: bytes) -> int:
        """The offset in `data` just after the frame that is under way (0 when none is), -1 when it goes on beyond."""
        if self.between:
            return 0
        if self._left:
            return self._left if self._left <= len(data) else -1
        header = (self._header + data)[:14]
        size = _header_size(header)
        if len(header) < size:
            return -1
        end = size - len(self._header) + _payload_size(header)
        return end if end <= len(data) else -1


def _header_size(header: bytes) -> int:
    if len(header) < 2:
        return 2
    length = header[1] & 0x7F
    return 2 + (8 if length == 127 else 2 if length == 126 else 0) + (4 if header[1] & 0x80 else 0)


def _payload_size(header: bytes) -> int:
    length = header[1] & 0x7F
    if length == 126:
        return int.from_bytes(header[2:4], "big")
    if length == 127:
        return int.from_bytes(header[2:10], "big")
    return length


@final
class Tunnel:
    """Both directions of one WebSocket. Once `closing`, each is ended by a close frame after the frame under way."""

    __slots__ = ("_client_frames", "_origin_frames", "_told_client", "_told_origin", "closing")

    def __init__(self) -> None:
        self._client_frames: Final = FrameBoundary()
        self._origin_frames: Final = FrameBoundary()
        self._told_client = False
        self._told_origin = False
        self.closing = False

    @property
    def told(self) -> bool:
        """Whether both sides were sent a close frame of ours."""
        return self._told_client and self._told_origin

    def from_client(self, data: bytes) -> bytes:
        """What of bytes from the client the origin is to get."""
        if self._told_origin:
            return b""
        if self.closing:
            end = self._client_frames.first_end(data)
            if end >= 0:
                self._told_origin = True
                return data[:end] + CLOSE_TO_ORIGIN
        self._client_frames.follow(data)
        return data

    def from_origin(self, data: bytes) -> bytes:
        """What of bytes from the origin the client is to get."""
        if self._told_client:
            return b""
        if self.closing:
            end = self._origin_frames.first_end(data)
            if end >= 0:
                self._told_client = True
                return data[:end] + CLOSE_TO_CLIENT
        self._origin_frames.follow(data)
        return data
