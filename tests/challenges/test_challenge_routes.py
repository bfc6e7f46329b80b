"""Our own paths: what answers where, whose solutions are taken, and that each counts once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from botproxy.challenges import SCRIPT, SCRIPT_VERSION, Settings
from botproxy.challenges.puzzle import solve
from botproxy.challenges.ticket import agent
from botproxy.cookies import CLEARANCE_COOKIE, Jar
from botproxy.cookies import Settings as CookieSettings
from botproxy.model import ClearanceLevel
from botproxy.proxy.challenge_routes import BODY_LIMIT, ChallengeRoutes, read_solution, route
from botproxy.store import StoreAway, StoreFull
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import Counters

BASE = b"/cdn-cgi/challenge-platform/h/b/"
FLOW = BASE + b"flow/ov1/0123456789abcdef"
FROM_PAGE = ((b"Sec-Fetch-Site", b"same-origin"),)


class FakeExchange:
    """An exchange that keeps what it was answered."""

    def __init__(self, request: Any, client: Any, body: bytes | None = b"") -> None:
        self.request = request
        self.client = client
        self.body = body
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.content = b""
        self.answered = asyncio.Event()

    def respond(self, status: int, headers: Any, body: bytes) -> None:
        assert not self.answered.is_set()
        self.status, self.headers, self.content = status, dict(headers), body
        self.answered.set()

    def refuse(self, status: int, detail: str) -> None:
        self.respond(status, (), b"")

    def collect_body(self, limit: int, then: Callable[[bytes | None], None]) -> None:
        then(None if self.body is None or len(self.body) > limit else self.body)


class AwayStore:
    """A store that never answers as it should."""

    def __init__(self, problem: Exception | None) -> None:
        self.problem = problem

    async def burn(self, key: bytes, ttl: float) -> bool:
        if self.problem is not None:
            raise self.problem
        await asyncio.sleep(3600)
        return True


class Desk:
    """Routes of one site, and the handing in of solutions."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.jar = Jar(site.keyring, "shop", CookieSettings())
        self.counters = Counters()
        self.solved: list[Any] = []
        self.store: Any = MemoryStore()
        self.room_here = 1000

    def worker(self, **settings: Any) -> ChallengeRoutes:
        """The routes of a worker of its own; all share the store."""
        return ChallengeRoutes(
            zone="shop",
            settings=Settings(**settings),
            sealer=self.site.sealer,
            jar=self.jar,
            store=self.store,
            burn_here=MemoryStore(self.room_here).burn_now,
            challenge_ttl=1800.0,
            counters=self.counters,
        )

    async def ask(self, routes: ChallengeRoutes, path: bytes, body: bytes | None = b"", **more: Any) -> FakeExchange:
        more.setdefault("received", self.site.now + 3)
        exchange = FakeExchange(self.site.request(path, **more), self.site.client, body)
        routes.handle(exchange, self.solved.append)  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            await exchange.answered.wait()
        return exchange

    async def hand_in(self, routes: ChallengeRoutes, page: Any, answer: str | None = None, **more: Any) -> FakeExchange:
        answer = self.site.solution(page) if answer is None else answer
        body = json.dumps({"token": page.token, "answer": answer}).encode()
        return await self.ask(routes, FLOW, body, **{"method": b"POST", "headers": FROM_PAGE, **more})

    def lifetime(self, exchange: FakeExchange) -> float:
        """Seconds that the clearance in an answer counts."""
        name, _, rest = exchange.headers[b"Set-Cookie"].partition(b"=")
        assert name == CLEARANCE_COOKIE
        headers = self.site.request(headers=((b"Cookie", name + b"=" + rest.split(b";")[0]),)).headers
        held = self.jar.clearance(headers, self.site.client.address, self.site.now + 3)
        assert held is not None
        assert held.level is ClearanceLevel.JS
        return held.expires - (self.site.now + 3)


@pytest.fixture
def desk(site: Any) -> Desk:
    return Desk(site)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (BASE + b"orchestrate/chl_page/v1", (b"GET", "script")),
        (BASE + b"clearance", (b"GET", "clearance")),
        (FLOW, (b"POST", "flow")),
        (FLOW + b"/", None),
        (FLOW + b"\n", None),
        (BASE + b"flow/ov1/", None),
        (BASE + b"flow/ov1/0123456789ABCDEF", None),
        (BASE + b"flow/ov1/0123456789abcde", None),
        (BASE, None),
        (BASE + b"clearance/", None),
        (b"/cdn-cgi/challenge-platform/h/g/clearance", None),
        (b"/cdn-cgi/trace", None),
        (b"/CDN-CGI/challenge-platform/h/b/clearance", None),
        (b"//cdn-cgi/challenge-platform/h/b/clearance", None),
    ],
)
def test_routing(path: bytes, expected: tuple[bytes, str] | None) -> None:
    assert route(path) == expected


