"""Queries to SQL that both backends understand; values never stand in the text unless the dialect writes them there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from botproxy.store.events.columns import KINDS, SEPARATOR, Kind, parted
from botproxy.store.events.fields import FIELDS, Dialect
from botproxy.store.events.query import (
    All,
    Answer,
    AnyOf,
    Condition,
    Events,
    Filter,
    Groups,
    Measure,
    Not,
    Order,
    Span,
)

_COMPARED: Final = {"eq": "=", "neq": "<>", "gt": ">", "geq": ">=", "lt": "<", "leq": "<="}

MATCH_COLUMNS: Final = (("match_action", "actions"), ("match_rule_id", "rule_ids"), ("match_source", "sources"))
"""Field of a security event -> the column whose items it walks over."""


class Writer(Dialect, Protocol):
    """A dialect, and where it puts values."""

    def value(self, value: Any) -> str:
        """A value as it stands in the text: itself, written safely, or a place for it."""
        ...

    def number(self, text: str) -> str:
        """A boolean as 0 or 1."""
        ...

    def contains(self, text: str, value: str) -> str:
        """Whether a text contains this one."""
        ...

    def like(self, text: str, pattern: str) -> str:
        """Whether the whole text matches; `%` in the pattern is any text, nothing else is special."""
        ...

    def exploded(self, table: str, where: str, needed: frozenset[str], grouped: bool) -> str:
        """The events of `table` under this condition once for each rule that matched, with the columns of
        `MATCH_COLUMNS` and `match_index`, which is 0 for the last of them. `grouped`: events that are
        the same in all of it are one row that stands for all their requests, which is much less to take apart."""
        ...

    def aggregated(self, measure: Measure, text: str, weight: str) -> str:
        """A measure over the SQL of its field; `weight` is how many requests a row stands for."""
        ...


def where(span: Span | None, zones: tuple[str, ...] | None, part: Filter, writer: Writer) -> str:
    """The condition of a query on events."""
    parts = []
    if span is not None:
        start = writer.quoted("start")
        parts.append(f"{start} >= {writer.value(span.since)} AND {start} < {writer.value(span.until)}")
    if zones is not None:
        parts.append(_condition(Condition("zone", "in", zones), writer))
    parts.append(condition(part, writer))
    return " AND ".join(parts)


def condition(part: Filter, writer: Writer) -> str:
    """A filter in brackets."""
    if isinstance(part, All):
        return _all([condition(each, writer) for each in part.parts], " AND ", "1 = 1")
    if isinstance(part, AnyOf):
        return _all([condition(each, writer) for each in part.parts], " OR ", "1 = 0")
    if isinstance(part, Not):
        return f"(NOT {condition(part.part, writer)})"
    return _condition(part, writer)


def _all(parts: list[str], between: str, empty: str) -> str:
    return "(" + (between.join(parts) or empty) + ")"


def _condition(each: Condition, writer: Writer) -> str:
    text = FIELDS[each.field].text(writer)
    operator, value = each.operator, each.value
    if operator in _COMPARED:
        return f"({text} {_COMPARED[operator]} {writer.value(value)})"
    if operator == "in" or operator == "notin":
        if not value:
            return "(1 = 0)" if operator == "in" else "(1 = 1)"
        values = ", ".join([writer.value(one) for one in value])
        return f"({text} {'IN' if operator == 'in' else 'NOT IN'} ({values}))"
    if operator == "like":
        return writer.like(text, value)
    if operator == "notlike":
        return f"(NOT {writer.like(text, value)})"
    wanted = (value,) if operator == "has" else value
    found = [writer.contains(text, f"{SEPARATOR}{one}{SEPARATOR}") for one in wanted]
    return _all(found, " OR " if operator == "hasany" else " AND ", "1 = 0" if operator == "hasany" else "1 = 1")


def groups(query: Groups, writer: Writer, table: str = "events") -> str:
    """A query for groups, on a table of events."""
    chosen = [f"{FIELDS[name].text(writer)} AS {writer.quoted('d_' + name)}" for name in query.by]
    weight = writer.quoted("sample_interval")
    for measure in query.measures:
        text = FIELDS[measure.field].text(writer) if measure.field else ""
        if measure.field and FIELDS[measure.field].kind is Kind.BOOLEAN:
            text = writer.number(text)
        chosen.append(f"{writer.aggregated(measure, text, weight)} AS {writer.quoted(measure.name)}")
    sql = f"SELECT {', '.join(chosen)} FROM {_source(query, writer, table)}"
    if query.by:
        sql += " GROUP BY " + ", ".join(writer.quoted("d_" + name) for name in query.by)
    return sql + tail(query, writer)


def tail(query: Groups, writer: Writer) -> str:
    """Order and limit of a query for groups whose columns are named `d_FIELD` and as the measures are."""
    measured = {measure.name for measure in query.measures}
    orders = [(order.name if order.name in measured else "d_" + order.name, order.descending) for order in query.order]
    # Whoever orders by numbers alone still gets the same rows twice.
    orders += [("d_" + name, False) for name in query.by if all(name != order.name for order in query.order)]
    sql = ""
    if orders:
        sql += " ORDER BY " + ", ".join(f"{writer.quoted(name)} {'DESC' if down else 'ASC'}" for name, down in orders)
    return f"{sql} LIMIT {query.limit}"


def events(query: Events, writer: Writer, table: str = "events") -> str:
    """A query for single events."""
    chosen = [f"{FIELDS[name].text(writer)} AS {writer.quoted('d_' + name)}" for name in query.fields]
    sql = f"SELECT {', '.join(chosen)} FROM {_source(query, writer, table)}"
    orders = [*query.order]
    if all(order.name != "sequence" for order in orders):
        orders.append(Order("sequence", True))
    texts = [f"{FIELDS[order.name].text(writer)} {'DESC' if order.descending else 'ASC'}" for order in orders]
    return f"{sql} ORDER BY {', '.join(texts)} LIMIT {query.limit}"


def _source(query: Groups | Events, writer: Writer, table: str) -> str:
    if query.scope == "requests":
        return f"{table} WHERE {where(query.span, query.zones, query.filter, writer)}"
    # What is asked of the event narrows it down before it is taken apart; the whole is asked again of each match.
    outer = condition(query.filter, writer)
    inner = where(query.span, query.zones, _of_event(query.filter), writer)
    needed = _needed(query)
    # Events that become one row have the sum of their intervals: whoever asks for an interval needs them one by one.
    single = "start" in needed or "sample_interval" in fields_of(query.filter)
    grouped = (
        isinstance(query, Groups)
        and query.measures == (Measure("count"),)
        and "sample_interval" not in query.by
        and not single
    )
    return f"{writer.exploded(table, inner, needed, grouped)} WHERE {outer}"


def _of_event(part: Filter) -> Filter:
    """What of this filter can be asked before an event is taken apart: top-level conditions on other fields."""
    parts = part.parts if isinstance(part, All) else (part,)
    return All(tuple([each for each in parts if isinstance(each, Condition) and not FIELDS[each.field].match]))


def _needed(query: Groups | Events) -> frozenset[str]:
    names: set[str] = {"sample_interval"}
    if isinstance(query, Events):
        names.update(("sequence", "start"))
    if isinstance(query, Groups):
        names.update(query.by)
        names.update(measure.field for measure in query.measures if measure.field)
    else:
        names.update(query.fields)
        names.update(order.name for order in query.order)
    _named(query.filter, names)
    return frozenset(column for name in names for column in FIELDS[name].needs if column in KINDS)


def _named(part: Filter, names: set[str]) -> None:
    if isinstance(part, Not):
        _named(part.part, names)
    elif isinstance(part, All | AnyOf):
        for each in part.parts:
            _named(each, names)
    else:
        names.add(part.field)


def fields_of(part: Filter) -> frozenset[str]:
    """Every field that a filter reads."""
    names: set[str] = set()
    _named(part, names)
    return frozenset(names)


def answer(query: Groups | Events, rows: list[tuple[Any, ...]], source: str = "events", why: str = "") -> Answer:
    """Rows of a backend as an answer."""
    if isinstance(query, Groups):
        names = (*query.by, *(measure.name for measure in query.measures))
        read = [_reader(FIELDS[name].kind) for name in query.by] + [_measured(each) for each in query.measures]
    else:
        names = query.fields
        read = [_reader(FIELDS[name].kind) for name in names]
    if any(each is not None for each in read):
        rows = [
            tuple([value if one is None else one(value) for one, value in zip(read, row, strict=True)]) for row in rows
        ]
    return Answer(names, rows, why, source)


def _reader(kind: Kind) -> Callable[[Any], Any] | None:
    if kind is Kind.TEXTS:
        return parted
    if kind is Kind.INTEGERS:
        return lambda text: [int(item) for item in parted(text)]
    return bool if kind is Kind.BOOLEAN else None if kind is Kind.TEXT else int


def _measured(measure: Measure) -> Callable[[Any], Any]:
    if measure.aggregate == "avg":
        return lambda value: None if value is None or value != value else float(value)
    if measure.aggregate in ("count", "stored", "sum", "uniq"):
        return lambda value: int(value or 0)
    return lambda value: None if value is None or value != value else float(value)
