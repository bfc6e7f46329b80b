"""A worker's questions about bots, and what comes down about them: answers, and published lists of addresses."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final, final

import orjson

from botproxy.link.frames import FrameError, Kind, encode
from botproxy.store import StoreAway

MAX_QUESTIONS: Final = 512


@final
class BotQuestions:
    """Beside an uplink, which sends what `next_frame` gives and hands over what comes down."""

    def __init__(self, send: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        """`send` has the link ask for frames."""
        self._send: Final = send
        self._loop: Final = loop
        self._numbers: Final = count(1)
        self._frames: Final[deque[bytes]] = deque()
        self._asked: Final[dict[int, asyncio.Future[Mapping[str, Any]]]] = {}
        self._closed = False
        self.on_list: Callable[[bytes], None] | None = None
        """Called with each list that comes down; until it is set, they wait."""
        self._lists: Final[deque[bytes]] = deque(maxlen=MAX_QUESTIONS)

    async def verify(self, kind: str, subject: str, details: list[str]) -> Mapping[str, Any]:
        """See `bots.Oracle`. StoreAway when the supervisor is gone; how long to wait is the caller's to say."""
        if self._closed or len(self._asked) >= MAX_QUESTIONS:
            raise StoreAway("the supervisor is gone" if self._closed else f"{MAX_QUESTIONS} questions are waiting")
        number = next(self._numbers)
        answer: asyncio.Future[Mapping[str, Any]] = self._loop.create_future()
        self._asked[number] = answer
        try:
            self._frames.append(encode(Kind.BOT_QUESTION, orjson.dumps([number, kind, subject, details])))
            self._send()
            return await answer
        finally:
            self._asked.pop(number, None)

    def next_frame(self) -> bytes | None:
        """The frame that the link is to send next."""
        return self._frames.popleft() if self._frames else None

    def received(self, kind: Kind, payload: bytes) -> None:
        """What came down; raises FrameError when that cannot be."""
        if kind is Kind.BOT_LIST:
            self._lists.append(payload)
            self.take_lists()
            return
        said = orjson.loads(payload)
        if not isinstance(said, list) or len(said) != 2 or not isinstance(said[1], dict):
            raise FrameError("an answer about bots that is none")
        answer = self._asked.get(said[0])
        if answer is not None and not answer.done():
            answer.set_result(said[1])

    def take_lists(self) -> None:
        """Hand over the lists that came; one a turn of the loop, because a long one takes a millisecond."""
        if self.on_list is None or not self._lists:
            return
        self.on_list(self._lists.popleft())
        if self._lists:
            self._loop.call_soon(self.take_lists)

    def close(self) -> None:
        """The link is gone: whoever waits is told so."""
        self._closed = True
        self._frames.clear()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(StoreAway("the supervisor is gone"))
