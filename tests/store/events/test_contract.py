"""What every event store does: answers as if it had read one event after the other."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import BASE, HOUR, KEEP, answered, as_records, clock, crowd, event, matching

from botproxy.model import Event
from botproxy.store.events import (
    FIELDS,
    All,
    AnyOf,
    Condition,
    Events,
    EventStore,
    Groups,
    Kind,
    Measure,
    Not,
    Order,
    QueryError,
    Span,
)

WHOLE = Span(BASE, BASE + 3 * HOUR)
CROWD = crowd(600)
RECORDS = as_records(CROWD)


async def filled(store: EventStore, events: list[Event] = CROWD) -> EventStore:
    for begin in range(0, len(events), 250):
        store.put([tuple(each) for each in events[begin : begin + 250]])
    await store.flush()
    return store


def same(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> None:
    def key(row: tuple[Any, ...]) -> str:
        return repr([round(value, 6) if isinstance(value, float) else value for value in row])

    assert len(found) == len(wanted)
    for one, other in zip(sorted(found, key=key), sorted(wanted, key=key), strict=True):
        for left, right in zip(one, other, strict=True):
            assert left == right or math.isclose(left, right, rel_tol=1e-9)


async def test_an_event_comes_back_as_it_was(store: EventStore) -> None:
    await filled(store)
    fields = tuple(name for name, field in FIELDS.items() if not field.match and name != "sequence")
    answer = await store.ask(Events(WHOLE, fields, limit=1000, order=(Order("sequence"),)))
    assert answer.names == fields
    for found, wanted in zip(answer.records(), RECORDS, strict=True):
        assert found == {name: wanted[name] for name in fields}


async def test_text_that_looks_like_a_query_is_text(store: EventStore) -> None:
    nasty = [
        "'; DROP TABLE events; --",
        "\\",
        "\\'",
        "%_%",
        '"',
        "$1",
        "?",
        "\x00",
        "{x:String}",
        "\n\t\r",
        "😀",
        "NULL",
    ]
    await filled(store, [event(path=text, detection_tags=(text, "b")) for text in nasty])
    for text in nasty:
        for condition in (
            Condition("path", "eq", text),
            Condition("path", "in", (text,)),
            Condition("detection_tags", "has", text),
        ):
            answer = await store.ask(Events(WHOLE, ("path", "detection_tags"), filter=condition))
            assert answer.rows == [(text, [text, "b"])]
    literal = await store.ask(Events(WHOLE, ("path",), filter=Condition("path", "like", "%_%")))
    assert literal.rows == [("%_%",)]


QUERIES = [
    Groups(WHOLE),
    Groups(WHOLE, ("score_group",)),
    Groups(WHOLE, ("minute", "score_group", "zone")),
    Groups(
        WHOLE,
        ("hour",),
        (Measure("count"), Measure("stored"), Measure("sum", "response_bytes"), Measure("sum", "visit")),
    ),
    Groups(Span(BASE + 61_000_001, BASE + HOUR + 90_000_001), ("five_minutes", "action")),
    Groups(WHOLE, ("client_ip",), (Measure("count"), Measure("uniq", "path"), Measure("avg", "first_byte_ms"))),
    Groups(WHOLE, ("zone",), (Measure("min", "score"), Measure("max", "score"), Measure("avg", "sample_interval"))),
    Groups(WHOLE, ("detection_ids",)),
    Groups(WHOLE, ("static_resource", "score_tens", "status_class", "content_kind")),
    Groups(WHOLE, ("referer_scheme", "referer_host", "referer_path", "referer_query")),
    Groups(WHOLE, ("day", "fifteen_minutes"), zones=("blog",)),
    Groups(WHOLE, ("match_action", "match_rule_id", "match_index"), scope="security"),
    Groups(
        WHOLE,
        ("match_action", "client_country"),
        scope="security",
        filter=All((Condition("match_action", "eq", "block"), Condition("score", "lt", 30))),
    ),
    Groups(
        WHOLE, ("hour",), filter=AnyOf((Condition("score", "eq", 1), Condition("verified_bot_category", "neq", "")))
    ),
    Groups(Span(BASE + 1, BASE + 2)),
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_groups_are_those_of_a_scan(store: EventStore, query: Groups) -> None:
    await filled(store)
    query = query._replace(limit=10_000)
    same((await store.ask(query)).rows, answered(RECORDS, query))


def values(name: str) -> st.SearchStrategy[Any]:
    kind = FIELDS[name].kind
    if kind in (Kind.TEXTS, Kind.INTEGERS):
        items = sorted({item for record in RECORDS for item in record[name]}, key=str)
        return st.sampled_from(items or [1 if kind is Kind.INTEGERS else "x"])
    there = st.sampled_from(sorted({record[name] for record in RECORDS}, key=str))
    if kind is Kind.TEXT:
        return st.one_of(there, st.text(max_size=5))
    return there if kind is Kind.BOOLEAN else st.one_of(there, st.integers(-5, 2**33))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    names = [name for name, field in FIELDS.items() if not field.match and name != "sequence"]
    name = draw(st.sampled_from(names))
    kind = FIELDS[name].kind
    if kind in (Kind.TEXTS, Kind.INTEGERS):
        operator = draw(st.sampled_from(["has", "hasall", "hasany"]))
    else:
        operators = ["eq", "neq", "gt", "geq", "lt", "leq", "in", "notin"]
        operator = draw(st.sampled_from([*operators, "like", "notlike"] if kind is Kind.TEXT else operators))
    if operator in ("like", "notlike"):
        return Condition(name, operator, draw(st.text("%_\\ab/'1.", max_size=6)))
    one = values(name)
    if operator in ("in", "notin", "hasall", "hasany"):
        return Condition(name, operator, tuple(draw(st.lists(one, max_size=4))))
    return Condition(name, operator, draw(one))


filters = st.recursive(
    conditions(),
    lambda part: st.one_of(
        st.lists(part, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(part, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        part.map(Not),
    ),
    max_leaves=6,
)


async def test_any_filter_means_what_a_scan_says(store: EventStore) -> None:
    await filled(store)
    asked: list[Groups | Events] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(filters, st.integers(0, 2 * HOUR), st.sampled_from([60_000_000, HOUR, 2 * HOUR]), st.data())
    def collect(part: Any, since: int, length: int, data: st.DataObject) -> None:
        span = Span(BASE + since, BASE + since + length)
        names = st.sampled_from(["zone", "score", "action", "minute", "hour", "host", "score_group", "static_resource"])
        by = tuple(data.draw(st.lists(names, max_size=3, unique=True)))
        asked.append(Groups(span, by, (Measure("count"), Measure("sum", "response_bytes")), filter=part, limit=10_000))
        security = All((part, Condition("match_index", "eq", 0)))
        asked.append(Groups(span, ("match_action",), filter=security, scope="security", limit=10_000))

    collect()
    for query in asked:
        assert isinstance(query, Groups)
        try:
            same((await store.ask(query)).rows, answered(RECORDS, query))
        except Exception as error:
            raise AssertionError(f"not what a scan says: {query}") from error


async def test_order_and_limit(store: EventStore) -> None:
    await filled(store)
    query = Groups(WHOLE, ("client_ip",), order=(Order("count", True), Order("client_ip")), limit=5)
    wanted = sorted(answered(RECORDS, query), key=lambda row: (-row[1], row[0]))[:5]
    assert (await store.ask(query)).rows == wanted
    newest = await store.ask(Events(WHOLE, ("start", "ray"), limit=7))
    assert newest.rows == [(record["start"], record["ray"]) for record in reversed(RECORDS)][:7]
    security = Events(WHOLE, ("ray", "match_action"), scope="security", limit=1000)
    found = await store.ask(security)
    assert sorted(found.rows) == sorted((each["ray"], each["match_action"]) for each in matching(RECORDS, security))


@pytest.mark.parametrize(
    "query",
    [
        Groups(Span(5, 5)),
        Groups(WHOLE, ("nothing",)),
        Groups(WHOLE, ("score", "score")),
        Groups(WHOLE, ("match_action",)),
        Groups(WHOLE, limit=0),
        Groups(WHOLE, limit=10_001),
        Groups(WHOLE, measures=()),
        Groups(WHOLE, measures=(Measure("sum", "path"),)),
        Groups(WHOLE, order=(Order("count; DROP TABLE events"),)),
        Groups(WHOLE, filter=Condition("score", "eq", "1")),
        Groups(WHOLE, filter=Condition("score", "eq", True)),
        Groups(WHOLE, filter=Condition("score", "in", 1)),
        Groups(WHOLE, filter=Condition("score", "like", "1")),
        Groups(WHOLE, filter=Condition("score", "has", 1)),
        Groups(WHOLE, filter=Condition("detection_ids", "eq", 1)),
        Groups(WHOLE, filter=Condition("score", "eq", 2**64)),
        Groups(WHOLE, filter=All((Condition("score", "eq", 1),) * 501)),
        Events(WHOLE, ()),
    ],
    ids=str,
)
async def test_what_cannot_be_answered_is_refused_before_it_is_asked(store: EventStore, query: Groups | Events) -> None:
    with pytest.raises(QueryError):
        await store.ask(query)


async def test_a_store_that_is_opened_again_has_everything_and_goes_on(make: Callable[[], EventStore]) -> None:
    store = make()
    await filled(store, CROWD[:300])
    assert store.close(10)
    again = make()
    await filled(again, CROWD[300:])
    query = Groups(WHOLE, ("minute", "score"), limit=10_000)
    same((await again.ask(query)).rows, answered(RECORDS, query))
    assert again.status().stored == 300


async def test_a_person_is_forgotten(store: EventStore) -> None:
    await filled(store)
    gone = [record for record in RECORDS if record["client_ip"] == "192.0.2.7"]
    assert await store.forget("192.0.2.7") == len(gone)
    assert await store.forget("192.0.2.7") == 0
    left = await store.ask(Groups(WHOLE, ("client_ip",), limit=10_000))
    assert "192.0.2.7" not in [row[0] for row in left.rows]
    assert sum(row[1] for row in left.rows) == len(RECORDS) - len(gone)


async def test_several_forms_of_an_address_are_forgotten_at_once(store: EventStore) -> None:
    await filled(store)
    addresses = sorted({record["client_ip"] for record in RECORDS})[:2]
    gone = [record for record in RECORDS if record["client_ip"] in addresses]
    assert await store.forget(*addresses, *(f"2001:db8::{number:x}" for number in range(2000))) == len(gone)


async def test_each_zone_keeps_its_events_for_its_own_time(store: EventStore) -> None:
    now = clock()
    ages = {"long": 40, "short": 3, "usual": 10}
    events = [tuple(event(zone=zone, start=now - days * 86400.0)) for zone in ages for days in (1, 5, 20, 29)]
    store.put(events)
    await store.flush()
    zones = (("long", 40 * 86400.0), ("short", 3 * 86400.0))
    store.configure(KEEP._replace(seconds=10 * 86400.0, zones=zones), 0)
    wanted = {zone: sum(days < kept for days in (1, 5, 20, 29)) for zone, kept in ages.items()}
    deadline = time.monotonic() + 30
    while True:
        await store.flush()
        rows = (await store.ask(Events(Span(0, 2**62), ("zone",)))).rows
        found = {zone: rows.count((zone,)) for zone in ages}
        if found == wanted:
            return
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)


async def test_an_interval_is_that_of_one_event_where_rules_are_counted(store: EventStore) -> None:
    await filled(store)
    for part in (Condition("sample_interval", "eq", 1), Not(Condition("sample_interval", "gt", 1))):
        query = Groups(WHOLE, ("match_action",), filter=part, scope="security", limit=10_000)
        same((await store.ask(query)).rows, answered(RECORDS, query))
    by = Groups(WHOLE, ("match_action", "sample_interval"), scope="security", limit=10_000)
    same((await store.ask(by)).rows, answered(RECORDS, by))


async def test_what_was_imported_is_forgotten_and_counted_no_more(store: EventStore) -> None:
    imported = [
        each._replace(mode="imported", zone=zone) for zone, each in zip(("shop", "blog"), CROWD[:2], strict=True)
    ]
    store.put([tuple(each) for each in imported])
    await filled(store)
    by = Groups(WHOLE, ("mode", "zone"), limit=10_000)
    assert sum(row[2] for row in (await store.ask(by)).rows) == len(RECORDS) + 2
    assert await store.forget_imported("blog") == 1
    assert [row[1] for row in (await store.ask(by)).rows if row[0] == "imported"] == ["shop"]
    assert await store.forget_imported(None) == 1
    assert await store.forget_imported(None) == 0
    for query in (by, Groups(WHOLE, ("path",), order=(Order("count", True),), limit=50)):
        same((await store.ask(query)).rows, answered(RECORDS, query))


async def test_what_is_no_event_is_dropped_and_counted(store: EventStore) -> None:
    store.put([("too", "short")])
    store.put([tuple(event())])
    await store.flush()
    status = store.status()
    assert (status.state, status.stored, status.dropped) == ("open", 1, 1)
