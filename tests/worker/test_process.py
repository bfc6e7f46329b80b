"""The life of one worker, with a supervisor that the test plays."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from botproxy.link import Downlink, Modes, Plan, Uplink
from botproxy.link.frames import Kind
from botproxy.store.memory import MemoryStore
from botproxy.traffic import CountedRule, RateCounts, Record, decode, encode
from botproxy.worker import process
from botproxy.worker.contract import Life
from botproxy.worker.process import Process

RULE = CountedRule(b"rule", 60, 5)
PLAN = Plan((), 1, 0.5, "", "observe", {}, {}, {})


class Service:
    """A data plane that remembers what was done with it, and a blueprint of itself."""

    plan = PLAN

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fault: Exception | None = None
        self.counts: RateCounts | None = None

    def compose(self, life: Life) -> Service:
        self.life = life
        if self.counts is not None:
            life.uplink.share(self.counts)
        return self

    async def start(self, listening: Mapping[str, socket.socket]) -> None:
        self.done.append(f"start {life_mode(self.life)} {sorted(listening)}")
        if self.fault is not None:
            raise self.fault

    async def drain(self, seconds: float) -> None:
        self.done.append(f"drain {seconds}")

    def sample(self) -> None:
        self.life.uplink.counters.gauges["connections"] = 3


def life_mode(life: Life) -> str:
    """The mode of a zone as the service finds it."""
    return life.modes.of("shop")


class Supervisor:
    """The other end of the link."""

    def __init__(self, link: socket.socket) -> None:
        self.said: list[str] = []
        self.snapshots: list[dict[str, Any]] = []
        self.rates: list[Record] = []
        self.changed = asyncio.Event()
        self.link = Downlink(link, self, MemoryStore(), asyncio.get_running_loop())

    def on_state(self, word: str) -> None:
        self.said.append(word)
        self.changed.set()

    def on_events(self, payload: bytes) -> None: ...

    def on_counters(self, snapshot: dict[str, Any]) -> None:
        self.snapshots.append(snapshot)

    def on_rates(self, payload: bytes) -> None:
        self.rates += decode(payload)

    def on_bot_question(self, payload: bytes) -> None: ...

    def on_gone(self) -> None:
        self.said.append("gone")
        self.changed.set()

    async def until(self, word: str) -> None:
        """Wait until the worker said this."""
        async with asyncio.timeout(5.0):
            while word not in self.said:
                await self.changed.wait()
                self.changed.clear()


class Running:
    """A worker that lives in this process."""

    def __init__(self, counts: RateCounts | None = None) -> None:
        theirs, ours = socket.socketpair()
        modes = Modes()
        self.supervisor = Supervisor(theirs)
        self.service = Service()
        self.service.counts = counts
        self.process = Process(1, Uplink(ours, modes, asyncio.get_running_loop()), modes)
        self.task = asyncio.create_task(self.process.run(self.service, {}))

    async def stop(self) -> None:
        """End it, wherever it is."""
        self.task.cancel()
        await asyncio.wait([self.task])
        self.process.uplink.close()
        self.supervisor.link.close()


@pytest.fixture
async def worker() -> AsyncIterator[Running]:
    running = Running()
    yield running
    await running.stop()


@pytest.fixture
async def counts() -> RateCounts:
    """The counters of one rule."""
    made = RateCounts(b"s" * 32, random.Random(1).randbytes, 1000)
    made.register(RULE)
    return made


@pytest.fixture
async def limiting(counts: RateCounts) -> AsyncIterator[Running]:
    """A worker with rate limits."""
    running = Running(counts)
    yield running
    await running.stop()


async def test_nothing_is_served_before_the_modes_are_known(worker: Running) -> None:
    await asyncio.sleep(0.05)
    assert worker.service.done == []
    worker.supervisor.link.modes("observe", {"shop": "enforce"})
    await worker.supervisor.until("serving")
    assert worker.service.done == ["start enforce []"]


async def test_nothing_is_served_before_it_is_known_what_others_counted(limiting: Running, counts: RateCounts) -> None:
    other = RateCounts(b"shared" * 5, random.Random(2).randbytes, 1000)
    key = other.key(other.register(RULE), b"visitor")
    now = time.time()
    other.add(other.admit(0, key, now), now, 7)
    limiting.supervisor.link.modes("observe", {})
    limiting.supervisor.link.tell(Kind.RATES_SECRET, b"shared" * 5)
    limiting.supervisor.link.tell(Kind.RATES_MERGED, encode(other.take(10)))
    await asyncio.sleep(0.05)
    assert limiting.service.done == []
    limiting.supervisor.link.tell(Kind.RATES_COMPLETE, b"")
    await limiting.supervisor.until("serving")
    assert counts.rate(counts.find(0, counts.key(0, b"visitor"), now), now) == 7


async def test_a_supervisor_that_does_not_tell_what_others_counted_is_not_waited_for_long(
    limiting: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "COUNTS_SECONDS", 0.05)
    limiting.supervisor.link.modes("observe", {})
    await limiting.supervisor.until("serving")


async def test_what_it_counted_last_is_told_before_it_leaves(limiting: Running, counts: RateCounts) -> None:
    limiting.supervisor.link.modes("observe", {})
    limiting.supervisor.link.tell(Kind.RATES_COMPLETE, b"")
    await limiting.supervisor.until("serving")
    now = time.time()
    counts.add(counts.admit(0, counts.key(0, b"visitor"), now), now, 7)
    limiting.supervisor.link.drain(ending=False)
    await limiting.supervisor.until("gone")
    assert [record.hits for record in limiting.supervisor.rates] == [7]


async def test_it_drains_says_the_rest_and_leaves(worker: Running) -> None:
    worker.supervisor.link.modes("observe", {})
    await worker.supervisor.until("serving")
    worker.supervisor.link.drain(ending=True)
    await worker.supervisor.until("gone")
    await worker.task
    assert worker.process.draining
    assert worker.service.done[-1] == "drain 0.5"
    assert worker.supervisor.said == ["serving", "draining", "gone"]
    assert worker.supervisor.snapshots[-1]["gauges"] == {"connections": 3}


async def test_one_that_is_replaced_is_not_said_to_be_ending(worker: Running) -> None:
    worker.supervisor.link.modes("observe", {})
    await worker.supervisor.until("serving")
    worker.supervisor.link.drain(ending=False)
    await worker.task
    assert not worker.process.draining


async def test_without_a_supervisor_it_drains(worker: Running) -> None:
    worker.supervisor.link.modes("observe", {})
    await worker.supervisor.until("serving")
    worker.supervisor.link.close()
    await worker.task
    assert worker.process.draining
    assert worker.service.done[-1] == "drain 0.5"


async def test_told_to_end_before_it_served_it_never_serves(worker: Running) -> None:
    worker.supervisor.link.drain(ending=False)
    await worker.task
    assert worker.service.done == []


async def test_a_service_that_cannot_start_ends_the_worker(worker: Running) -> None:
    worker.service.fault = OSError("no")
    worker.supervisor.link.modes("observe", {})
    with pytest.raises(OSError, match="no"):
        await worker.task
