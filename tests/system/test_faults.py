"""Under load, while parts die, hang or change: no wrong answer, and no lost request that could be served.

The supervisor's own tests do this with a stand-in for the data plane; here it is the real one, with a real origin.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from botproxy.demo.downloads import content

from .conftest import Proxy, Start, descendants

SIZE = 20_000
BODY = content(0, SIZE)
CLIENTS = 6


class Load:
    """Clients that ask without pause on kept-alive connections; each answer is compared byte by byte."""

    def __init__(self, port: int) -> None:
        self.answered = 0
        self.wrong: list[bytes] = []
        self.failed: list[str] = []
        self.longest = 0.0
        self.stopped = False
        self._port = port

    async def client(self) -> None:
        reader: asyncio.StreamReader | None = None
        writer: asyncio.StreamWriter | None = None
        while not self.stopped:
            began = time.monotonic()
            try:
                async with asyncio.timeout(20):
                    if reader is None or writer is None:
                        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                    writer.write(b"GET /files/bytes-%d.bin HTTP/1.1\r\nHost: shop.example\r\n\r\n" % SIZE)
                    head = await reader.readuntil(b"\r\n\r\n")
                    body = await reader.readexactly(SIZE) if head.startswith(b"HTTP/1.1 200 ") else b""
            except (OSError, EOFError, TimeoutError) as problem:
                self.failed.append(repr(problem))
                reader = None
            else:
                self.answered += 1
                self.longest = max(self.longest, time.monotonic() - began)
                if body != BODY:
                    self.wrong.append(head)
                if b"Connection: close" in head or self.answered % 25 == 0:
                    reader = None
            if reader is None and writer is not None:
                writer.close()
                writer = None
            await asyncio.sleep(0.005)
        if writer is not None:
            writer.close()

    async def more(self, count: int = 150) -> None:
        """Wait for so many more answers."""
        wanted = self.answered + count
        await eventually(lambda: self.answered >= wanted, f"{count} more answers; failed: {self.failed}")


@asynccontextmanager
async def load(proxy: Proxy) -> AsyncIterator[Load]:
    made = Load(proxy.port)
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(made.client())
        try:
            await made.more(100)
            yield made
        finally:
            made.stopped = True
    assert made.wrong == []


async def eventually(done: Callable[[], Any], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.02)


Begin = Callable[..., Awaitable[Proxy]]


@pytest.fixture
def begin(start: Start, demo_origin: str) -> Begin:
    """Start a proxy with two workers from a file, without holding up the clients' loop."""

    async def run(**config: Any) -> Proxy:
        zones = [{"name": "shop", "origins": [demo_origin]}]
        whole = {"unknown_host": "shop", "zones": zones, "timeouts": {"drain": "5s"}, **config}
        return await asyncio.to_thread(start, config=whole, workers=2)

    return run


def rewrite(proxy: Proxy, **changes: Any) -> None:
    """Change the configuration file of a running proxy."""
    file = proxy.data.parent / "botproxy.yaml"
    draft = Path(f"{file}.new")
    draft.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    draft.replace(file)


async def test_a_killed_worker_costs_its_own_connections_alone_and_is_replaced(begin: Begin) -> None:
    proxy = await begin()
    before = set(proxy.workers())
    assert len(before) == 2
    async with load(proxy) as clients:
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await eventually(lambda: len(set(proxy.workers()) - {victim}) == 2, "a new worker")
        await clients.more(300)
    assert len(clients.failed) <= CLIENTS


async def test_a_reload_under_load_loses_nothing(begin: Begin) -> None:
    proxy = await begin()
    before = set(proxy.workers())
    async with load(proxy) as clients:
        for _ in range(2):
            os.kill(proxy.program.process.pid, signal.SIGHUP)
            await clients.more(100)
            known = set(before)
            await eventually(
                lambda: len(proxy.workers()) == 2 and not known & set(proxy.workers()),  # noqa: B023
                "a new generation alone",
                30,
            )
            before = set(proxy.workers())
        await clients.more()
    assert clients.failed == []


async def test_a_reload_takes_new_rules_over_and_a_bad_one_changes_nothing(begin: Begin, demo_origin: str) -> None:
    proxy = await begin()
    before = set(proxy.workers())
    async with load(proxy) as clients:
        zone = {"name": "shop", "origins": [demo_origin], "rules": [
            {"ref": "broken", "expression": "http.request.uri.path eq", "action": "block"}
        ]}  # fmt: skip
        rewrite(proxy, zones=[zone], unknown_setting=1)
        os.kill(proxy.program.process.pid, signal.SIGHUP)
        await eventually(lambda: "unknown_setting" in proxy.program.said(), "what is wrong")
        assert "broken" in proxy.program.said() or "rules" in proxy.program.said()
        await clients.more()
        assert set(proxy.workers()) == before
    assert clients.failed == []
    file = proxy.data.parent / "botproxy.yaml"
    whole = json.loads(file.read_text())
    del whole["unknown_setting"]
    zone["rules"] = [{"ref": "closed", "expression": 'http.request.uri.path eq "/closed"', "action": "block"}]
    file.write_text(json.dumps({**whole, "mode": "enforce", "zones": [zone]}))
    os.kill(proxy.program.process.pid, signal.SIGHUP)

    def blocked() -> bool:
        return bool(proxy.events(ClientRequestPath="/closed", EdgeResponseStatus=403))

    async def knock() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET /closed HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await reader.read()
        writer.close()

    for _ in range(100):
        await knock()
        if blocked():
            break
        await asyncio.sleep(0.1)
    assert blocked()


@pytest.mark.parametrize("seconds", [5, pytest.param(30, marks=pytest.mark.prove)])
async def test_a_stuck_supervisor_does_not_stop_the_traffic(begin: Begin, seconds: float) -> None:
    proxy = await begin()
    supervisor = proxy.program.process.pid
    async with load(proxy) as clients:
        os.kill(supervisor, signal.SIGSTOP)
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                await clients.more(20)
        finally:
            os.kill(supervisor, signal.SIGCONT)
        await clients.more(50)
    assert clients.failed == []
    assert clients.longest < 3

    def told() -> bool:
        with urlopen(f"{proxy.admin}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        rows = [line for line in text.splitlines() if line.startswith("botproxy_requests_total{")]
        return sum(float(row.rsplit(" ", 1)[1]) for row in rows) == clients.answered

    # Counters are absolute, so none of the requests of that time is missing once the supervisor listens again.
    await eventually(told, "every request counted")


async def test_a_killed_supervisor_takes_its_workers_with_it_after_they_have_drained(begin: Begin) -> None:
    proxy = await begin()
    processes = descendants(proxy.program.process.pid)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET /tide/stream?events=3 HTTP/1.1\r\nHost: a\r\n\r\n")
    await reader.readuntil(b"data:")
    proxy.program.process.kill()
    proxy.program.process.wait()
    # The answer that was under way is finished, 3 events in all.
    rest = await asyncio.wait_for(reader.read(), 15)
    assert rest.endswith(b"0\r\n\r\n")
    assert rest.count(b"data:") == 2
    writer.close()
    await eventually(lambda: not any(map(running, processes)), "every worker ends")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", proxy.port)


def running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
