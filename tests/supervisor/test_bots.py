"""Verifying bots for all workers: lists go down as fast as these read, and a reload keeps what is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson
import pytest

from botproxy.bots import Settings
from botproxy.bots.directory import Directory, parse_all
from botproxy.bots.errand import LISTS, NAMES, describe
from botproxy.bots.published import Fetched, unpack, write_list
from botproxy.link.frames import FrameError, Kind
from botproxy.supervisor.bots import Bots

DIRECTORY = Directory.build(
    parse_all(
        {
            "own": "lists: {one: {urls: [https://a.example/1]}, two: {urls: [https://a.example/2]}}\n"
            "bots: [{name: A, user_agent: Abc/, verify: {lists: [one, two]}},"
            " {name: B, verify: {signature_agent: 'https://a.example'}}]"
        }
    )
)


class Worker:
    def __init__(self) -> None:
        self.unread = 0
        self.told: list[tuple[Kind, bytes]] = []

    def tell(self, kind: Kind, payload: bytes) -> None:
        self.told.append((kind, payload))

    def lists(self) -> list[str]:
        return [unpack(payload)[0] for kind, payload in self.told if kind is Kind.BOT_LIST]

    def answers(self) -> list[Any]:
        return [orjson.loads(payload) for kind, payload in self.told if kind is Kind.BOT_ANSWER]


def errand(**settings: Any) -> dict[str, Any]:
    quiet = {"lists": {"fetch": False}, "names": {"servers": ["127.0.0.1:9"], "timeout": "100ms"}}
    said: dict[str, Any] = orjson.loads(orjson.dumps(describe(Settings.model_validate(quiet | settings), DIRECTORY)))
    return said


@pytest.fixture
async def bots(tmp_path: Path) -> AsyncIterator[Bots]:
    for name in ("one", "two"):
        write_list(tmp_path / LISTS, Fetched(name, (), 5.0, (ip_network("1.1.1.0/24"),)))
    made = Bots()
    made.configure(errand(), tmp_path)
    yield made
    await made.end()


async def eventually(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)


async def test_a_worker_that_begins_is_told_every_list(bots: Bots) -> None:
    worker = Worker()
    bots.join(1, worker)
    await eventually(lambda: sorted(worker.lists()) == ["one", "two"])


async def test_a_worker_that_does_not_read_is_told_later(bots: Bots) -> None:
    worker = Worker()
    worker.unread = 10**9
    bots.join(1, worker)
    await asyncio.sleep(0.05)
    assert worker.lists() == []
    worker.unread = 0
    await eventually(lambda: len(worker.lists()) == 2)


async def test_a_question_is_answered_to_the_worker_that_asked(bots: Bots) -> None:
    one, two = Worker(), Worker()
    bots.join(1, one)
    bots.join(2, two)
    bots.take(2, orjson.dumps([7, "keys", "https://stranger.example", []]))
    await eventually(lambda: two.answers() == [[7, {}]])
    bots.take(2, orjson.dumps([8, "names", "192.0.2.1", ["a.example"]]))
    await eventually(lambda: len(two.answers()) == 2)
    assert two.answers()[1][1]["confirmed"] is None
    assert bots.counts()["bot_names", "away"] == 1
    assert one.answers() == []


async def test_a_question_from_before_the_first_configuration_is_answered_after_it(tmp_path: Path) -> None:
    made, worker = Bots(), Worker()
    made.join(1, worker)
    made.take(1, orjson.dumps([1, "names", "192.0.2.1", ["a.example"]]))
    await asyncio.sleep(0.02)
    assert worker.answers() == []
    made.configure(errand(), tmp_path)
    await eventually(lambda: len(worker.answers()) == 1)
    assert "confirmed" in worker.answers()[0][1]
    await made.end()


async def test_what_was_confirmed_is_kept_at_the_end_and_taken_up_at_the_beginning(tmp_path: Path) -> None:
    (tmp_path / NAMES).parent.mkdir()
    (tmp_path / NAMES).write_bytes(orjson.dumps({"confirmed": {"192.0.2.1 a.example": 2e9}}))
    made, worker = Bots(), Worker()
    made.configure(errand(), tmp_path)
    made.join(1, worker)
    made.take(1, orjson.dumps([1, "names", "192.0.2.1", ["a.example"]]))
    await eventually(lambda: len(worker.answers()) == 1)
    assert worker.answers()[0][1]["confirmed"] is True
    (tmp_path / NAMES).unlink()
    await made.end()
    assert list(orjson.loads((tmp_path / NAMES).read_bytes())["confirmed"]) == ["192.0.2.1 a.example"]


async def test_a_worker_that_is_gone_is_not_told_anything(bots: Bots) -> None:
    worker = Worker()
    bots.join(1, worker)
    bots.leave(1)
    bots.take(1, orjson.dumps([7, "nonsense", "", []]))
    await asyncio.sleep(0.05)
    assert worker.told == []


@pytest.mark.parametrize("payload", [b"[]", b"{}", b'"a"'])
async def test_a_question_that_is_none_closes_the_link(bots: Bots, payload: bytes) -> None:
    with pytest.raises(FrameError):
        bots.take(1, payload)


async def test_what_is_known_survives_a_reload_that_says_the_same(bots: Bots, tmp_path: Path) -> None:
    running = bots._running
    bots.configure(errand(), tmp_path)
    assert bots._running is running
    bots.configure(errand(wait="1s"), tmp_path)
    assert bots._running is not running
    bots.configure({}, tmp_path)
    assert bots._running is None
    worker = Worker()
    bots.join(1, worker)
    bots.take(1, orjson.dumps([1, "names", "192.0.2.1", ["a.example"]]))
    await eventually(lambda: worker.answers() == [[1, {}]])
