"""Every backend, for the suites that all of them have to pass."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from botproxy.link import Downlink, Modes, Uplink
from botproxy.store import KeyValue, Notices
from botproxy.store.memory import MemoryNotices, MemoryStore
from botproxy.store.redis import RedisStore
from botproxy.store.settings import StateSettings


class Deaf:
    """A supervisor's reader that does nothing."""

    def on_state(self, word: str) -> None: ...
    def on_events(self, payload: bytes) -> None: ...
    def on_counters(self, snapshot: dict[str, Any]) -> None: ...
    def on_gone(self) -> None: ...


class Idle:
    """A worker's listener that does nothing."""

    def on_drain(self, ending: bool) -> None: ...
    def on_lost(self) -> None: ...


class Clock:
    """Time that tests move."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Subject(NamedTuple):
    """A store, and how time passes for it: `unit` seconds are enough to be sure of what is over and what is not."""

    store: KeyValue
    unit: float
    sleep: Callable[[float], Awaitable[None]]


class Boards(NamedTuple):
    """A board with room for four notices of a topic, and its clock."""

    board: Notices
    clock: Clock


@pytest.fixture
def clock() -> Clock:
    """The time of the store under test."""
    return Clock()


@pytest.fixture(params=["memory", "over a link"])
async def bounded(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[KeyValue]:
    """A store with room for four keys."""
    async for made in _stores(request.param, clock, 4):
        yield made


@pytest.fixture(params=["memory", "over a link", "redis"])
async def subject(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Subject]:
    """Each store that there is."""
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        made = RedisStore(StateSettings(url=server.url, timeout=2.0))
        yield Subject(made, 0.3, asyncio.sleep)
        await made.close()
        return

    async def sleep(seconds: float) -> None:
        clock.now += seconds

    async for store in _stores(request.param, clock, 1000):
        yield Subject(store, 60.0, sleep)


@pytest.fixture
def store(subject: Subject) -> KeyValue:
    """Each store that there is."""
    return subject.store


@pytest.fixture(params=["memory", "redis"])
async def boards(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Boards]:
    """Each board that there is."""
    if request.param == "memory":
        yield Boards(MemoryNotices(4, clock), clock)
        return
    clock.now = 4e9  # so that the server keeps what this clock says is alive
    server = request.getfixturevalue("redis_server")
    made = RedisStore(StateSettings(url=server.url, timeout=2.0), None, clock, 4)
    yield Boards(made, clock)
    await made.close()


async def _stores(kind: str, clock: Clock, keys: int) -> AsyncIterator[KeyValue]:
    memory = MemoryStore(max_keys=keys, clock=clock)
    if kind == "memory":
        yield memory
        return
    loop = asyncio.get_running_loop()
    above, below = socket.socketpair()
    down = Downlink(above, Deaf(), memory, loop)
    up = Uplink(below, Modes(), loop)
    up.start(Idle())
    yield up
    up.close()
    down.close()
