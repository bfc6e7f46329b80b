"""Our own path to which the form on a page sends what a visitor has to say. See `botproxy.challenges.reports`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, final

import orjson

from botproxy.challenges import Pages, message_page
from botproxy.challenges.reports import BODY_LIMIT, ReportSeals, Said, Sealed, read_report
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.own_paths import OwnPathLimiter
from botproxy.proxy.refusals import is_navigation
from botproxy.proxy.same_origin import same_origin
from botproxy.store import KeyValue, StoreAway, StoreFull
from botproxy.telemetry import Counters

PENDING: Final = 64
"""Reports of one zone that may wait for the store at once in one worker; above it visitors are asked to come back."""

STORE_SECONDS: Final = 0.5
AGENT_LENGTH: Final = 300

_NEVER_CACHED: Final = ((b"Cache-Control", b"private, no-store"), (b"X-Content-Type-Options", b"nosniff"))
_STATUS: Final = {"thanks": 200, "incomplete": 400, "stale": 410, "limited": 429}


def report_limiter() -> OwnPathLimiter:
    """Five reports of one address at once, then one every two minutes."""
    return OwnPathLimiter(rate=1 / 120, burst=5, size=8_192)


@final
class ReportRoutes:
    """Takes the reports of one zone: of pages that this zone gave somebody, once for each, a few for each address."""

    def __init__(
        self,
        *,
        zone: str,
        seals: ReportSeals,
        pages: Pages,
        limiter: OwnPathLimiter,
        store: KeyValue,
        send: Callable[[Mapping[str, Any]], bool],
        counters: Counters,
        clock: Callable[[], float],
    ) -> None:
        """`send` takes a record at once and says whether it had room; `clock` is monotonic and feeds the limiter."""
        self._zone: Final = zone
        self._seals: Final = seals
        self._pages: Final = pages
        self._limiter: Final = limiter
        self._store: Final = store
        self._send: Final = send
        self._counters: Final = counters
        self._clock: Final = clock
        self._taking: Final[set[asyncio.Task[None]]] = set()

    def handle(self, exchange: Exchange) -> None:
        """Answer a request for the path of reports."""
        if exchange.request.method != b"POST":
            exchange.respond(405, (*_NEVER_CACHED, (b"Allow", b"POST")), b"")
        elif not same_origin(exchange.request):
            self._answer(exchange, "incomplete", "foreign")
        else:
            exchange.collect_body(BODY_LIMIT, partial(self._read, exchange))

    def _read(self, exchange: Exchange, body: bytes | None) -> None:
        said = None if body is None else read_report(body)
        if said is None:
            self._answer(exchange, "incomplete", "malformed")
            return
        sealed = self._seals.open(said.seal, exchange.request.received)
        if sealed is None:
            self._answer(exchange, "stale", "stale")
        elif len(self._taking) >= PENDING or not self._limiter.allow(exchange.client.address, self._clock()):
            self._answer(exchange, "limited", "limited")
        else:
            task = asyncio.get_running_loop().create_task(self._take(exchange, said, sealed))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _take(self, exchange: Exchange, said: Said, sealed: Sealed) -> None:
        first = True
        try:
            async with asyncio.timeout(STORE_SECONDS):
                ttl = max(sealed.expires - exchange.request.received, 1.0)
                first = await self._store.burn(b"report:" + self._zone.encode() + b":" + sealed.ray.encode(), ttl)
        except (StoreAway, StoreFull, TimeoutError):
            pass  # better twice than never: the limit of the address holds in any case
        if not first:
            self._answer(exchange, "thanks", "repeated", sealed.ray)
        elif self._send(self._record(exchange, said, sealed)):
            self._answer(exchange, "thanks", "taken", sealed.ray)
        else:
            self._answer(exchange, "limited", "dropped")

    def _record(self, exchange: Exchange, said: Said, sealed: Sealed) -> Mapping[str, Any]:
        request = exchange.request
        agent = request.headers.first(b"user-agent") or b""
        return {
            "at": datetime.fromtimestamp(request.received, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "zone": self._zone,
            "host": request.host,
            "ray": sealed.ray,
            "seen": sealed.seen.name.lower(),
            "note": said.note,
            "address": said.address,
            "ip": exchange.client.text,
            "user_agent": agent[:AGENT_LENGTH].decode("latin-1"),
        }

    def _answer(self, exchange: Exchange, what: str, result: str, ray: str = "") -> None:
        self._counters.add(("reports", self._zone, result))
        request = exchange.request
        words = self._pages.words(request.headers)
        sentence: str = getattr(words, f"report_{what}")
        ray = ray or exchange.cf_ray.decode("ascii")
        status = _STATUS[what]
        if not is_navigation(request.method, request.headers):
            body = orjson.dumps({"ok": status == 200, "reason": result, "message": sentence, "ray": ray})
            exchange.respond(status, (*_NEVER_CACHED, (b"Content-Type", b"application/json")), body)
            return
        headers = (
            *_NEVER_CACHED,
            (b"Content-Type", b"text/html; charset=utf-8"),
            (b"Content-Security-Policy", self._pages.policy()),
            (b"Referrer-Policy", b"same-origin"),
        )
        page = message_page(
            self._pages, words, status=status, heading=words.report, sentence=sentence, ray=ray, host=request.host
        )
        exchange.respond(status, headers, page)
