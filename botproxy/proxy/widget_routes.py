"""The widget's addresses: its script, the work that it does, and siteverify, which servers ask about tokens.

`begin` and `solve` are asked by pages, which may be those of another host that a key allows: they answer to the Origin
that a browser vouches for. `siteverify` is asked by servers under any name of ours.
"""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable, Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, final

import orjson

from botproxy.addresses import NetworkSet
from botproxy.challenges import Settings, widget
from botproxy.challenges.widget_settings import SiteKeySettings, WidgetSettings
from botproxy.challenges.words import choose
from botproxy.cookies import Jar, Sealer
from botproxy.model import ClearanceLevel, Request
from botproxy.proxy.exchange import Exchange, HeaderList
from botproxy.proxy.injection.heads import reads_gzip
from botproxy.proxy.jsd.scripts import Scripts
from botproxy.proxy.own_paths import OwnPathLimiter, OwnPaths
from botproxy.scoring.jsd import PUBLIC, Programs, judge
from botproxy.store import OwnedKeys, StoreAway, StoreFull
from botproxy.telemetry import Counters

BASE: Final = "/cdn-cgi/challenge-platform/turnstile/v0/"
PENDING: Final = 1_000
"""Questions to the store that may wait at once in one worker."""

_NOSNIFF: Final = (b"X-Content-Type-Options", b"nosniff")
_JSON: Final = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"), _NOSNIFF)
_SAID: Final = ("widget_working", "widget_click", "widget_done", "widget_failed", "widget_expired", "retry", "noscript")
_DETECTION: Final = {True: "passed", False: "failed", None: "missing"}
_STATUS: Final = {"busy": 503, "early": 425, "used": 409, "malformed": 400}


class Key(NamedTuple):
    """One site key, and what its zone brings along."""

    zone: str
    settings: SiteKeySettings
    tickets: Sealer
    tokens: Sealer
    jar: Jar


