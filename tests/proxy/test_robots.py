"""The managed robots.txt, in front of origins that have one, have none, or misbehave."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from botproxy.proxy import Exchange
from botproxy.proxy.robots import MAX_SIZE, RETRY_SECONDS, ManagedRobots

from .conftest import Proxy, Rig, Script, Visit

OURS = b"User-agent: GPTBot\nDisallow: /\n"
ASK = b"GET /robots.txt HTTP/1.1\r\nHost: shop.example\r\n\r\n"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def says(answer: bytes) -> Script:
    async def script(visit: Visit) -> None:
        await visit.head()
        visit.send(answer)

    return script


def text(body: bytes, content_type: bytes = b"text/plain", status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (status, content_type, len(body))
    return head + body


async def managing(rig: Rig, *scripts: Script, path: str | None = None) -> tuple[Proxy, ManagedRobots, Clock]:
    origins = [await rig.origin(script, path=path) for script in scripts]
    proxy = await rig.proxy(*origins)
    assert proxy.pool is not None
    clock = Clock()
    robots = ManagedRobots(OURS, proxy.pool.origins, None, clock)

    def handle(exchange: Exchange) -> None:
        if robots.wants(exchange):
            robots.answer(exchange)
        else:
            exchange.refuse(404, "")

    proxy.handler = handle
    return proxy, robots, clock


async def test_the_origins_own_follows_ours(rig: Rig) -> None:
    proxy, _, _ = await managing(rig, says(text(b"User-agent: *\nAllow: /\n")))
    head, body = await proxy.ask(ASK)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Content-Type: text/plain" in head
    assert body == OURS + b"\nUser-agent: *\nAllow: /\n"


async def test_the_origin_is_asked_plainly_and_seldom(rig: Rig) -> None:
    heads: list[bytes] = []

    async def script(visit: Visit) -> None:
        heads.append(await visit.head())
        visit.send(text(b"User-agent: *\n"))

    proxy, _, clock = await managing(rig, script)
    answers = await asyncio.gather(*(proxy.ask(ASK) for _ in range(5)))
    assert len({body for _, body in answers}) == 1
    assert len(heads) == 1
    assert b"Host: shop.example\r\n" in heads[0]
    assert b"Accept-Encoding: identity\r\n" in heads[0]
    clock.now += 301
    await proxy.ask(ASK)
    assert len(heads) == 2


@pytest.mark.parametrize(
    "answer",
    [
        text(b"nothing", status=b"404 Not Found"),
        text(b"<html>", b"text/html"),
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        text(b"", status=b"500 Oops"),
        b"nonsense\r\n\r\n",
        b"",
    ],
)
async def test_what_is_no_robots_txt_leaves_ours_alone(rig: Rig, answer: bytes) -> None:
    proxy, _, _ = await managing(rig, says(answer))
    assert (await proxy.ask(ASK))[1] == OURS


async def test_the_last_good_one_stands_while_the_origin_is_away(rig: Rig) -> None:
    answers = [text(b"User-agent: *\n"), text(b"", status=b"503 Away"), text(b"User-agent: b\n")]

    async def script(visit: Visit) -> None:
        await visit.head()
        visit.send(answers.pop(0))

    proxy, _, clock = await managing(rig, script)
    assert (await proxy.ask(ASK))[1].endswith(b"User-agent: *\n")
    clock.now += 301
    assert (await proxy.ask(ASK))[1].endswith(b"User-agent: *\n")
    clock.now += RETRY_SECONDS + 1
    assert (await proxy.ask(ASK))[1].endswith(b"User-agent: b\n")


async def test_an_origin_that_refuses_is_passed_over(rig: Rig) -> None:
    proxy, robots, _ = await managing(rig, says(b""), says(text(b"User-agent: *\n")))
    assert (await proxy.ask(ASK))[1].endswith(b"User-agent: *\n")
    assert len(robots._known) == 1


async def test_an_endless_one_is_cut_at_the_end_of_a_line(rig: Rig) -> None:
    async def script(visit: Visit) -> None:
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            visit.send(b"Disallow: /abcdef\n" * 1000)
            await visit.writer.drain()

    proxy, _, _ = await managing(rig, script)
    body = (await proxy.ask(ASK))[1]
    assert MAX_SIZE - 100 < len(body) < MAX_SIZE + 100
    assert body.endswith(b"Disallow: /abcdef\n")


async def test_a_unix_socket_is_asked_as_well(rig: Rig, tmp_path: Path) -> None:
    proxy, _, _ = await managing(rig, says(text(b"User-agent: *\n")), path=str(tmp_path / "origin"))
    assert (await proxy.ask(ASK))[1].endswith(b"User-agent: *\n")


async def test_other_requests_are_not_for_it(rig: Rig) -> None:
    proxy, _, _ = await managing(rig, says(text(b"")))
    for request in (b"GET /robots.txt2", b"POST /robots.txt"):
        head, _ = await proxy.ask(request + b" HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 ")
    client = await proxy.connect()
    client.send(b"HEAD" + ASK[3:])
    assert b"Content-Length: %d\r\n" % len(OURS) in await client.head()


async def test_a_visitor_who_left_is_not_answered(rig: Rig) -> None:
    asked = asyncio.Event()
    go = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.head()
        asked.set()
        await go.wait()
        visit.send(text(b"User-agent: *\n"))

    proxy, robots, _ = await managing(rig, script)
    client = await proxy.connect()
    client.send(ASK)
    await asked.wait()
    client.reset()
    await proxy.ended()
    go.set()
    await rig.eventually(lambda: len(robots._known) == 1)
    assert (await proxy.ask(ASK))[1].endswith(b"User-agent: *\n")
