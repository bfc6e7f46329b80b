"""The facts of a recorded request, read back from its event under Logpush names, as far as an event has them.

An event has no headers but Host, User-Agent, Referer and X-Requested-With, no cookies and no body, and its query may be
without values.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
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
    scored = score(event)
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
        bot_management=None if scored is None else BotManagement(scored, verified_bot(event), js_passed(event)),
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
    pairs = [(name.encode(), _wire(text(event, field))) for name, field in HEADERS.items()]
    return Headers(tuple([(name, value) for name, value in pairs if value]))


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
    version = text(event, "ClientSSLProtocol").removeprefix("none")
    ja3, ja4 = text(event, "JA3Hash"), text(event, "JA4")
    return Tls(version, text(event, "ClientSSLCipher"), ja3, ja4) if version or ja3 or ja4 else None


def place(event: _Named) -> Place | None:
    """Where the address was; None where that was not known."""
    asn, country = number(event, "ClientASN") or None, text(event, "ClientCountry").upper() or None
    return Place(asn=asn, country=country) if asn is not None or country is not None else None


def score(event: _Named) -> Score | None:
    """The bot score; None where there is none, or scoring failed."""
    value = number(event, "BotScore")
    if value is None or event.get("BotproxyScoringFailed") is True:
        return None
    source = _SOURCES.get(text(event, "BotScoreSrc"), ScoreSource.NOT_COMPUTED)
    return Score(value, source, findings(event), number(event, "BotproxyScoreLift") or 0)


def findings(event: _Named) -> tuple[Finding, ...]:
    """The detections that matched, by their ids."""
    ids = event.get("BotDetectionIDs")
    numbers = [each for each in ids if isinstance(each, int)] if isinstance(ids, list | tuple) else []
    detections = tuple([Detection(each, "", "") for each in numbers])
    return (Finding(ScoreSource.HEURISTICS, 1, detections),) if detections else ()


def verified_bot(event: _Named) -> VerifiedBot | None:
    """The verified bot, whose name an event does not have; None when it was none."""
    category = text(event, "VerifiedBotCategory")
    return VerifiedBot("recorded", category) if category else None


def js_passed(event: _Named) -> bool | None:
    """What JavaScript detections said; None before a report."""
    return {"passed": True, "failed": False}.get(text(event, "JSDetectionPassed"))


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