@final
class WidgetRoutes:
    """The widget of all zones. What waits for the store is bounded."""

    def __init__(
        self,
        *,
        keys: Iterable[Key],
        settings: WidgetSettings,
        challenges: Settings,
        script: Scripts,
        own_paths: OwnPaths,
        zone_of: Callable[[str], str | None],
        limiter: OwnPathLimiter,
        store: OwnedKeys,
        counters: Counters,
        clock: Callable[[], float],
        randomness: Callable[[int], bytes],
        programs: Programs = PUBLIC,
    ) -> None:
        """`programs` are those that the script is served with; `zone_of` names the zone of a host; `clock` is monotonic
        and feeds the limiter."""
        self._keys: Final[Mapping[str, Key]] = {key.settings.key: key for key in keys}
        self._secrets: Final = {key.settings.secret_hash: key for key in self._keys.values()}
        self._challenges: Final = challenges
        self._peers: Final = NetworkSet(settings.siteverify_peers) if settings.siteverify_peers else None
        self._script: Final = script
        self._programs: Final = programs
        self._zone_of: Final = zone_of
        self._limiter: Final = limiter
        self._store: Final = store
        self._counters: Final = counters
        self._clock: Final = clock
        self._randomness: Final = randomness
        self._waiting: Final[set[asyncio.Task[None]]] = set()
        bases = {BASE, own_paths.prefix + BASE.removeprefix("/cdn-cgi/"), settings.alias or BASE}
        handlers = {
            "api.js": self._api,
            "begin": self._begin,
            "solve": self._solve,
            "siteverify": self._siteverify,
        }
        self._routes: Final = {
            (base + name).encode(): handler for base in bases if self._keys for name, handler in handlers.items()
        }

    def find(self, path: bytes) -> Callable[[Exchange], None] | None:
        """Who answers requests for this path; None when it is none of the widget's."""
        return self._routes.get(path)

    def _api(self, exchange: Exchange) -> None:
        if not self._allowed(exchange) or not self._method(exchange, b"GET"):
            return
        script = self._script.current(exchange.request.received)
        packed = reads_gzip(exchange.request.headers.index.get(b"accept-encoding", ()))
        tag = b'"%b%b"' % (script.version.encode(), b"-gzip" if packed else b"")
        headers: HeaderList = (
            (b"Content-Type", b"text/javascript; charset=utf-8"),
            (b"Cache-Control", b"public, max-age=300"),
            (b"ETag", tag),
            (b"Vary", b"Accept-Encoding"),
            (b"Access-Control-Allow-Origin", b"*"),
            (b"Cross-Origin-Resource-Policy", b"cross-origin"),
            _NOSNIFF,
        )
        if exchange.request.headers.first(b"if-none-match") == tag:
            exchange.respond(304, headers, b"")
        elif packed:
            exchange.respond(200, (*headers, (b"Content-Encoding", b"gzip")), script.packed)
        else:
            exchange.respond(200, headers, script.content)

    def _begin(self, exchange: Exchange) -> None:
        if self._allowed(exchange) and self._method(exchange, b"POST"):
            exchange.collect_body(widget.BODY_LIMIT, partial(self._begun, exchange))

    def _begun(self, exchange: Exchange, body: bytes | None) -> None:
        wish = None if body is None else widget.read_wish(body)
        if wish is None:
            self._fail(exchange, "", "malformed")
            return
        key = self._keys.get(wish.key)
        if key is None:
            self._fail(exchange, "", "sitekey")
            return
        host = _page(exchange.request)
        if not self._stands_on(key, host):
            self._fail(exchange, key.zone, "host")
            return
        request = exchange.request
        work = widget.work(
            self._challenges,
            wish,
            host=host,
            nonce=self._randomness(16),
            now=request.received,
            click=key.settings.mode == "managed" and not self._vouched(key, exchange),
            address=exchange.client.address,
        )
        words = choose(wish.language.encode("ascii", "replace") or request.headers.first(b"accept-language"))
        self._counters.add(("widget", key.zone, "begun"))
        self._reply(
            exchange,
            200,
            {
                "ok": True,
                "ticket": widget.seal(key.tickets, work),
                "nonce": work.nonce.hex(),
                "seed": urlsafe_b64encode(work.nonce).rstrip(b"=").decode(),
                "difficulty": work.difficulty,
                "puzzles": work.puzzles,
                "minimum": work.minimum,
                "budget": work.budget,
                "click": work.click,
                "mode": key.settings.mode,
                "language": words.language,
                "direction": words.direction,
                "words": {name.removeprefix("widget_"): getattr(words, name) for name in _SAID},
            },
        )

    def _solve(self, exchange: Exchange) -> None:
        if self._allowed(exchange) and self._method(exchange, b"POST"):
            exchange.collect_body(widget.SOLUTION_LIMIT, partial(self._solved, exchange))

    def _solved(self, exchange: Exchange, body: bytes | None) -> None:
        key = self._key_of(body)
        if key is None or body is None:
            self._fail(exchange, "", "malformed")
            return
        request = exchange.request
        judged = widget.judge(
            key.tickets,
            body,
            lifetime=self._challenges.token_lifetime,
            now=request.received,
            host=_page(request),
            address=exchange.client.address,
        )
        if isinstance(judged, widget.Failure):
            self._fail(exchange, key.zone, judged.reason, judged.wait)
        else:
            self._later(exchange, self._mint(exchange, key, judged, widget.report_of(body)))

    def _key_of(self, body: bytes | None) -> Key | None:
        wish = None if body is None else widget.read_wish(body)
        return None if wish is None else self._keys.get(wish.key)

    async def _mint(self, exchange: Exchange, key: Key, passed: widget.Work, report: bytes) -> None:
        try:
            fresh = await self._store.burn(b"widget:" + passed.nonce, self._challenges.token_lifetime + 60)
        except (StoreAway, StoreFull):
            self._fail(exchange, key.zone, "busy")
            return
        if not fresh:
            self._fail(exchange, key.zone, "used")
            return
        request = exchange.request
        found: bool | None = None
        if report:
            found = judge(
                report, seed=passed.nonce, headers=request.headers, programs=self._programs, now=request.received
            ).passed
        if key.settings.js_detection == "require" and not found:
            self._fail(exchange, key.zone, "unproven" if found is None else "automated")
            return
        if found is None:
            held = key.jar.clearance(request.headers, exchange.client.address, request.received)
            found = None if held is None else held.js_passed
        self._counters.add(("widget", key.zone, "solved"))
        detection = _DETECTION[found]
        minted = widget.token(passed, self._randomness(16), request.received, detection)
        made = widget.seal(key.tokens, minted)
        self._reply(exchange, 200, {"ok": True, "token": made, "lifetime": int(widget.LIFETIME * 1000)})

    def _siteverify(self, exchange: Exchange) -> None:
        if self._peers is not None and exchange.client.address not in self._peers:
            self._counters.add(("widget", "", "stranger"))
            exchange.respond(403, _JSON, orjson.dumps(widget.refused("bad-request")))
        elif exchange.request.method != b"POST":
            exchange.respond(405, (*_JSON, (b"Allow", b"POST")), orjson.dumps(widget.refused("bad-request")))
        else:
            exchange.collect_body(widget.BODY_LIMIT, partial(self._asked, exchange))

    def _asked(self, exchange: Exchange, body: bytes | None) -> None:
        content_type = exchange.request.headers.first(b"content-type") or b""
        question = None if body is None else widget.read_question(content_type, body)
        key = None if question is None else self._secrets.get(widget.secret_hash(question.secret))
        # Who knows a secret may ask as often as forms are sent; guessing is paced like any other path of ours.
        if key is None and not self._allowed(exchange):
            return
        if question is None:
            self._verdict(exchange, "", widget.refused("bad-request"))
        elif not question.secret:
            self._verdict(exchange, "", widget.refused("missing-input-secret"))
        elif key is None:
            self._verdict(exchange, "", widget.refused("invalid-input-secret"))
        elif not question.response:
            self._verdict(exchange, key.zone, widget.refused("missing-input-response"))
        else:
            said = widget.open_token(key.tokens, question.response, key.settings.key, exchange.request.received)
            if isinstance(said, str):
                self._verdict(exchange, key.zone, widget.refused(said))
            elif not widget.same_address(said, question.remoteip, key.settings.bind_address):
                self._verdict(exchange, key.zone, widget.refused("invalid-input-response"))
            else:
                self._later(exchange, self._spend(exchange, key, said, question.idempotency_key))

    async def _spend(self, exchange: Exchange, key: Key, said: widget.Token, again: str) -> None:
        """Burn a token. With an idempotency key the first answer is given again to who asks with the same key."""
        key_of_token, lifetime = b"token:" + said.nonce, widget.LIFETIME + 60
        try:
            if again:
                good = await self._store.own(key_of_token, again.encode(), lifetime)
            else:
                good = await self._store.burn(key_of_token, lifetime)
        except (StoreAway, StoreFull):
            self._verdict(exchange, key.zone, widget.refused("internal-error"))
            return
        self._verdict(exchange, key.zone, widget.verified(said) if good else widget.refused("timeout-or-duplicate"))

    def _verdict(self, exchange: Exchange, zone: str, said: dict[str, object]) -> None:
        codes = said["error-codes"]
        self._counters.add(("widget", zone, codes[0] if isinstance(codes, list) and codes else "verified"))
        exchange.respond(200, _JSON, orjson.dumps(said))

    def _later(self, exchange: Exchange, coroutine: Coroutine[Any, Any, None]) -> None:
        if len(self._waiting) >= PENDING:
            coroutine.close()
            self._fail(exchange, "", "busy")
            return
        task = asyncio.get_running_loop().create_task(coroutine)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def _vouched(self, key: Key, exchange: Exchange) -> bool:
        """Whether this visitor proved something to the site already: then no click is asked for."""
        request = exchange.request
        held = key.jar.clearance(request.headers, exchange.client.address, request.received)
        return held is not None and (held.level >= ClearanceLevel.MANAGED or held.js_passed is True)

    def _stands_on(self, key: Key, host: str) -> bool:
        """Whether the widget of this key may stand on pages of this host."""
        if not host:
            return False
        if not key.settings.hosts:
            return self._zone_of(host) == key.zone
        return any(
            host == name or (name.startswith("*.") and host.endswith(name[1:]) and len(host) >= len(name))
            for name in key.settings.hosts
        )

    def _allowed(self, exchange: Exchange) -> bool:
        if self._limiter.allow(exchange.client.address, self._clock()):
            return True
        exchange.refuse(429, "more requests for our own paths than one address may make")
        return False

    def _method(self, exchange: Exchange, method: bytes) -> bool:
        said = exchange.request.method
        if said == method or (method == b"GET" and said == b"HEAD"):
            return True
        if said == b"OPTIONS":
            self._reply(exchange, 204, None)
        else:
            exchange.respond(405, (*_JSON, (b"Allow", method)), b'{"ok":false,"reason":"method"}')
        return False

    def _fail(self, exchange: Exchange, zone: str, reason: str, wait: float = 0.0) -> None:
        self._counters.add(("widget", zone, reason))
        reply: dict[str, object] = {"ok": False, "reason": reason}
        if wait > 0:
            reply["wait"] = int(wait * 1000) + 20
        self._reply(exchange, _STATUS.get(reason, 403), reply)

    def _reply(self, exchange: Exchange, status: int, said: dict[str, object] | None) -> None:
        """Answer a page. Any page may read the answer: what it may do is decided by its host, not by who reads."""
        origin = exchange.request.headers.first(b"origin") or b""
        cors: tuple[tuple[bytes, bytes], ...] = ((b"Vary", b"Origin"),)
        if origin and origin != b"null" and b"\r" not in origin and b"\n" not in origin:
            cors = (
                *cors,
                (b"Access-Control-Allow-Origin", origin[:300]),
                (b"Access-Control-Allow-Methods", b"POST"),
                (b"Access-Control-Allow-Headers", b"Content-Type"),
                (b"Access-Control-Max-Age", b"600"),
            )
        exchange.respond(status, (*_JSON, *cors), b"" if said is None else orjson.dumps(said))


def _page(request: Request) -> str:
    """The host of the page that asks, as its browser says: that of Origin; "" when it does not say."""
    scheme, mark, authority = (request.headers.first(b"origin") or b"").lower().partition(b"://")
    if scheme not in (b"http", b"https") or not mark or len(authority) > 260 or not authority.isascii():
        return ""
    host = authority.decode("ascii")
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")
