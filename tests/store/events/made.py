"""Events made up for tests, and answers to queries found without any database: one event after the other."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from typing import Any, get_origin, get_type_hints

from botproxy.model import Event
from botproxy.store.events import All, AnyOf, Condition, Events, Filter, Groups, Measure, Not, Retention
from botproxy.store.events.agents import agent

HOUR = 3_600_000_000
BASE = 1_767_323_045_000_000 // HOUR * HOUR
"""Microseconds: the beginning of an hour."""

KEEP = Retention(seconds=30 * 86400.0, rollup_seconds=365 * 86400.0, size=0)


def clock() -> float:
    """A little after the events of the tests."""
    return (BASE + 4 * HOUR) / 1e6


BLANK: dict[str, Any] = {
    name: () if get_origin(kind) is tuple else kind() for name, kind in get_type_hints(Event).items()
}


def event(**changes: Any) -> Event:
    """An event that finished with 200; `at` is microseconds after `BASE`."""
    at = changes.pop("at", 0)
    start = (BASE + at) / 1e6
    fixed = {
        "start": start,
        "end": start + 0.25,
        "status": 200,
        "ending": "finished",
        "action": "unknown",
        "zone": "shop",
    }
    return Event(**{**BLANK, **fixed, **changes})


def crowd(number: int, seed: int = 1, seconds: float = 7200.0) -> list[Event]:
    """Varied events in the order of their beginning."""
    chance = random.Random(seed)
    times = sorted(chance.uniform(0, seconds) for _ in range(number))
    return [_one(chance, int(when * 1e6)) for when in times]


def _one(chance: random.Random, at: int) -> Event:
    score = chance.choice([0, 1, 1, 2, 12, 29, 30, 50, 80, 99])
    matches = chance.choice([0, 0, 0, 1, 2])
    actions = tuple(chance.choice(["log", "skip", "block", "managedChallenge"]) for _ in range(matches))
    return event(
        at=at,
        ray=f"{chance.getrandbits(64):016x}",
        zone=chance.choice(["shop", "shop", "blog"]),
        mode="enforce",
        client_ip=f"192.0.2.{chance.randrange(20)}",
        client_country=chance.choice(["DE", "US", "", "T1"]),
        client_asn=chance.choice([0, 64500, 64501, 4294967295]),
        method=chance.choice(["GET", "POST"]),
        host=chance.choice(["shop.example", "www.shop.example"]),
        path=chance.choice(["/", "/a_b", "/axb", "/100%", "/it's", "/ü", "/a\\b", "/\x00", "/login"]),
        user_agent=chance.choice(["curl/8", "Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537", ""]),
        referer=chance.choice(["", "https://shop.example/x?y=1", "https://other.example:8443/z"]),
        status=chance.choice([200, 200, 304, 404, 503]),
        response_bytes=chance.randrange(10_000_000_000),
        content_type=chance.choice(["text/html; charset=utf-8", "image/png", ""]),
        first_byte_ms=chance.randrange(100),
        score=score,
        score_source="Heuristics" if score == 1 else "Machine Learning" if score else "Not Computed",
        score_group="automated" if score == 1 else "other" if score == 0 else "likely_human",
        detection_ids=tuple(chance.sample([1, 10, 100], chance.randrange(3))),
        shadow_detection_ids=tuple(chance.sample([2, 20], chance.randrange(3))),
        detection_tags=tuple(chance.sample(["go", "it's", "a%b"], chance.randrange(3))),
        js_detection=chance.choice(["passed", "missing"]),
        static_resource=chance.random() < 0.3,
        actions=actions,
        rule_ids=tuple(chance.choice(["r1", "r2", ""]) for _ in actions),
        sources=tuple("firewallCustom" for _ in actions),
        action=actions[-1] if actions else "unknown",
        would=chance.choice(["", "", "block"]),
    )


def as_records(events: Iterable[Event]) -> list[dict[str, Any]]:
    """What every field of these events has to be."""
    return [_record(each, number) for number, each in enumerate(events, 1)]


def _record(each: Event, number: int) -> dict[str, Any]:
    record: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value for name, value in each._asdict().items()
    }
    start, end = int(each.start * 1e6), int(each.end * 1e6)
    second = start // 1_000_000
    parts = re.match(r"([A-Za-z]+)://([^/:?#]+)[^/?#]*([^?#]*)\??([^#]*)", each.referer)
    view = 200 <= each.status < 300 and each.content_type.startswith("text/html")
    seen = agent(each.user_agent)
    return {
        **record,
        "start": start,
        "end": end,
        "page_view": view,
        "visit": view and (parts is None or parts[2] != each.host),
        "browser": seen.browser,
        "os": seen.system,
        "device": seen.device,
        "sample_interval": 1,
        "sequence": number,
        "second": second,
        "minute": second // 60 * 60,
        "five_minutes": second // 300 * 300,
        "fifteen_minutes": second // 900 * 900,
        "hour": second // 3600 * 3600,
        "day": second // 86400 * 86400,
        "score_tens": each.score // 10 * 10,
        "status_class": each.status // 100,
        "duration_ms": (end - start) // 1000,
        "referer_scheme": parts[1] if parts else "",
        "referer_host": parts[2] if parts else "",
        "referer_path": parts[3] if parts else "",
        "referer_query": parts[4] if parts else "",
        "content_subtype": (re.match(r"[^/;]*/(?:x-)?([^;+ ]+)", each.content_type) or ["", ""])[1],
        "origin_host": each.origin.rpartition(":")[0],
        "last_source": each.sources[-1] if each.sources else "",
        "content_kind": each.content_type.partition(";")[0],
    }


def _exploded(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    made = []
    for record in records:
        number = len(record["actions"])
        for at in range(number):
            match = {
                "match_action": record["actions"][at],
                "match_rule_id": record["rule_ids"][at],
                "match_source": record["sources"][at],
                "match_index": number - 1 - at,
            }
            made.append({**record, **match})
    return made


def matching(records: list[dict[str, Any]], query: Groups | Events) -> list[dict[str, Any]]:
    """The records that a query is about."""
    chosen = _exploded(records) if query.scope == "security" else records
    return [
        record
        for record in chosen
        if query.span.since <= record["start"] < query.span.until
        and (query.zones is None or record["zone"] in query.zones)
        and true_of(query.filter, record)
    ]


def true_of(part: Filter, record: dict[str, Any]) -> bool:
    """Whether a filter is true of a record."""
    if isinstance(part, Not):
        return not true_of(part.part, record)
    if isinstance(part, All):
        return all(true_of(each, record) for each in part.parts)
    if isinstance(part, AnyOf):
        return any(true_of(each, record) for each in part.parts)
    return _compared(part, record[part.field])


def _compared(condition: Condition, value: Any) -> bool:
    given = condition.value
    match condition.operator:
        case "eq":
            return value == given
        case "neq":
            return value != given
        case "gt":
            return _key(value) > _key(given)
        case "geq":
            return _key(value) >= _key(given)
        case "lt":
            return _key(value) < _key(given)
        case "leq":
            return _key(value) <= _key(given)
        case "in":
            return value in given
        case "notin":
            return value not in given
        case "like":
            return _like(value, given)
        case "notlike":
            return not _like(value, given)
        case "has":
            return given in value
        case "hasall":
            return all(one in value for one in given)
        case "hasany":
            return any(one in value for one in given)
    raise AssertionError(condition.operator)


def _key(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("%"))), value, re.DOTALL) is not None


def answered(records: list[dict[str, Any]], query: Groups) -> list[tuple[Any, ...]]:
    """The groups of a query, in no order and without its limit."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for record in matching(records, query):
        key = tuple([tuple(v) if isinstance(v := record[name], list) else v for name in query.by])
        found.setdefault(key, []).append(record)
    if not query.by and not found:
        found[()] = []
    return [
        (*(list(v) if isinstance(v, tuple) else v for v in key), *(_number(each, group) for each in query.measures))
        for key, group in found.items()
    ]


def _number(measure: Measure, group: list[dict[str, Any]]) -> Any:
    values = [record[measure.field] for record in group] if measure.field else []
    weights = [record["sample_interval"] for record in group]
    match measure.aggregate:
        case "count":
            return sum(weights)
        case "stored":
            return len(group)
        case "sum":
            return sum(value * weight for value, weight in zip(values, weights, strict=True))
        case "avg":
            if not group:
                return None
            return sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
        case "uniq":
            return len({_key(value) for value in values})
        case "min":
            return min(values, default=None)
        case "max":
            return max(values, default=None)
    raise AssertionError(measure)
