"""What a hook's pool keeps track of: requests that wait for their reply, and places for processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, final

from botproxy.aio import Backoff
from botproxy.hooks.process import HookProcess, State
from botproxy.hooks.replies import Reply

Then = Callable[[Reply], None]


@final
class Asked:
    """One request that waits for its reply. `then` is None once it has one."""

    __slots__ = ("began", "frame", "number", "then", "timer")

    def __init__(self, number: int, frame: bytes, then: Then) -> None:
        self.number: Final = number
        self.frame: Final = frame
        self.then: Then | None = then
        self.began = 0.0  # when a process was given it
        self.timer: asyncio.TimerHandle | None = None


@final
class Place:
    """Room for one process: whoever ends there is replaced."""

    __slots__ = ("asked", "backoff", "process", "started", "timer")

    def __init__(self) -> None:
        self.process: HookProcess | None = None
        self.asked: Asked | None = None
        self.backoff: Final = Backoff()
        self.started = 0.0
        self.timer: asyncio.TimerHandle | None = None  # until a start is due, or one takes too long


def empty(place: Place) -> bool:
    """Whether no process is there, dead or alive."""
    return place.process is None


def ended(place: Place) -> bool:
    """Whether nobody can be asked there, now or soon."""
    return place.process is None or place.process.state is State.ENDED
