"""Keeping published lists: on disk, on schedule, and the last good one when there is no better."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import Https, ScriptedDns
from signing import NOW

from botproxy.addresses import NetworkSet
from botproxy.bots.directory import PublishedList
from botproxy.bots.published import Fetched, ListError, write_list
from botproxy.bots.settings import ListFetchSettings
from botproxy.bots.verifying.guarded import Fetcher, FetchError
from botproxy.bots.verifying.keeper import ListKeeper


class World:
    def __init__(self, https: Https, fetcher: Fetcher, directory: Path) -> None:
        self.https = https
        self.directory = directory
        self.fetcher = fetcher
        self.now = NOW
        self.heard: list[Fetched] = []
        self.said: list[tuple[str, str]] = []
        self.arrived = asyncio.Event()

    def keeper(self, *paths: str, fetch: bool = True) -> ListKeeper:
        urls = tuple(f"https://agent.test:{self.https.port}{path}" for path in paths or ("/list",))
        return ListKeeper(
            [PublishedList("seek", urls)],
            self.directory,
            self.fetcher,
            ListFetchSettings(fetch=fetch, every=600.0, stale_after=3600.0, timeout=10.0, size=4096),
            self.hear,
            lambda what, about: self.said.append((what, about.get("age", ""))),
            lambda: self.now,
            0.0,
        )

    def hear(self, fetched: Fetched) -> None:
        self.heard.append(fetched)
        self.arrived.set()


@pytest.fixture
async def world(https: Https, dns: ScriptedDns, ca_file: Path, tmp_path: Path) -> AsyncIterator[World]:
    dns.host("agent.test", "127.0.0.1")
    fetcher = Fetcher([await dns.start()], NetworkSet([ip_network("127.0.0.0/8")]), ca_file)
    yield World(https, fetcher, tmp_path / "lists")
    await fetcher.close()


async def test_a_list_is_fetched_told_and_kept(world: World) -> None:
    world.https.serves(b'{"prefixes": [{"ipv4Prefix": "1.1.1.0/24"}]}')
    keeper = world.keeper()
    keeper.start()
    async with asyncio.timeout(10):
        await world.arrived.wait()
    await keeper.refresh("seek")  # and so the first one was kept before
    await keeper.close()
    assert world.heard[0].networks == (ip_network("1.1.1.0/24"),)
    assert world.heard[0].fetched == NOW
    assert json.loads((world.directory / "seek.json").read_text())["networks"] == ["1.1.1.0/24"]
    assert world.keeper().known["seek"].networks == (ip_network("1.1.1.0/24"),)


async def test_a_list_in_several_pieces_is_taken_whole_or_not_at_all(world: World) -> None:
    async def answer(path: str, writer: asyncio.StreamWriter) -> None:
        body = b"1.1.1.0/24" if path == "/four" else b"2a03:2880::/32" if path == "/six" else b"<html>"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    world.https.answer = answer
    assert len((await world.keeper("/four", "/six").refresh("seek")).networks) == 2
    keeper = world.keeper("/four", "/away")
    with pytest.raises(ListError):
        await keeper.refresh("seek")
    assert len(keeper.known["seek"].networks) == 2, "the last good one stands"


async def test_a_fetch_that_fails_leaves_the_list_and_is_said_once_with_its_age(world: World) -> None:
    write_list(world.directory, Fetched("seek", (), NOW - 2 * 3600, (ip_network("1.1.1.0/24"),)))
    world.https.serves(b"", status=500)
    keeper = world.keeper()
    await keeper.round()
    world.now += 61
    await keeper.round()
    assert len(world.https.asked) == 2
    assert keeper.known["seek"].networks == (ip_network("1.1.1.0/24"),)
    assert world.said == [("lists are stale: they verify, and refuse nobody", "2h")]
    assert world.heard == []


async def test_a_list_that_was_never_fetched_is_said_to_be_missing(world: World) -> None:
    keeper = world.keeper()
    await keeper.round()
    assert world.said == [("lists were never fetched", "")]
    with pytest.raises(FetchError, match="status 404"):
        await keeper.refresh("seek")


async def test_nothing_is_fetched_when_that_is_off_and_fresh_lists_are_left_alone(world: World) -> None:
    write_list(world.directory, Fetched("seek", (), NOW - 60, (ip_network("1.1.1.0/24"),)))
    for fetch in (False, True):
        keeper = world.keeper(fetch=fetch)
        keeper.start()
        await asyncio.sleep(0.05)
        await keeper.close()
    assert world.https.asked == []
