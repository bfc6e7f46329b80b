"""A site that challenges every visitor, on the proxy's own wire and routes; behind the challenge there is one page."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import uvloop
from playwright.async_api import Browser, async_playwright

from botproxy.challenges import (
    LONGEST_TEXT,
    PURPOSE,
    REPLAY_PURPOSE,
    REPORT_PURPOSE,
    Known,
    Pages,
    ReportSeals,
    Settings,
    form_type,
    issue,
)
from botproxy.challenges.replay import LARGEST
from botproxy.cookies import Jar, KeyRing, Sealer
from botproxy.cookies import Settings as CookieSettings
from botproxy.model import ClearanceLevel
from botproxy.proxy import Exchange, Listener, Server, Wire
from botproxy.proxy.challenge_routes import ChallengeRoutes
from botproxy.proxy.own_paths import is_own_path
from botproxy.proxy.refusals import is_navigation
from botproxy.proxy.same_origin import same_origin
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import Counters

BEHIND = b"<!DOCTYPE html><title>Behind</title><h1>The page you wanted</h1>"


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that workers run on."""
    return {"uvloop": uvloop.new_event_loop}


class Challenger:
    """The site, and what it saw."""

    def __init__(self) -> None:
        self.ring = ring = KeyRing([os.urandom(32)])
        self.settings = Settings()
        self.sealer = Sealer(ring, PURPOSE, "shop")
        self.jar = Jar(ring, "shop", CookieSettings())
        self.pages = Pages(seals=ReportSeals(Sealer(ring, REPORT_PURPOSE, "shop")))
        self.store = MemoryStore()
        self.counters = Counters()
        self.replay = Sealer(ring, REPLAY_PURPOSE, "shop", longest=LONGEST_TEXT)
        self.form = b""
        self.posted: list[Any] = []
        self.routes = self.make_routes()
        self.solved: list[Any] = []
        self.challenged = 0
        self.accepts = True
        self.level = ClearanceLevel.JS
        self.known = Known()
        self.wire = Wire()
        self.wire.pages = lambda host: self.pages
        self.server = Server(self.wire, self._handle, lambda refusal: None)
        self.url = ""

    def make_routes(self, **more: Any) -> ChallengeRoutes:
        """Routes of this site, with other settings or another store where given."""
        return ChallengeRoutes(
            **{
                "zone": "shop",
                "settings": self.settings,
                "sealer": self.sealer,
                "jar": self.jar,
                "store": self.store,
                "burn_here": MemoryStore(1000).burn_now,
                "challenge_ttl": 1800.0,
                "counters": self.counters,
                "replay": self.replay,
                **more,
            }
        )

    def set_cookies(self, **settings: Any) -> None:
        """Set cookies in another way from now on."""
        self.jar = Jar(self.ring, "shop", CookieSettings(**settings))
        self.routes = self.make_routes()

    def count(self, result: str) -> int:
        """How often a challenge ended so."""
        return self.counters.counts.get(("challenges", "shop", result), 0)

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        await self.server.start([Listener(listener)])

    def _handle(self, exchange: Exchange) -> None:
        request = exchange.request
        if is_own_path(request.path):
            self.routes.handle(exchange, self.solved.append)
            return
        if request.path.startswith(b"/refused/"):
            status = int(request.path.removeprefix(b"/refused/"))
            exchange.refuse(status, "as asked for", by_rule=status in (403, 429))
            return
        if request.path == b"/form":
            exchange.respond(200, ((b"Content-Type", b"text/html"),), self.form)
            return
        held = self.jar.clearance(request.headers, exchange.client.address, request.received)
        cleared = self.accepts and held is not None and held.level >= self.level
        if cleared and request.method == b"POST":
            exchange.collect_body(1 << 20, lambda body: self._posted(exchange, body))
            return
        if cleared:
            exchange.respond(200, ((b"Content-Type", b"text/html"), (b"Cache-Control", b"no-store")), BEHIND)
            return
        kind = form_type(request) if same_origin(request) else ""
        if kind:
            exchange.collect_body(LARGEST, lambda body: self._issue(exchange, body and (kind, body)))
        else:
            self._issue(exchange, None)

    def _posted(self, exchange: Exchange, body: bytes | None) -> None:
        self.posted.append((exchange.request.headers.first(b"content-type"), body))
        exchange.respond(200, ((b"Content-Type", b"text/html"),), BEHIND)

    def _issue(self, exchange: Exchange, form: Any) -> None:
        request = exchange.request
        navigation = is_navigation(request.method, request.headers)
        self.challenged += navigation and request.path != b"/favicon.ico"
        answer = issue(
            settings=self.settings,
            sealer=self.sealer,
            randomness=os.urandom,
            now=request.received,
            zone="shop",
            level=self.level,
            known=self.known,
            replay=self.replay,
            form=form,
            request=request,
            client=exchange.client,
            navigation=navigation,
            pages=self.pages,
        )
        exchange.respond(answer.status, answer.headers, answer.body)


@pytest.fixture
async def challenger() -> AsyncIterator[Challenger]:
    """A running site that challenges."""
    made = Challenger()
    await made.start()
    yield made
    made.server.close()
    await asyncio.sleep(0)


@pytest.fixture(scope="session")
def running_chromium(part: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where one Chromium without a window, for all tests that need nothing of their own of it, can be driven."""
    profile = tmp_path_factory.mktemp("chromium")
    process = subprocess.Popen(
        [
            *(part("chromium"), "--headless=new", "--no-sandbox", "--no-first-run", "--no-default-browser-check"),
            *("--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--hide-scrollbars"),
            *("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"),
        ],
        env={**os.environ, "HOME": str(profile)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    told = profile / "DevToolsActivePort"
    end = time.monotonic() + 60
    while not told.exists() or not told.read_text().strip():
        assert process.poll() is None, "Chromium ended"
        assert time.monotonic() < end, "Chromium did not start"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{told.read_text().split()[0]}"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
async def browser(running_chromium: str) -> AsyncIterator[Browser]:
    """The running Chromium; what is opened in it is closed afterwards."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(running_chromium)
        yield browser
        for context in browser.contexts[1:]:
            await context.close()


@pytest.fixture(scope="session")
def screen(part: Callable[[str], str]) -> Iterator[str]:
    """The name of an X display of our own."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [part("xvfb"), "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
        pass_fds=(writer,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    with open(reader, encoding="ascii") as number:
        name = number.readline().strip()
    yield ":" + name
    server.terminate()
    server.wait()
