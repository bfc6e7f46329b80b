"""The overlay of all nodes, over a real server: what one node takes all take, and a node that cannot says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from botproxy.admin.configuration import StaleError
from botproxy.admin.operator import LOOPBACK
from botproxy.config.overlay.versions import Versions, changes_in, number_of
from botproxy.config.source import Source
from botproxy.errors import OperatorError
from botproxy.supervisor.configuring import Configuring
from botproxy.supervisor.profiles import SharedProfiles
from botproxy.supervisor.rates import Rates
from botproxy.supervisor.sharing import SharedOverlay
from botproxy.supervisor.state import SharedState

SECRET = "ab" * 32


class Node:
    """A proxy that takes whatever it is offered, unless it has a problem."""

    def __init__(self, data: Path, secret: str = SECRET) -> None:
        self.data = data
        self.problems: list[str] = []
        self.file = "http://127.0.0.1:1"
        self.taken: list[Source] = []
        self.state = SharedState(Rates(), SharedProfiles())
        self.sharing = SharedOverlay(lambda: self.state, lambda: bytes.fromhex(secret))
        self.configuring = Configuring(self, self.sharing)

    @property
    def running(self) -> str:
        return Source.from_origin(self.file, data=str(self.data)).to_json()

    def read(self) -> str:
        return self.running

    async def offer(self, source: str) -> dict[str, Any]:
        if not self.problems:
            self.taken.append(Source.from_json(source))
        return {"ok": not self.problems, "problems": self.problems}

    async def configured(self, instance: bool, mode: set[str], attack: set[str]) -> list[str]:
        return []

    @property
    def holds(self) -> tuple[int, dict[str, Any]]:
        kept = Versions(self.data).current()
        return number_of(kept), changes_in(kept)

    async def change(self, value: str, base: int) -> dict[str, Any]:
        step = {"op": "set", "path": "mode", "value": value}
        return await self.configuring.apply(LOOPBACK, json.dumps({"base": base, "steps": [step]}).encode())


@asynccontextmanager
async def nodes(url: str, *made: Node) -> AsyncIterator[None]:
    for node in made:
        node.data.mkdir(exist_ok=True)
        await node.state.configure({"url": url, "timeout": 2.0}, SECRET)
    ticking = asyncio.create_task(tick(made))
    yield
    ticking.cancel()
    for node in made:
        if node.configuring._following is not None:
            await node.configuring._following
        await node.state.end()


async def tick(made: tuple[Node, ...]) -> None:
    while True:
        for node in made:
            node.configuring.tick()
        await asyncio.sleep(0.02)


async def until(done: Callable[[], Any]) -> None:
    for _ in range(1500):
        if done():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("not in time")


async def test_what_one_node_takes_the_others_take(redis_server: Any, tmp_path: Path) -> None:
    one, other, late = (Node(tmp_path / name) for name in ("one", "other", "late"))
    async with nodes(redis_server.url, one, other):
        done = await one.change("enforce", 0)
        assert (done["version"], done["warnings"]) == (1, [])
        await until(lambda: other.holds == (1, {"mode": "enforce"}))
        assert other.taken[-1].overlay == one.taken[-1].overlay
        # From there it goes on, on whichever node.
        await other.change("observe", 1)
        await until(lambda: one.holds == (2, {"mode": "observe"}))
        assert one.sharing.told() == {"state": "shared", "version": 2, "problem": None}
        async with nodes(redis_server.url, late):
            await until(lambda: late.holds == (2, {"mode": "observe"}))


async def test_of_two_changes_to_one_version_one_is_made_on_all(redis_server: Any, tmp_path: Path) -> None:
    both = [Node(tmp_path / name) for name in ("one", "other")]
    async with nodes(redis_server.url, *both):
        done = await asyncio.gather(
            *[node.change(value, 0) for node, value in zip(both, ("enforce", "observe"), strict=True)],
            return_exceptions=True,
        )
        assert [type(each) for each in done if isinstance(each, Exception)] == [StaleError]
        await until(lambda: both[0].holds == both[1].holds and both[0].holds[0] == 1)
        with pytest.raises(StaleError):
            await both[0].change("enforce", 0)


async def test_a_node_that_cannot_take_it_says_so_until_it_can(
    redis_server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = Node(tmp_path / "one"), Node(tmp_path / "other")
    other.problems = ["data/overlay/000001.yaml:1:1: there is no zone `shop`"]
    async with nodes(redis_server.url, one, other):
        await one.change("enforce", 0)
        await until(lambda: other.sharing.problem)
        assert other.sharing.told() == {
            "state": "shared",
            "version": 1,
            "problem": "version 1 of the other nodes cannot be used here: "
            "data/overlay/000001.yaml:1:1: there is no zone `shop`",
        }
        assert other.holds == (0, {})
        with pytest.raises(OperatorError, match="not as the others are"):
            await other.change("observe", 0)
        assert sum("is not as the others are" in record.message for record in caplog.records) == 1
        # Its file is mended and loaded.
        other.problems, other.file = [], "http://127.0.0.1:2"
        await until(lambda: other.holds == (1, {"mode": "enforce"}))
        assert other.sharing.problem == ""


async def test_a_node_with_changes_of_its_own_that_joins_gives_way_and_keeps_them_aside(
    redis_server: Any, tmp_path: Path
) -> None:
    one, other = Node(tmp_path / "one"), Node(tmp_path / "other")
    other.data.mkdir()
    for base, value in enumerate(("observe", "enforce", "observe")):
        await other.change(value, base)
    async with nodes(redis_server.url, one):
        await one.change("enforce", 0)
        async with nodes(redis_server.url, other):
            await until(lambda: other.holds == (1, {"mode": "enforce"}))
    assert len(list((other.data / "overlay" / "aside").iterdir())) == 3


async def test_what_was_changed_while_the_server_was_away_is_told_once_it_is_back(
    redis_server: Any, tmp_path: Path
) -> None:
    one, other = Node(tmp_path / "one"), Node(tmp_path / "other")
    async with nodes(redis_server.url, one, other):
        await one.change("enforce", 0)
        await until(lambda: other.holds[0] == 1)
        redis_server.stop()
        await until(lambda: one.state.status == "away")
        done = await one.change("observe", 1)
        assert done["warnings"] == ["shared state is away: other nodes take this once it is back"]
        # It comes back without anything, as a server without a disk does.
        redis_server.start()
        await until(lambda: other.holds == (2, {"mode": "observe"}))


async def test_what_no_node_wrote_is_not_taken(redis_server: Any, tmp_path: Path) -> None:
    one, stranger = Node(tmp_path / "one"), Node(tmp_path / "stranger", "cd" * 32)
    async with nodes(redis_server.url, stranger):
        await stranger.change("enforce", 0)
    host, _, port = redis_server.url.removeprefix("redis://").partition("/")[0].partition(":")
    raw = Redis(host=host, port=int(port))
    assert await raw.keys("botproxy:d:*") == [b"botproxy:d:overlay"]
    await raw.aclose()
    async with nodes(redis_server.url, one):
        await until(lambda: "not written by a node with this secret" in one.sharing.problem)
        assert one.holds == (0, {})
        with pytest.raises(OperatorError, match="not as the others are"):
            await one.change("observe", 0)
