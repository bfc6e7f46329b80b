"""Pages that did not get the script of JavaScript detections, as the workers tell of them."""

from __future__ import annotations

from typing import Any, Final, final

import orjson

PATHS: Final = 200
"""Remembered in all; the one that was met longest ago makes room."""


@final
class PassedOver:
    """The last paths of all zones with why and how often. Gone with the process."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: Final[dict[tuple[str, str, str], tuple[int, float]]] = {}

    def take(self, payload: bytes) -> None:
        """What a worker tells: zone, path, reason, number and time."""
        told = orjson.loads(payload)
        key = (str(told["zone"]), str(told["path"]), str(told["reason"]))
        number, _ = self._known.pop(key, (0, 0.0))
        if len(self._known) >= PATHS:
            del self._known[next(iter(self._known))]
        self._known[key] = (number + int(told["number"]), float(told["at"]))

    def listed(self) -> list[dict[str, Any]]:
        """The newest first."""
        return [
            {"zone": zone, "path": path, "reason": reason, "number": number, "at": at}
            for (zone, path, reason), (number, at) in reversed(self._known.items())
        ]
