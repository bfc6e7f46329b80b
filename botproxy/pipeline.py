"""A request's life in named phases. `decide` is pure and synchronous; `conclude` makes the event when all is over.

identify → recognise → observe → score → rule      decide
act                                                 the gateway, in `proxy`
record                                              observe, conclude
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, final

from botproxy.addresses import Places
from botproxy.bots import Recogniser, Recognition
from botproxy.cookies import Jar, renewal_due, renewed, session_binding, started
from botproxy.model import (
    Action,
    Body,
    BotManagement,
    Clearance,
    ClearanceLevel,
    Client,
    Detection,
    Disposition,
    Event,
    Facts,
    Finding,
    Outcome,
    Profile,
    Request,
    ResponseFacts,
    RuleMatch,
    Score,
    ScoreSource,
    Session,
    Verdict,
)
from botproxy.rules import bytes_needed, joined_needs, without_body
from botproxy.rulesets import ZoneRates, ZoneRuleset
from botproxy.scoring import (
    Engine,
    combine,
    is_static_resource,
    kept,
    score_group,
    shadow_detections,
    shadowed,
    smoothed,
    text_of,
)
from botproxy.traffic import Keys, Profiles, Referrals, Seen, header_fingerprint

NOT_COMPUTED: Final = Score(0, ScoreSource.NOT_COMPUTED)
_NO_VERDICT: Final = Verdict(Disposition.FORWARD, ClearanceLevel.NONE, (), 0)
_HEURISTICS: Final = ScoreSource.HEURISTICS  # asking the enumeration each time takes 0.2 µs
_LEARNED: Final = ScoreSource.MACHINE_LEARNING
_FORWARD: Final = Disposition.FORWARD
_CHALLENGE: Final = Disposition.CHALLENGE
_REASONS: Final = 16
_LIKELY_HUMAN: Final = 30
_SAMPLED_RAYS: Final = "08"  # one in 32 begins with less
"""Reasons kept in an event, so that no number of fingerprints makes a record large."""

_ACTION_WORDS: Final = {
    Action.BLOCK: "block",
    Action.JS_CHALLENGE: "jschallenge",
    Action.MANAGED_CHALLENGE: "managedChallenge",
    Action.CHALLENGE: "challenge",
    Action.SKIP: "skip",
    Action.LOG: "log",
    Action.ANSWER: "hookAnswer",
    Action.REWRITE: "rewrite",
    Action.ALLOW: "allow",
}
_BYPASSED_WORDS: Final = {
    Action.JS_CHALLENGE: "jschallengeBypassed",
    Action.MANAGED_CHALLENGE: "managedChallengeBypassed",
    Action.CHALLENGE: "challengeBypassed",
}


_KEYS: Final = "traffic.keys"


class Redaction(NamedTuple):
    """How personal data is taken out of what an event holds."""

    query: Callable[[bytes], str]  # of a query without its "?"
    url: Callable[[bytes], str]  # of a Referer


class Decision(NamedTuple):
    """What was decided of one request, and everything that it was decided from."""

    facts: Facts
    verdict: Verdict
    enforced: bool
    refused: bool  # a rule could not be evaluated, and the zone fails closed
    failures: tuple[str, ...]  # engines that failed, or "rules"

    @property
    def disposition(self) -> Disposition:
        """What is to be done now, the mode included; a refusal for failure is the gateway's to tell apart."""
        return self.verdict.disposition if self.enforced else _FORWARD


class Solved(NamedTuple):
    """A challenge that this request solved: the Logpush word, and the ray of the request that had been challenged."""

    action: str
    originator_ray: str
    rule_id: str = ""  # of the rule that had it challenged


class SessionGiven(NamedTuple):
    """A visitor's session, and the Set-Cookie value that it takes; None where the visitor's own is fresh enough."""

    id: str  # "" without one
    cookie: bytes | None


_NO_SESSION: Final = SessionGiven("", None)


