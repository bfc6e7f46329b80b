"""Deadlines are kept to a tick, moved cheaply, and hold nothing that is gone."""

from __future__ import annotations

import asyncio
import time

from botproxy.proxy.deadlines import NEVER, Deadlines


class Item:
    def __init__(self) -> None:
        self.deadline = NEVER
        self.filed = NEVER
        self.passed: list[float] = []
        self.event = asyncio.Event()

    def on_deadline(self, now: float) -> None:
        self.passed.append(now)
        self.event.set()


async def test_passes_once_and_never_early():
    deadlines = Deadlines()
    item = Item()
    due = time.monotonic() + 0.1
    deadlines.set(item, due)
    await asyncio.wait_for(item.event.wait(), 5)
    assert item.passed[0] >= due
    assert item.deadline == NEVER
    deadlines.close()


async def test_moved_later_it_waits_and_moved_earlier_it_hurries():
    deadlines = Deadlines()
    later, sooner, marker = Item(), Item(), Item()
    now = time.monotonic()
    deadlines.set(later, now + 0.1)
    deadlines.set(later, now + 60)
    deadlines.set(sooner, now + 60)
    deadlines.set(sooner, now + 0.1)
    deadlines.set(marker, now + 0.6)
    await asyncio.wait_for(marker.event.wait(), 5)
    assert not later.passed
    assert len(sooner.passed) == 1
    deadlines.close()


async def test_taken_away_it_never_passes():
    deadlines = Deadlines()
    gone, marker = Item(), Item()
    deadlines.set(gone, time.monotonic() + 0.1)
    deadlines.set(gone, NEVER)
    deadlines.set(marker, time.monotonic() + 0.6)
    await asyncio.wait_for(marker.event.wait(), 5)
    assert not gone.passed
    assert deadlines.filed == 0
    deadlines.close()


async def test_an_object_that_fails_does_not_stop_the_clock():
    class Failing(Item):
        def on_deadline(self, now: float) -> None:
            raise ZeroDivisionError

    deadlines = Deadlines()
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context["exception"]))
    failing, marker = Failing(), Item()
    now = time.monotonic()
    deadlines.set(failing, now + 0.1)
    deadlines.set(marker, now + 0.4)
    await asyncio.wait_for(marker.event.wait(), 5)
    assert [type(problem) for problem in told] == [ZeroDivisionError]
    deadlines.close()


async def test_moving_it_again_and_again_files_it_once():
    deadlines = Deadlines()
    item = Item()
    for step in range(10_000):
        deadlines.set(item, time.monotonic() + 1 + step)
    assert deadlines.filed == 1
    deadlines.close()
