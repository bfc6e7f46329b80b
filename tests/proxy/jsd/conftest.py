"""A site with JavaScript detections on loopback: its pages from an origin that a test writes, its reports judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest

from botproxy.challenges.assets import Bundle
from botproxy.cookies import Jar, KeyRing, Sealer, with_js
from botproxy.cookies.settings import Settings as CookieSettings
from botproxy.model import BotManagement, Client, Detection, Facts, Headers, Outcome, Request, Score, ScoreSource
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.jsd import bootstrap, paths
from botproxy.proxy.jsd.pages import PageScripts, Scene
from botproxy.proxy.jsd.routes import DetectionRoutes, Powers
from botproxy.proxy.jsd.scripts import Scripts
from botproxy.proxy.own_paths import CDN_CGI
from botproxy.proxy.records import ResponseHead
from botproxy.proxy.refusals import is_navigation
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import Counters
from botproxy.worker.compose import Randomness

CHROME = (
    b"User-Agent: Mozilla/5.0 Chrome/150.0.0.0\r\nAccept: text/html,*/*;q=0.8\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
)
SESSION = "ab" * 16


class Judgement(NamedTuple):
    passed: bool | None
    detections: tuple[Detection, ...]
    reason: str


def judge(report: bytes, *, seed: bytes, headers: Headers, now: float) -> Judgement:
    """Of a report that is its own seed and a word."""
    if not report.startswith(seed.hex().encode()):
        return Judgement(None, (), "unreadable")
    if report.endswith(b"bot"):
        return Judgement(False, (Detection(1, "webdriver", "says so"),), "automated")
    return Judgement(True, (), "passed")


class Site:
    """One zone, as the gateway has it."""

    def __init__(self, consent_event: str = "") -> None:
        ring = KeyRing((b"k" * 32,))
        self.counters = Counters()
        self.store = MemoryStore(1000)
        self.here = MemoryStore(1000)
        self.jar = Jar(ring, "shop", CookieSettings())
        self.sealer = Sealer(ring, bootstrap.PURPOSE, "shop")
        self.handed: list[Request] = []
        self.reported: list[Request] = []
        self.session = SESSION
        self.verified: Any = None
        randomness = Randomness()
        self.scripts = PageScripts(
            Scene("shop", self.sealer, "exact", randomness, self.counters, consent_event=consent_event),
        )
        self.routes = DetectionRoutes(
            Powers(
                "shop",
                self.sealer,
                self.jar,
                "exact",
                randomness,
                self.store,
                self.here.burn_now,
                self.counters,
                Scripts(Bundle(b"the script", "0123456789ab")),
                judge,
                consent_event=consent_event,
            ),
            lambda request, client: self.reported.append(request),
        )
        self.pool: Any = None

    def facts(self, request: Request, client: Client) -> Facts:
        clearance = self.jar.clearance(request.headers, client.address, request.received)
        bots = BotManagement(Score(50, ScoreSource.NOT_COMPUTED), self.verified)
        return Facts(request, client, "shop", False, None, clearance, {}, bots)

    def handle(self, exchange: Exchange) -> None:
        """The handler of a proxy."""
        request = exchange.request
        route = paths.route(CDN_CGI.original(request.path))
        if route is not None:
            self.routes.handle(exchange, route)
            return
        page = self.scripts.page(self.facts(request, exchange.client), is_navigation(request.method, request.headers))

        def on_response(head: ResponseHead) -> Sequence[tuple[bytes, bytes]]:
            if page is not None:
                page.consider(head, self.session)
            return ()

        recorded = exchange.on_ended

        def ended(outcome: Outcome) -> None:
            if page is not None and page.given:
                self.handed.append(request)
            if recorded is not None:
                recorded(outcome)

        exchange.on_ended = ended
        exchange.forward(self.pool, (), on_response, None, page)

    def counted(self, what: str) -> dict[str, int]:
        """The counts of one kind, by their last label."""
        return {key[-1]: number for key, number in self.counters.counts.items() if key[0] == what}

    def cookie(self, request: Request, client: Client, passed: bool, seconds: float) -> bytes:
        """A clearance that this visitor holds."""
        clearance = with_js(None, passed, request.received + seconds, request.ray)
        return self.jar.clearance_cookie(clearance, request.headers, client.address, request.received, False)


@pytest.fixture
def site() -> Site:
    return Site()