@final
class Pipeline:
    """Decides for one zone. Holds nothing that a request changes, but for what `bots` knows."""

    def __init__(
        self,
        *,
        zone: str,
        engines: Sequence[tuple[str, Engine]],
        ruleset: ZoneRuleset,
        jar: Jar,
        randomness: Callable[[int], bytes],
        sessions: bool = True,
        session_scores: bool = True,
        on_failure: Literal["open", "closed"] = "open",
        redaction: Redaction | None = None,
        rates: ZoneRates | None = None,
        recogniser: Recogniser | None = None,
        places: Places | None = None,
        plain: bool = False,
        profiles: Profiles | None = None,
    ) -> None:
        """`randomness(n)` gives n unpredictable bytes; `sessions` is whether visitors get `__cf_bm`, `session_scores`
        whether it remembers the highest score; without `redaction` events hold queries and Referers as they came.
        `profiles` is what callers did lately, where an engine, a rule or a hook looks at it.
        """
        self._zone: Final = zone
        self._engines: Final = tuple(engines)
        self._ruleset: Final = ruleset
        self._jar: Final = jar
        self._randomness: Final = randomness
        self._sessions: Final = sessions
        self._session_scores: Final = session_scores
        self._plain: Final = plain
        self._closed: Final = on_failure == "closed"
        self._redaction: Final = redaction
        self._rates: Final = rates
        self._places: Final = places
        self._profiles: Final = profiles
        self._referrals: Final = Referrals()
        self._crowds: Final = ruleset.needs_crowds or (rates is not None and rates.needs_crowds)
        self.observes: Final = profiles is not None
        """Whether `observe` has to be called."""
        self._recogniser: Final = recogniser
        self.recognises: Final = recogniser is not None
        """Whether `recognise` has anything to say."""
        needs = [ruleset.body_need] if rates is None else [ruleset.body_need, rates.body_need]
        self._body_need: Final = joined_needs(needs)
        self.inspects: Final = self._body_need.bytes > 0 or self._body_need.size
        """Whether there are bodies that rules want to see before they decide."""
        self.keeps_body: Final = self.inspects and rates is not None and rates.needs_answers
        """Whether they want to see them once more when the answer is there."""
        self.settles: Final = rates is not None and rates.needs_answers
        """Whether `settle` has to be called."""

    def recognise(self, request: Request, client: Client, *, settled: bool = False) -> Recognition | None:
        """recognise: what is known of the bot that a request says it is; None when it claims nothing. May raise.

        Where it `waits`, whoever decides may have its questions found out first, and ask again with `settled`.
        """
        return None if self._recogniser is None else self._recogniser.recognise(request, client, settled)

    def body_wanted(self, length: int | None) -> int:
        """How many bytes from the beginning of a body of this length (None: not known) rules want to see."""
        return bytes_needed(self._body_need, length)

    def decide(
        self,
        request: Request,
        client: Client,
        *,
        enforce: bool,
        navigation: bool,
        under_attack: bool = False,
        recognition: Recognition | None = None,
        body: Body | None = None,
    ) -> Decision:
        """identify, score and rule. Raises nothing: what fails is named in `failures` and the zone's choice holds.

        `navigation` is whether a browser will show the answer as a page; anything else gets a clearance's longer grace.
        `under_attack` is whether every new visitor is to be challenged, `recognition` what `recognise` said, `body`
        what was read of the body where rules want to see it.
        """
        failures: list[str] = []
        facts = self._identify(request, client, navigation, failures)
        facts = self._score(facts, failures, recognition, body)
        verdict = self._rule(facts, failures, under_attack)
        if body is not None and not self.keeps_body:
            facts = without_body(facts)  # a decision lives as long as its request
        refused = (
            enforce
            and self._closed
            and verdict.disposition is _FORWARD
            and (verdict.unevaluated > 0 or "rules" in failures)
        )
        return Decision(facts, verdict, enforce, refused, tuple(failures))

    def _identify(self, request: Request, client: Client, navigation: bool, failures: list[str]) -> Facts:
        session: Session | None = None
        clearance: Clearance | None = None
        if b"cookie" in request.headers.index:
            try:
                if self._sessions:
                    session = self._jar.session(request.headers, request.received)
                clearance = self._jar.clearance(request.headers, client.address, request.received, not navigation)
                if self._plain and clearance is not None and clearance.level is ClearanceLevel.NO_JS:
                    clearance = clearance._replace(level=ClearanceLevel.JS)
            except Exception:
                failures.append("cookies")
        places = self._places
        if places is not None:
            client = places.placed(client)
        memo: dict[str, object] = {}
        profile: Profile | None = None
        profiles = self._profiles
        if profiles is not None:
            try:
                keys = profiles.keys(request, client, session.id if session is not None else "")
                memo[_KEYS] = keys
                profile = profiles.read(keys, request.received, self._crowds)
            except Exception:
                failures.append("traffic")
        return Facts(
            request,
            client,
            self._zone,
            is_static_resource(request.path),
            session,
            clearance,
            memo,
            None,
            False,
            None,
            None,
            profile,
            self._referrals.short,
        )

    def _score(
        self, facts: Facts, failures: list[str], recognition: Recognition | None, body: Body | None = None
    ) -> Facts:
        findings: list[Finding] = []
        for name, engine in self._engines:
            try:
                finding = engine.assess(facts)
            except Exception:
                failures.append(name)
                continue
            if finding is not None:
                findings.append(finding)
        if recognition is not None and recognition.refused is not None:
            findings.append(Finding(_HEURISTICS, 1, (recognition.refused,)))
        failed = not findings and any(name in failures for name, _ in self._engines)
        return Facts(
            facts.request,
            facts.client,
            facts.zone,
            facts.static_resource,
            facts.session,
            facts.clearance,
            facts.memo,
            None if failed else _bot_management(facts, self._combine(facts, findings), recognition, self._places),
            failed,
            body,
            None,
            facts.profile,
            facts.short_referer,
        )

    def _combine(self, facts: Facts, findings: list[Finding]) -> Score:
        score = combine(findings)
        session = facts.session
        if (
            session is None
            or session.highest <= score.value
            or score.source is not _LEARNED
            or not self._session_scores
            or session.bound != _whose(facts)
        ):
            return score
        return smoothed(score, session.highest)

    def _rule(self, facts: Facts, failures: list[str], under_attack: bool) -> Verdict:
        try:
            return self._ruleset.evaluate(facts, self._rates, under_attack)
        except Exception:
            failures.append("rules")
            return _NO_VERDICT

    def session_cookie(self, decision: Decision) -> bytes | None:
        """A Set-Cookie value for `__cf_bm`; None when the visitor's own is fresh enough, or the zone has none."""
        return self.session(decision).cookie

    def session(self, decision: Decision) -> SessionGiven:
        """The session in which the answer finds the visitor, and the cookie that it needs for that."""
        if not self._sessions:
            return _NO_SESSION
        facts = decision.facts
        now = facts.request.received
        bot_management = facts.bot_management
        score = bot_management.score.value if bot_management is not None and self._session_scores else 0
        session = facts.session
        if session is None:
            session = started(now, self._randomness(16), score, _whose(facts))
        elif renewal_due(session, now, score):
            session = renewed(session, now, score, _whose(facts))
        else:
            return SessionGiven(session.id, None)
        return SessionGiven(session.id, self._jar.session_cookie(session, facts.request.secure))

    def settle(self, decision: Decision, response: ResponseFacts, now: float) -> None:
        """Count what rate limits count by the answer, which is there now; only the first call counts."""
        if self._rates is not None:
            self._rates.settle(decision.facts._replace(response=response), now)

    def observe(self, decision: Decision, outcome: Outcome, given: bool = False) -> None:
        """Count what this request was, for those that follow; `given` as in `traffic.Seen`. May raise."""
        facts = decision.facts
        keys = facts.memo.get(_KEYS)
        if self._profiles is None or not isinstance(keys, Keys):
            return
        request = facts.request
        bots = facts.bot_management
        score = 0
        heuristic = False
        if bots is not None and bots.verified_bot is None:
            score = bots.score.value
            heuristic = bots.score.source is _HEURISTICS
        challenged = decision.enforced and decision.verdict.disposition is _CHALLENGE
        seen = (
            request.received, outcome.status, outcome.content_type, facts.static_resource, score, challenged, heuristic,
            given,
        )  # fmt: skip
        self._profiles.observe(keys, request, tuple.__new__(Seen, seen))
        if outcome.origin_status == 200 and outcome.content_type.startswith(b"text/html"):
            self._referrals.page(outcome.referrer_policy)

    def note(self, request: Request, client: Client, figure: int) -> None:
        """Count something that a caller did on a path of our own; `figure` is one of `traffic.profiles`. May raise."""
        if self._profiles is None:
            return
        session = self._jar.session(request.headers, request.received) if self._sessions else None
        keys = self._profiles.keys(request, client, session.id if session is not None else "")
        self._profiles.note(keys, figure, request.received)

    def conclude(self, decision: Decision, outcome: Outcome, *, solved: Solved | None = None) -> Event:
        """The one record of this request. Text that the client sent is read as UTF-8 with replacement."""
        facts = decision.facts
        bot_management = facts.bot_management
        return event(
            facts.request,
            facts.client,
            outcome,
            zone=self._zone,
            enforced=decision.enforced,
            redaction=self._redaction,
            score=bot_management.score if bot_management is not None else NOT_COMPUTED,
            verdict=decision.verdict,
            refused=decision.refused,
            facts=facts,
            solved=solved,
            headers=header_fingerprint(facts.request.version, facts.request.headers),
        )


