"""Without the store that makes tokens count once nobody is told that one is good, and nobody that it is bad."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import orjson
import pytest

from botproxy.challenges import Settings, widget
from botproxy.challenges.assets import Bundle
from botproxy.challenges.puzzle import solve
from botproxy.challenges.widget_settings import SiteKeySettings, WidgetSettings
from botproxy.cookies import Jar, KeyRing, Sealer
from botproxy.cookies import Settings as CookieSettings
from botproxy.proxy.jsd.scripts import Scripts
from botproxy.proxy.own_paths import CDN_CGI, OwnPathLimiter
from botproxy.proxy.widget_routes import BASE, Key, WidgetRoutes
from botproxy.store import StoreAway, StoreFull
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import Counters

RING = KeyRing([bytes(range(32))])
TOKENS = Sealer(RING, widget.TOKEN_PURPOSE, "shop")
TICKETS = Sealer(RING, widget.TICKET_PURPOSE, "shop")
NAME, SECRET = "0x4" + "A" * 22, "secret"
EASY = Settings(puzzles=2, difficulty=2, minimum=1)


class Broken:
    """A store that is away, or full."""

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    async def burn(self, key: bytes, ttl: float) -> bool:
        raise self.problem

    async def own(self, key: bytes, owner: bytes, ttl: float) -> bool:
        raise self.problem


def routes(store: Any, js_detection: Any = "tell") -> WidgetRoutes:
    """The widget of one zone, with this store."""
    key = SiteKeySettings(
        key=NAME, secret_hash=widget.secret_hash(SECRET), mode="non-interactive", js_detection=js_detection
    )
    return WidgetRoutes(
        keys=[Key("shop", key, TICKETS, TOKENS, Jar(RING, "shop", CookieSettings()))],
        settings=WidgetSettings(),
        challenges=EASY,
        script=Scripts(Bundle.of(b"")),
        own_paths=CDN_CGI,
        zone_of=lambda host: "shop",
        limiter=OwnPathLimiter(),
        store=store,
        counters=Counters(),
        clock=time.monotonic,
        randomness=os.urandom,
    )


def work() -> widget.Work:
    wish = widget.Wish(NAME, "", "", "")
    address = ip_address("127.0.0.1")
    return widget.work(
        EASY, wish, host="shop.example", nonce=os.urandom(16), now=time.time(), click=False, address=address
    )


async def post(proxy: Any, path: str, body: bytes, content_type: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the answer to a page of the shop, or to its server."""
    head = f"POST {path} HTTP/1.1\r\nHost: a.test\r\nOrigin: http://shop.example\r\nContent-Type: {content_type}\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    answered, said = await proxy.ask(head.encode() + body)
    return int(answered.split(b" ", 2)[1]), orjson.loads(said)


@pytest.mark.parametrize("problem", [StoreAway("away"), StoreFull("full")], ids=["away", "full"])
async def test_a_store_that_cannot_tell_is_an_internal_error(problem: Exception, rig: Any) -> None:
    made = routes(Broken(problem))
    proxy = await rig.proxy()

    def handle(exchange: Any) -> None:
        answer: Callable[[Any], None] | None = made.find(exchange.request.path)
        assert answer is not None
        answer(exchange)

    proxy.handler = handle
    minted = widget.seal(TOKENS, widget.token(work(), os.urandom(16), time.time(), "missing"))
    for more in ({}, {"idempotency_key": "8b9bd1d6-4d7d-4d9d-9d52-5e2b3c1d8a11"}):
        asked = orjson.dumps({"secret": SECRET, "response": minted, **more})
        answer = await post(proxy, BASE + "siteverify", asked, "application/json")
        assert answer == (200, {"success": False, "error-codes": ["internal-error"], "messages": []})
    given = work()
    solution = {"sitekey": NAME, "ticket": widget.seal(TICKETS, given), "answer": solve(given.nonce, 2, 2)}
    status, said = await post(proxy, BASE + "solve", orjson.dumps(solution), "text/plain")
    assert (status, said["reason"]) == (503, "busy")


@pytest.mark.parametrize(("wish", "status"), [("tell", 200), ("require", 403)])
async def test_a_key_may_require_a_report_of_the_browser(wish: str, status: int, rig: Any) -> None:
    """A program that does the work has none, and a made-up one counts as none."""
    made = routes(MemoryStore(), wish)
    proxy = await rig.proxy()

    def handle(exchange: Any) -> None:
        answer: Callable[[Any], None] | None = made.find(exchange.request.path)
        assert answer is not None
        answer(exchange)

    proxy.handler = handle
    for report in (None, "made-up"):
        passed = work()
        answer = solve(passed.nonce, passed.difficulty, passed.puzzles)
        body = {"sitekey": NAME, "ticket": widget.seal(TICKETS, passed), "answer": answer, "report": report}
        said = await post(proxy, BASE + "solve", orjson.dumps(body), "text/plain")
        assert (said[0], said[1].get("reason", "")) == (status, "" if status == 200 else "unproven")
