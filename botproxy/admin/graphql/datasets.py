"""The datasets: what each dimension of the original is called here, and how its values are written.

Where the original knows something that does not exist here (a cache, data centres), the dimension is there with the one
value that is true of every request, so that a query which names it still runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from botproxy.store.events import BUCKETS, FIELDS, Kind

ACTIONS: Final = {
    "jsChallenge": "jschallenge",
    "jschallenge": "jschallenge",
    "jschallengeSolved": "jschallenge_solved",
    "jschallengeBypassed": "jschallenge_bypassed",
    "challengeSolved": "challenge_solved",
    "challengeBypassed": "challenge_bypassed",
    "managedChallenge": "managed_challenge",
    "managedChallengeBypassed": "managed_challenge_bypassed",
    "managedChallengeNonInteractiveSolved": "managed_challenge_non_interactive_solved",
    "managedChallengeInteractiveSolved": "managed_challenge_interactive_solved",
    "connectionClose": "connection_close",
    "forceConnectionClose": "force_connection_close",
}
"""Words of Logpush, in which events are stored -> words of GraphQL, where they differ."""

_CONTENT: Final = {
    "": "empty",
    "javascript": "js",
    "plain": "txt",
    "octet-stream": "bin",
    "svg": "svg",
    "vnd.microsoft.icon": "ico",
}

NO_THREAT: Final = ("unknown", "log", "skip", "allow", "bypass")


class Dimension(NamedTuple):
    """A dimension of the original. Either a field of events, or one value for all of them."""

    name: str
    field: str = ""
    scalar: str = "string"  # of the schema
    constant: Any = None
    words: Mapping[str, str] | None = None  # stored -> shown, where they differ
    text: bool = False  # a number here that is a text in the original

    @property
    def seconds(self) -> int:
        """Length of the bucket of time; 0 of what is no time."""
        return BUCKETS.get(self.field, 0)

    @property
    def many(self) -> bool:
        """Whether it is a list."""
        return bool(self.field) and FIELDS[self.field].kind in (Kind.TEXTS, Kind.INTEGERS)


def _times() -> tuple[Dimension, ...]:
    return (
        Dimension("date", "day", "Date"),
        Dimension("datetime", "second", "Time"),
        Dimension("datetimeMinute", "minute", "Time"),
        Dimension("datetimeFiveMinutes", "five_minutes", "Time"),
        Dimension("datetimeFifteenMinutes", "fifteen_minutes", "Time"),
        Dimension("datetimeHour", "hour", "Time"),
    )


LOCATION: Final = "BOT"
NOT_SCORED: Final = 100
"""What the original has for a request that its attack score did not look at."""

_REQUEST: Final = (
    *_times(),
    Dimension("botScore", "score", "uint8"),
    Dimension("botScoreSrcName", "score_source"),
    Dimension("botDetectionIds", "detection_ids", "uint32"),
    Dimension("botDetectionTags", "detection_tags"),
    Dimension("clientASNDescription", constant=""),
    Dimension("clientAsn", "client_asn", text=True),
    Dimension("clientCountryName", "client_country"),
    Dimension("clientIP", "client_ip"),
    Dimension("clientIPClass", constant="noRecord"),
    Dimension("clientRefererHost", "referer_host"),
    Dimension("clientRequestHTTPHost", "host"),
    Dimension("clientRequestHTTPMethodName", "method"),
    Dimension("clientRequestHTTPProtocol", "protocol"),
    Dimension("clientRequestPath", "path"),
    Dimension("clientRequestQuery", "query"),
    Dimension("clientRequestScheme", "scheme"),
    Dimension("edgeResponseStatus", "status", "uint16"),
    Dimension("ja3Hash", "ja3"),
    Dimension("ja4", "ja4"),
    Dimension("originResponseStatus", "origin_status", "uint16"),
    Dimension("requestSource", constant="eyeball"),
    Dimension("sampleInterval", "sample_interval", "uint32"),
    Dimension("userAgent", "user_agent"),
    Dimension("verifiedBotCategory", "verified_bot_category"),
    Dimension("wafAttackScore", scalar="uint8", constant=NOT_SCORED),
    Dimension("wafAttackScoreClass", constant=""),
    *(Dimension(f"waf{each}AttackScore", scalar="uint8", constant=NOT_SCORED) for each in ("Rce", "Sqli", "Xss")),
)

HTTP: Final = {
    each.name: each
    for each in (
        *_REQUEST,
        Dimension("botManagementDecision", "score_group"),
        Dimension("botScoreBucketBy10", "score_tens", "uint8"),
        Dimension("cacheStatus", constant="dynamic"),
        Dimension("clientDeviceType", "device"),
        Dimension("clientRequestReferer", "referer"),
        Dimension("clientSSLProtocol", "client_ssl_protocol"),
        Dimension("coloCode", constant=LOCATION),
        Dimension("edgeResponseContentTypeName", "content_subtype", words=_CONTENT),
        Dimension("jsDetectionPassed", "js_detection"),
        Dimension("originIP", "origin_host"),
        Dimension("originResponseDurationMs", "origin_ms", "uint32"),
        Dimension("edgeTimeToFirstByteMs", "first_byte_ms", "uint32"),
        Dimension("edgeDnsResponseTimeMs", scalar="uint32", constant=0),
        Dimension("rayName", "ray"),
        Dimension("securityAction", "action", words=ACTIONS),
        Dimension("securitySource", "last_source"),
        Dimension("originASN", scalar="uint32", constant=0),
        Dimension("originASNDescription", constant=""),
        Dimension("upperTierColoName", constant=""),
        Dimension("userAgentBrowser", "browser"),
        Dimension("userAgentOS", "os"),
        Dimension("xRequestedWith", "x_requested_with"),
        # Of this proxy alone:
        Dimension("mode", "mode"),
        Dimension("wouldAction", "would", words=ACTIONS),
        Dimension("ruleId", "rule_id"),
        Dimension("staticResource", "static_resource", "Boolean"),
    )
}

FIREWALL: Final = {
    each.name: each
    for each in (
        *_REQUEST,
        Dimension("action", "match_action", words=ACTIONS),
        Dimension("clientRefererPath", "referer_path"),
        Dimension("clientRefererQuery", "referer_query"),
        Dimension("clientRefererScheme", "referer_scheme"),
        Dimension("description", "rule_description"),
        Dimension("edgeColoName", constant=LOCATION),
        Dimension("kind", constant="firewall"),
        Dimension("matchIndex", "match_index", "uint16"),
        Dimension("originatorRayName", "originator_ray"),
        Dimension("rayName", "ray"),
        Dimension("ref", constant=""),
        Dimension("ruleId", "match_rule_id"),
        Dimension("rulesetId", constant=""),
        Dimension("source", "match_source"),
        # Of this proxy alone:
        Dimension("mode", "mode"),
    )
}


def _counted(field: str) -> dict[str, Dimension]:
    """Times of a dataset whose rows are of a minute, an hour or a day: there `datetime` is the beginning of that."""
    at = Dimension("datetime", field, "Time")
    return {
        each.name: at if each.name == "datetime" else each for each in _times() if each.seconds >= BUCKETS[field]
    } | {"datetime": at}


HEALTH: Final = {
    each.name: each
    for each in (
        *_times(),
        Dimension("healthStatus", constant=""),
        Dimension("originIP", constant=""),
        Dimension("region", constant=""),
        Dimension("fqdn", constant=""),
        Dimension("healthCheckId", constant=""),
        Dimension("healthCheckName", constant=""),
        Dimension("failureReason", constant=""),
        Dimension("originResponseStatus", scalar="uint16", constant=0),
        Dimension("scope", constant=""),
    )
}


class Part(NamedTuple):
    """A number of a group: `sum { bytes }`. The field is what is summed; a condition is what it is of."""

    name: str
    aggregate: str
    field: str = ""
    scalar: str = "uint64"
    only: str = ""  # "https", "threats", "4xx", "5xx": of these requests alone
    zero: bool = False  # always 0 here


class Map(NamedTuple):
    """A list in `sum`: one entry for each value of a field."""

    name: str
    key: str  # as the original calls it
    field: str
    scalar: str
    parts: tuple[Part, ...]
    words: Mapping[str, str] | None = None
    constant: str = ""  # instead of a field


_REQUESTS = Part("requests", "count")
_BYTES = Part("bytes", "sum", "response_bytes")
_THREATS = Part("threats", "count", only="threats")
_VIEWS = Part("pageViews", "sum", "page_view")

MAPS: Final = (
    Map("browserMap", "uaBrowserFamily", "browser", "string", (_VIEWS,)),
    Map("clientHTTPVersionMap", "clientHTTPProtocol", "protocol", "string", (_REQUESTS,)),
    Map("clientSSLMap", "clientSSLProtocol", "client_ssl_protocol", "string", (_REQUESTS,)),
    Map("contentTypeMap", "edgeResponseContentTypeName", "content_subtype", "string", (_REQUESTS, _BYTES), _CONTENT),
    Map("countryMap", "clientCountryName", "client_country", "string", (_REQUESTS, _BYTES, _THREATS)),
    Map("ipClassMap", "ipType", "", "string", (_REQUESTS,), constant="noRecord"),
    Map("responseStatusMap", "edgeResponseStatus", "status", "uint16", (_REQUESTS,)),
    Map(
        "threatPathingMap",
        "threatPathingName",
        "action",
        "string",
        (Part("requests", "count", only="threats"),),
        ACTIONS,
    ),
)

_TIMES_MS = (("edgeTimeToFirstByteMs", "first_byte_ms"), ("originResponseDurationMs", "origin_ms"))
_INTERVAL = Part("sampleInterval", "avg", "sample_interval", "float64")


class Dataset(NamedTuple):
    """One node below `zones`."""

    name: str
    dimensions: Mapping[str, Dimension]
    scope: str = "requests"
    grouped: bool = True
    parts: Mapping[str, tuple[Part, ...]] = {}  # "sum", "avg", "uniq", "quantiles", "ratio" -> what is in it
    maps: tuple[Map, ...] = ()
    counted: bool = True  # whether there is `count` and `confidence`
    enabled: bool = True
    about: str = ""

    @property
    def type(self) -> str:
        """Name of the type of a row."""
        return "Zone" + self.name[0].upper() + self.name[1:]


_DNS: Final = "edgeDnsResponseTimeMs"
"""How long the original looks for an address of the origin; here that is part of the time of the origin."""

_ADAPTIVE: Final = {
    "sum": (
        Part(_DNS, "sum", zero=True),
        Part("edgeResponseBytes", "sum", "response_bytes"),
        Part("edgeRequestBytes", "sum", "request_bytes"),
        Part("visits", "sum", "visit"),
        *(Part(name, "sum", field) for name, field in _TIMES_MS),
    ),
    "avg": (
        _INTERVAL,
        Part(_DNS, "avg", scalar="float64", zero=True),
        *(Part(name, "avg", field, "float64") for name, field in _TIMES_MS),
    ),
    "quantiles": tuple(
        Part(f"{name}{percentile.upper()}", percentile, field, "float64", zero=name == _DNS)
        for name, field in (*_TIMES_MS, (_DNS, ""))
        for percentile in ("p50", "p75", "p90", "p95", "p99")
    ),
    "ratio": (
        Part("status4xx", "count", scalar="float64", only="4xx"),
        Part("status5xx", "count", scalar="float64", only="5xx"),
    ),
    "uniq": (Part("uniques", "uniq", "client_ip"),),
}
_COUNTED_PARTS: Final = {
    "sum": (
        _REQUESTS,
        _BYTES,
        Part("cachedBytes", "count", zero=True),
        Part("cachedRequests", "count", zero=True),
        Part("encryptedBytes", "sum", "response_bytes", only="https"),
        Part("encryptedRequests", "count", only="https"),
        _VIEWS,
        _THREATS,
    ),
    "uniq": (Part("uniques", "uniq", "client_ip"),),
    "avg": (Part("bytes", "avg", "response_bytes", "float64"), _INTERVAL),
}
_HEALTH_MS: Final = ("rttMs", "tcpConnMs", "timeToFirstByteMs", "tlsHandshakeMs")

DATASETS: Final = {
    each.name: each
    for each in (
        Dataset("httpRequestsAdaptive", HTTP, grouped=False, about="Single requests."),
        Dataset("httpRequestsAdaptiveGroups", HTTP, parts=_ADAPTIVE, about="Requests by any of their properties."),
        *(
            Dataset(
                f"httpRequests1{unit[0]}Groups",
                _counted(unit),
                parts=_COUNTED_PARTS,
                maps=MAPS,
                counted=False,
                about=f"Requests by {unit}.",
            )
            for unit in ("minute", "hour", "day")
        ),
        Dataset("firewallEventsAdaptive", FIREWALL, "security", grouped=False, about="What rules said, one by one."),
        Dataset(
            "firewallEventsAdaptiveGroups",
            FIREWALL,
            "security",
            parts={"avg": (_INTERVAL,)},
            about="What rules said, by any of its properties.",
        ),
        Dataset(
            "firewallEventsAdaptiveByTimeGroups",
            FIREWALL,
            "security",
            parts={"avg": (_INTERVAL,)},
            about="What rules said, over time.",
        ),
        *(
            Dataset(
                name,
                HEALTH,
                parts={"avg": (_INTERVAL, *(Part(each, "avg", scalar="float64", zero=True) for each in _HEALTH_MS))},
                enabled=False,
                about="Always empty: there are no health checks here.",
            )
            for name in ("healthCheckEventsAdaptiveGroups", "healthCheckEventsGroups")
        ),
    )
}
