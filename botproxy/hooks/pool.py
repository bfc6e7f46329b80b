"""The hook of one zone in one worker: its processes, the requests that wait for them, and what becomes of each.

The rule of this file: whatever its code does, a request waits for at most the hook's timeout, and then goes on as if
there were none. Nothing here grows: processes, waiting requests and log lines have their bounds.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final, final

from botproxy.hooks import replies
from botproxy.hooks.described import described
from botproxy.hooks.frames import encode
from botproxy.hooks.permitted import folded
from botproxy.hooks.places import Asked, Place, Then, empty, ended
from botproxy.hooks.process import HookProcess, State
from botproxy.hooks.replies import Changes, Reply
from botproxy.hooks.settings import Settings
from botproxy.hooks.trial import IMPORT_SECONDS
from botproxy.model import Facts
from botproxy.telemetry import log
from botproxy.telemetry.line_budget import LineBudget

LINES_A_SECOND: Final = 10
"""That one worker writes of what a hook prints, and as many of its failures; those above it are counted."""

_log = logging.getLogger(__name__)

_REAP_SECONDS: Final = 2.0
"""For processes that were killed to be gone; it takes milliseconds."""

_WITHOUT_DETAIL: Final = {name: Reply(name) for name in (replies.SLOW, replies.DIED, replies.QUEUED)}
_FULL: Final = Reply(replies.FULL)
_AWAY: Final = Reply(replies.AWAY)


@final
class Hook:
    """Asks the operator's code about requests."""

    def __init__(self, zone: str, settings: Settings, location: str, counted: Callable[[str], None]) -> None:
        """`counted` is called with the result of every request, one of `replies.RESULTS`, and with "ended" for every
        process that ended; it must not raise. Nothing runs before `start`.
        """
        self.name: Final = settings.module
        self._zone: Final = zone
        self._settings: Final = settings
        self._location: Final = location
        self._counted: Final = counted
        self._places: Final = [Place() for _ in range(settings.processes)]
        self._idle: Final[list[Place]] = []
        self._waiting: Final[deque[Asked]] = deque()
        self._numbers: Final = count(1)
        self._printed: Final = LineBudget(LINES_A_SECOND)
        self._failures: Final = LineBudget(LINES_A_SECOND)
        self._own: Final = frozenset(folded(name).encode("ascii") for name in settings.own_headers)
        self.unchanged: Final = Changes((), self._own, (), frozenset()) if self._own else None
        """What becomes of the headers of a request that the hook changes nothing of; None is nothing."""
        self._open = False
        self._emptied: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop
        self._settled: asyncio.Future[None]

    async def start(self) -> None:
        """Start its processes, and wait until they can be asked. One that fails now is not waited for."""
        self._loop = asyncio.get_running_loop()
        self._settled = self._loop.create_future()
        self._open = True
        for place in self._places:
            self._begin(place)
        await self._settled

    async def close(self) -> None:
        """End its processes. Who still waits goes on without it."""
        self._open = False
        if any(place.process is not None for place in self._places):
            self._emptied = self._loop.create_future()
        for place in self._places:
            if place.timer is not None:
                place.timer.cancel()
            if place.process is not None:
                place.process.end()
            if place.asked is not None:
                self._finish(place.asked, _AWAY)
        while self._waiting:
            self._finish(self._waiting.popleft(), _AWAY)
        self._idle.clear()
        if self._emptied is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REAP_SECONDS):
                    await self._emptied

    def processes(self) -> list[int]:
        """Ids of its processes, for who watches them."""
        return [place.process.id for place in self._places if place.process is not None]

    def ask(self, facts: Facts, then: Then) -> None:
        """Have `then` called once with what came of it, after the timeout at the latest, perhaps before this returns.

        `then` must not raise.
        """
        idle = self._idle
        waiting = self._waiting
        while idle and ended(idle[-1]):
            idle.pop()
        if not idle:
            while waiting and waiting[0].then is None:
                waiting.popleft()
            refused = _FULL if len(waiting) >= self._settings.queue else None
            if all(map(ended, self._places)):
                refused = _AWAY
            if refused is not None:
                self._counted(refused.result)
                then(refused)
                return
        number = next(self._numbers)
        message = described(facts, self._location)
        message["number"] = number
        asked = Asked(number, encode(message), then)
        asked.timer = self._loop.call_later(self._settings.timeout, self._late, asked)
        if idle:
            self._give(idle.pop(), asked)
        else:
            waiting.append(asked)

    def _give(self, place: Place, asked: Asked) -> None:
        process = place.process
        assert process is not None
        place.asked = asked
        asked.began = self._loop.time()
        process.ask(asked.frame)

    def _late(self, asked: Asked) -> None:
        """The timeout has passed since it was asked."""
        place = next((place for place in self._places if place.asked is asked), None)
        if place is None:
            self._finish(asked, _WITHOUT_DETAIL[replies.QUEUED])
            return
        # It may have waited for its turn: the hook's own time runs from then on.
        left = asked.began + self._settings.timeout - self._loop.time()
        if left > self._settings.timeout / 100:
            self._finish(asked, _WITHOUT_DETAIL[replies.QUEUED])
            asked.timer = self._loop.call_later(left, self._overdue, place, asked)
        else:
            self._overdue(place, asked)

    def _overdue(self, place: Place, asked: Asked) -> None:
        """The hook is still at it. When this worker was held up, its reply has been read all the same: event loops run
        timers after what has arrived."""
        process = place.process
        if process is not None and place.asked is asked:
            place.asked = None
            process.end()
            if asked.then is None:
                self._complain(replies.SLOW)
            self._finish(asked, _WITHOUT_DETAIL[replies.SLOW])

    def _finish(self, asked: Asked, reply: Reply) -> None:
        if asked.timer is not None:
            asked.timer.cancel()
            asked.timer = None
        then = asked.then
        if then is None:
            return
        asked.then = None
        self._counted(reply.result)
        if reply.result in replies.FAILURES:
            self._complain(reply.result, reply.detail)
        then(reply)

    def _complain(self, result: str, detail: str = "", **more: object) -> None:
        if self._failures.allows():
            told: dict[str, object] = {"zone": self._zone, "hook": self.name, "result": result, **more}
            if detail:
                told["detail"] = detail
            suppressed = self._failures.taken()
            if suppressed:
                told["suppressed"] = suppressed
            _log.warning("a hook failed", extra=log.fields(**told))

    # Processes

    def _begin(self, place: Place) -> None:
        place.started = self._loop.time()
        place.timer = self._loop.call_later(IMPORT_SECONDS, self._unready, place)
        try:
            place.process = HookProcess(self, self._loop, self._settings, self._zone, self._printed)
        except OSError as problem:
            self._complain("unstarted", str(problem))
            self._replace(place)

    def _unready(self, place: Place) -> None:
        if place.process is not None:
            self._complain("unstarted", f"importing it takes longer than {IMPORT_SECONDS:g} s")
            place.process.end()

    def _replace(self, place: Place) -> None:
        if place.timer is not None:
            place.timer.cancel()
        place.process = None
        self._settle()
        if self._open:
            place.timer = self._loop.call_later(
                place.backoff.died(self._loop.time() - place.started), self._begin, place
            )
        elif self._emptied is not None and not self._emptied.done() and all(map(empty, self._places)):
            self._emptied.set_result(None)

    def _settle(self) -> None:
        if not self._settled.done():
            self._settled.set_result(None)

    def _place_of(self, process: HookProcess) -> Place | None:
        return next((place for place in self._places if place.process is process), None)

    def on_ready(self, process: HookProcess) -> None:
        """See `process.Owner`."""
        place = self._place_of(process)
        if place is None:
            return
        if place.timer is not None:
            place.timer.cancel()
            place.timer = None
        self._free(place)
        if all(place.process is not None and place.process.state is not State.STARTING for place in self._places):
            self._settle()

    def _free(self, place: Place) -> None:
        """Give this place the next request that still waits."""
        while self._waiting:
            asked = self._waiting.popleft()
            if asked.then is not None:
                self._give(place, asked)
                return
        self._idle.append(place)

    def on_reply(self, process: HookProcess, message: Any, body: bytes) -> None:
        """See `process.Owner`."""
        place = self._place_of(process)
        asked = place.asked if place is not None else None
        if place is None or asked is None:
            return
        place.asked = None
        if not isinstance(message, dict) or message.get("number") != asked.number:
            reply = Reply(replies.RUBBISH, detail="its process replied to something else")
            process.end()
        else:
            reply = self._with_own(replies.read(message, body, self._settings.answer_size))
            self._free(place)
        self._finish(asked, reply)

    def _with_own(self, reply: Reply) -> Reply:
        changes = reply.changes
        if changes is None or not self._own:
            return reply
        return reply._replace(changes=changes._replace(request_without=changes.request_without | self._own))

    def on_fault(self, process: HookProcess, detail: str) -> None:
        """See `process.Owner`."""
        place = self._place_of(process)
        if place is not None and place.asked is not None:
            asked, place.asked = place.asked, None
            self._finish(asked, Reply(replies.RUBBISH, detail=detail))
        else:
            # The timer of a process that is not ready yet runs.
            starting = place is not None and place.timer is not None
            self._complain("unstarted" if starting else replies.RUBBISH, detail)
        if place in self._idle:
            self._idle.remove(place)

    def on_ended(self, process: HookProcess, status: int) -> None:
        """See `process.Owner`."""
        place = self._place_of(process)
        if place is None:
            return
        if place in self._idle:
            self._idle.remove(place)
        asked, place.asked = place.asked, None
        if self._open:
            self._counted("ended")
        self._replace(place)
        if asked is not None:
            self._finish(asked, Reply(replies.DIED, detail=f"status {status}"))
