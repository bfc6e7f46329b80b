"""What the connections of a worker have to send, sent together once what arrived with it has been worked through.

Reading, deciding and writing in turns for each request costs a third of all requests: every write wakes somebody who
has gone to sleep since the one before, and every turn finds its code gone from the processor's caches. What an exchange
leaves behind, its record, is made after the writing, so that nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, final

from botproxy.model import Outcome

_TOGETHER: Final = 32
"""Writes after which it is sent at once, so that the first of many requests does not wait for the last."""

MOST_POSTED: Final = 16 * 1024
"""Bytes that one connection holds back; more is handed to its transport at once."""

Concluded = Callable[[Outcome], None]


class Sender(Protocol):
    """A connection that has something to send."""

    def send_posted(self) -> None:
        """Hand what was held back to the transport."""
        ...


@final
class Outbox:
    """One a worker. Holds no more than one event loop's turn leaves in it."""

    __slots__ = ("_endings", "_failed", "_loop", "_scheduled", "_senders")

    def __init__(self, failed: Callable[[str], None]) -> None:
        """`failed` is told of what raised, from inside its handler."""
        self._failed: Final = failed
        self._senders: list[Sender] = []
        self._endings: list[tuple[Concluded, Outcome]] = []
        self._scheduled = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def post(self, sender: Sender) -> None:
        """Have `sender` called before the event loop waits again."""
        senders = self._senders
        senders.append(sender)
        if len(senders) >= _TOGETHER:
            self._send()
        elif not self._scheduled:
            self._schedule()

    def conclude(self, concluded: Concluded, outcome: Outcome) -> None:
        """Have an exchange's record made once everything is sent."""
        self._endings.append((concluded, outcome))
        if not self._scheduled:
            self._schedule()

    def _schedule(self) -> None:
        self._scheduled = True
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self.settle)

    def settle(self) -> None:
        """Send everything and make every record, now."""
        self._scheduled = False
        self._send()
        endings = self._endings
        self._endings = []
        for concluded, outcome in endings:
            try:
                concluded(outcome)
            except Exception:
                self._failed("on_ended")

    def _send(self) -> None:
        while self._senders:
            senders = self._senders
            self._senders = []
            for sender in senders:
                try:
                    sender.send_posted()
                except Exception:
                    self._failed("sending")
