"""Whether files that the running configuration took lists from have changed since they were read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final, final

Signature = tuple[int, int, int]
"""Inode, size in bytes, and time of the last change in nanoseconds; all 0 of a file that is not there."""

EVERY_SECONDS: Final = 2
"""How often to look. A change is taken over at the second look, when nobody is writing any more."""


@final
class Watch:
    """Remembers files as they were read, and tells each change of one once."""

    def __init__(self) -> None:
        self._taken: dict[str, Signature] = {}
        self._last: dict[str, Signature] = {}
        self._told: dict[str, Signature] = {}

    def follow(self, files: Iterable[tuple[str, Signature]]) -> None:
        """Watch these from now on, and nothing else; each with what it was like when it was read."""
        self._taken = dict(files)
        self._last = {}
        self._told = {}

    @property
    def follows(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self._taken)

    def look(self) -> list[str]:
        """Files that are not what was read, have not changed since the last look, and were not told yet.

        It asks the disk, and may wait for it.
        """
        taken, changed = self._taken, []
        for path, then in taken.items():
            now = _signature(path)
            if now != then and now == self._last.get(path) and now != self._told.get(path):
                self._told[path] = now
                changed.append(path)
            self._last[path] = now
        return changed if taken is self._taken else []


def _signature(path: str) -> Signature:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns
