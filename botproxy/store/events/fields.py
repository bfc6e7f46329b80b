"""What queries may name: the columns, and values read from them. SQL stands here alone, once for both dialects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from botproxy.store.events.columns import COLUMNS, Kind


class Dialect(Protocol):
    """Where the backends' SQL differs."""

    def quoted(self, name: str) -> str:
        """A name of a column."""
        ...

    def divided(self, text: str, number: int) -> str:
        """A whole number divided by one above 0, rounded down."""
        ...

    def matched(self, text: str, pattern: str) -> str:
        """The first group of the pattern in a text; the empty text without one. RE2's syntax."""
        ...


class Field(NamedTuple):
    """A value of an event. `text` gives its SQL; `needs` are the columns in it."""

    name: str
    kind: Kind
    text: Callable[[Dialect], str]
    needs: tuple[str, ...]
    match: bool = False  # of security events only


def _column(name: str) -> Callable[[Dialect], str]:
    return lambda dialect: dialect.quoted(name)


def _bucket(seconds: int) -> Field:
    def text(dialect: Dialect) -> str:
        return f"({dialect.divided(dialect.quoted('start'), seconds * 1_000_000)} * {seconds})"

    return Field(BUCKET_NAMES[seconds], Kind.INTEGER, text, ("start",))


BUCKET_NAMES: Final = {
    1: "second",
    60: "minute",
    300: "five_minutes",
    900: "fifteen_minutes",
    3600: "hour",
    86400: "day",
}
"""Length in seconds -> the field that holds the beginning of the bucket, in seconds since 1970."""

BUCKETS: Final = {name: seconds for seconds, name in BUCKET_NAMES.items()}


def _tens(dialect: Dialect) -> str:
    return f"({dialect.divided(dialect.quoted('score'), 10)} * 10)"


def _hundreds(dialect: Dialect) -> str:
    return dialect.divided(dialect.quoted("status"), 100)


def _milliseconds(dialect: Dialect) -> str:
    return dialect.divided(f"({dialect.quoted('end')} - {dialect.quoted('start')})", 1000)


def _matched(column: str, pattern: str) -> Callable[[Dialect], str]:
    return lambda dialect: dialect.matched(dialect.quoted(column), pattern)


_ALL: Final = (
    *(Field(column.name, column.kind, _column(column.name), (column.name,)) for column in COLUMNS),
    *(_bucket(seconds) for seconds in BUCKET_NAMES),
    Field("score_tens", Kind.INTEGER, _tens, ("score",)),  # 0, 10 … 90
    Field("status_class", Kind.INTEGER, _hundreds, ("status",)),  # 2 for 2xx
    Field("duration_ms", Kind.INTEGER, _milliseconds, ("start", "end")),
    Field("referer_scheme", Kind.TEXT, _matched("referer", r"^([A-Za-z]+)://"), ("referer",)),
    Field("referer_host", Kind.TEXT, _matched("referer", r"^[A-Za-z]+://([^/:?#]+)"), ("referer",)),
    Field("referer_path", Kind.TEXT, _matched("referer", r"^[A-Za-z]+://[^/?#]*([^?#]+)"), ("referer",)),
    Field("referer_query", Kind.TEXT, _matched("referer", r"\?([^#]*)"), ("referer",)),
    Field("content_subtype", Kind.TEXT, _matched("content_type", r"^[^/;]*/(?:x-)?([^;+ ]+)"), ("content_type",)),
    Field("origin_host", Kind.TEXT, _matched("origin", r"^(.*):[0-9]+$"), ("origin",)),
    Field("last_source", Kind.TEXT, _matched("sources", "([^\x1f]*)\x1f$"), ("sources",)),  # that decided
    Field("content_kind", Kind.TEXT, _matched("content_type", r"^([^; ]+)"), ("content_type",)),
    Field("match_action", Kind.TEXT, _column("match_action"), ("match_action",), True),
    Field("match_rule_id", Kind.TEXT, _column("match_rule_id"), ("match_rule_id",), True),
    Field("match_source", Kind.TEXT, _column("match_source"), ("match_source",), True),
    Field("match_index", Kind.INTEGER, _column("match_index"), ("match_index",), True),  # 0 is the last, which decided
)

FIELDS: Final = {field.name: field for field in _ALL}
