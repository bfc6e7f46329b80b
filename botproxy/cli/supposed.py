"""The facts of a recorded request, as the proxy would have them, and as somebody supposes them to be."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from botproxy.addresses import parse_address
from botproxy.cli.recorded import Recorded, RecordedError, origin_form
from botproxy.errors import ClientError
from botproxy.model import (
    Address,
    Body,
    BotManagement,
    Client,
    Detection,
    Facts,
    Finding,
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
    address = _address(supposed.address or _text(event, "ClientIP"), notes)
    client = Client(
        address,
        str(address),
        0,
        str(address),
        _tls(event, supposed),
        _place(event, supposed),
    )
    body = recorded.body
    answered = ResponseFacts(recorded.status, Headers(())) if recorded.status is not None else None
    facts = Facts(
        request=request,
        client=client,
        zone=_text(event, "ZoneName"),
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
    verified = _verified(event, supposed)
    bots = BotManagement(score, verified, _js(event, supposed))
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
        ray=_text(recorded.event, "RayID") or "0" * 16,
        received=_when(recorded.event.get("EdgeStartTimestamp")),
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


def _when(value: object) -> float:
    if isinstance(value, int):
        return value / 1e9 if value > 10**12 else float(value)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            pass
    return time.time()


def _address(text: str, notes: list[str]) -> Address:
    if not text:
        notes.append(f"no address was given: ip.src is taken to be {NOBODY} (--ip)")
    address = parse_address(text or NOBODY)
    if address is None:
        raise RecordedError(f"`{text[:80]}` is no address")
    return address


def _text(event: Mapping[str, Any], key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def _number(event: Mapping[str, Any], key: str) -> int | None:
    value = event.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _tls(event: Mapping[str, Any], supposed: Supposed) -> Tls | None:
    version = _text(event, "ClientSSLProtocol").removeprefix("none")
    ja3, ja4 = supposed.ja3 or _text(event, "JA3Hash"), supposed.ja4 or _text(event, "JA4")
    return Tls(version, _text(event, "ClientSSLCipher"), ja3, ja4) if version or ja3 or ja4 else None


def _place(event: Mapping[str, Any], supposed: Supposed) -> Place | None:
    asn = supposed.asn if supposed.asn is not None else _number(event, "ClientASN") or None
    country = (supposed.country or _text(event, "ClientCountry")).upper() or None
    return Place(asn=asn, country=country) if asn is not None or country is not None else None


def _score(
    facts: Facts, recorded: Recorded, supposed: Supposed, heuristics: Heuristics | None, notes: list[str]
) -> Score | None:
    event = recorded.event
    value = _number(event, "BotScore")
    if supposed.score is not None:
        return Score(supposed.score, ScoreSource.HEURISTICS, _findings(event))
    if value is not None:
        if event.get("BotproxyScoringFailed") is True:
            notes.append("scoring failed for this request, so that bot fields are missing")
            return None
        words = {source.value: source for source in ScoreSource}
        return Score(value, words.get(_text(event, "BotScoreSrc"), ScoreSource.NOT_COMPUTED), _findings(event))
    finding = heuristics.assess(facts) if heuristics is not None else None
    score = combine([finding] if finding is not None else [])
    reasons = [detection.reason for detection in finding.detections] if finding is not None else ["nothing was found"]
    notes.append(f"the bot score is {score.value}, by heuristics alone: {' '.join(reasons)} (--score)")
    return score


def _findings(event: Mapping[str, Any]) -> tuple[Finding, ...]:
    ids = event.get("BotDetectionIDs")
    numbers = [each for each in ids if isinstance(each, int)] if isinstance(ids, list) else []
    detections = tuple(Detection(number, "", "") for number in numbers)
    return (Finding(ScoreSource.HEURISTICS, 1, detections),) if detections else ()


def _verified(event: Mapping[str, Any], supposed: Supposed) -> VerifiedBot | None:
    category = supposed.verified_bot if supposed.verified_bot is not None else _text(event, "VerifiedBotCategory")
    return VerifiedBot("supposed", category) if category else None


def _js(event: Mapping[str, Any], supposed: Supposed) -> bool | None:
    word = supposed.js or _text(event, "JSDetectionPassed")
    return {"passed": True, "failed": False}.get(word)
