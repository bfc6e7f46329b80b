"""A recorded request, from the event store or from a line of events, in the one form that rules are tried on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from botproxy.telemetry.logpush import EXTENSION_NAMES, LOGPUSH_NAMES

SOLVED: Final = frozenset(
    (
        "jschallengeSolved",
        "managedChallengeNonInteractiveSolved",
        "managedChallengeInteractiveSolved",
        "challengeSolved",
    )
)
"""Logpush words of the request that hands in a solution."""

CLAIMED: Final = "says that it is "
"""How the detail of an imported event begins whose client says that it is a bot, which nobody checked."""


class Recorded(NamedTuple):
    """What is recorded of one request, as far as rules and people look at it; the names are those of `model.Event`."""

    ray: str
    start: float  # seconds since the epoch; the store has whole microseconds
    zone: str
    mode: str
    client_ip: str
    client_country: str
    client_asn: int
    client_ssl_protocol: str
    client_ssl_cipher: str
    ja3: str
    ja4: str
    method: str
    scheme: str
    host: str
    path: str
    query: str
    protocol: str
    user_agent: str
    referer: str
    x_requested_with: str
    status: int
    content_type: str
    score: int
    score_source: str
    score_group: str
    detection_ids: Sequence[int]
    verified_bot_category: str
    js_detection: str
    static_resource: bool
    session: str
    actions: Sequence[str]
    rule_ids: Sequence[str]
    sources: Sequence[str]
    action: str
    would: str
    rule_id: str
    scoring_failed: bool
    http2_fingerprint: str
    cloud: str
    hosting: bool
    detail: str = ""
    sample_interval: int = 1  # how many requests this one stands for
    sequence: int = 0


STORED: Final = Recorded._fields
"""What to ask an event store for."""

_START: Final = STORED.index("start")

_NAMES: Final = {**LOGPUSH_NAMES, **EXTENSION_NAMES}

_TEXT, _NUMBER, _SWITCH, _TEXTS, _NUMBERS = "", 0, False, (), (0,)
_KINDS: Final[dict[str, Any]] = {
    "client_asn": _NUMBER,
    "status": _NUMBER,
    "score": _NUMBER,
    "detection_ids": _NUMBERS,
    "static_resource": _SWITCH,
    "actions": _TEXTS,
    "rule_ids": _TEXTS,
    "sources": _TEXTS,
    "scoring_failed": _SWITCH,
    "hosting": _SWITCH,
}


def from_store(row: Sequence[Any]) -> Recorded:
    """The request of a row that has the fields of `STORED`."""
    given = list(row)
    given[_START] = given[_START] / 1e6
    return Recorded._make(given)


def _texts(value: Any) -> Sequence[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else ()


def _numbers(value: Any) -> Sequence[int]:
    return [each for each in value if isinstance(each, int)] if isinstance(value, list) else ()


def _plan() -> tuple[tuple[str, str, Any], ...]:
    """For each field its Logpush name, and what stands for it where it is missing or of another kind."""
    names = []
    for field in STORED:
        if field in ("sample_interval", "sequence"):
            continue
        names.append((field, _NAMES[field], _KINDS.get(field, _TEXT)))
    return tuple(names)


_PLAN: Final = _plan()
_SPECIAL: Final = {"start", "query", "detection_ids", "actions", "rule_ids", "sources"}
_PLAIN: Final = tuple((at, name, type(blank), blank) for at, (field, name, blank) in enumerate(_PLAN)
                      if field not in _SPECIAL)  # fmt: skip
_AT: Final = {field: at for at, (field, _, _) in enumerate(_PLAN)}
_QUERY_AT, _DETECTIONS_AT = _AT["query"], _AT["detection_ids"]
_LISTS: Final = tuple((_AT[field], _NAMES[field]) for field in ("actions", "rule_ids", "sources"))
_BLANK: Final[list[Any]] = [blank if not isinstance(blank, tuple) else () for _, _, blank in _PLAN]


def from_line(event: Mapping[str, Any]) -> Recorded | None:
    """The request of an event under its Logpush names; None for what is no event, or has no time."""
    start = when(event.get("EdgeStartTimestamp"))
    if start is None or not isinstance(event.get("ClientRequestMethod"), str):
        return None
    values = _BLANK.copy()
    get = event.get
    for at, name, kind, _ in _PLAIN:
        value = get(name)
        if type(value) is kind:
            values[at] = value
    values[_START] = start
    target = get("ClientRequestURI")
    if type(target) is str:
        values[_QUERY_AT] = target.partition("?")[2]
    found = get("BotDetectionIDs")
    if found:
        values[_DETECTIONS_AT] = _numbers(found)
    for at, name in _LISTS:
        found = get(name)
        if found:
            values[at] = _texts(found)
    return Recorded._make((*values, 1, 0))


def when(value: object) -> float | None:
    """Seconds since the epoch of a time in any of the forms that events are written with; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value / 1e9 if value > 10**12 else float(value)
    return _parsed(value) if isinstance(value, str) else None


@lru_cache(maxsize=256)
def _parsed(text: str) -> float | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp()


_EMPTY: Final = Recorded._make(
    (*(0.0 if field == "start" else value for (field, _, _), value in zip(_PLAN, _BLANK, strict=True)), 1, 0)
)


def blank(**changes: Any) -> Recorded:
    """A record of nothing, with these changes."""
    return _EMPTY._replace(**changes)
