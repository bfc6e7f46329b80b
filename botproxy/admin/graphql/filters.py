"""Filters of the original to those of the event store; what they say of time becomes the range that is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from botproxy.admin.graphql.datasets import Dimension
from botproxy.errors import BotproxyError
from botproxy.store.events import (
    EVERYTHING,
    FIELDS,
    MICROSECONDS,
    All,
    AnyOf,
    Condition,
    Filter,
    Kind,
    Not,
    Span,
)

_NOTHING: Final = AnyOf(())
_OPERATOR: Final = re.compile(r"(\w+?)_(gt|geq|lt|leq|neq|in|notin|like|notlike|has|hasall|hasany)\Z")
_MANY: Final = frozenset({"in", "notin", "hasall", "hasany"})
_DEEPEST: Final = 15
LATEST: Final = 2**53


class AskError(BotproxyError):
    """What was asked for is wrong or too much. `status` is the original's for it."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Asked(NamedTuple):
    """A filter, taken apart. `since` and `until` in microseconds."""

    since: int
    until: int
    filter: Filter

    @property
    def span(self) -> Span:
        """The range; empty ones hold nothing and are no fault."""
        return Span(self.since, max(self.until, self.since + 1))

    @property
    def empty(self) -> bool:
        """Whether no time is in both."""
        return self.until <= self.since


def read(given: Mapping[str, Any] | None, dimensions: Mapping[str, Dimension]) -> Asked:
    """Take a filter apart. Raises AskError."""
    parts: list[Filter] = []
    since, until = 0, LATEST
    for name, operator, value in _leaves(given or {}, 0):
        dimension = _dimension(name, dimensions)
        if dimension.seconds and operator in ("eq", "gt", "geq", "lt", "leq"):
            low, high = _range(dimension, operator, _microseconds(dimension, value))
            since, until = max(since, low), min(until, high)
        else:
            parts.append(_condition(dimension, operator, value))
    parts += _others(given or {}, dimensions, 0)
    return Asked(since, until, All(tuple(parts)))


def _leaves(given: Mapping[str, Any], depth: int) -> list[tuple[str, str, Any]]:
    """Conditions that all have to be true, those in AND with them."""
    if depth > _DEEPEST:
        raise AskError(f"a filter nests at most {_DEEPEST} levels deep")
    found = []
    for key, value in given.items():
        if key == "AND":
            for each in _filters(value):
                found += _leaves(each, depth + 1)
        elif key != "OR":
            match = _OPERATOR.match(key)
            name, operator = (match[1], match[2]) if match is not None else (key, "eq")
            found.append((name, operator, _shaped(key, operator, value)))
    return found


def _filters(value: Any) -> list[Mapping[str, Any]]:
    """What stands in AND or OR."""
    given = value if isinstance(value, list | tuple) else [value]
    if any(each is not None and not isinstance(each, Mapping) for each in given):
        raise AskError("error parsing args: AND and OR are lists of filters")
    return [each or {} for each in given]


def _shaped(key: str, operator: str, value: Any) -> Any:
    """One value, or a list of them where there has to be one."""
    if operator in _MANY:
        value = list(value) if isinstance(value, list | tuple) else [value]
    for each in value if operator in _MANY else [value]:
        if each is None:
            raise AskError(f'error parsing args: filter "{key}" has no value')
        if not isinstance(each, str | int | float):
            raise AskError(f'error parsing args: filter "{key}" cannot be {each!r:.80}')
    return value


def _others(given: Mapping[str, Any], dimensions: Mapping[str, Dimension], depth: int) -> list[Filter]:
    """Every OR of the conditions that all have to be true."""
    found: list[Filter] = []
    for key, value in given.items():
        if key == "AND":
            for each in _filters(value):
                found += _others(each, dimensions, depth + 1)
        elif key == "OR":
            found.append(AnyOf(tuple([_whole(each, dimensions, depth + 1) for each in _filters(value)])))
    return found


def _whole(given: Mapping[str, Any], dimensions: Mapping[str, Dimension], depth: int) -> Filter:
    parts = [_condition(_dimension(name, dimensions), *rest) for name, *rest in _leaves(given, depth)]
    return All((*parts, *_others(given, dimensions, depth)))


