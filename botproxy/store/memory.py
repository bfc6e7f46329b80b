"""Keys and notices in this process's memory: bounded, expired first, refusing when full of live ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, final

from botproxy.store.keyvalue import StoreFull, check
from botproxy.store.notices import MAX_NOTICES, Notice, check_notice, check_topic

MAX_KEYS = 1_000_000
"""About 250 bytes each with a nonce of 32 bytes."""


@final
class MemoryStore:
    """`KeyValue` for one machine. The one who owns it must be the only one: the supervisor."""

    def __init__(self, max_keys: int = MAX_KEYS, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_keys = max_keys
        self._clock = clock
        self._expires: dict[bytes, float] = {}
        self._owners: dict[bytes, bytes] = {}  # of those that have one
        self._order: list[tuple[float, bytes]] = []
        self.refused = 0

    def __len__(self) -> int:
        return len(self._expires)

    async def burn(self, key: bytes, ttl: float) -> bool:
        """See `KeyValue.burn`."""
        return self.burn_now(key, ttl)

    async def own(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """See `OwnedKeys.own`."""
        return self.own_now(key, owner, ttl)

    def own_now(self, key: bytes, owner: bytes, ttl: float) -> bool:
        """`own` for a caller that cannot await."""
        check(owner, ttl)
        if self.burn_now(key, ttl):
            self._owners[key] = owner
            return True
        return self._owners.get(key) == owner

    def burn_now(self, key: bytes, ttl: float) -> bool:
        """`burn` for a caller that cannot await; atomic because nothing here yields."""
        check(key, ttl)
        now = self._clock()
        while self._order and self._order[0][0] <= now:
            gone = heappop(self._order)[1]
            del self._expires[gone]
            self._owners.pop(gone, None)
        if key in self._expires:
            return False
        if len(self._expires) >= self._max_keys:
            # Forgetting a live key would let it be used twice, so the new one is refused.
            self.refused += 1
            raise StoreFull(f"{self._max_keys} keys are live")
        self._expires[key] = now + ttl
        heappush(self._order, (now + ttl, key))
        return True


@final
class MemoryNotices:
    """`Notices` for one machine. `clock` is that of their expiry: seconds since the epoch."""

    def __init__(self, most: int = MAX_NOTICES, clock: Callable[[], float] = time.time) -> None:
        self._most: Final = most
        self._clock: Final = clock
        self._topics: Final[dict[str, dict[bytes, Notice]]] = {}

    @property
    def topics(self) -> list[str]:
        """Topics that anything was ever posted to."""
        return list(self._topics)

    async def post(self, topic: str, notice: Notice) -> None:
        """See `Notices.post`."""
        self.post_now(topic, notice)

    async def posted(self, topic: str) -> list[Notice]:
        """See `Notices.posted`."""
        return self.posted_now(topic)

    def post_now(self, topic: str, notice: Notice) -> bool:
        """`post` for a caller that cannot await; whether it says anything new."""
        check_notice(topic, notice)
        board = self._topics.setdefault(topic, {})
        if board.get(notice.id) == notice or notice.expires <= self._clock():
            return False
        if notice.id not in board and len(board) >= self._most:
            self._prune(board)
            if len(board) >= self._most:
                raise StoreFull(f"{self._most} notices are live")
        board[notice.id] = notice
        return True

    def posted_now(self, topic: str) -> list[Notice]:
        """`posted` for a caller that cannot await."""
        check_topic(topic)
        board = self._topics.get(topic)
        if board is None:
            return []
        self._prune(board)
        return list(board.values())

    def _prune(self, board: dict[bytes, Notice]) -> None:
        now = self._clock()
        for each in [notice.id for notice in board.values() if notice.expires <= now]:
            del board[each]
