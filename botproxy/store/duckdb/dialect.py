"""DuckDB's words for what `store.events.sql` writes. Values are parameters, never text."""

from __future__ import annotations

from typing import Any, Final, final

from botproxy.store.events.query import Measure
from botproxy.store.events.sql import MATCH_COLUMNS

_QUANTILES: Final = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@final
class DuckdbWriter:
    """Collects the values of one query in `values`."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def quoted(self, name: str) -> str:
        """See `Dialect`."""
        return f'"{name}"'

    def divided(self, text: str, number: int) -> str:
        """See `Dialect`."""
        return f"({text} // {number})"

    def matched(self, text: str, pattern: str) -> str:
        """See `Dialect`."""
        return f"regexp_extract({text}, '{pattern}', 1)"

    def value(self, value: Any) -> str:
        """See `Writer`."""
        self.values.append(value)
        return f"${len(self.values)}"

    def number(self, text: str) -> str:
        """See `Writer`."""
        return f"CAST({text} AS INTEGER)"

    def contains(self, text: str, value: str) -> str:
        """See `Writer`."""
        return f"contains({text}, {self.value(value)})"

    def like(self, text: str, pattern: str) -> str:
        """See `Writer`."""
        escaped = pattern.replace("\\", "\\\\").replace("_", "\\_")
        return f"({text} LIKE {self.value(escaped)} ESCAPE '\\')"

    def exploded(self, table: str, where: str, needed: frozenset[str], grouped: bool) -> str:
        """See `Writer`."""
        columns = [self.quoted(name) for name in sorted(needed)]
        for field, column in MATCH_COLUMNS:
            columns.append(f"unnest({_items(column)}) AS {self.quoted(field)}")
        columns.append(f"unnest(range(length({_items('actions')}) - 1, -1, -1)) AS match_index")
        source = f"{table} WHERE {where} AND actions <> ''"
        if grouped:
            same = sorted((needed | {column for _, column in MATCH_COLUMNS}) - {"sample_interval"})
            chosen = ", ".join(self.quoted(name) for name in same)
            source = f"(SELECT {chosen}, sum(sample_interval) AS sample_interval FROM {source} GROUP BY {chosen})"
        return f"(SELECT {', '.join(columns)} FROM {source})"

    def aggregated(self, measure: Measure, text: str, weight: str) -> str:
        """See `Writer`."""
        kind = measure.aggregate
        if kind == "count":
            return f"sum({weight})"
        if kind == "stored":
            return "count(*)"
        if kind == "sum":
            return f"sum({text} * {weight})"
        if kind == "avg":
            # The interval itself is what the original gives the mean of, over what is stored.
            return f"avg({text})" if measure.field == "sample_interval" else f"sum({text} * {weight}) / sum({weight})"
        if kind == "uniq":
            return f"count(DISTINCT {text})"
        if kind in _QUANTILES:
            return f"quantile_cont({text}, {_QUANTILES[kind]})"
        return f"{kind}({text})"


def _items(column: str) -> str:
    return f"string_split(substr({column}, 2, length({column}) - 2), chr(31))"
