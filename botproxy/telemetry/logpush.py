"""An event under the names of Cloudflare Logpush (`http_requests`; reference section 10.3), and a few of our own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from botproxy.model import Event
from botproxy.telemetry.settings import Timestamps

LOGPUSH_NAMES: Final[dict[str, str]] = {
    "ray": "RayID",
    "start": "EdgeStartTimestamp",
    "end": "EdgeEndTimestamp",
    "zone": "ZoneName",
    "client_ip": "ClientIP",
    "client_port": "ClientSrcPort",
    "client_country": "ClientCountry",
    "client_asn": "ClientASN",
    "client_ssl_protocol": "ClientSSLProtocol",
    "client_ssl_cipher": "ClientSSLCipher",
    "ja3": "JA3Hash",
    "ja4": "JA4",
    "method": "ClientRequestMethod",
    "scheme": "ClientRequestScheme",
    "host": "ClientRequestHost",
    "path": "ClientRequestPath",
    "query": "ClientRequestURI",  # the path and the query, as the original has it
    "protocol": "ClientRequestProtocol",
    "user_agent": "ClientRequestUserAgent",
    "referer": "ClientRequestReferer",
    "x_requested_with": "ClientXRequestedWith",
    "request_bytes": "ClientRequestBytes",
    "status": "EdgeResponseStatus",
    "response_bytes": "EdgeResponseBytes",
    "body_bytes": "EdgeResponseBodyBytes",
    "content_type": "EdgeResponseContentType",
    "first_byte_ms": "EdgeTimeToFirstByteMs",
    "origin_status": "OriginResponseStatus",
    "origin_ms": "OriginResponseDurationMs",
    "score": "BotScore",
    "score_source": "BotScoreSrc",
    "detection_ids": "BotDetectionIDs",
    "detection_tags": "BotDetectionTags",
    "bot_tags": "BotTags",
    "verified_bot_category": "VerifiedBotCategory",
    "js_detection": "JSDetectionPassed",
    "actions": "SecurityActions",
    "rule_ids": "SecurityRuleIDs",
    "sources": "SecuritySources",
    "action": "SecurityAction",
    "rule_id": "SecurityRuleID",
    "rule_description": "SecurityRuleDescription",
}
"""Event column -> Logpush name."""

EXTENSION_NAMES: Final[dict[str, str]] = {
    "mode": "BotproxyMode",  # observe or enforce
    "would": "BotproxyWouldAction",  # what enforcing would have done
    "origin": "BotproxyOrigin",  # host:port or path of a socket; OriginIP is an address alone
    "score_group": "BotproxyScoreGroup",
    "reasons": "BotproxyReasons",  # why the score is what it is, one text a detection
    "static_resource": "BotproxyStaticResource",
    "session": "BotproxySession",  # identifies a session of __cf_bm, opens nothing
    "originator_ray": "OriginatorRayID",  # a name of firewall_events, here on the request that solves a challenge
    "scoring_failed": "BotproxyScoringFailed",
    "unevaluated": "BotproxyRulesUnevaluated",
    "ending": "BotproxyEnding",  # finished, client_left, origin_failed, refused, drained
    "detail": "BotproxyDetail",  # why it failed; for operators
    "shadow_actions": "BotproxyShadowActions",  # what rules in shadow mode would have done
    "shadow_rule_ids": "BotproxyShadowRuleIDs",  # which ones, aligned with their actions
    "peer_bot_score": "BotproxyPeerBotScore",  # of a listed peer in front, such as the original itself
    "score_lift": "BotproxyScoreLift",  # points of BotScore that the session's earlier scores lent
    "features": "BotproxyFeatures",  # what the model was asked; `botproxy explain` reads it
    "header_fingerprint": "BotproxyHeaderFingerprint",  # which headers, in what order, how spelled
    "shadow_detection_ids": "BotproxyShadowDetectionIDs",  # of fingerprints that the zone only watches
    "shadow_score": "BotproxyShadowScore",  # by the model on trial; 0 where it was not asked
    "http2_fingerprint": "BotproxyHTTP2Fingerprint",  # SETTINGS|WINDOW_UPDATE|priorities|pseudo-header fields
    "cloud": "BotproxyCloud",  # in whose published ranges the address is, such as "aws"
    "hosting": "BotproxyHosting",  # and programs live there
}
"""Event column -> a name that Logpush does not have."""

_ALL: Final = {**LOGPUSH_NAMES, **EXTENSION_NAMES}
_NAMES: Final[tuple[str, ...]] = tuple(_ALL[column] for column in Event._fields)
_START, _END = Event._fields.index("start"), Event._fields.index("end")
_PATH, _QUERY = Event._fields.index("path"), Event._fields.index("query")


def to_logpush(row: Sequence[Any], timestamps: Timestamps = "rfc3339") -> dict[str, Any]:
    """One event row, as `tuple(event)` or as it came over a link, under its names. ValueError for another length."""
    named: dict[str, Any] = {}
    _rename(row, TIME_WRITERS[timestamps], named)
    return named


def append_lines(lines: bytearray, rows: Sequence[Sequence[Any]], timestamps: Timestamps) -> None:
    """Append each of these rows as a line of JSON under its names. ValueError for a row of another length."""
    # One mapping that is filled again and again, and one piece of memory that grows: a new mapping for every row costs
    # twice as much, and hundreds of lines that live until they are joined are fetched from the system each time.
    write = TIME_WRITERS[timestamps]
    named: dict[str, Any] = {}
    for row in rows:
        _rename(row, write, named)
        lines += orjson.dumps(named, option=orjson.OPT_APPEND_NEWLINE)


def _rename(row: Sequence[Any], write: Callable[[float], str | int], named: dict[str, Any]) -> None:
    named.update(zip(_NAMES, row, strict=True))
    named["EdgeStartTimestamp"] = write(row[_START])
    named["EdgeEndTimestamp"] = write(row[_END])
    if row[_QUERY]:
        named["ClientRequestURI"] = f"{row[_PATH]}?{row[_QUERY]}"
    else:
        named["ClientRequestURI"] = row[_PATH]


@lru_cache(maxsize=64)
def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


def _rfc3339(when: float) -> str:
    return _second(int(when)) + "Z"


def _rfc3339ms(when: float) -> str:
    return f"{_second(int(when))}.{int(when % 1 * 1e3):03d}Z"


def _rfc3339ns(when: float) -> str:
    # A float of this size is exact to about a quarter of a microsecond; the rest is zeros.
    return f"{_second(int(when))}.{int(when % 1 * 1e6):06d}000Z"


def _unixnano(when: float) -> int:
    return int(when * 1e6) * 1000


TIME_WRITERS: Final[dict[Timestamps, Callable[[float], str | int]]] = {
    "rfc3339": _rfc3339,
    "rfc3339ms": _rfc3339ms,
    "rfc3339ns": _rfc3339ns,
    "unix": int,
    "unixnano": _unixnano,
}
"""How a time is written, in seconds since 1970."""
