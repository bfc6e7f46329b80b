"""Telling workers of a table that all of them share: everything to who begins, and then what is new.

The rule of this file: a worker is told in slices, with a turn of the loop between them, and never faster than it reads.
What it is not told meanwhile is for the table to say again, or to count.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Protocol, final

from botproxy.link.frames import Kind

SLICE: Final = 128
"""Keys of one frame."""

SLICES: Final = 8
"""Frames that one worker is told at once."""

SOON_SECONDS: Final = 0.001
"""Until a worker that begins is told the next of them."""

MAX_UNREAD: Final = 512 * 1024
"""Bytes that wait for a worker; it is told more once it has read."""


class Link(Protocol):
    """The way down to a worker."""

    @property
    def open(self) -> bool:
        """Whether the worker is at the other end."""
        ...

    @property
    def unread(self) -> int:
        """Bytes that wait for it."""
        ...

    def tell(self, kind: Kind, payload: bytes) -> None:
        """Send a frame."""
        ...


@final
class Workers:
    """Those that are told of one table."""

    def __init__(self, merged: Kind, complete: Kind, everything: Callable[[int], Iterator[bytes]]) -> None:
        """What of the table is told goes in frames of the kind `merged`; `complete` ends what was known before a worker
        began, which `everything` gives for its number, in payloads of `SLICE` keys."""
        self.links: Final[dict[int, Link]] = {}
        self._merged: Final = merged
        self._complete: Final = complete
        self._everything: Final = everything
        self._before: Final[dict[int, Iterator[bytes]]] = {}

    def join(self, worker: int, link: Link) -> None:
        """A worker that begins."""
        self.links[worker] = link
        self._before[worker] = self._everything(worker)
        self._tell_before(worker)

    def leave(self, worker: int) -> None:
        """A worker that is gone."""
        self.links.pop(worker, None)
        self._before.pop(worker, None)

    def begins(self, worker: int) -> bool:
        """Whether it was not told everything yet."""
        return worker in self._before

    def reads(self, worker: int) -> bool:
        """Whether it can be told more now."""
        link = self.links[worker]
        return link.open and link.unread <= MAX_UNREAD

    def tell(self, worker: int, payload: bytes, kind: Kind | None = None) -> None:
        """Tell one worker, which is one of `links`."""
        self.links[worker].tell(kind or self._merged, payload)

    def _tell_before(self, worker: int) -> None:
        before = self._before.get(worker)
        if before is None or not self.links[worker].open:
            return
        for _ in range(SLICES):
            if not self.reads(worker):
                break
            payload = next(before, None)
            if payload is None:
                del self._before[worker]
                self.tell(worker, b"", self._complete)
                return
            self.tell(worker, payload)
        asyncio.get_running_loop().call_later(SOON_SECONDS, self._tell_before, worker)