def _bot_management(
    facts: Facts, score: Score, recognition: Recognition | None, places: Places | None
) -> BotManagement:
    """A verified bot keeps the score that the engines give, under a source of its own."""
    corporate = places is not None and places.corporate(facts.client.address)
    if recognition is None:
        return BotManagement(score, None, _js_passed(facts), corporate)
    if recognition.bot is not None:
        score = Score(score.value, ScoreSource.VERIFIED_BOT, score.findings)
    return BotManagement(score, recognition.bot, _js_passed(facts), corporate, recognition.claim)


def _whose(facts: Facts) -> bytes:
    client = facts.client
    ja4 = client.tls.ja4 if client.tls is not None else ""
    return session_binding(client.address, ja4, facts.request.headers.first(b"user-agent") or b"")


def _js_passed(facts: Facts) -> bool | None:
    clearance = facts.clearance
    if clearance is None or clearance.js_passed is None or clearance.js_expires <= facts.request.received:
        return None
    return clearance.js_passed


def _features(facts: Facts, score: Score, matched: bool) -> str:
    """What the model was asked, of those requests that somebody may ask about, and of one in 32 others."""
    if not matched and score.value >= _LIKELY_HUMAN and facts.request.ray >= _SAMPLED_RAYS:
        return ""
    asked = kept(facts)
    return "" if asked is None else text_of(asked)


