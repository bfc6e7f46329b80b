"""Pages that did not get the script, by path and reason, on their way to the operator. Bounded; queries stay here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, final

PATHS: Final = 200
"""Paths that one zone remembers in one worker; the one that was met longest ago makes room."""

TOLD_EVERY: Final = 10.0
"""Seconds after which the same path is told of again; the first time it is told of at once."""

SPACE: Final = 0.25
"""Seconds between two records of one zone: whoever asks for ever new paths must not crowd the link. What is not told of
waits for the next time that its path is met."""

_LONGEST: Final = 200


@final
class PassedOver:
    """Of one zone, in one worker."""

    __slots__ = ("_known", "_latest", "_send", "_zone")

    def __init__(self, zone: str, send: Callable[[Mapping[str, Any]], bool]) -> None:
        """`send` takes a record for the supervisor, and says whether it had room for it."""
        self._zone: Final = zone
        self._send: Final = send
        self._known: Final[dict[tuple[bytes, str], tuple[int, float]]] = {}  # number not told of, when it was told last
        self._latest = 0.0  # when any was

    def note(self, path: bytes, reason: str, now: float) -> None:
        """A page was left alone; `now` is seconds since the epoch."""
        key = (path[:_LONGEST], reason)
        number, told = self._known.pop(key, (0, 0.0))
        number += 1
        if now - told >= TOLD_EVERY and not 0.0 <= now - self._latest < SPACE:
            text = key[0].decode("ascii", "backslashreplace")
            if self._send({"zone": self._zone, "path": text, "reason": reason, "number": number, "at": now}):
                number, told = 0, now
                self._latest = now
        elif told > now:
            told = now
        if len(self._known) >= PATHS:
            del self._known[next(iter(self._known))]
        self._known[key] = (number, told)
