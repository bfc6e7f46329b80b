"""The facts of a recorded request, as the proxy had them, as far as they are recorded."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from botproxy.addresses import parse_address
from botproxy.model import (
    Address,
    BotManagement,
    Clearance,
    Client,
    Cloud,
    Detection,
    Facts,
    Finding,
    Headers,
    Place,
    Request,
    ResponseFacts,
    Score,
    ScoreSource,
    Session,
    Tls,
    VerifiedBot,
)
from botproxy.simulation.recorded import Recorded

NOWHERE: Final = parse_address("::")
"""Stands for an address that is no longer recorded as one, because it was hashed."""

_SOURCES: Final = {source.value: source for source in ScoreSource}
_JS: Final = {"passed": True, "failed": False}
_NO_HEADERS: Final = Headers(())


def facts_of(recorded: Recorded, clearance: Clearance | None = None) -> Facts:
    """The facts, before any rule looked at them. What is not recorded is missing: `knowing` says what that is."""
    client_ip = recorded.client_ip
    query = recorded.query
    path = recorded.path.encode("utf-8", "replace")
    asked = query.encode("utf-8", "replace") if query else None
    host = recorded.host
    secure = recorded.scheme == "https"
    protocol = recorded.client_ssl_protocol
    tls = None
    if protocol != "none" or recorded.ja4 or recorded.ja3:
        tls = Tls("" if protocol == "none" else protocol, recorded.client_ssl_cipher, recorded.ja3, recorded.ja4)
    place = None
    if recorded.client_asn or recorded.client_country:
        place = Place(recorded.client_asn or None, recorded.client_country or None)
    client = Client(
        _address(client_ip),
        client_ip,
        0,
        client_ip,
        tls,
        place,
        0,
        None,
        0,
        recorded.http2_fingerprint,
        Cloud(recorded.cloud, recorded.hosting),
    )
    request = Request(
        recorded.ray,
        recorded.start,
        recorded.method.encode("utf-8", "replace"),
        path if asked is None else path + b"?" + asked,
        path,
        asked,
        recorded.protocol,
        secure,
        host.encode("utf-8", "replace"),
        host,
        _headers(host, recorded.user_agent, recorded.referer, recorded.x_requested_with),
        0 if recorded.method in BODILESS else None,
    )
    return Facts(
        request,
        client,
        recorded.zone,
        recorded.static_resource,
        Session(recorded.session, 0.0, 0.0, 0) if recorded.session else None,
        clearance,
        {},
        None if recorded.scoring_failed else _bots(recorded),
        recorded.scoring_failed,
    )


BODILESS: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""Methods whose requests are taken to have no body; of others it is not recorded."""


def answered(facts: Facts, recorded: Recorded) -> Facts:
    """The same with what is recorded of the answer, for what counts afterwards."""
    kind = recorded.content_type.encode("utf-8", "replace")
    return facts._replace(response=ResponseFacts(recorded.status, _NO_HEADERS, kind))


def _bots(recorded: Recorded) -> BotManagement:
    ids = recorded.detection_ids
    findings: tuple[Finding, ...] = ()
    if ids:
        findings = (Finding(ScoreSource.HEURISTICS, 1, tuple([Detection(each, "", "") for each in ids])),)
    category = recorded.verified_bot_category
    return BotManagement(
        Score(recorded.score, _SOURCES.get(recorded.score_source, ScoreSource.NOT_COMPUTED), findings),
        VerifiedBot("recorded", category) if category else None,
        _JS.get(recorded.js_detection),
    )


@lru_cache(maxsize=8192)
def _address(text: str) -> Address:
    address = parse_address(text) or NOWHERE
    assert address is not None
    return address


@lru_cache(maxsize=8192)
def _headers(host: str, user_agent: str, referer: str, x_requested_with: str) -> Headers:
    """A block with the four headers that are recorded; the same one again, so that what follows from it is kept."""
    named = (
        (b"Host", host),
        (b"User-Agent", user_agent),
        (b"Referer", referer),
        (b"X-Requested-With", x_requested_with),
    )
    return Headers(tuple([(name, value.encode("utf-8", "replace")) for name, value in named if value]))
