"""Notices as a worker knows them: all live ones come down before its first request, new ones as they are posted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

import orjson

from botproxy.link.frames import FrameError
from botproxy.store import Notice
from botproxy.store.memory import MemoryNotices

Reader = Callable[[Notice], None]


@final
class NoticeBoard:
    """Beside an uplink, which hands over what comes down."""

    def __init__(self) -> None:
        self._known: Final = MemoryNotices()
        self._readers: Final[dict[str, list[Reader]]] = {}

    def subscribe(self, topic: str, reader: Reader) -> None:
        """Have `reader` called with every notice of this topic: those that are known now, then each as it comes. The
        same one may come again."""
        self._readers.setdefault(topic, []).append(reader)
        for notice in self._known.posted_now(topic):
            reader(notice)

    def received(self, payload: bytes) -> None:
        """What came down; raises FrameError when that cannot be."""
        said = orjson.loads(payload)
        try:
            topic, rows = said
            notices = [Notice(bytes.fromhex(name), bytes.fromhex(body), float(ends)) for name, body, ends in rows]
        except (TypeError, ValueError):
            raise FrameError("notices that are none") from None
        for notice in notices:
            if self._known.post_now(topic, notice):
                for reader in self._readers.get(topic, ()):
                    reader(notice)
