"""Where a request meets its zone: decided by the pipeline, then forwarded, refused or challenged, and always recorded.

This is the phase `act`. One call site answers each disposition; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, assert_never, final

from botproxy.addresses import NetworkSet
from botproxy.bots import Recognition
from botproxy.bots.asking import Asker
from botproxy.challenges import NOBODY, Pages, form_type, issue, paths
from botproxy.challenges import Settings as ChallengeSettings
from botproxy.challenges.replay import LARGEST
from botproxy.cookies import AddressBinding, Sealer
from botproxy.hooks.pool import Hook
from botproxy.hooks.replies import Changes
from botproxy.link import Modes
from botproxy.model import (
    Body,
    ClearanceLevel,
    Disposition,
    Ending,
    Event,
    Headers,
    Outcome,
    Request,
    ResponseFacts,
    Verdict,
)
from botproxy.pipeline import Decision, Pipeline, Redaction, Solved, event
from botproxy.proxy.cacheable import publicly_cacheable
from botproxy.proxy.challenge_routes import ChallengeRoutes
from botproxy.proxy.challenge_routes import route as challenge_route
from botproxy.proxy.exchange import Exchange, HeaderList
from botproxy.proxy.hooked import Hooked, answered, as_changed
from botproxy.proxy.hosts import HostTable
from botproxy.proxy.https_redirect import to_https
from botproxy.proxy.jsd import paths as detection_paths
from botproxy.proxy.jsd.pages import Page, PageScripts
from botproxy.proxy.jsd.routes import DetectionRoutes
from botproxy.proxy.managed_headers import ManagedRequestHeaders
from botproxy.proxy.own_paths import CDN_CGI, OwnPathLimiter, OwnPaths
from botproxy.proxy.pool import OriginPool
from botproxy.proxy.records import Refusal, ResponseHead
from botproxy.proxy.refusals import is_navigation, is_preflight, refuse
from botproxy.proxy.report_routes import ReportRoutes
from botproxy.proxy.robots import ManagedRobots
from botproxy.proxy.same_origin import same_origin
from botproxy.proxy.widget_routes import WidgetRoutes
from botproxy.telemetry import Counters
from botproxy.traffic.profiles import CHALLENGES_FAILED, CHALLENGES_SOLVED

_HEALTH: Final = frozenset((b"/livez", b"/readyz"))
_PLAIN: Final = ((b"Content-Type", b"text/plain; charset=utf-8"), (b"Cache-Control", b"no-store"))
_BLOCKED: Final = ((b"Cache-Control", b"private, no-store"), (b"X-Content-Type-Options", b"nosniff"))
_FOR_MINUTES: Final = (b"Cache-Control", b"private, max-age=300")
_NO_HEADERS: Final = Headers(())
_REPORT: Final = paths.REPORT.encode()
_NO_ZONE: Final = ""
_FAILED: Final = frozenset((400, 403, 409))
"""Answers to a solution that was none; with others the visitor did nothing wrong."""
_PLAIN_PAGES: Final = Pages()


class Site(NamedTuple):
    """One zone as the data plane needs it."""

    name: str
    pipeline: Pipeline
    origins: OriginPool
    sealer: Sealer  # of challenge tickets
    bind_address: AddressBinding
    routes: ChallengeRoutes
    managed: ManagedRequestHeaders | None = None
    hook: Hook | None = None
    robots: ManagedRobots | None = None
    scripts: PageScripts | None = None  # of JavaScript detections, where pages get them by themselves
    detections: DetectionRoutes | None = None
    https_port: int = 0  # to which visitors of plain http are sent; 0: they are not
    pages: Pages = _PLAIN_PAGES
    reports: ReportRoutes | None = None
    replay: Sealer | None = None  # of forms that are sent again
    plain: Sealer | None = None  # of tickets for who has no JavaScript; None: there is no such way


@final
class Gateway:
    """The handler of every exchange of a worker. Its only state is the table of the limiter, which is bounded."""

    def __init__(
        self,
        *,
        hosts: HostTable,
        sites: Mapping[str, Site],
        modes: Modes,
        challenges: ChallengeSettings,
        record: Callable[[Event], None],
        counters: Counters,
        limiter: OwnPathLimiter,
        health_peers: NetworkSet,
        draining: Callable[[], bool],
        clock: Callable[[], float],
        randomness: Callable[[int], bytes],
        redaction: Redaction | None,
        own_paths: OwnPaths = CDN_CGI,
        widget: WidgetRoutes | None = None,
        asker: Asker | None = None,
        bot_wait: float = 0.0,
    ) -> None:
        """`clock` is monotonic, in seconds; it measures what deciding costs and feeds the limiter. `asker` finds out
        what is asked about bots, for which a request waits at most `bot_wait` seconds.
        """
        self._find: Final = hosts.find
        self._sites: Final = dict(sites)
        self._modes: Final = modes
        self._challenges: Final = challenges
        self._record: Final = record
        self._counters: Final = counters
        self._limiter: Final = limiter
        self._health_peers: Final = health_peers
        self._draining: Final = draining
        self._clock: Final = clock
        self._randomness: Final = randomness
        self._redaction: Final = redaction
        self._own_paths: Final = own_paths
        self._widget: Final = widget
        self._asker: Final = asker
        self._bot_wait: Final = bot_wait

    def handle(self, exchange: Exchange) -> None:
        """Answer one request: the `Handler` of the wire."""
        request = exchange.request
        path = request.path
        if path in _HEALTH and exchange.client.address in self._health_peers:
            self._health(exchange)
            return
        if self._widget is not None:
            answer = self._widget.find(path)
            if answer is not None:
                self._record_plainly(exchange, self._find(request.host) or _NO_ZONE)
                answer(exchange)
                return
        name = self._find(request.host)
        if name is None:
            self._record_plainly(exchange, _NO_ZONE)
            exchange.refuse(421, "no zone has this host")
            return
        site = self._sites[name]
        if self._own_paths.own(path):
            self._own(exchange, site)
            return
        if site.https_port and not request.secure:
            redirect = to_https(request, site.https_port)
            if redirect is not None:
                self._record_plainly(exchange, name)
                exchange.respond(redirect.status, ((b"Location", redirect.location), _FOR_MINUTES), b"")
                return
        if site.pipeline.inspects and request.body_length != 0:
            self._inspect(exchange, site)
        elif site.pipeline.recognises:
            self._recognise(exchange, site)
        else:
            self._decide(exchange, site, None)

    def _inspect(self, exchange: Exchange, site: Site) -> None:
        """Decide once as much of the body is there as rules want to see."""

        def go_on(body: Body | None) -> None:
            if site.pipeline.recognises:
                self._recognise(exchange, site, body)
            else:
                self._decide(exchange, site, None, body)

        wanted = site.pipeline.body_wanted(exchange.request.body_length)
        if wanted:
            self._record_plainly(exchange, site.name)  # in case that the client leaves meanwhile
            exchange.peek_body(wanted, go_on, keep=site.pipeline.keeps_body)
        else:
            go_on(None)

    def _recognise(self, exchange: Exchange, site: Site, body: Body | None = None) -> None:
        """Decide with what is known of the bot that the request says it is, or soon will be."""
        recognition = self._recognised(exchange, site, False)
        asker = self._asker
        if recognition is None or not recognition.questions or asker is None:
            self._decide(exchange, site, recognition, body)
        elif recognition.waits:
            self._record_plainly(exchange, site.name)  # in case that the client leaves meanwhile

            def go_on() -> None:
                if not exchange.answered:
                    self._decide(exchange, site, self._recognised(exchange, site, True), body)

            asker.then(recognition.questions, self._bot_wait, go_on)
        else:
            asker.ask(recognition.questions)
            self._decide(exchange, site, recognition, body)

    def _recognised(self, exchange: Exchange, site: Site, settled: bool) -> Recognition | None:
        try:
            return site.pipeline.recognise(exchange.request, exchange.client, settled=settled)
        except Exception:
            self._counters.add(("engine_failed", site.name, "bots"))
            return None

    def _decide(
        self, exchange: Exchange, site: Site, recognition: Recognition | None, body: Body | None = None
    ) -> None:
        request = exchange.request
        began = self._clock()
        navigation = is_navigation(request.method, request.headers)
        decision = site.pipeline.decide(
            request,
            exchange.client,
            enforce=self._modes.enforcing(site.name),
            navigation=navigation,
            under_attack=self._modes.under_attack(site.name),
            recognition=recognition,
            body=body,
        )
        if recognition is not None:
            self._counters.add(("bot_claims", site.name, recognition.claim.status))
            if recognition.claim.disobeys_robots:
                self._counters.add(("robots_disobeyed", site.name, recognition.claim.ai_purpose))
        if decision.verdict.disposition is Disposition.CHALLENGE and is_preflight(request):
            # It carries no cookie, so nothing could pass it, and what it asks about is challenged itself.
            verdict = decision.verdict
            verdict = verdict._replace(
                disposition=Disposition.FORWARD, level=ClearanceLevel.NONE, matches=verdict.matches[:-1]
            )
            decision = decision._replace(verdict=verdict)
        self._counters.decide.observe(self._clock() - began)
        for failure in decision.failures:
            self._counters.add(("engine_failed", site.name, failure))

        page: Page | None = None

        def ended(outcome: Outcome) -> None:
            self._conclude(site, decision, outcome, page)

        exchange.on_ended = ended
        if decision.refused:
            exchange.refuse(503, "scoring failed, and the zone is closed on failure")
            return
        match decision.disposition:
            case Disposition.FORWARD:
                if site.scripts is not None:
                    page = site.scripts.page(decision.facts, navigation)
                if site.hook is not None and decision.verdict.disposition is Disposition.FORWARD:
                    self._ask(site.hook, exchange, site, decision, page)
                else:
                    self._forward(exchange, site, decision, None, page)
            case Disposition.BLOCK:
                self._block(exchange, site, decision.verdict, navigation)
            case Disposition.CHALLENGE:
                self._challenge(exchange, site, decision, navigation, body)
            case _:
                assert_never(decision.disposition)

    def _conclude(self, site: Site, decision: Decision, outcome: Outcome, page: Page | None) -> None:
        if site.pipeline.settles and outcome.ending is Ending.ORIGIN_FAILED and outcome.status:
            # Our own answer for an origin that gave none; one that it gave was counted when it came.
            response = ResponseFacts(outcome.status, _NO_HEADERS, outcome.content_type, "5xx")
            self._settle(site, decision, response, outcome.seconds)
        if site.pipeline.observes:
            try:
                site.pipeline.observe(decision, outcome, page is not None and page.given)
            except Exception:
                self._counters.add(("engine_failed", site.name, "traffic"))
        concluded = site.pipeline.conclude(decision, outcome)
        self._counters.event(concluded)
        self._record(concluded)

    def _settle(self, site: Site, decision: Decision, response: ResponseFacts, seconds: float) -> None:
        """Have the answer counted, which came `seconds` after the request; this costs no visitor an answer."""
        try:
            site.pipeline.settle(decision, response, decision.facts.request.received + seconds)
        except Exception:
            self._counters.add(("engine_failed", site.name, "rate_limits"))

    def _ask(self, hook: Hook, exchange: Exchange, site: Site, decision: Decision, page: Page | None) -> None:
        def forward(changes: Changes | None) -> None:
            self._forward(exchange, site, decision, changes, page)

        def conclude(decided: Decision, outcome: Outcome) -> None:
            if site.pipeline.settles and answered(decided):
                # No origin gave an answer that could be counted when it came.
                response = ResponseFacts(outcome.status, _NO_HEADERS, outcome.content_type)
                self._settle(site, decision, response, outcome.seconds)
            self._conclude(site, decided, outcome, page)

        Hooked(hook, exchange, decision, forward, conclude).begin()

    def _forward(
        self, exchange: Exchange, site: Site, decision: Decision, changes: Changes | None, page: Page | None
    ) -> None:
        robots = site.robots
        if robots is not None and robots.wants(exchange):
            robots.answer(exchange)
            return
        began = self._clock() if site.pipeline.settles else 0.0

        def on_response(head: ResponseHead) -> HeaderList:
            facts = decision.facts
            if changes is not None:
                head = as_changed(head, changes)
            if site.pipeline.settles:
                seconds = self._clock() - began
                milliseconds = int(seconds * 1000)
                self._settle(
                    site, decision, ResponseFacts(head.status, Headers(head.headers), origin_ms=milliseconds), seconds
                )
            if publicly_cacheable(facts.request.method, head, static_resource=facts.static_resource):
                if page is not None:
                    page.consider(head, facts.session.id if facts.session is not None else "")
                return ()
            session = site.pipeline.session(decision)
            if page is not None:
                page.consider(head, session.id)
            return () if session.cookie is None else ((b"Set-Cookie", session.cookie),)

        extra: HeaderList = () if site.managed is None else site.managed.of(decision.facts)
        if changes is None and site.hook is not None:
            exchange.forward(site.origins, extra, on_response, site.hook.unchanged, page)
            return
        exchange.forward(site.origins, extra, on_response, changes, page)

    def _block(self, exchange: Exchange, site: Site, verdict: Verdict, navigation: bool) -> None:
        answer = verdict.block
        if answer is None:
            exchange.refuse(403, "blocked by a rule", by_rule=True)
            return
        headers: HeaderList = ((b"Content-Type", answer.content_type), *_BLOCKED)
        body = answer.body
        if not answer.content_type:
            request = exchange.request
            headers, body = refuse(
                answer.status,
                exchange.cf_ray.decode(),
                navigation,
                pages=site.pages,
                headers=request.headers,
                host=request.host,
                now=request.received,
                by_rule=True,
            )
        if verdict.retry_after and answer.status == 429:
            # RFC 6585 section 4
            headers = (*headers, (b"Retry-After", b"%d" % verdict.retry_after))
        exchange.respond(answer.status, headers, body, Ending.REFUSED, "blocked by a rule")

    def _challenge(
        self, exchange: Exchange, site: Site, decision: Decision, navigation: bool, body: Body | None
    ) -> None:
        request = exchange.request
        kind = form_type(request) if navigation and same_origin(request) else ""
        if not kind:
            self._issue(exchange, site, decision, navigation, None)
        elif body is not None:
            self._issue(exchange, site, decision, navigation, None if body.truncated else (kind, body.raw))
        else:

            def collected(whole: bytes | None) -> None:
                if not exchange.over:
                    self._issue(exchange, site, decision, navigation, None if whole is None else (kind, whole))

            exchange.collect_body(LARGEST, collected)

    def _issue(
        self, exchange: Exchange, site: Site, decision: Decision, navigation: bool, form: tuple[str, bytes] | None
    ) -> None:
        request = exchange.request
        verdict = decision.verdict
        answer = issue(
            settings=self._challenges,
            sealer=site.sealer,
            randomness=self._randomness,
            now=request.received,
            zone=site.name,
            level=verdict.level,
            request=request,
            client=exchange.client,
            navigation=navigation,
            bind_address=site.bind_address,
            prefix=self._own_paths.prefix,
            pages=site.pages,
            rule=verdict.matches[-1].rule_id if verdict.matches else "",
            known=site.routes.known(exchange, decision) if navigation else NOBODY,
            replay=site.replay,
            form=form,
            plain=site.plain,
        )
        exchange.respond(answer.status, answer.headers, answer.body)

    def _own(self, exchange: Exchange, site: Site) -> None:
        allowed = self._limiter.allow(exchange.client.address, self._clock())
        if not allowed:
            self._record_plainly(exchange, site.name)
            exchange.refuse(429, "more requests for our own paths than one address may make")
            return
        if site.reports is not None and self._own_paths.original(exchange.request.path) == _REPORT:
            self._record_plainly(exchange, site.name)
            site.reports.handle(exchange)
            return
        solved: list[Solved] = []
        self._record_plainly(exchange, site.name, solved)
        if site.detections is not None:
            route = detection_paths.route(self._own_paths.original(exchange.request.path))
            if route is not None:
                site.detections.handle(exchange, route)
                return
        if site.pipeline.observes and exchange.request.method == b"POST":
            self._note_solution(exchange, site, solved)
        site.routes.handle(exchange, solved.append)

    def _note_solution(self, exchange: Exchange, site: Site, solved: list[Solved]) -> None:
        """Have it counted for the visitor what becomes of a solution."""
        request, client = exchange.request, exchange.client
        found = challenge_route(self._own_paths.original(request.path))
        if found is None or found[1] != "flow":
            return
        recorded = exchange.on_ended

        def ended(outcome: Outcome) -> None:
            try:
                if solved:
                    site.pipeline.note(request, client, CHALLENGES_SOLVED)
                elif outcome.status in _FAILED:
                    site.pipeline.note(request, client, CHALLENGES_FAILED)
            except Exception:
                self._counters.add(("engine_failed", site.name, "traffic"))
            if recorded is not None:
                recorded(outcome)

        exchange.on_ended = ended

    def _health(self, exchange: Exchange) -> None:
        """Asked every few seconds by load balancers: answered and counted, and kept out of the events."""
        self._counters.add(("health",))
        draining = self._draining() and exchange.request.path == b"/readyz"
        exchange.respond(503 if draining else 200, _PLAIN, b"draining\n" if draining else b"ok\n")

    def _record_plainly(self, exchange: Exchange, zone: str, solved: list[Solved] | None = None) -> None:
        """Have the event of a request that no engine scores and no rule sees made when it ends."""
        request = exchange.request
        client = exchange.client
        enforced = self._modes.enforcing(zone)

        def ended(outcome: Outcome) -> None:
            concluded = event(
                request,
                client,
                outcome,
                zone=zone,
                enforced=enforced,
                redaction=self._redaction,
                solved=solved[0] if solved else None,
            )
            self._counters.event(concluded)
            self._record(concluded)

        exchange.on_ended = ended

    def refused(self, refusal: Refusal) -> None:
        """Record what the wire refused before it was a request."""
        headers = refusal.headers if refusal.headers is not None else _NO_HEADERS
        target = _without_userinfo(refusal.target or b"")
        path, mark, query = target.partition(b"?")
        host = refusal.host or ""
        zone = self._find(host) or _NO_ZONE
        request = Request(
            refusal.ray,
            refusal.when,
            refusal.method or b"",
            target,
            path,
            query if mark else None,
            "",
            refusal.secure,
            host.encode("utf-8", "replace"),
            host,
            headers,
            0,
        )
        concluded = event(
            request,
            refusal.client,
            refusal.outcome,
            zone=zone,
            enforced=self._modes.enforcing(zone),
            redaction=self._redaction,
        )
        self._counters.event(concluded)
        self._counters.add(("refused", refusal.reason))
        self._record(concluded)


def _without_userinfo(target: bytes) -> bytes:
    """An absolute-form target may carry a password in front of its host; it has no place in an event."""
    scheme, mark, rest = target.partition(b"://")
    if not mark or target.startswith(b"/"):
        return target
    authority, slash, tail = rest.partition(b"/")
    return scheme + mark + authority.rpartition(b"@")[2] + slash + tail
