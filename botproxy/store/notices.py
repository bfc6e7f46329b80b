"""Notices: short messages that everyone gets who shares the store, also who begins later, until their time is over.

What revokes something is a notice: it has to reach all workers of all nodes, and those that are started afterwards.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple, Protocol

MAX_NOTICES: Final = 10_000
"""Live notices of one topic; one more is refused."""

MAX_ID: Final = 64
MAX_BODY: Final = 256
_TOPIC: Final = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")


class Notice(NamedTuple):
    """What was said, under a name of its own; the same name said again replaces it."""

    id: bytes  # 1 to 64 bytes
    body: bytes  # at most 256 bytes
    expires: float  # seconds since the epoch


class Notices(Protocol):
    """A board for each topic."""

    async def post(self, topic: str, notice: Notice) -> None:
        """Have everyone know this. ValueError for what `check_notice` refuses; raises `StoreFull` or `StoreAway`."""
        ...

    async def posted(self, topic: str) -> list[Notice]:
        """All live notices of a topic, in no order. Raises `StoreAway`."""
        ...


def check_topic(topic: str) -> None:
    """Refuse a topic that no backend takes."""
    if not _TOPIC.match(topic):
        raise ValueError("a topic is a word of at most 32 lower-case letters, digits and hyphens")


def check_notice(topic: str, notice: Notice) -> None:
    """Refuse what no backend takes."""
    check_topic(topic)
    if not 0 < len(notice.id) <= MAX_ID or len(notice.body) > MAX_BODY:
        raise ValueError(f"a notice has a name of 1 to {MAX_ID} bytes and a body of at most {MAX_BODY}")
    if not 0 < notice.expires < 1e11:
        raise ValueError("a notice ends at a time in seconds since the epoch")