async def test_what_is_not_there_is_404_and_a_wrong_method_405(desk: Desk) -> None:
    routes = desk.worker()
    assert (await desk.ask(routes, b"/cdn-cgi/trace")).status == 404
    wrong = await desk.ask(routes, FLOW)
    assert (wrong.status, wrong.headers[b"Allow"]) == (405, b"POST")
    assert (await desk.ask(routes, BASE + b"clearance", method=b"DELETE")).status == 405


async def test_the_script_carries_the_program_of_the_day_and_is_kept_for_half_an_hour(desk: Desk) -> None:
    routes = desk.worker()
    path = BASE + b"orchestrate/chl_page/v1"
    current = await desk.ask(routes, path, query=b"v=" + SCRIPT_VERSION.encode())
    before, after = SCRIPT.split(b"$VARIANT$")
    assert current.status == 200
    assert current.content.startswith(before)
    assert current.content.endswith(after)
    assert len(current.content) > len(SCRIPT) + 5000
    assert current.headers[b"Cache-Control"] == b"public, max-age=1800"
    other = await desk.ask(routes, path, query=b"v=000000000000")
    assert b"no-store" in other.headers[b"Cache-Control"]


async def test_a_solution_becomes_a_clearance_once(desk: Desk) -> None:
    routes = desk.worker()
    page = desk.site.page()
    first = await desk.hand_in(routes, page)
    assert (first.status, json.loads(first.content)) == (200, {"ok": True, "next": "/wanted"})
    assert desk.lifetime(first) == 1800
    second = await desk.hand_in(routes, page)
    assert (second.status, json.loads(second.content)["reason"]) == (409, "used")
    assert b"Set-Cookie" not in second.headers
    assert [tuple(solved) for solved in desk.solved] == [("jschallengeSolved", desk.site.ray, "")]


async def test_of_many_workers_one_takes_it(desk: Desk) -> None:
    page = desk.site.page()
    answers = await asyncio.gather(*(desk.hand_in(desk.worker(), page) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 19


async def test_wrong_work_burns_nothing(desk: Desk) -> None:
    routes = desk.worker()
    page = desk.site.page()
    wrong = await desk.hand_in(routes, page, "0" * 64)
    assert (wrong.status, json.loads(wrong.content)["reason"]) == (403, "work")
    assert len(desk.store) == 0
    assert (await desk.hand_in(routes, page)).status == 200


async def test_too_early_says_how_long_to_wait(desk: Desk) -> None:
    page = desk.site.page()
    early = await desk.hand_in(desk.worker(), page, desk.site.solution(page, 2), received=desk.site.now + 1)
    assert early.status == 425
    assert 1500 <= json.loads(early.content)["wait"] <= 1600


@pytest.mark.parametrize("problem", [StoreAway("gone"), None])
async def test_with_the_store_away_the_clearance_is_short_and_counted(desk: Desk, problem: Exception | None) -> None:
    desk.store = AwayStore(problem)
    routes = desk.worker(store_timeout=0.05)
    page = desk.site.page()
    assert desk.lifetime(await desk.hand_in(routes, page)) == 300
    assert (await desk.hand_in(routes, page)).status == 409
    assert desk.counters.counts["challenges", "shop", "store_away"] == 1


@pytest.mark.parametrize("problem", [StoreFull("full"), RuntimeError("broken")])
async def test_a_store_that_cannot_tell_gives_no_clearance(desk: Desk, problem: Exception) -> None:
    desk.store = AwayStore(problem)
    answer = await desk.hand_in(desk.worker(), desk.site.page())
    assert (answer.status, json.loads(answer.content)["reason"]) == (503, "busy")
    assert desk.solved == []


async def test_a_worker_whose_own_memory_is_full_leaves_it_to_the_store(desk: Desk) -> None:
    """Else whoever fills it, by solving, would keep everybody else from getting through."""
    desk.room_here = 1
    routes = desk.worker(store_timeout=0.05)
    assert (await desk.hand_in(routes, desk.site.page())).status == 200
    page = desk.site.page()
    assert desk.lifetime(await desk.hand_in(routes, page)) == 1800
    assert (await desk.hand_in(routes, page)).status == 409


async def test_a_solution_that_nobody_can_remember_gives_no_clearance(desk: Desk) -> None:
    desk.room_here = 1
    desk.store = AwayStore(StoreAway("gone"))
    routes = desk.worker()
    assert (await desk.hand_in(routes, desk.site.page())).status == 200
    answer = await desk.hand_in(routes, desk.site.page())
    assert (answer.status, json.loads(answer.content)["reason"]) == (503, "busy")


async def test_no_more_solutions_wait_than_configured(desk: Desk) -> None:
    desk.store = AwayStore(None)
    routes = desk.worker(pending=1, store_timeout=0.2)
    waiting = asyncio.ensure_future(desk.hand_in(routes, desk.site.page()))
    await asyncio.sleep(0)
    assert (await desk.hand_in(routes, desk.site.page())).status == 503
    assert (await waiting).status == 200


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        (((b"Sec-Fetch-Site", b"same-origin"),), True),
        (((b"Origin", b"http://shop.example"),), True),
        (((b"Origin", b"https://shop.example"),), True),
        (((b"Sec-Fetch-Site", b"cross-site"), (b"Origin", b"http://shop.example")), False),
        (((b"Sec-Fetch-Site", b"same-site"),), False),
        (((b"Sec-Fetch-Site", b"none"),), False),
        (((b"Origin", b"http://evil.example"),), False),
        (((b"Origin", b"null"),), False),
        ((), False),
    ],
)
async def test_only_a_page_of_the_same_site_hands_in(desk: Desk, headers: Any, taken: bool) -> None:
    answer = await desk.hand_in(desk.worker(), desk.site.page(), headers=headers)
    assert answer.status == (200 if taken else 400)


