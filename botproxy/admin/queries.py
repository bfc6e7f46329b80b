"""The questions that a dashboard asks, made of one view: a range of time, sites, and a filter. Pure.

A filter travels as JSON, `[["score", "leq", 29], ["path", "like", "/api/%"]]`: each part a field of the store, an
operator and a value, and all of them are true. It is the same in an address, in a request and in a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from botproxy.store.events import (
    BUCKETS,
    FIELDS,
    MICROSECONDS,
    All,
    Condition,
    Events,
    Filter,
    Groups,
    Measure,
    Not,
    Order,
    QueryError,
    Span,
)

COUNT: Final = Measure("count")
MAX_POINTS: Final = 400
"""Of a chart over time; the bucket is chosen so that there are fewer."""

DAY: Final = 86400
MAX_SECONDS: Final = 400 * DAY
MAX_CONDITIONS: Final = 50
MAX_FILTER: Final = 64 * 1024
SERIES: Final = ("score_group", "action", "score_source", "status_class", "would", "js_detection", "zone")
"""What a chart over time may be split by."""

TOPS: Final = (
    "client_ip",
    "client_asn",
    "client_country",
    "path",
    "host",
    "user_agent",
    "ja4",
    "ja3",
    "method",
    "verified_bot_category",
    "detection_ids",
    "detection_tags",
    "bot_tags",
    "rule_id",
    "status",
    "browser",
    "os",
    "device",
    "referer_host",
    "protocol",
)
"""What requests may be ranked by."""

LOGGED: Final = (
    "sequence",
    "ray",
    "start",
    "zone",
    "client_ip",
    "client_country",
    "client_asn",
    "method",
    "host",
    "path",
    "user_agent",
    "status",
    "score",
    "score_source",
    "score_group",
    "verified_bot_category",
    "action",
    "would",
    "rule_id",
    "detection_ids",
    "sample_interval",
)
"""What a line of the log shows."""


class View(NamedTuple):
    """What a page looks at."""

    span: Span
    zones: tuple[str, ...] | None
    filter: Filter


def read_view(given: Mapping[str, str], now: float) -> View:
    """A view from the parameters of an address: `since` and `until` in seconds since 1970 (or `since` below 0: so long
    ago), `zone` (several with commas), `filter`. Raises QueryError."""
    until = _number(given, "until", now)
    since = _number(given, "since", -DAY)
    if since < 0:
        since += until
    if not 0 <= since < until or until - since > MAX_SECONDS or until > 1e11:
        raise QueryError(f"since is before until, and at most {MAX_SECONDS // DAY} days before")
    zones = tuple(name for name in given.get("zone", "").split(",") if name) or None
    return View(Span(int(since * MICROSECONDS), int(until * MICROSECONDS)), zones, read_filter(given.get("filter", "")))


def _number(given: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(given.get(name) or default)
    except ValueError:
        value = float("nan")
    if not -1e11 < value < 1e11:
        raise QueryError(f"{name} is a number of seconds")
    return value


def read_filter(text: str) -> Filter:
    """A filter from JSON; an empty text is true of everything. Raises QueryError."""
    right = 'a filter is a list such as [["score", "leq", 29], ["path", "like", "/api/%"]]'
    if not text:
        return All(())
    if len(text) > MAX_FILTER:
        raise QueryError(f"a filter has at most {MAX_FILTER} characters")
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise QueryError(right) from None
    if not isinstance(given, list) or len(given) > MAX_CONDITIONS:
        raise QueryError(right)
    parts: list[Filter] = []
    for each in given:
        if not isinstance(each, list) or len(each) != 3 or not all(isinstance(word, str) for word in each[:2]):
            raise QueryError(right)
        field, operator, value = each
        if operator == "hasnot":
            parts.append(Not(Condition(field, "has", value)))
            continue
        if operator not in _OPERATORS:
            raise QueryError(f"there is no operator {operator!r}; there are {', '.join(_OPERATORS)}, hasnot")
        parts.append(Condition(field, operator, tuple(value) if isinstance(value, list) else value))
    return All(tuple(parts))


_OPERATORS: Final[tuple[Any, ...]] = (
    *("eq", "neq", "gt", "geq", "lt", "leq", "in", "notin", "like", "notlike", "has", "hasall", "hasany"),
)


def bucket(span: Span) -> str:
    """The field of the shortest bucket of time that gives no more than `MAX_POINTS` points."""
    seconds = (span.until - span.since) / MICROSECONDS
    return next((name for name, length in BUCKETS.items() if seconds / length <= MAX_POINTS), "day")


def series(view: View, split: str) -> Groups:
    """Requests over time, split by a field of `SERIES`."""
    if split not in SERIES:
        raise QueryError(f"a chart is split by one of {', '.join(SERIES)}")
    time = bucket(view.span)
    return Groups(view.span, (time, split), (COUNT,), view.zones, view.filter, (Order(time),), 10_000)


def distribution(view: View, by_group: bool = False) -> Groups:
    """Requests by score, 0 to 99; by group as well, since 50 is a person's score and that of what nobody judged."""
    names = ("score", "score_group") if by_group else ("score",)
    return Groups(view.span, names, (COUNT,), view.zones, view.filter, (Order("score"),), 505)


def sources(view: View) -> Groups:
    """Requests by what made the score."""
    return Groups(view.span, ("score_source",), (COUNT,), view.zones, view.filter, (Order("count", True),), 20)


def totals(view: View) -> Groups:
    """Requests by group of scores, with what they came to."""
    measures = (COUNT, Measure("sum", "response_bytes"), Measure("sum", "visit"), Measure("avg", "sample_interval"))
    return Groups(view.span, ("score_group",), measures, view.zones, view.filter, (Order("count", True),), 20)


def top(view: View, field: str, limit: int) -> Groups:
    """The most frequent values of a field of `TOPS`."""
    if field not in TOPS:
        raise QueryError(f"requests are ranked by one of {', '.join(TOPS)}")
    return Groups(view.span, (field,), (COUNT,), view.zones, view.filter, (Order("count", True),), limit)


def rules(view: View) -> Groups:
    """What rules said: action, rule and source."""
    by = ("match_action", "match_rule_id", "match_source")
    return Groups(view.span, by, (COUNT,), view.zones, view.filter, (Order("count", True),), 200, "security")


def log(view: View, limit: int, before: int | None) -> Events:
    """Single requests, newest first; `before` is the sequence number of the last one that was seen."""
    part = view.filter if before is None else All((view.filter, Condition("sequence", "lt", before)))
    return Events(view.span, LOGGED, view.zones, part, (Order("sequence", True),), limit)


def one(ray: str, now: float) -> Events:
    """Everything known of the request with this ray."""
    fields = tuple(name for name, field in FIELDS.items() if not field.match and name not in BUCKETS)
    span = Span(0, int((now + DAY) * MICROSECONDS))
    return Events(span, fields, None, Condition("ray", "eq", ray.partition("-")[0].lower()), (Order("start", True),), 1)


def of_address(forms: tuple[str, ...], after: int, now: float) -> Events:
    """Everything known of the requests of one address, in the order in which they were stored, from beyond this one."""
    part = All((Condition("client_ip", "in", forms), Condition("sequence", "gt", after)))
    return one("", now)._replace(filter=part, order=(Order("sequence"),), limit=1000)
