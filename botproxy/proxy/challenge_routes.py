"""Our own paths that a challenge page uses: its script, the taking of solutions, and whether cookies arrive.

A solution is verified first and its nonce burned after, so that only paid work reaches the shared store. When the store
is away, this worker's own memory decides, and the clearance is short (`store_away_clearance`): each further worker that
is handed the same solution could pass the same visitor once more for that while, and nobody else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from os import urandom
from typing import Any, Final, NamedTuple, final

import orjson

from botproxy.challenges import (
    SCRIPT,
    SCRIPT_VERSION,
    Concluded,
    Failed,
    Known,
    Passed,
    Reason,
    Settings,
    Step,
    conclude,
    paths,
    verify,
)
from botproxy.challenges.assets import Bundle
from botproxy.challenges.choosing import FAILURES, after_failure
from botproxy.challenges.contract import told
from botproxy.challenges.replay import bound, opened_payload
from botproxy.challenges.ticket import Ticket, agent
from botproxy.challenges.tickets import moved_ticket, next_ticket
from botproxy.cookies import JS_SECONDS, Jar, Sealer, with_js, with_level
from botproxy.model import ClearanceLevel
from botproxy.pipeline import Decision, Solved
from botproxy.proxy.exchange import Exchange, HeaderList
from botproxy.proxy.injection.heads import reads_gzip
from botproxy.proxy.jsd.scripts import Scripts
from botproxy.proxy.lately import Lately
from botproxy.proxy.own_paths import CDN_CGI, OwnPaths
from botproxy.proxy.plain_routes import PlainRoutes
from botproxy.proxy.same_origin import same_origin
from botproxy.scoring.jsd import PUBLIC, Programs
from botproxy.store import KeyValue, StoreAway, StoreFull
from botproxy.telemetry import Counters

BODY_LIMIT: Final = 128 * 1024
"""Bytes of a solution; a token has at most 4,096, the answers 2,048, a report 16,384, and a sealed form 90,112."""

_FLOW: Final = re.compile(rb"/cdn-cgi/challenge-platform/h/b/flow/ov1/[0-9a-f]{16}\Z")
_NEVER_CACHED: Final = ((b"Cache-Control", b"private, no-store"), (b"X-Content-Type-Options", b"nosniff"))
_JSON: Final = (*_NEVER_CACHED, (b"Content-Type", b"application/json"))
_SCRIPT_TYPE: Final = (b"Content-Type", b"text/javascript; charset=utf-8")
_FOR_HALF_AN_HOUR: Final = (b"Cache-Control", b"public, max-age=1800")
_VARIES: Final = (b"Vary", b"Accept-Encoding")
_PACKED: Final = (_VARIES, (b"Content-Encoding", b"gzip"))

# Where a solution is refused, the page shows a retry; 503 alone says that the visitor did nothing wrong.
_STATUS: Final = {
    Reason.MALFORMED: 400,
    Reason.FORGED: 403,
    Reason.ZONE: 403,
    Reason.EXPIRED: 403,
    Reason.VISITOR: 403,
    Reason.MOVED: 403,
    Reason.AUTOMATED: 403,
    Reason.UNPROVEN: 403,
    Reason.CLICK: 403,
    Reason.INPUT: 403,
    Reason.WORK: 403,
    Reason.EARLY: 425,
    Reason.USED: 409,
    Reason.BUSY: 503,
}

OnSolved = Callable[[Solved], object]


def route(path: bytes) -> tuple[bytes, str] | None:
    """The method that an own path takes and what it is: "script", "clearance" or "flow"; None for an unknown path."""
    found = _TABLE.get(path)
    if found is None and _FLOW.match(path) is not None:
        return b"POST", "flow"
    return found


_PLAIN: Final = paths.PLAIN.encode()
_TABLE: Final[dict[bytes, tuple[bytes, str]]] = {
    paths.SCRIPT.encode(): (b"GET", "script"),
    paths.PROBE.encode(): (b"GET", "clearance"),
}


@final
class ChallengeRoutes:
    """The challenge paths of one zone. What waits for the store is bounded by `settings.pending`."""

    def __init__(
        self,
        *,
        zone: str,
        settings: Settings,
        sealer: Sealer,
        jar: Jar,
        store: KeyValue,
        burn_here: Callable[[bytes, float], bool],
        challenge_ttl: float,
        counters: Counters,
        own_paths: OwnPaths = CDN_CGI,
        randomness: Callable[[int], bytes] = urandom,
        node: int = 0,
        replay: Sealer | None = None,
        plain: PlainRoutes | None = None,
        programs: Programs = PUBLIC,
    ) -> None:
        """`challenge_ttl` is the seconds that a solved challenge counts; `sealer` the one that `issue` seals with.

        `burn_here(key, ttl)` is `KeyValue.burn` for this worker alone, at once. `node` is the number of this node, for
        what it alone may take, and `replay` opens what was posted; `plain` is the way without JavaScript. `programs`
        are those that the script is served with.
        """
        self._zone: Final = zone
        self._own_paths: Final = own_paths
        self._settings: Final = settings
        self._sealer: Final = sealer
        self._jar: Final = jar
        self._store: Final = store
        self._challenge_ttl: Final = challenge_ttl
        self._counters: Final = counters
        self._burn_here: Final = burn_here
        self._randomness: Final = randomness
        self._node: Final = node
        self._replay: Final = replay
        self._plain: Final = plain
        self._programs: Final = programs
        self._script: Final = Scripts(Bundle(SCRIPT, SCRIPT_VERSION), programs)
        self.lately: Final = Lately()
        """What was solved and failed lately, for the next challenge."""
        self._burning: Final[set[asyncio.Task[None]]] = set()

    def handle(self, exchange: Exchange, on_solved: OnSolved) -> None:
        """Answer a request for a path of our own; `on_solved` is called before the answer to a solution that counts."""
        request = exchange.request
        path = self._own_paths.original(request.path)
        if self._plain is not None and path.startswith(_PLAIN):
            why = self._plain.handle(exchange, path[len(_PLAIN) :], self._burn_plain, on_solved, self._settings.pending)
            if why:
                self._counters.add(("challenges", self._zone, why))
            return
        found = route(path)
        if found is None:
            exchange.refuse(404, "no such path of our own")
            return
        method, what = found
        if request.method != method and not (method == b"GET" and request.method == b"HEAD"):
            exchange.respond(405, (*_NEVER_CACHED, (b"Allow", b"GET, HEAD" if method == b"GET" else b"POST")), b"")
        elif what == "script":
            current = request.query == b"v=" + SCRIPT_VERSION.encode()
            keep = (_FOR_HALF_AN_HOUR, (b"X-Content-Type-Options", b"nosniff")) if current else _NEVER_CACHED
            script = self._script.current(request.received)
            if reads_gzip(request.headers.index.get(b"accept-encoding", ())):
                exchange.respond(200, (_SCRIPT_TYPE, *keep, *_PACKED), script.packed)
            else:
                exchange.respond(200, (_SCRIPT_TYPE, *keep, _VARIES), script.content)
        elif what == "clearance":
            self._clearance(exchange)
        elif not same_origin(request):
            self._fail(exchange, Failed(Reason.MALFORMED))
        else:
            exchange.collect_body(BODY_LIMIT, partial(self._solution, exchange, on_solved))

    def known(self, exchange: Exchange, decision: Decision) -> Known:
        """What is known of a visitor who is about to be challenged."""
        request = exchange.request
        address = exchange.client.address
        bot_management = decision.facts.bot_management
        score = 0 if bot_management is None else bot_management.score.value
        js_passed = None if bot_management is None else bot_management.js_passed
        failed = self.lately.failed(address, agent(request.headers), request.received)
        return Known(score, js_passed, failed, self.lately.solved(address, request.received))

    def _clearance(self, exchange: Exchange) -> None:
        """Whether the browser sent a clearance back: cookies may be blocked, and then nothing would ever change."""
        request = exchange.request
        held = self._jar.clearance(request.headers, exchange.client.address, request.received)
        level = ClearanceLevel.NONE if held is None else held.level
        exchange.respond(200, _JSON, orjson.dumps({"cleared": level is not ClearanceLevel.NONE, "level": int(level)}))

    def _solution(self, exchange: Exchange, on_solved: OnSolved, body: bytes | None) -> None:
        handed_in = None if body is None else read_solution(body)
        if handed_in is None:
            self._fail(exchange, Failed(Reason.MALFORMED))
            return
        request = exchange.request
        judged = verify(
            sealer=self._sealer,
            now=request.received,
            zone=self._zone,
            headers=request.headers,
            client=exchange.client,
            token=handed_in.token,
            answer=handed_in.answer,
        )
        if isinstance(judged, Failed):
            self._fail(exchange, self._followed(exchange, judged))
        elif len(self._burning) >= self._settings.pending:
            self._fail(exchange, Failed(Reason.BUSY, judged.ticket.ray))
        else:
            task = asyncio.get_running_loop().create_task(self._burn(exchange, on_solved, judged, handed_in))
            self._burning.add(task)
            task.add_done_callback(self._burning.discard)

    async def _burn(self, exchange: Exchange, on_solved: OnSolved, passed: Passed, handed_in: Solution) -> None:
        ticket = passed.ticket
        key = b"challenge:" + ticket.nonce
        lifetime = self._challenge_ttl
        node = 0
        try:
            # Here first: it answers a repetition at once, and is what remains when the store is away.
            fresh = known_here = True
            try:
                fresh = self._burn_here(key, passed.ttl)
            except StoreFull:
                known_here = False  # the store has more room: only without it does nobody know
            if fresh:
                try:
                    async with asyncio.timeout(self._settings.store_timeout):
                        fresh = await self._store.burn(key, passed.ttl)
                except (StoreAway, TimeoutError):
                    self._counters.add(("challenges", self._zone, "store_away"))
                    lifetime = min(lifetime, self._settings.store_away_clearance if known_here else 0.0)
                    node = self._node
            headers = exchange.request.headers
            found = None
            if fresh and lifetime > 0:
                found = conclude(
                    passed,
                    headers=headers,
                    report=handed_in.report,
                    presses=handed_in.presses,
                    programs=self._programs,
                    now=exchange.request.received,
                )
        except StoreFull:
            self._fail(exchange, Failed(Reason.BUSY, ticket.ray))
            return
        except Exception:
            self._counters.add(("challenges", self._zone, "error"))
            self._fail(exchange, Failed(Reason.BUSY, ticket.ray))
            return
        if not fresh:
            self._fail(exchange, Failed(Reason.USED, ticket.ray))
        elif found is None:
            self._fail(exchange, Failed(Reason.BUSY, ticket.ray))
        elif found.reason is None:
            self._pass(exchange, on_solved, ticket, found, lifetime, node, self._form(ticket, handed_in.replay))
        else:
            self._go_on(exchange, ticket, found, found.reason)

    async def _burn_plain(self, ticket: Ticket, ttl: float) -> tuple[float, int]:
        """See `plain_routes.Burn`. While the store is away none counts: forms are too cheap to be used twice."""
        key = b"challenge:" + ticket.nonce
        try:
            fresh = self._burn_here(key, ttl)
            if fresh:
                async with asyncio.timeout(self._settings.store_timeout):
                    fresh = await self._store.burn(key, ttl)
        except (StoreAway, StoreFull, TimeoutError):
            fresh = False
        except Exception:
            self._counters.add(("challenges", self._zone, "error"))
            fresh = False
        self._counters.add(("challenges", self._zone, "solved" if fresh else "used"))
        return (self._challenge_ttl if fresh else 0.0), 0

    def _form(self, ticket: Ticket, sealed: str) -> dict[str, object] | None:
        """The form that the page sends again; None when nothing was kept, or it is not of this challenge."""
        if self._replay is None or not sealed or not sealed.isascii() or not ticket.destination:
            return None
        payload = self._replay.open(sealed.encode("ascii"), bound(ticket))
        form = None if payload is None else opened_payload(payload)
        if form is None:
            return None
        return {"action": ticket.destination, "type": form.type, "fields": form.fields}

    def _go_on(self, exchange: Exchange, ticket: Ticket, found: Concluded, reason: Reason) -> None:
        """The work was done, and what was seen besides is not enough."""
        request = exchange.request
        failed = reason is not Reason.CLICK
        if failed:
            self._counters.add(("challenge_rules", self._zone, ticket.rule, "failed"))
            self.lately.add_failed(exchange.client.address, ticket.agent, request.received)
        follows: Ticket | None = None
        if ticket.failures + failed < FAILURES:
            # Who was found automated is asked once more by all means there are: what found it may be wrong.
            step = Step.CONFIRM if reason is Reason.AUTOMATED else after_failure(ticket.step)
            follows = next_ticket(
                ticket,
                settings=self._settings,
                randomness=self._randomness,
                now=request.received,
                step=step,
                failed=failed,
            )
        self._fail(exchange, Failed(reason, ticket.ray, detail=found.detail), follows, found)

    def _pass(
        self,
        exchange: Exchange,
        on_solved: OnSolved,
        ticket: Ticket,
        found: Concluded,
        lifetime: float,
        node: int,
        form: dict[str, object] | None,
    ) -> None:
        """The one place where a solved challenge becomes a clearance."""
        request = exchange.request
        address = exchange.client.address
        now = request.received
        held = self._jar.clearance(request.headers, address, now)
        clearance = with_level(held, ticket.level, now + lifetime, ticket.ray, now, node)
        if found.js_passed is not None:
            clearance = with_js(clearance, found.js_passed, now + JS_SECONDS, ticket.ray)
        clearance = clearance._replace(homes=ticket.homes)
        cookie = self._jar.clearance_cookie(clearance, request.headers, address, now, request.secure)
        self._counters.add(("challenges", self._zone, "solved"))
        self.lately.add_solved(address, ticket.agent, now)
        on_solved(Solved(solved_word(ticket.level, found.pressed), ticket.ray, ticket.rule))
        reply = orjson.dumps({"ok": True, "next": ticket.destination} | ({} if form is None else {"form": form}))
        exchange.respond(200, (*_JSON, (b"Set-Cookie", cookie)), reply)

    def _followed(self, exchange: Exchange, failed: Failed) -> Failed:
        """Of a visitor whose address changed: the same challenge, where the visitor is now."""
        if failed.reason is not Reason.MOVED or failed.ticket is None:
            return failed
        moved = moved_ticket(
            failed.ticket,
            settings=self._settings,
            randomness=self._randomness,
            now=exchange.request.received,
            client=exchange.client,
        )
        return Failed(Reason.VISITOR, failed.ray) if moved is None else failed._replace(ticket=moved)

    def _fail(
        self,
        exchange: Exchange,
        failed: Failed,
        follows: Ticket | None = None,
        found: Concluded | None = None,
    ) -> None:
        self._counters.add(("challenges", self._zone, failed.reason.value))
        reply: dict[str, Any] = {"ok": False, "reason": failed.reason.value}
        if failed.wait > 0:
            reply["wait"] = int(failed.wait * 1000) + 20
        if failed.reason is Reason.MOVED:
            follows = failed.ticket
        if follows is not None:
            reply["challenge"] = told(follows, self._sealer.seal(follows.encode()))
        headers: HeaderList = _JSON
        if found is not None and found.js_passed is False:
            request = exchange.request
            now = request.received
            held = self._jar.clearance(request.headers, exchange.client.address, now)
            clearance = with_js(held, False, now + JS_SECONDS, failed.ray)
            cookie = self._jar.clearance_cookie(
                clearance, request.headers, exchange.client.address, now, request.secure
            )
            headers = (*_JSON, (b"Set-Cookie", cookie))
        exchange.respond(_STATUS[failed.reason], headers, orjson.dumps(reply))


def solved_word(level: ClearanceLevel, pressed: bool) -> str:
    """What the original calls it in its logs (reference section 6)."""
    if level is ClearanceLevel.MANAGED:
        return "managedChallengeInteractiveSolved" if pressed else "managedChallengeNonInteractiveSolved"
    return "challengeSolved" if level is ClearanceLevel.INTERACTIVE else "jschallengeSolved"


class Solution(NamedTuple):
    """What a page hands in."""

    token: str
    answer: str
    report: str | None
    presses: object
    replay: str


def read_solution(body: bytes) -> Solution | None:
    """A JSON object `{"token": "…", "answer": "…"}`, with `report` and `presses` where they are wanted; or None."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict):
        return None
    token, answer, report = fields.get("token"), fields.get("answer"), fields.get("report")
    if not isinstance(token, str) or not isinstance(answer, str) or not (report is None or isinstance(report, str)):
        return None
    replay = fields.get("replay")
    return Solution(token, answer, report, fields.get("presses"), replay if isinstance(replay, str) else "")
