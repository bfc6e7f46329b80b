"""The script of JavaScript detections in the pages of one zone: which get it, and what each is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, final

from botproxy.cookies import AddressBinding, Sealer
from botproxy.model import Client, Facts, Headers, Request
from botproxy.proxy.forwarding import ENCODING
from botproxy.proxy.injection import heads
from botproxy.proxy.injection.content_security import UNRESTRICTED, Form, Permission, permission
from botproxy.proxy.injection.content_security import Page as PolicyPage
from botproxy.proxy.injection.placing import FRAGMENT, INJECTED, META_POLICY, Spot
from botproxy.proxy.injection.streams import PageBody
from botproxy.proxy.jsd import bootstrap as bootstraps
from botproxy.proxy.jsd import paths
from botproxy.proxy.jsd.passed_over import PassedOver
from botproxy.proxy.own_paths import PREFIX
from botproxy.proxy.records import ResponseHead
from botproxy.remembered import Remembered
from botproxy.telemetry import Counters

RENEWED: Final = 120.0
"""Seconds before a result ends from which on pages carry the script again."""

POLICY: Final = "policy"
"""The result for a page whose Content-Security-Policy refuses the script."""

_EXTERNAL: Final = Form.EXTERNAL
_REFUSED: Final = Form.REFUSED
_ASKING: Final = "proxy.jsd.asking"
_NOTHING: Final[tuple[tuple[bytes, bytes], ...]] = ()
_NO_NAMES: Final[frozenset[bytes]] = frozenset()
_CONDITIONS: Final = frozenset((b"accept-encoding", b"if-none-match", b"if-modified-since"))
_MATCH: Final = frozenset((b"if-none-match",))
_GZIP: Final = ((b"Accept-Encoding", b"gzip"),)
_PLAIN: Final = ((b"Accept-Encoding", b"identity"),)


class Scene(NamedTuple):
    """What pages of a zone have in common."""

    zone: str
    sealer: Sealer  # for `bootstrap.PURPOSE`
    bind_address: AddressBinding
    randomness: Callable[[int], bytes]
    counters: Counters
    prefix: str = PREFIX
    consent_event: str = ""


@final
class PageScripts:
    """Of one zone. Decides which requests may be answered with the script."""

    __slots__ = ("_base", "_element", "_heads", "_main", "_passed_over", "_scene", "openings")

    def __init__(self, scene: Scene, passed_over: PassedOver | None = None) -> None:
        """`passed_over` is told of pages that were left alone."""
        self._passed_over: Final = passed_over
        self._scene: Final = scene
        self.openings: Final[Remembered[Spot]] = Remembered(128, 256 * 1024, 2 * 1024)  # see `PageBody`
        self._heads: Final[Remembered[bytes]] = Remembered(128, 128 * 1024, 2 * 1024)
        self._base: Final = scene.prefix + paths.BASE.removeprefix(PREFIX)
        self._main: Final = (scene.prefix + paths.MAIN.removeprefix(PREFIX)).encode()
        self._element: Final = b'<script async src="%b"></script>' % self._main

    def page(self, facts: Facts, navigation: bool) -> Page | None:
        """How this request is to be asked for and its answer to be looked at; None for the many that are not."""
        request = facts.request
        index = request.headers.index
        tags = index.get(b"if-none-match")
        if navigation and _wanted(facts, request):
            extra = _asking(request.headers)
            without = ENCODING
            if tags is not None or b"if-modified-since" in index:
                # What the browser has may be a page without the script: it has to come whole.
                without = _CONDITIONS
                known = b"" if tags is None else heads.unmarked(tags, True)
                if known:
                    return Page(self, request, facts.client, True, (*extra, (b"If-None-Match", known)), without, True)
            return Page(self, request, facts.client, True, extra, without, False)
        if tags is not None and heads.tells_marked(tags):
            known = heads.unmarked(tags, False)
            return Page(self, request, facts.client, False, ((b"If-None-Match", known),), _MATCH, True)
        return None

    def count(self, result: str, request: Request) -> None:
        """What became of one page."""
        self._scene.counters.add(("javascript_pages", self._scene.zone, result))
        if result != INJECTED and self._passed_over is not None:
            self._passed_over.note(request.path, result, request.received)

    def permitted(self, policies: tuple[bytes, ...], request: Request) -> Permission:
        """What the policies of an answer permit."""
        if not policies:
            return UNRESTRICTED
        report = (self._base + "h/b/jsd/r/").encode()
        return permission(policies, PolicyPage(request.secure, request.authority, self._main, report))

    def snippet(self, request: Request, client: Client, session_id: str, permitted: Permission) -> bytes:
        """What is put into a page: letters of ASCII."""
        scene = self._scene
        bootstrap = bootstraps.started(
            request.received,
            request.ray,
            request.headers,
            client.address,
            scene.bind_address,
            session_id,
            scene.randomness,
        )
        sealed = bootstraps.seal(scene.sealer, bootstrap)
        told = bootstraps.parameters(bootstrap, sealed, self._base, scene.consent_event)
        nonce = b' nonce="%b"' % permitted.nonce if permitted.nonce else b""
        if permitted is UNRESTRICTED:
            return b"<script>window.__CF$cv$params=%b</script>%b" % (told, self._element)
        if permitted.form is _EXTERNAL:
            return b"<script%b async src=\"%b\" data-params='%b'></script>" % (nonce, self._main, told)
        return b'<script%b>window.__CF$cv$params=%b</script><script%b async src="%b"></script>' % (
            nonce,
            told,
            nonce,
            self._main,
        )

    def head(self, lines: bytes, coding: bytes) -> bytes:
        """The lines of the head of a page that got the script and comes in this coding; those that repeat are known."""
        key = lines + coding
        known = self._heads.get(key)
        if known is None:
            known = heads.with_script(lines, coding)
            self._heads.offer(key, known)
        return known

    def expects(self, request: Request) -> bool:
        """Whether who asked for this page will report, if it has the script."""
        return not self._scene.consent_event and b"sec-purpose" not in request.headers.index


def _asking(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """How the origin is asked for a coding; kept with the kind of header block."""
    known = headers.kind.get(_ASKING)
    if isinstance(known, tuple):
        return known
    gzip = headers.index.get(b"accept-encoding")
    made = _NOTHING if gzip is None else _GZIP if heads.reads_gzip(gzip) else _PLAIN
    headers.kind[_ASKING] = made
    return made


def _wanted(facts: Facts, request: Request) -> bool:
    """Whether this visitor is to be looked at, should the answer be a page."""
    if request.method not in (b"GET", b"POST") or request.version == "HTTP/1.0" or b"range" in request.headers.index:
        return False
    clearance = facts.clearance
    if clearance is not None and clearance.js_passed is not None and clearance.js_expires > request.received + RENEWED:
        return False
    bots = facts.bot_management
    return bots is None or bots.verified_bot is None


@final
class Page:
    """One request that may be answered with a page, and its answer."""

    __slots__ = (
        *("_client", "_permitted", "_request", "_scripts", "_session_id", "_unmarked", "_wanted"),
        *("body", "given", "request_extra", "request_without"),
    )

    def __init__(
        self,
        scripts: PageScripts,
        request: Request,
        client: Client,
        wanted: bool,
        extra: tuple[tuple[bytes, bytes], ...],
        without: frozenset[bytes],
        unmarked: bool,
    ) -> None:
        self._scripts: Final = scripts
        self._request: Final = request
        self._client: Final = client
        self._wanted: Final = wanted
        self._unmarked: Final = unmarked
        self._session_id = ""
        self._permitted = UNRESTRICTED
        self.request_extra: Final = extra  # headers for the origin
        self.request_without: Final = without  # lower-case names of those that do not go there as they came
        self.body: PageBody | None = None  # of an answer that gets the script
        self.given = False  # it got the script, and its visitor is expected to report

    def consider(self, head: ResponseHead, session_id: str) -> None:
        """Look at the final head of the answer; `session_id` is that of the visitor's session, "" without one."""
        if not self._wanted:
            return
        found = heads.candidate(head)
        if found is None:
            return
        scripts = self._scripts
        if found.reason:
            scripts.count(found.reason, self._request)
            return
        if found.policies:
            self._permitted = scripts.permitted(found.policies, self._request)
            if self._permitted.form is _REFUSED:
                scripts.count(POLICY, self._request)
                return
        self._session_id = session_id
        plain = self.request_extra == _PLAIN
        self.body = PageBody(found.coding, found.charset, b"" if plain else b"gzip", self._snippet, scripts.openings)

    def lines(self, lines: bytes, status: int) -> bytes:
        """Status line and header lines, each with its line end, as the visitor gets them."""
        body = self.body
        if body is None:
            return heads.with_marked_tag(lines) if status == 304 and self._unmarked else lines
        if not body.changed:
            return lines
        return self._scripts.head(lines, body.coding)

    def ended(self) -> None:
        """The answer is over: count what became of it."""
        body = self.body
        if body is not None and body.result:
            self._scripts.count(body.result, self._request)
        self.let_go()

    def let_go(self) -> None:
        """Part from the body, which knows where its script comes from: else both, and the whole request with them,
        would wait for the cycle collector."""
        self.body = None

    def _snippet(self) -> bytes:
        self.given = self._scripts.expects(self._request)
        return self._scripts.snippet(self._request, self._client, self._session_id, self._permitted)


RESULTS: Final = (
    INJECTED,
    POLICY,
    META_POLICY,
    FRAGMENT,
    heads.NO_TRANSFORM,
    heads.UNKNOWN_CODING,
    heads.SIGNED,
    "charset",
)
"""Everything that `javascript_pages` counts."""
