"""Our own paths of JavaScript detections: the script, a fresh bootstrap, and the taking of reports.

A report is opened, bound, judged and forgotten: of what it says only whether the browser passed is kept, in the
visitor's own cookie. Nothing of it is stored or logged. What is stale (a page out of a cache, somebody else's, one that
reported already) is no fault of anybody: the script is asked to begin afresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, Protocol, final

import orjson

from botproxy.cookies import JS_SECONDS, AddressBinding, Jar, Sealer, with_js
from botproxy.model import Client, Detection, Headers, Request
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.injection.heads import reads_gzip
from botproxy.proxy.jsd import bootstrap as bootstraps
from botproxy.proxy.jsd import paths
from botproxy.proxy.jsd.bootstrap import Bootstrap
from botproxy.proxy.jsd.pages import RENEWED
from botproxy.proxy.jsd.scripts import Scripts
from botproxy.proxy.own_paths import CDN_CGI, PREFIX, OwnPaths
from botproxy.proxy.same_origin import same_origin
from botproxy.store import KeyValue, StoreAway, StoreFull
from botproxy.telemetry import Counters

BODY_LIMIT: Final = 32 * 1024
"""Bytes of a report with its bootstrap."""

STORE_SECONDS: Final = 0.5
"""Longest wait for the shared store that makes a bootstrap count once."""

AWAY_SECONDS: Final = 300.0
"""How long a result counts that only this worker knows to be no repetition."""

PENDING: Final = 1_000
"""Reports of one zone that may wait for the store at once in one worker; further ones count as none."""

_NEVER_CACHED: Final = ((b"Cache-Control", b"private, no-store"), (b"X-Content-Type-Options", b"nosniff"))
_JSON: Final = (*_NEVER_CACHED, (b"Content-Type", b"application/json"))
_SCRIPT: Final = (
    (b"Content-Type", b"text/javascript; charset=utf-8"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Vary", b"Accept-Encoding"),
    (b"Cross-Origin-Resource-Policy", b"same-origin"),
)
_FOR_EVER: Final = (b"Cache-Control", b"public, max-age=31536000, immutable")
_FOR_MINUTES: Final = (b"Cache-Control", b"public, max-age=300")
_NO_STORE: Final = (b"Cache-Control", b"no-store")

Told = Callable[[Request, Client], None]


class Judged(Protocol):
    """What `botproxy.scoring.jsd.Judgement` is."""

    @property
    def passed(self) -> bool | None:
        """None where the report shows too little: it counts as none."""

    @property
    def detections(self) -> tuple[Detection, ...]:
        """What was found."""

    @property
    def reason(self) -> str:
        """One word."""


class Judge(Protocol):
    """What `botproxy.scoring.jsd.judge` is."""

    def __call__(self, report: bytes, *, seed: bytes, headers: Headers, now: float) -> Judged:
        """Judge a report as it was sent; `now` is seconds since the epoch."""


class Powers(NamedTuple):
    """What the routes of a zone work with."""

    zone: str
    sealer: Sealer  # for `bootstrap.PURPOSE`
    jar: Jar
    bind_address: AddressBinding
    randomness: Callable[[int], bytes]
    store: KeyValue
    burn_here: Callable[[bytes, float], bool]  # `KeyValue.burn` for this worker alone, at once
    counters: Counters
    script: Scripts
    judge: Judge
    own_paths: OwnPaths = CDN_CGI
    consent_event: str = ""


@final
class DetectionRoutes:
    """Of one zone. What waits for the store is bounded by `PENDING`."""

    def __init__(self, powers: Powers, reported: Told | None = None) -> None:
        """`reported` is told of every visitor whose script sent something that was sealed here."""
        self._powers: Final = powers
        self._reported: Final = reported
        self._burning: Final[set[asyncio.Task[None]]] = set()
        self._base: Final = powers.own_paths.prefix + paths.BASE.removeprefix(PREFIX)

    def handle(self, exchange: Exchange, route: paths.Route) -> None:
        """Answer a request for one of the paths."""
        request = exchange.request
        if request.method != route.method and not (route.method == b"GET" and request.method == b"HEAD"):
            allowed = b"GET, HEAD" if route.method == b"GET" else b"POST"
            exchange.respond(405, (*_NEVER_CACHED, (b"Allow", allowed)), b"")
        elif route.what == "script":
            self._script(exchange, route)
        elif route.what in ("main", "api"):
            path = self._under(paths.script(self._powers.script.current(request.received).version, route.what))
            exchange.respond(302, ((b"Location", path.encode()), _FOR_MINUTES), b"")
        elif route.what == "fresh":
            # Browsers name no origin here over plain http; what is answered is of no use to anybody else.
            if request.headers.first(b"sec-fetch-site") in (None, b"same-origin"):
                self._fresh(exchange)
            else:
                self._refuse(exchange, 403, "foreign")
        elif not same_origin(request):
            self._refuse(exchange, 403, "foreign")
        else:
            exchange.collect_body(BODY_LIMIT, partial(self._report, exchange))

    def _under(self, path: str) -> str:
        return self._powers.own_paths.prefix + path.removeprefix(PREFIX)

    def _script(self, exchange: Exchange, route: paths.Route) -> None:
        script = self._powers.script.current(exchange.request.received)
        # An older page asks for an older script: it gets this one, but is not to keep it under that name.
        kept = _FOR_EVER if route.version == script.version.encode() else _NO_STORE
        if reads_gzip(exchange.request.headers.index.get(b"accept-encoding", ())):
            exchange.respond(200, (*_SCRIPT, kept, (b"Content-Encoding", b"gzip")), script.packed)
        else:
            exchange.respond(200, (*_SCRIPT, kept), script.content)

    def _session(self, request: Request) -> str:
        session = self._powers.jar.session(request.headers, request.received)
        return "" if session is None else session.id

    def _fresh(self, exchange: Exchange) -> None:
        powers = self._powers
        request = exchange.request
        if self._held(request, exchange.client):
            self._count("not_needed")
            exchange.respond(204, _NEVER_CACHED, b"")
            return
        bootstrap = bootstraps.started(
            request.received,
            request.ray,
            request.headers,
            exchange.client.address,
            powers.bind_address,
            self._session(request),
            powers.randomness,
        )
        sealed = bootstraps.seal(powers.sealer, bootstrap)
        self._count("fresh")
        exchange.respond(200, _JSON, bootstraps.parameters(bootstrap, sealed, self._base, powers.consent_event))

    def _held(self, request: Request, client: Client) -> bool:
        """Whether the visitor has a result that counts for a while."""
        held = self._powers.jar.clearance(request.headers, client.address, request.received)
        return held is not None and held.js_passed is not None and held.js_expires > request.received + RENEWED

    def _report(self, exchange: Exchange, body: bytes | None) -> None:
        powers = self._powers
        sealed, mark, report = (body or b"").partition(b"\n")
        if not mark or not report:
            self._refuse(exchange, 400, "malformed")
            return
        request = exchange.request
        bound = bootstraps.judge_binding(
            powers.sealer,
            sealed,
            request.received,
            request.headers,
            exchange.client.address,
            powers.bind_address,
            self._session(request),
        )
        bootstrap = bound.bootstrap
        if bootstrap is None:
            self._refuse(exchange, 403, bound.word)
            return
        if self._reported is not None:
            self._reported(request, exchange.client)
        if bound.word != "fresh":
            self._again(exchange, bound.word)
            return
        known_here = True
        try:
            if not powers.burn_here(_key(bootstrap), bootstraps.LIFETIME):
                self._used(exchange)
                return
        except StoreFull:
            known_here = False
        judged = powers.judge(report, seed=bootstrap.seed, headers=request.headers, now=request.received)
        if judged.passed is None:
            self._refuse(exchange, 422, judged.reason)
        elif len(self._burning) >= PENDING:
            self._refuse(exchange, 503, "busy")
        else:
            task = asyncio.get_running_loop().create_task(
                self._burn(exchange, bootstrap, judged, judged.passed, known_here)
            )
            self._burning.add(task)
            task.add_done_callback(self._burning.discard)

    async def _burn(
        self, exchange: Exchange, bootstrap: Bootstrap, judged: Judged, passed: bool, known_here: bool
    ) -> None:
        seconds = JS_SECONDS
        try:
            try:
                async with asyncio.timeout(STORE_SECONDS):
                    fresh = await self._powers.store.burn(_key(bootstrap), bootstraps.LIFETIME)
            except (StoreAway, TimeoutError):
                self._count("store_away")
                fresh = known_here
                seconds = AWAY_SECONDS
        except Exception:
            self._refuse(exchange, 503, "busy")
            return
        if fresh:
            self._keep(exchange, bootstrap, judged, passed, seconds)
        else:
            self._used(exchange)

    def _keep(self, exchange: Exchange, bootstrap: Bootstrap, judged: Judged, passed: bool, seconds: float) -> None:
        """The one place where a report becomes a result."""
        powers = self._powers
        request = exchange.request
        address = exchange.client.address
        now = request.received
        held = powers.jar.clearance(request.headers, address, now)
        clearance = with_js(held, passed, now + seconds, bootstrap.ray)
        cookie = powers.jar.clearance_cookie(clearance, request.headers, address, now, request.secure)
        self._count("passed" if passed else "failed")
        if not passed:
            for detection in judged.detections[:16]:
                powers.counters.add(("javascript_detections", powers.zone, detection.tag))
        exchange.respond(200, (*_JSON, (b"Set-Cookie", cookie)), b'{"ok":true}')

    def _used(self, exchange: Exchange) -> None:
        """A second report on one bootstrap: of a page that was shown again out of a cache, or copied."""
        self._again(exchange, "stale" if self._held(exchange.request, exchange.client) else "replayed")

    def _again(self, exchange: Exchange, kind: str) -> None:
        self._count(kind)
        exchange.respond(409, _JSON, b'{"ok":false,"again":true}')

    def _refuse(self, exchange: Exchange, status: int, kind: str) -> None:
        self._count(kind)
        reply: dict[str, Any] = {"ok": False}
        exchange.respond(status, _JSON, orjson.dumps(reply))

    def _count(self, kind: str) -> None:
        self._powers.counters.add(("javascript_reports", self._powers.zone, kind))


def _key(bootstrap: Bootstrap) -> bytes:
    return b"jsd:" + bootstrap.seed
