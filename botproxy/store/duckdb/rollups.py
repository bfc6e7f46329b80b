"""Counts by minute and hour, so that a chart of a month reads thousands of rows and not millions.

Events are counted in the order in which they were stored, up to a watermark that moves in the same transaction: an
event is in the counts or beyond the watermark, never both, whenever it began. A query reads what is counted, and of
the events those beyond the watermark and those in the minutes that its range cuts in two; so it is exact.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from botproxy.model import IMPORTED
from botproxy.store.duckdb.dialect import DuckdbWriter
from botproxy.store.duckdb.tables import REST, ROLLED, ROLLED_SUMS, TOP_FIELDS, TOP_VALUES, Execute
from botproxy.store.events import sql
from botproxy.store.events.fields import BUCKETS, FIELDS
from botproxy.store.events.query import MICROSECONDS, Groups, Measure

MINUTE: Final = 60
HOUR: Final = 3600

WORTH_WHILE: Final = 15 * 60 * MICROSECONDS
"""A shorter range is read from the events themselves."""

_KEYS: Final = ", ".join(f'"{name}"' for name in ROLLED)
_SUMS: Final = ", ".join(f'"{name}"' for name in ROLLED_SUMS)
_BOOLEANS: Final = frozenset({"page_view", "visit"})


class Marks(NamedTuple):
    """How far everything is counted."""

    sequence: int  # of the last event that is in `minutes`
    run: int  # the last time that events were counted
    hours_run: int  # the last of these times that is in `hours`
    tops_sequence: int  # of the last event that is in `tops`
    minutes_from: int  # seconds; minutes before were deleted
    events_from: int  # microseconds; events before were deleted


_NAMES: Final = {
    "sequence": "counted",
    "run": "run",
    "hours_run": "hours_run",
    "tops_sequence": "tops_counted",
    "minutes_from": "minutes_from",
    "events_from": "events_from",
}


def read_marks(execute: Execute) -> Marks:
    """How far everything is counted, in the transaction of `execute`."""
    values = dict(execute("SELECT name, value FROM meta").fetchall())
    return Marks(**{field: values.get(name, 0) for field, name in _NAMES.items()})


def write_mark(execute: Execute, field: str, value: int) -> None:
    """Move one mark, in the transaction of `execute`."""
    name = _NAMES[field]
    execute("DELETE FROM meta WHERE name = ?", [name])
    execute("INSERT INTO meta VALUES (?, ?)", [name, value])


def count_events(execute: Execute, last: int) -> None:
    """Count events up to this sequence number, in a transaction of its own."""
    execute("BEGIN")
    marks = read_marks(execute)
    if last > marks.sequence:
        sums = ", ".join(f"sum({_number(name)} * sample_interval)" for name in ROLLED_SUMS)
        execute(
            f'INSERT INTO minutes SELECT {marks.run + 1}, "start" // 60000000 * 60, {_KEYS}, sum(sample_interval), '
            f"count(*), {sums} FROM events WHERE sequence > ? AND sequence <= ? GROUP BY ALL",
            [marks.sequence, last],
        )
        write_mark(execute, "run", marks.run + 1)
        write_mark(execute, "sequence", last)
    execute("COMMIT")


def count_hours(execute: Execute) -> None:
    """Take all minutes into the hours, and the most frequent values of all counted events into `tops`."""
    execute("BEGIN")
    marks = read_marks(execute)
    if marks.run > marks.hours_run:
        sums = ", ".join(f'sum("{name}")' for name in ROLLED_SUMS)
        execute(
            f"INSERT INTO hours SELECT {marks.run}, time // 3600 * 3600, {_KEYS}, sum(requests), sum(stored), {sums} "
            "FROM minutes WHERE run > ? AND run <= ? GROUP BY ALL",
            [marks.hours_run, marks.run],
        )
        write_mark(execute, "hours_run", marks.run)
        _count_tops(execute, marks)
        write_mark(execute, "tops_sequence", marks.sequence)
    execute("COMMIT")


def _count_tops(execute: Execute, marks: Marks) -> None:
    for name in TOP_FIELDS:
        _count_top(execute, name, marks.run, "sequence > ? AND sequence <= ?", [marks.tops_sequence, marks.sequence])


def _count_top(execute: Execute, name: str, run: int, condition: str, values: list[Any]) -> None:
    # Beyond the first values an hour's crowd is one row, so that what was left out is known.
    execute(
        f"""
        INSERT INTO tops_{name}
        SELECT ?, time, zone, score_group, CASE WHEN place <= ? THEN value ELSE ? END AS shown, sum(requests)
        FROM (
            SELECT *, row_number() OVER (PARTITION BY time, zone, score_group ORDER BY requests DESC) AS place
            FROM (
                SELECT "start" // 3600000000 * 3600 AS time, zone, score_group, CAST("{name}" AS VARCHAR) AS value,
                    sum(sample_interval) AS requests
                FROM events WHERE {condition} GROUP BY ALL
            )
        )
        GROUP BY ALL
        """,
        [run, TOP_VALUES, REST, *values],
    )


def forget_imported(execute: Execute, zone: str | None) -> int:
    """Delete imported events of a zone, or of all, and what was counted of them; how many events there were.

    In the transaction of `execute`; everything has to be counted. Of the hours in which some of them were, the most
    frequent values are found again from the events that stay.
    """
    condition, values = "mode = ?", [IMPORTED]
    if zone is not None:
        condition, values = f"{condition} AND zone = ?", [IMPORTED, zone]
    marks = read_marks(execute)
    execute(
        f'CREATE OR REPLACE TEMP TABLE imported AS SELECT DISTINCT "start" // 3600000000 * 3600 AS time, zone '
        f"FROM events WHERE {condition}",
        values,
    )
    number = int(execute(f"DELETE FROM events WHERE {condition}", values).fetchone()[0])
    for table in ("minutes", "hours"):
        execute(f"DELETE FROM {table} WHERE {condition}", values)
    for name in TOP_FIELDS:
        execute(f"DELETE FROM tops_{name} WHERE (time, zone) IN (SELECT time, zone FROM imported)")
        within = '("start" // 3600000000 * 3600, zone) IN (SELECT time, zone FROM imported) AND sequence <= ?'
        _count_top(execute, name, marks.run, within, [marks.tops_sequence])
    execute("DROP TABLE imported")
    return number


class Planned(NamedTuple):
    """SQL that answers from counts."""

    text: str
    values: list[Any]
    source: str
    approximate: str


def plan(query: Groups, marks: Marks) -> Planned | None:
    """SQL that answers this from counts, or None when only the events can."""
    if query.scope != "requests" or query.span.until - query.span.since < WORTH_WHILE or not marks.run:
        return None
    return _by_time(query, marks) or _tops(query, marks)


def _by_time(query: Groups, marks: Marks) -> Planned | None:
    plain = [name for name in query.by if name not in BUCKETS]
    buckets = [name for name in query.by if name in BUCKETS]
    if any(_columns(name) - set(ROLLED) for name in (*plain, *sql.fields_of(query.filter))):
        return None
    if any(BUCKETS[name] < MINUTE for name in buckets) or any(_rolled(each) is None for each in query.measures):
        return None
    hourly = all(BUCKETS[name] >= HOUR for name in buckets)
    since, until = query.span
    approximate = ""
    first, last = -(-since // (60 * MICROSECONDS)) * 60, until // (60 * MICROSECONDS) * 60
    oldest_minute = marks.minutes_from
    if since < marks.events_from and since % (60 * MICROSECONDS):
        # The events of the first minute are gone: the whole minute is counted.
        first, approximate = since // (60 * MICROSECONDS) * 60, "the range begins at a whole minute"
    # Minutes that are gone are counted by whole hours, and a chart by minutes begins where there are some.
    first_hour, last_hour = -(-first // HOUR) * HOUR, last // HOUR * HOUR
    if hourly and first < oldest_minute and first % HOUR:
        first_hour, approximate = first // HOUR * HOUR, "the range begins at a whole hour"
    if not hourly and first < oldest_minute:
        approximate = "counts by minute are not kept for so long: the beginning is missing"

    writer = DuckdbWriter()
    parts = []
    outside = [f"time >= {writer.value(first)} AND time < {writer.value(last)}"]
    if hourly and last_hour > first_hour:
        parts.append(
            _counted("hours", query, writer, f"time >= {writer.value(first_hour)} AND time < {writer.value(last_hour)}")
        )
        outside.append(
            f"(run > {writer.value(marks.hours_run)} OR time < {writer.value(first_hour)} "
            f"OR time >= {writer.value(last_hour)})"
        )
        source = "hours"
    else:
        source = "minutes"
    parts.append(_counted("minutes", query, writer, " AND ".join(outside)))
    parts.append(_uncounted(query, writer, marks, first, last))
    chosen = [f'"d_{name}"' for name in query.by]
    measures = [f'{_rolled(each)} AS "{each.name}"' for each in query.measures]
    text = f"SELECT {', '.join([*chosen, *measures])} FROM ({' UNION ALL '.join(parts)})"
    if chosen:
        text += f" GROUP BY {', '.join(chosen)}"
    return Planned(text + sql.tail(query, writer), writer.values, source, approximate)


def _columns(name: str) -> set[str]:
    return set(FIELDS[name].needs)


def _rolled(measure: Measure) -> str | None:
    """A measure over counted rows; None when it cannot be had from them."""
    if measure.aggregate == "count":
        return "sum(requests)"
    if measure.aggregate == "stored":
        return "sum(stored)"
    if measure.aggregate == "sum" and measure.field in ROLLED_SUMS:
        return f'sum("{measure.field}")'
    if measure.aggregate == "avg" and measure.field == "sample_interval":
        return "sum(requests) / sum(stored)"
    return None


def _counted(table: str, query: Groups, writer: DuckdbWriter, within: str) -> str:
    chosen = [_field(name, writer, f"(time // {BUCKETS.get(name, 1)} * {BUCKETS.get(name, 1)})") for name in query.by]
    conditions = f"{within} AND {sql.where(None, query.zones, query.filter, writer)}"
    return f"SELECT {''.join(each + ', ' for each in chosen)}requests, stored, {_SUMS} FROM {table} WHERE {conditions}"


def _uncounted(query: Groups, writer: DuckdbWriter, marks: Marks, first: int, last: int) -> str:
    chosen = [_field(name, writer, FIELDS[name].text(writer)) for name in query.by]
    sums = ", ".join(f'{_number(name)} * sample_interval AS "{name}"' for name in ROLLED_SUMS)
    conditions = sql.where(query.span, query.zones, query.filter, writer)
    since, until = writer.value(first * MICROSECONDS), writer.value(last * MICROSECONDS)
    return (
        f"SELECT {''.join(each + ', ' for each in chosen)}sample_interval AS requests, 1 AS stored, {sums} FROM events "
        f'WHERE {conditions} AND (sequence > {writer.value(marks.sequence)} OR "start" < {since} OR "start" >= {until})'
    )


def _field(name: str, writer: DuckdbWriter, bucket: str) -> str:
    text = bucket if name in BUCKETS else FIELDS[name].text(writer)
    return f'{text} AS "d_{name}"'


def _number(name: str) -> str:
    return f'CAST("{name}" AS BIGINT)' if name in _BOOLEANS else f'"{name}"'


def _tops(query: Groups, marks: Marks) -> Planned | None:
    """The most frequent values of one field over whole hours: from lists of the most frequent values of each hour."""
    if len(query.by) != 1 or query.by[0] not in TOP_FIELDS or query.measures != (Measure("count"),):
        return None
    if sql.fields_of(query.filter) - {"score_group", "zone"} or query.limit > TOP_VALUES // 2:
        return None
    if not query.order or query.order[0].name != "count" or not query.order[0].descending:
        return None
    if query.span.until - query.span.since < 6 * HOUR * MICROSECONDS:
        return None
    name = query.by[0]
    writer = DuckdbWriter()
    since = query.span.since // (HOUR * MICROSECONDS) * HOUR
    until = -(-query.span.until // (HOUR * MICROSECONDS)) * HOUR
    conditions = sql.where(None, query.zones, query.filter, writer)
    kind = "BIGINT" if FIELDS[name].kind.value == "integer" else "VARCHAR"
    counted = (
        f"value <> {writer.value(REST)} AND time >= {writer.value(since)} "
        f"AND time < {writer.value(until)} AND {conditions}"
    )
    beyond = sql.where(query.span, query.zones, query.filter, writer)
    beyond = f"sequence > {writer.value(marks.tops_sequence)} AND {beyond}"
    text = (
        f'SELECT "d_{name}", sum(requests) AS "count" FROM ('
        f'SELECT CAST(value AS {kind}) AS "d_{name}", requests FROM tops_{name} WHERE {counted} UNION ALL '
        f'SELECT "{name}", sample_interval FROM events WHERE {beyond}) GROUP BY 1'
    )
    why = f"whole hours, and of each the {TOP_VALUES} most frequent values of every group"
    return Planned(text + sql.tail(query, writer), writer.values, "tops", why)
