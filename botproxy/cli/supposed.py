"""The facts of a recorded request, as the proxy would have them, and as somebody supposes them to be."""

from __future__ import annotations

from typing import NamedTuple

from botproxy.addresses import parse_address
from botproxy.cli.recorded import Recorded, RecordedError, origin_form
from botproxy.errors import ClientError
from botproxy.model import (
    Address,
    Body,
    BotManagement,
    Client,
    Facts,
    Headers,
    Place,
    Request,
    ResponseFacts,
    Score,
    ScoreSource,
    Tls,
    VerifiedBot,
)
from botproxy.proxy.forwarding import strip_ours
from botproxy.proxy.head import check_head
from botproxy.proxy.target import normalise
from botproxy.scoring import Heuristics, combine, is_static_resource
from botproxy.telemetry import recalled

NOBODY = "192.0.2.1"
"""The visitor's address when none is told: one of those kept for documentation."""


_SPARSE = (
    "an event has no headers but Host, User-Agent, Referer and X-Requested-With, and its query may be without values"
)


class Supposed(NamedTuple):
    """What was said on the command line; None where nothing was."""

    address: str | None = None
    score: int | None = None
    verified_bot: str | None = None  # its category
    js: str | None = None  # "passed", "failed" or "missing"
    country: str | None = None
    asn: int | None = None
    ja3: str | None = None
    ja4: str | None = None
    secure: bool | None = None


class Situation(NamedTuple):
    """Facts, and what people should know of where they come from."""

    facts: Facts
    notes: tuple[str, ...]


def situation(recorded: Recorded, supposed: Supposed, heuristics: Heuristics | None) -> Situation:
    """Raises `RecordedError` for a request that the proxy would refuse, and for what cannot be supposed."""
    notes: list[str] = []
    request = _request(recorded, supposed, notes)
    event = recorded.event
    address = _address(supposed.address or recalled.text(event, "ClientIP"), notes)
    client = Client(
        address,
        str(address),
        0,
        str(address),
        _tls(recalled.tls(event), supposed),
        _place(recalled.place(event), supposed),
    )
    body = recorded.body
    answered = ResponseFacts(recorded.status, Headers(())) if recorded.status is not None else None
    facts = Facts(
        request=request,
        client=client,
        zone=recalled.text(event, "ZoneName"),
        static_resource=is_static_resource(request.path),
        session=None,
        clearance=None,
        memo={},
        body=Body(body or b"", False, len(body or b"")),
        response=answered,
    )
    score = _score(facts, recorded, supposed, heuristics, notes)
    if score is None:
        return Situation(facts, tuple(notes))
    verified = recalled.verified_bot(event)
    if supposed.verified_bot is not None:
        verified = VerifiedBot("supposed", supposed.verified_bot) if supposed.verified_bot else None
    js_passed = recalled.js_passed(event) if supposed.js is None else _JS[supposed.js]
    bots = BotManagement(score, verified, js_passed)
    return Situation(facts._replace(bot_management=bots, memo={}), tuple(notes))


def _request(recorded: Recorded, supposed: Supposed, notes: list[str]) -> Request:
    target, host, https = origin_form(recorded.target)
    pairs = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in recorded.headers
    ]
    if not any(name.lower() == b"host" for name, _ in pairs):
        pairs.insert(0, (b"Host", (host or "localhost").encode("ascii", "replace")))
        if not host:
            notes.append("no Host was given: it is taken to be localhost")
    headers = Headers(strip_ours(pairs))
    if not recorded.whole:
        notes.append(_SPARSE)
    told = (supposed.secure, recorded.secure, https, True)
    secure = next(each for each in told if each is not None)
    method, version = recorded.method.encode("ascii", "replace"), recorded.version
    try:
        head = check_head(method, target.encode("latin-1", "replace"), "HTTP/1.1", headers)
        path, query = normalise(head.target)
    except ClientError as error:
        raise RecordedError(f"the proxy answers this request with {error.status} before any rule: {error}") from None
    return Request(
        ray=recalled.text(recorded.event, "RayID") or "0" * 16,
        received=recalled.received(recorded.event),
        method=method,
        target=head.target,
        path=path,
        query=query,
        version=version,
        secure=secure,
        authority=head.authority,
        host=head.host,
        headers=headers,
        body_length=len(recorded.body) if recorded.body is not None else head.body_length,
    )


def _address(text: str, notes: list[str]) -> Address:
    if not text:
        notes.append(f"no address was given: ip.src is taken to be {NOBODY} (--ip)")
    address = parse_address(text or NOBODY)
    if address is None:
        raise RecordedError(f"`{text[:80]}` is no address")
    return address


_JS = {"passed": True, "failed": False, "missing": None}


def _tls(told: Tls | None, supposed: Supposed) -> Tls | None:
    if supposed.ja3 is None and supposed.ja4 is None:
        return told
    known = told or Tls("", "")
    return known._replace(ja3=supposed.ja3 or known.ja3, ja4=supposed.ja4 or known.ja4)


def _place(told: Place | None, supposed: Supposed) -> Place | None:
    if supposed.asn is None and supposed.country is None:
        return told
    known = told or Place()
    asn = supposed.asn if supposed.asn is not None else known.asn
    return known._replace(asn=asn, country=(supposed.country or known.country or "").upper() or None)


def _score(
    facts: Facts, recorded: Recorded, supposed: Supposed, heuristics: Heuristics | None, notes: list[str]
) -> Score | None:
    event = recorded.event
    if supposed.score is not None:
        return Score(supposed.score, ScoreSource.HEURISTICS, recalled.findings(event))
    if recalled.number(event, "BotScore") is not None:
        told = recalled.score(event)
        if told is None:
            notes.append("scoring failed for this request, so that bot fields are missing")
        return told
    finding = heuristics.assess(facts) if heuristics is not None else None
    score = combine([finding] if finding is not None else [])
    reasons = [detection.reason for detection in finding.detections] if finding is not None else ["nothing was found"]
    notes.append(f"the bot score is {score.value}, by heuristics alone: {' '.join(reasons)} (--score)")
    return score
