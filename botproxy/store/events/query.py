"""What can be asked of an event store: groups with measures, or single events. Typed, checked, and never SQL.

Everything that shows or counts events asks with these records: the dashboard, GraphQL, the command line. The names are
those of `FIELDS`; times are whole microseconds since 1970, and a range has its beginning and not its end.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from botproxy.errors import BotproxyError
from botproxy.store.events.columns import Kind
from botproxy.store.events.fields import FIELDS

MAX_LIMIT: Final = 10_000
"""Rows of one answer."""

MAX_FIELDS: Final = 120
MAX_CONDITIONS: Final = 500
MAX_DEPTH: Final = 20
MAX_VALUES: Final = 5_000
"""In one condition."""
MAX_TEXT: Final = 8_192

MICROSECONDS: Final = 1_000_000

Operator = Literal["eq", "neq", "gt", "geq", "lt", "leq", "in", "notin", "like", "notlike", "has", "hasall", "hasany"]
_SINGLE: Final = frozenset({"eq", "neq", "gt", "geq", "lt", "leq", "like", "notlike", "has"})
_LISTS: Final = frozenset({"has", "hasall", "hasany"})
_PATTERNS: Final = frozenset({"like", "notlike"})


class QueryError(BotproxyError):
    """What was asked cannot be answered; the text says what is wrong and what would be right."""


class Condition(NamedTuple):
    """One comparison. `like` takes `%` for any text; `has` is of lists."""

    field: str
    operator: Operator
    value: Any  # a value of the field's kind; a tuple of them for in, notin, hasall and hasany


class All(NamedTuple):
    """Every part is true."""

    parts: tuple[Filter, ...]


class AnyOf(NamedTuple):
    """At least one part is true."""

    parts: tuple[Filter, ...]


class Not(NamedTuple):
    """The part is not true."""

    part: Filter


Filter = Condition | All | AnyOf | Not

EVERYTHING: Final = All(())

Aggregate = Literal["count", "stored", "sum", "avg", "min", "max", "uniq", "p50", "p75", "p90", "p95", "p99"]


class Measure(NamedTuple):
    """One number of a group. Every one is of requests, not of stored events: each of these counts as often as its
    sample interval says; `stored`, `min`, `max`, `uniq` and the percentiles cannot be scaled and are not."""

    aggregate: Aggregate
    field: str = ""  # none of count and stored

    @property
    def name(self) -> str:
        """What the column of an answer is called: `count`, `sum_response_bytes`."""
        return f"{self.aggregate}_{self.field}" if self.field else self.aggregate


COUNT: Final = Measure("count")


class Order(NamedTuple):
    """By a field of `by` or the name of a measure; of events, by any field."""

    name: str
    descending: bool = False


class Span(NamedTuple):
    """From this microsecond on, up to and without that."""

    since: int
    until: int


Scope = Literal["requests", "security"]
"""`security` has one row for each rule that said something about a request, and the fields `match_…`."""


class Groups(NamedTuple):
    """Requests grouped by the values of fields."""

    span: Span
    by: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = (COUNT,)
    zones: tuple[str, ...] | None = None  # None is every zone
    filter: Filter = EVERYTHING
    order: tuple[Order, ...] = ()
    limit: int = 1000
    scope: Scope = "requests"


class Events(NamedTuple):
    """Single events."""

    span: Span
    fields: tuple[str, ...]
    zones: tuple[str, ...] | None = None
    filter: Filter = EVERYTHING
    order: tuple[Order, ...] = (Order("start", True),)
    limit: int = 100
    scope: Scope = "requests"


class Answer(NamedTuple):
    """Rows under names. Lists are lists, booleans are booleans, whatever the backend keeps."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    approximate: str = ""  # why the numbers are not exact; "" when they are
    source: str = "events"  # what was read: events, minutes, hours, tops

    def records(self) -> list[dict[str, Any]]:
        """The rows as mappings."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


def check(query: Groups | Events) -> None:
    """Refuse what no backend answers. Raises QueryError."""
    if query.span.until <= query.span.since:
        raise QueryError("the range of time ends before it begins")
    if not 1 <= query.limit <= MAX_LIMIT:
        raise QueryError(f"limit must be positive number and not greater than {MAX_LIMIT}")
    names = query.by if isinstance(query, Groups) else query.fields
    if not names and isinstance(query, Events):
        raise QueryError("at least one field has to be asked for")
    if len(names) > MAX_FIELDS or len(set(names)) != len(names):
        raise QueryError(f"at most {MAX_FIELDS} fields, each once")
    for name in names:
        _field(name, query.scope)
    known = {*names}
    if isinstance(query, Groups):
        if not query.measures or len(query.measures) > MAX_FIELDS:
            raise QueryError(f"1 to {MAX_FIELDS} measures")
        for measure in query.measures:
            _measure(measure, query.scope)
        known.update(measure.name for measure in query.measures)
    for order in query.order:
        if order.name not in known and (isinstance(query, Groups) or order.name not in FIELDS):
            raise QueryError(f"cannot order by {order.name!r}, which is not asked for")
    _count(query.filter, query.scope, 0, [0])


def _field(name: str, scope: Scope) -> None:
    field = FIELDS.get(name)
    if field is None:
        raise QueryError(f"there is no field {name!r}")
    if field.match and scope != "security":
        raise QueryError(f"{name!r} is of security events only")


def _measure(measure: Measure, scope: Scope) -> None:
    if measure.aggregate in ("count", "stored"):
        if measure.field:
            raise QueryError(f"{measure.aggregate} is of no field")
        return
    _field(measure.field, scope)
    numeric = FIELDS[measure.field].kind in (Kind.INTEGER, Kind.MICROSECONDS, Kind.BOOLEAN)
    if measure.aggregate != "uniq" and not numeric:
        raise QueryError(f"{measure.aggregate} is of numbers, {measure.field!r} is none")


def _count(part: Filter, scope: Scope, depth: int, seen: list[int]) -> None:
    if depth > MAX_DEPTH:
        raise QueryError(f"a filter nests at most {MAX_DEPTH} levels deep")
    if isinstance(part, Not):
        _count(part.part, scope, depth + 1, seen)
    elif isinstance(part, All | AnyOf):
        for each in part.parts:
            _count(each, scope, depth + 1, seen)
    else:
        seen[0] += 1
        if seen[0] > MAX_CONDITIONS:
            raise QueryError(f"a filter has at most {MAX_CONDITIONS} conditions")
        _condition(part, scope)


def _condition(condition: Condition, scope: Scope) -> None:
    name, operator, value = condition
    _field(name, scope)
    kind = FIELDS[name].kind
    lists = kind in (Kind.TEXTS, Kind.INTEGERS)
    if lists != (operator in _LISTS):
        right = "has, hasall, hasany" if lists else "eq, neq, gt, geq, lt, leq, in, notin, like"
        raise QueryError(f"{name!r} has no operator {operator!r}: it has {right}")
    if operator in _PATTERNS and kind is not Kind.TEXT:
        raise QueryError(f"{operator} is of texts, {name!r} is none")
    if (operator in _SINGLE) == isinstance(value, tuple):
        raise QueryError(f"{operator} of {name!r} takes {'one value' if operator in _SINGLE else 'a list'}")
    values = value if isinstance(value, tuple) else (value,)
    if len(values) > MAX_VALUES:
        raise QueryError(f"a list has at most {MAX_VALUES} values")
    for each in values:
        if kind in (Kind.TEXT, Kind.TEXTS):
            right_kind = isinstance(each, str) and len(each) <= MAX_TEXT
        elif kind is Kind.BOOLEAN:
            right_kind = isinstance(each, bool)
        else:
            right_kind = isinstance(each, int) and not isinstance(each, bool) and -(2**63) <= each < 2**63
        if not right_kind:
            raise QueryError(f"{name!r} is compared with {kind.value}, not with {each!r:.100}")
