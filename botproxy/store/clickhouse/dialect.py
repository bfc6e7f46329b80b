"""ClickHouse's words for what `store.events.sql` writes, of a kind that servers from 18.16 on understand.

Such servers take no parameters, so values are written into the text; `literal` is the one place where that is done.
"""

from __future__ import annotations

from typing import Any, Final, final

from botproxy.store.events.columns import SEPARATOR
from botproxy.store.events.query import Measure
from botproxy.store.events.sql import MATCH_COLUMNS

_ESCAPED: Final = str.maketrans({"\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_QUANTILES: Final = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


def literal(value: Any) -> str:
    """A value as text of a query: a text between quotes in which nothing ends it, or a number."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, str):
        return "'" + value.translate(_ESCAPED) + "'"
    raise TypeError(f"{type(value).__name__} cannot stand in a query")


@final
class ClickhouseWriter:
    """Writes values into the text."""

    def quoted(self, name: str) -> str:
        """See `Dialect`."""
        return f"`{name}`"

    def divided(self, text: str, number: int) -> str:
        """See `Dialect`."""
        return f"intDiv({text}, {number})"

    def matched(self, text: str, pattern: str) -> str:
        """See `Dialect`."""
        return f"extract({text}, {literal(pattern)})"

    def value(self, value: Any) -> str:
        """See `Writer`."""
        return literal(value)

    def number(self, text: str) -> str:
        """See `Writer`."""
        return text

    def contains(self, text: str, value: str) -> str:
        """See `Writer`."""
        return f"(position({text}, {literal(value)}) > 0)"

    def like(self, text: str, pattern: str) -> str:
        """See `Writer`. A regular expression, because old servers take `%` for any text without the ends of lines."""
        parts = ["".join(_plain(character) for character in part) for part in pattern.split("%")]
        return f"match({text}, {literal('(?s)^' + '.*'.join(parts) + '$')})"

    def exploded(self, table: str, where: str, needed: frozenset[str], grouped: bool) -> str:
        """See `Writer`."""
        columns = ", ".join(self.quoted(name) for name in sorted(needed | {"actions", "rule_ids", "sources"}))
        shown = ", ".join(self.quoted(name) for name in sorted(needed))
        joins = [f"{_items(column)} AS {self.quoted(field)}" for field, column in MATCH_COLUMNS]
        joins.append(
            f"arrayMap(x -> length({_items('actions')}) - x, arrayEnumerate({_items('actions')})) AS match_index"
        )
        fields = ", ".join([*(self.quoted(field) for field, _ in MATCH_COLUMNS), "match_index"])
        inner = f"(SELECT {columns} FROM {table} WHERE {where} AND actions <> '')"
        if grouped:
            same = sorted((needed | {column for _, column in MATCH_COLUMNS}) - {"sample_interval"})
            chosen = ", ".join(self.quoted(name) for name in same)
            total = "sum(`sample_interval`) AS `sample_interval`"
            inner = f"(SELECT {chosen}, {total} FROM {inner} GROUP BY {chosen})"
        return f"(SELECT {shown}, {fields} FROM {inner} ARRAY JOIN {', '.join(joins)})"

    def aggregated(self, measure: Measure, text: str, weight: str) -> str:
        """See `Writer`."""
        kind = measure.aggregate
        if kind == "count":
            return f"sum({weight})"
        if kind == "stored":
            return "count()"
        if kind == "sum":
            return f"sum({text} * {weight})"
        if kind == "avg":
            return f"avg({text})" if measure.field == "sample_interval" else f"sum({text} * {weight}) / sum({weight})"
        if kind == "uniq":
            return f"uniqExact({text})"
        if kind in _QUANTILES:
            return f"quantileExactWeighted({_QUANTILES[kind]})({text}, toUInt64({weight}))"
        return f"{kind}({text})"


def _plain(character: str) -> str:
    if character.isalnum() and character.isascii():
        return character
    return f"\\x{{{ord(character):x}}}"


def _items(column: str) -> str:
    return f"splitByChar({literal(SEPARATOR)}, substring(`{column}`, 2, length(`{column}`) - 2))"