def _dimension(name: str, dimensions: Mapping[str, Dimension]) -> Dimension:
    try:
        return dimensions[name]
    except KeyError:
        raise AskError(f'unknown field "{name}" in filter') from None


def _condition(dimension: Dimension, operator: str, value: Any) -> Filter:
    if not dimension.field:
        return EVERYTHING if _constant(dimension.constant, operator, value) else _NOTHING
    values = list(value) if isinstance(value, list | tuple) else [value]
    if dimension.seconds:
        return _of_time(dimension, operator, values)
    if operator in ("like", "notlike"):
        return Condition(dimension.field, operator, str(value))  # type: ignore[arg-type]
    read_values = [_value(dimension, each) for each in values]
    stored = [word for each in read_values for word in _stored(dimension, each)]
    if operator in ("in", "notin", "hasall", "hasany"):
        return Condition(dimension.field, operator, tuple(stored))  # type: ignore[arg-type]
    if operator in ("eq", "neq") and len(stored) > 1:
        return Condition(dimension.field, "in" if operator == "eq" else "notin", tuple(stored))
    return Condition(dimension.field, operator, stored[0])  # type: ignore[arg-type]


def _stored(dimension: Dimension, value: Any) -> list[Any]:
    """The words that are stored for one that is shown."""
    if dimension.words is None:
        return [value]
    words = [stored for stored, shown in dimension.words.items() if shown == value]
    return words or [value]


def _constant(constant: str, operator: str, value: Any) -> bool:
    match operator:
        case "eq":
            return bool(value == constant)
        case "neq":
            return bool(value != constant)
        case "in":
            return constant in value
        case "notin":
            return constant not in value
        case "like" | "notlike":
            plain = str(value).replace("[", "[[]").replace("*", "[*]").replace("?", "[?]").replace("%", "*")
            return fnmatchcase(constant, plain) == (operator == "like")
        case "gt" | "geq" | "lt" | "leq":
            text = str(value)
            return {"gt": constant > text, "geq": constant >= text, "lt": constant < text, "leq": constant <= text}[
                operator
            ]
    return False


def _value(dimension: Dimension, value: Any) -> Any:
    kind = FIELDS[dimension.field].kind
    if kind is Kind.BOOLEAN:
        if isinstance(value, bool):
            return value
    elif kind in (Kind.TEXT, Kind.TEXTS):
        if isinstance(value, str):
            return value
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    elif isinstance(value, float) and value.is_integer():
        return int(value)
    elif isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)  # an ASN is a text in the original
    raise AskError(f"error parsing args: {dimension.name} is {dimension.scalar}, not {value!r:.80}")


def _microseconds(dimension: Dimension, value: Any) -> int:
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            pass
        else:
            when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
            return round((when - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * MICROSECONDS)
    elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1e11:
        return value * MICROSECONDS
    right = "2026-01-31" if dimension.scalar == "Date" else "2026-01-31T12:00:00Z"
    raise AskError(f"error parsing args: {dimension.name} is a time such as {right}, not {value!r:.80}")


def _range(dimension: Dimension, operator: str, when: int) -> tuple[int, int]:
    """The microseconds whose bucket compares so."""
    length = dimension.seconds * MICROSECONDS
    up, after = -(-when // length) * length, (when // length + 1) * length
    match operator:
        case "geq":
            return up, LATEST
        case "gt":
            return after, LATEST
        case "lt":
            return 0, up
        case "leq":
            return 0, after
    return (when, when + length) if when % length == 0 else (0, 0)


def _of_time(dimension: Dimension, operator: str, values: list[Any]) -> Filter:
    def within(bounds: tuple[int, int]) -> Filter:
        return All((Condition("start", "geq", bounds[0]), Condition("start", "lt", bounds[1])))

    if operator in ("neq", "in", "notin"):
        found = AnyOf(tuple([within(_range(dimension, "eq", _microseconds(dimension, each))) for each in values]))
        return found if operator == "in" else Not(found)
    if operator not in ("eq", "gt", "geq", "lt", "leq"):
        raise AskError(f"error parsing args: {dimension.name} has no operator {operator}")
    return within(_range(dimension, operator, _microseconds(dimension, values[0])))