@pytest.mark.parametrize(
    "body",
    [None, b"", b"[]", b"null", b"{", b'{"token":1,"answer":""}', b'{"token":"x"}', b"a=1", b"x" * BODY_LIMIT * 2],
)
async def test_other_bodies_are_refused(desk: Desk, body: bytes | None) -> None:
    answer = await desk.ask(desk.worker(), FLOW, body, method=b"POST", headers=FROM_PAGE)
    assert (answer.status, json.loads(answer.content)["reason"]) == (400, "malformed")


def test_half_a_character_in_a_body_is_no_solution() -> None:
    assert read_solution(b'{"token":"\\ud800","answer":""}') is None


async def test_the_page_learns_whether_its_cookie_arrived(desk: Desk) -> None:
    routes = desk.worker()
    without = await desk.ask(routes, BASE + b"clearance")
    assert json.loads(without.content) == {"cleared": False, "level": 0}
    cookie = (await desk.hand_in(routes, desk.site.page())).headers[b"Set-Cookie"].split(b";")[0]
    with_it = await desk.ask(routes, BASE + b"clearance", headers=((b"Cookie", cookie),))
    assert json.loads(with_it.content) == {"cleared": True, "level": ClearanceLevel.JS}


async def test_who_moved_gets_the_same_challenge_for_where_they_are(desk: Desk) -> None:
    routes = desk.worker()
    page = desk.site.page()
    desk.site.client = desk.site.visitor_at("2001:db8::7")
    moved = await desk.hand_in(routes, page)
    reply = json.loads(moved.content)
    assert (moved.status, reply["reason"]) == (403, "moved")
    again = reply["challenge"]
    answer = solve(bytes.fromhex(again["nonce"]), again["difficulty"], again["puzzles"])
    body = json.dumps({"token": again["token"], "answer": answer}).encode()
    solved = await desk.ask(routes, FLOW, body, method=b"POST", headers=FROM_PAGE)
    assert solved.status == 200
    cookie = solved.headers[b"Set-Cookie"].split(b";")[0]
    headers = desk.site.request(headers=((b"Cookie", cookie),)).headers
    for address in ("192.0.2.7", "2001:db8::7"):
        client = desk.site.visitor_at(address)
        assert desk.jar.clearance(headers, client.address, desk.site.now + 3) is not None


async def test_after_three_failures_nothing_follows(desk: Desk) -> None:
    routes = desk.worker()
    page = desk.site.page(level=ClearanceLevel.MANAGED)
    challenge = page.data
    steps = []
    while challenge is not None:
        steps.append(challenge["step"])
        answer = solve(bytes.fromhex(challenge["nonce"]), challenge["difficulty"], challenge["puzzles"])
        body = json.dumps({"token": challenge["token"], "answer": answer, "report": "A" * 40}).encode()
        failed = await desk.ask(routes, FLOW, body, method=b"POST", headers=FROM_PAGE)
        reply = json.loads(failed.content)
        assert (failed.status, reply["reason"]) == (403, "unproven")
        assert b"Set-Cookie" not in failed.headers
        challenge = reply.get("challenge")
    assert steps == [1, 2, 3]
    assert desk.counters.counts["challenge_rules", "shop", "", "failed"] == 3
    assert routes.lately.failed(desk.site.client.address, agent(desk.site.request().headers), desk.site.now + 4) == 3
    assert desk.solved == []
