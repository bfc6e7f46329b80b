"""How a client begins to speak HTTP/2, in the notation of "Passive Fingerprinting of HTTP/2 Clients" (Akamai, 2017).

`1:65536;4:6291456|15663105|0|m,a,s,p`: SETTINGS in their order, the first WINDOW_UPDATE of the connection (`00` without
one), PRIORITY frames as `stream:exclusive:parent:weight` (`0` without one), and the order of the pseudo-header fields.
"""

from __future__ import annotations

from typing import Final, final

_MOST_SETTINGS: Final = 32
_MOST_PRIORITIES: Final = 32
_LETTERS: Final = {b":method": "m", b":authority": "a", b":scheme": "s", b":path": "p"}


@final
class Portrait:
    """What a client sends before its first request, as far as it tells clients apart; bounded in everything."""

    __slots__ = ("_priorities", "_settings", "_window")

    def __init__(self) -> None:
        self._settings: list[str] = []
        self._window = ""
        self._priorities: list[str] = []

    def settings(self, payload: bytes) -> None:
        """A SETTINGS frame (RFC 9113 section 6.5); GREASE settings (`0x?a?a`) differ each time and are left out."""
        for at in range(0, len(payload) - 5, 6):
            name = int.from_bytes(payload[at : at + 2], "big")
            if name & 0x0F0F == 0x0A0A:
                continue
            if len(self._settings) < _MOST_SETTINGS:
                self._settings.append(f"{name}:{int.from_bytes(payload[at + 2 : at + 6], 'big')}")

    def window_update(self, stream: int, payload: bytes) -> None:
        """A WINDOW_UPDATE frame; the first one of the connection counts."""
        if stream == 0 and not self._window:
            self._window = str(int.from_bytes(payload[:4], "big") & 0x7FFFFFFF)

    def priority(self, stream: int, payload: bytes) -> None:
        """A PRIORITY frame (RFC 7540 section 6.3). Weights are written as they are meant: from 1 to 256."""
        if len(payload) == 5 and len(self._priorities) < _MOST_PRIORITIES:
            parent = int.from_bytes(payload[:4], "big")
            self._priorities.append(f"{stream}:{parent >> 31}:{parent & 0x7FFFFFFF}:{payload[4] + 1}")

    def finished(self, names: list[bytes]) -> str:
        """The fingerprint, with the names of the first request's fields in their order."""
        order = [_LETTERS[name] for name in names[:8] if name in _LETTERS]
        settings, priorities = ";".join(self._settings), ",".join(self._priorities)
        return f"{settings}|{self._window or '00'}|{priorities or '0'}|{','.join(order)}"
