"""The facts of a recorded request, read back from its event under Logpush names, as far as an event has them.

An event has no headers but Host, User-Agent, Referer and X-Requested-With, no cookies and no body, and its query may be
without values.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from botproxy.addresses import parse_address
from botproxy.model import (
    Body,
    BotManagement,
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
    Tls,
    VerifiedBot,
)

HEADERS: Final = {
    "Host": "ClientRequestHost",
    "User-Agent": "ClientRequestUserAgent",
    "Referer": "ClientRequestReferer",
    "X-Requested-With": "ClientXRequestedWith",
}
"""Name of a header -> the field of an event that has its value."""

_JS: Final = {"passed": True, "failed": False}
_SOURCES: Final = {source.value: source for source in ScoreSource}
_NOBODY: Final = parse_address("192.0.2.1")
_Named = Mapping[str, Any]


def facts(event: _Named) -> Facts:
    """What rules may read of this request."""
    address = parse_address(text(event, "ClientIP")) or _NOBODY
    assert address is not None
    path, _, query = text(event, "ClientRequestURI").partition("?")
    request_headers = headers(event)
    cloud = text(event, "BotproxyCloud")
    request = Request(
        ray=text(event, "RayID"),
        received=received(event),
        method=_wire(text(event, "ClientRequestMethod")),
        target=_wire(text(event, "ClientRequestURI")),
        path=_wire(text(event, "ClientRequestPath") or path),
        query=_wire(query) if "?" in text(event, "ClientRequestURI") else None,
        version=text(event, "ClientRequestProtocol"),
        secure=event.get("ClientRequestScheme") == "https",
        authority=_wire(text(event, "ClientRequestHost")),
        host=text(event, "ClientRequestHost"),
        headers=request_headers,
        body_length=0,
    )
    client = Client(
        address,
        str(address),
        number(event, "ClientSrcPort") or 0,
        str(address),
        tls(event),
        place(event),
        peer_bot_score=number(event, "BotproxyPeerBotScore") or 0,
        http2=text(event, "BotproxyHTTP2Fingerprint"),
        cloud=Cloud(cloud, event.get("BotproxyHosting") is True) if cloud else None,
    )
    return Facts(
        request=request,
        client=client,
        zone=text(event, "ZoneName"),
        static_resource=event.get("BotproxyStaticResource") is True,
        session=None,
        clearance=None,
        memo={},
        bot_management=bots(event),
        scoring_failed=event.get("BotproxyScoringFailed") is True,
        body=Body(b"", False, 0),
        response=ResponseFacts(
            number(event, "EdgeResponseStatus") or 0,
            Headers(()),
            _wire(text(event, "EdgeResponseContentType")),
            origin_ms=number(event, "OriginResponseDurationMs"),
        ),
    )


def headers(event: _Named) -> Headers:
    """The headers that an event has."""
    return headers_of(*[text(event, field) for field in HEADERS.values()])


@lru_cache(maxsize=8192)
def headers_of(host: str, user_agent: str, referer: str, x_requested_with: str) -> Headers:
    """A block with the four headers that are recorded; the same one again, so that what follows from it is kept."""
    pairs = zip(HEADERS, (host, user_agent, referer, x_requested_with), strict=True)
    return Headers(tuple([(name.encode(), _wire(value)) for name, value in pairs if value]))


def received(event: _Named) -> float:
    """When the request began, in seconds since 1970, in whichever form the event has it; now where it does not say."""
    value = event.get("EdgeStartTimestamp")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1e9 if value > 10**12 else float(value)
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            pass
    return time.time()


def tls(event: _Named) -> Tls | None:
    """What is known of TLS; None without it."""
    return tls_of(*[text(event, key) for key in ("ClientSSLProtocol", "ClientSSLCipher", "JA3Hash", "JA4")])


def tls_of(version: str, cipher: str, ja3: str, ja4: str) -> Tls | None:
    """What is recorded of TLS, whose version is `none` without it."""
    version = "" if version == "none" else version
    return Tls(version, cipher, ja3, ja4) if version or ja3 or ja4 else None


def place(event: _Named) -> Place | None:
    """Where the address was; None where that was not known."""
    return place_of(number(event, "ClientASN") or 0, text(event, "ClientCountry").upper())


def place_of(asn: int, country: str) -> Place | None:
    """Where an address was, 0 and "" standing for what was not known."""
    return Place(asn or None, country or None) if asn or country else None


def bots(event: _Named) -> BotManagement | None:
    """The bot fields; None where there is no score, or scoring failed."""
    if number(event, "BotScore") is None or event.get("BotproxyScoringFailed") is True:
        return None
    return _bots(event)


def score(event: _Named) -> Score | None:
    """The bot score; None where there is none, or scoring failed."""
    found = bots(event)
    return None if found is None else found.score


def findings(event: _Named) -> tuple[Finding, ...]:
    """The detections that matched, by their ids."""
    return _bots(event).score.findings


def verified_bot(event: _Named) -> VerifiedBot | None:
    """The verified bot, whose name an event does not have; None when it was none."""
    return _bots(event).verified_bot


def js_passed(event: _Named) -> bool | None:
    """What JavaScript detections said; None before a report."""
    return _bots(event).js_passed


def _bots(event: _Named) -> BotManagement:
    ids = event.get("BotDetectionIDs")
    return bots_of(
        number(event, "BotScore") or 0,
        text(event, "BotScoreSrc"),
        [each for each in ids if isinstance(each, int)] if isinstance(ids, list | tuple) else [],
        text(event, "VerifiedBotCategory"),
        text(event, "JSDetectionPassed"),
        number(event, "BotproxyScoreLift") or 0,
    )


def bots_of(
    value: int, source: str, detection_ids: Sequence[int], category: str, js_detection: str, lift: int = 0
) -> BotManagement:
    """The bot fields of what is recorded. Of a detection that is its id, of a verified bot its category."""
    detections = tuple([Detection(each, "", "") for each in detection_ids])
    findings = (Finding(ScoreSource.HEURISTICS, 1, detections),) if detections else ()
    return BotManagement(
        Score(value, _SOURCES.get(source, ScoreSource.NOT_COMPUTED), findings, lift),
        VerifiedBot("recorded", category) if category else None,
        _JS.get(js_detection),
    )


def text(event: _Named, key: str) -> str:
    """A text of an event; the empty one where it has none."""
    value = event.get(key)
    return value if isinstance(value, str) else ""


def number(event: _Named, key: str) -> int | None:
    """A whole number of an event; None where it has none."""
    value = event.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _wire(value: str) -> bytes:
    return value.encode("utf-8", "replace")
