"""From a node of a query to questions for the event store, and from their answers to rows of the node."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import NormalDist
from typing import Any, Final, NamedTuple, final

from botproxy.admin.analytics import ANSWER_SECONDS, Analytics
from botproxy.admin.graphql.datasets import NO_THREAT, Dataset, Dimension, Map, Part
from botproxy.admin.graphql.filters import Asked, AskError, read
from botproxy.admin.zones import zone_tag
from botproxy.store.events import (
    EVERYTHING,
    MAX_LIMIT,
    MICROSECONDS,
    All,
    Answer,
    Condition,
    Events,
    Filter,
    Groups,
    Measure,
    Not,
    Order,
    QueryError,
    Span,
    StoreUnavailable,
)

MAX_NODES: Final = 60
"""Questions to the store that one query may come to."""

AT_ONCE: Final = 4
"""Of these, so that one query leaves room for others."""

MAX_FIELDS: Final = 60
MAX_ZONES: Final = 100
DEFAULT_LIMIT: Final = 1000
SLACK: Final = 86400
"""Seconds beyond what is kept that may be asked for: clocks and charts are not exact."""

_ONLY: Final[dict[str, Filter]] = {
    "": EVERYTHING,
    "https": Condition("scheme", "eq", "https"),
    "threats": Not(Condition("action", "in", NO_THREAT)),
    "4xx": Condition("status_class", "eq", 4),
    "5xx": Condition("status_class", "eq", 5),
}

Row = dict[str, Any]


@final
class Session:
    """One request: what it may still cost."""

    def __init__(self, analytics: Analytics, clock: float | None = None) -> None:
        self.analytics = analytics
        self.now = time.time() if clock is None else clock
        self._left = MAX_NODES
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def ask(self, query: Groups | Events) -> Answer:
        """Ask the store. Raises AskError."""
        self._left -= 1
        if self._left < 0:
            raise AskError("in combination, your request queries too many nodes, zones and accounts", 429)
        if self.analytics.store is None:
            raise AskError("unable to execute query: there is no event store (events.store is none)", 503)
        try:
            async with self._at_once:
                return await self.analytics.store.ask(query, ANSWER_SECONDS)
        except QueryError as error:
            raise AskError(str(error)) from None
        except StoreUnavailable as error:
            raise AskError(f"unable to execute query, please try again later: {error}", 503) from None

    def zones(self, given: Mapping[str, Any] | None, limit: int | None, order: Sequence[str] | None) -> list[str]:
        """Names of the zones of a filter, in the order of their tags."""
        given = given or {}
        by_tag = {zone_tag(name): name for name in self.analytics.zones}
        tags = sorted(by_tag)
        if given.get("zoneTag") is not None:
            tags = [tag for tag in tags if tag == given["zoneTag"]]
            if not tags:
                raise AskError(
                    f"zones [{given['zoneTag']!s:.64}] are not authorized: there is no zone with this id", 403
                )
        if given.get("zoneTag_in") is not None:
            tags = [tag for tag in tags if tag in given["zoneTag_in"]]
        if given.get("zoneTag_gt") is not None:
            tags = [tag for tag in tags if tag > str(given["zoneTag_gt"])]
        if order and order[-1].endswith("DESC"):
            tags.reverse()
        return [by_tag[tag] for tag in tags[: min(MAX_ZONES, limit or MAX_ZONES)]]

    def asked(self, dataset: Dataset, given: Mapping[str, Any] | None) -> Asked:
        """The filter of a node. Raises AskError when it reaches back further than anything is kept."""
        asked = read(given, dataset.dimensions)
        oldest = self.now - self.analytics.seconds
        if 0 < asked.since < (oldest - SLACK) * MICROSECONDS:
            raise AskError(f"cannot request data older than {int(self.analytics.seconds)}s")
        return asked._replace(
            since=max(asked.since, int((oldest - SLACK) * MICROSECONDS)),
            until=min(asked.until, int((self.now + SLACK) * MICROSECONDS)),
        )


class Node(NamedTuple):
    """A node of a query as it was written."""

    dataset: Dataset
    zones: tuple[str, ...]
    filter: Mapping[str, Any] | None
    limit: int | None
    order: Sequence[str]
    selected: Mapping[str, Any]


def _limit(node: Node) -> int:
    limit = DEFAULT_LIMIT if node.limit is None else node.limit
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
        raise AskError(f"limit must be positive number and not greater than {MAX_LIMIT}")
    return limit


async def rows(session: Session, node: Node) -> list[Row]:
    """The rows of a node. Raises AskError."""
    if not node.dataset.enabled or not node.zones:
        return []
    limit = _limit(node)
    asked = session.asked(node.dataset, node.filter)
    if asked.empty:
        return []
    if node.dataset.grouped:
        return await _Grouping(session, node, asked, limit).rows()
    return await _events(session, node, asked, limit)


async def _events(session: Session, node: Node, asked: Asked, limit: int) -> list[Row]:
    chosen = [each for name, each in node.dataset.dimensions.items() if name in node.selected]
    fields = tuple(dict.fromkeys(each.field for each in chosen if each.field)) or ("start",)
    orders = []
    for word in node.order:
        name, _, direction = word.rpartition("_")
        dimension = node.dataset.dimensions[name]
        if dimension.field:
            orders.append(Order("start" if dimension.field == "second" else dimension.field, direction == "DESC"))
    query = Events(
        asked.span,
        fields,
        node.zones,
        asked.filter,
        tuple(orders) or (Order("start"),),
        limit,
        "security" if node.dataset.scope == "security" else "requests",
    )
    answer = await session.ask(query)
    made = []
    for record in answer.records():
        row: Row = {each.name: _written(each, record.get(each.field), session) for each in chosen}
        row["metadata"] = []
        made.append(row)
    return made


def _written(dimension: Dimension, value: Any, session: Session) -> Any:
    """A value of a dimension as the original writes it."""
    if not dimension.field:
        return session.analytics.location if dimension.name in ("coloCode", "edgeColoName") else dimension.constant
    if dimension.seconds:
        form = "%Y-%m-%d" if dimension.scalar == "Date" else "%Y-%m-%dT%H:%M:%SZ"
        return datetime.fromtimestamp(value, UTC).strftime(form)
    if dimension.words is not None:
        return dimension.words.get(value, value)
    return str(value) if dimension.text else value


@final
class _Grouping:
    """One node of groups: a question for its rows, and one more for each thing that is of some requests alone."""

    def __init__(self, session: Session, node: Node, asked: Asked, limit: int) -> None:
        self._session = session
        self._node = node
        self._asked = asked
        self._limit = limit
        wanted = node.selected.get("dimensions", {})
        self._dimensions = [each for name, each in node.dataset.dimensions.items() if name in wanted]
        self._by = tuple(dict.fromkeys(each.field for each in self._dimensions if each.field))
        self._parts: list[tuple[str, Part]] = [
            (group, part)
            for group, parts in node.dataset.parts.items()
            for part in parts
            if part.name in node.selected.get(group, {})
        ]

    async def rows(self) -> list[Row]:
        orders, measures = self._orders()
        plain = [part for _, part in self._parts if not part.only and not part.zero]
        measures += [Measure("count"), Measure("stored")]
        if "confidence" in self._node.selected:
            measures.append(Measure("sum", "sample_interval"))
        measures += [_measure(part) for part in plain]
        if len(self._by) + len(measures) > MAX_FIELDS:
            raise AskError(f"number of fields can't be more than {MAX_FIELDS}")
        main = self._session.ask(self._query(EVERYTHING, self._by, measures, tuple(orders), self._limit))
        answer, extra, maps = await asyncio.gather(main, self._special(), self._maps())
        made = []
        for record in answer.records():
            if record["stored"]:
                key = tuple([_key(record[name]) for name in self._by])
                made.append(self._row(record, key, extra, maps))
        return made

    def _query(
        self, only: Filter, by: tuple[str, ...], measures: list[Measure], orders: tuple[Order, ...], limit: int
    ) -> Groups:
        scope: Any = self._node.dataset.scope
        span: Span = self._asked.span
        whole = All((self._asked.filter, only)) if only != EVERYTHING else self._asked.filter
        return Groups(span, by, tuple(dict.fromkeys(measures)), self._node.zones, whole, orders, limit, scope)

    def _orders(self) -> tuple[list[Order], list[Measure]]:
        orders: list[Order] = []
        measures: list[Measure] = []
        for word in self._node.order:
            name, _, direction = word.rpartition("_")
            down = direction == "DESC"
            dimension = self._node.dataset.dimensions.get(name)
            if dimension is not None:
                if dimension.field and dimension.field not in self._by:
                    raise AskError(f"cannot order by {name}, which is not among the dimensions that are asked for")
                if dimension.field:
                    orders.append(Order(dimension.field, down))
                continue
            measure = Measure("count")
            if name != "count":
                group, _, field = name.partition("_")
                part = next(each for each in self._node.dataset.parts[group] if each.name == field)
                if part.zero:
                    continue
                if part.only:
                    raise AskError(f"cannot order by {name}")
                measure = _measure(part)
            measures.append(measure)
            orders.append(Order(measure.name, down))
        return orders, measures

    async def _special(self) -> dict[tuple[str, str], dict[tuple[Any, ...], Any]]:
        """Parts that are of some requests alone -> group -> number."""
        wanted = list(dict.fromkeys((part.only, _measure(part)) for _, part in self._parts if part.only))

        async def one(only: str, measure: Measure) -> dict[tuple[Any, ...], Any]:
            answer = await self._session.ask(self._query(_ONLY[only], self._by, [measure], (), MAX_LIMIT))
            return {tuple([_key(value) for value in row[:-1]]): row[-1] for row in answer.rows}

        found = await asyncio.gather(*(one(only, measure) for only, measure in wanted))
        return {(only, measure.name): each for (only, measure), each in zip(wanted, found, strict=True)}

    async def _maps(self) -> dict[str, dict[tuple[Any, ...], list[Row]]]:
        wanted = self._node.selected.get("sum", {})
        chosen = [each for each in self._node.dataset.maps if each.name in wanted]
        found = await asyncio.gather(*(self._map(each, wanted[each.name]) for each in chosen))
        return {each.name: entries for each, entries in zip(chosen, found, strict=True)}

    async def _map(self, each: Map, wanted: Mapping[str, Any]) -> dict[tuple[Any, ...], list[Row]]:
        by = (*self._by, each.field) if each.field else self._by
        parts = [part for part in each.parts if part.name in wanted]
        whole: dict[tuple[Any, ...], Row] = {}
        keyed = "only" if all(part.only for part in each.parts) else ""
        for only in dict.fromkeys(["threats" if keyed else "", *(part.only for part in parts)]):
            measures = [_measure(part) for part in parts if part.only == only] or [Measure("count")]
            order = (Order(measures[0].name, True),)
            answer = await self._session.ask(self._query(_ONLY[only], by, measures, order, MAX_LIMIT))
            for record in answer.records():
                key = tuple([_key(record[name]) for name in by])
                row = whole.setdefault(key, {part.name: 0 for part in parts}) if only == "" or keyed else whole.get(key)
                if row is not None:
                    for part in parts:
                        if part.only == only:
                            row[part.name] = record[_measure(part).name]
        entries: dict[tuple[Any, ...], list[Row]] = {}
        for key, row in whole.items():
            value = key[-1] if each.field else each.constant
            shown = (each.words or {}).get(value, value)
            entries.setdefault(key[: len(self._by)], []).append({each.key: shown, **row})
        return entries

    def _row(self, record: Row, key: tuple[Any, ...], extra: Any, maps: Any) -> Row:
        row: Row = {group: {} for group in self._node.dataset.parts}
        row["count"] = record["count"]
        row["dimensions"] = {
            each.name: _written(each, record.get(each.field), self._session) for each in self._dimensions
        }
        for group, part in self._parts:
            if part.zero:
                number: Any = 0
            elif part.only:
                number = extra[part.only, _measure(part).name].get(key, 0)
                if group == "ratio":
                    number = number / record["count"] if record["count"] else 0.0
            else:
                number = record[_measure(part).name]
            row[group][part.name] = 0 if number is None else number
        for name, entries in maps.items():
            row["sum"][name] = entries.get(key, [])
        row["counts"] = (record["count"], record["stored"], record.get("sum_sample_interval", record["count"]))
        return row


def confidence(counts: tuple[int, int, int], level: Any) -> Row:
    """What the sampling leaves open of a count. Each event stands for as many as its interval says, so the variance is
    that of as many lots: the sum of interval times interval less one."""
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise AskError("level of confidence is between 0 and 1")
    count, stored, squares = counts
    reach = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(max(0, squares - count))
    interval = {"estimate": count, "lower": max(stored, count - reach), "upper": count + reach, "sampleSize": stored}
    return {"level": level, "count": interval}


def _measure(part: Part) -> Measure:
    aggregate: Any = part.aggregate
    return Measure(aggregate, part.field)


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