def _text(value: bytes | None) -> str:
    return value.decode("utf-8", "replace") if value else ""


def _word(match: RuleMatch) -> str:
    return _BYPASSED_WORDS[match.action] if match.bypassed else _ACTION_WORDS[match.action]


def event(
    request: Request,
    client: Client,
    outcome: Outcome,
    *,
    zone: str,
    enforced: bool,
    redaction: Redaction | None,
    score: Score = NOT_COMPUTED,
    verdict: Verdict = _NO_VERDICT,
    refused: bool = False,
    facts: Facts | None = None,
    solved: Solved | None = None,
    headers: str = "",
) -> Event:
    """The event of any request, decided or not: paths of our own and requests for no zone have no score."""
    first = request.headers.first
    tls = client.tls
    place = client.place
    bot_management = facts.bot_management if facts is not None else None
    verified = bot_management.verified_bot if bot_management is not None else None
    detections: tuple[Detection, ...] = ()
    if score.findings:
        for finding in score.findings:
            detections += finding.detections
        detections = detections[:_REASONS]

    matches = verdict.matches
    deciding: RuleMatch | None = None
    actions: tuple[str, ...] = ()
    rule_ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    done = "unknown"
    would = ""
    if matches:
        deciding = matches[-1]
        actions = tuple([_word(match) for match in matches])
        rule_ids = tuple([match.rule_id for match in matches])
        sources = tuple([match.source for match in matches])
        done = actions[-1]
        if not enforced and (verdict.disposition is not _FORWARD or deciding.action is Action.REWRITE):
            would = done
            done = "log"
            actions = (*actions[:-1], "log")
    if solved is not None:
        done = solved.action
        actions = (solved.action,)
        rule_ids = (solved.rule_id,)
        sources = ("botManagement",)
    elif refused:
        done = "block"

    shadow_actions: tuple[str, ...] = ()
    shadow_rule_ids: tuple[str, ...] = ()
    if verdict.shadows:
        shadow_actions = tuple([_word(match) for match in verdict.shadows])
        shadow_rule_ids = tuple([match.rule_id for match in verdict.shadows])

    query = request.query
    referer = first(b"referer")
    js_passed = bot_management.js_passed if bot_management is not None else None
    session = facts.session if facts is not None else None
    return Event(
        request.ray,
        request.received,
        request.received + outcome.seconds,
        zone,
        "enforce" if enforced else "observe",
        client.text,
        client.port,
        (place.country or "") if place is not None else "",
        (place.asn or 0) if place is not None else 0,
        tls.version if tls is not None else "none",
        tls.cipher if tls is not None else "",
        tls.ja3 if tls is not None else "",
        tls.ja4 if tls is not None else "",
        _text(request.method),
        "https" if request.secure else "http",
        request.host,
        _text(request.path),
        "" if query is None else _text(query) if redaction is None else redaction.query(query),
        request.version,
        _text(first(b"user-agent")),
        _text(referer) if redaction is None or referer is None else redaction.url(referer),
        _text(first(b"x-requested-with")),
        outcome.request_bytes,
        outcome.status,
        outcome.response_bytes,
        outcome.body_bytes,
        _text(outcome.content_type),
        int(outcome.first_byte_seconds * 1000),
        outcome.origin,
        outcome.origin_status,
        int(outcome.origin_seconds * 1000),
        score.value,
        score.source._value_,  # the same as `.value`, which costs as much as ten other fields
        score_group(score),
        tuple([detection.id for detection in detections]) if detections else (),
        tuple(dict.fromkeys([detection.tag for detection in detections])) if detections else (),
        tuple([detection.reason for detection in detections]) if detections else (),
        verified.tags if verified is not None else (),
        verified.category if verified is not None else "",
        "missing" if js_passed is None else "passed" if js_passed else "failed",
        facts is not None and facts.static_resource,
        session.id if session is not None else "",
        actions,
        rule_ids,
        sources,
        done,
        would,
        solved.rule_id if solved is not None else deciding.rule_id if deciding is not None else "",
        deciding.description if deciding is not None else "",
        solved.originator_ray if solved is not None else "",
        facts is not None and facts.scoring_failed,
        verdict.unevaluated,
        outcome.ending._value_,
        outcome.detail,
        shadow_actions,
        shadow_rule_ids,
        client.peer_bot_score,
        client.http2,
        client.cloud.provider if client.cloud is not None else "",
        client.cloud is not None and client.cloud.hosting,
        score.lift,
        "" if facts is None else _features(facts, score, bool(matches)),
        headers,
        () if facts is None else shadow_detections(facts),
        0 if facts is None else shadowed(facts),
    )
