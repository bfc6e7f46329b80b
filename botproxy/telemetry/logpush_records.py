"""Events to the lines that a job sends: which events, which fields, in which form."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, final

import orjson

from botproxy.model import Event, Facts
from botproxy.telemetry import recalled
from botproxy.telemetry.datasets import Row, defaults_of, matches, reader
from botproxy.telemetry.event_writer import printable
from botproxy.telemetry.logpush import to_logpush
from botproxy.telemetry.logpush_settings import LogpushSettings

if TYPE_CHECKING:
    from botproxy.rules import Lists

_RAY: Final = Event._fields.index("ray")
_LOT: Final = 1 << 32
_FORMULA: Final = frozenset("=+-@＝＋－＠")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@final
class Records:
    """What one job makes of events. Raises `rules.RuleError` for a filter that does not compile."""

    def __init__(self, settings: LogpushSettings, lists: Lists | None = None) -> None:
        names = settings.fields or defaults_of(settings.dataset)
        self._names = names
        self._readers = [(name, reader(settings.dataset, name, settings.timestamp_format)) for name in names]
        self._each_match = settings.dataset == "firewall_events"
        self._csv = settings.output == "csv"
        self._rate = int(settings.sample_rate * _LOT)
        self._wanted = _filter(settings.filter, lists) if settings.filter else None
        self.head = _line(names) if self._csv else b""
        """What stands before the first line of a file or batch."""

    def wants(self, row: Row) -> bool:
        """Whether this event is sent. Raises what a filter raises, which is nothing that is known of."""
        if self._rate < _LOT and _lot(row[_RAY]) >= self._rate:
            return False
        if self._each_match and not matches(row):
            return False
        return self._wanted is None or self._wanted(recalled.facts(to_logpush(row, "unixnano")))

    def lines(self, row: Row) -> list[bytes]:
        """The lines of one event that is wanted."""
        count = matches(row) if self._each_match else 1
        if self._csv:
            return [_line([read(row, match) for _, read in self._readers]) for match in range(count)]
        made = [{name: read(row, match) for name, read in self._readers} for match in range(count)]
        return [printable(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE)) for each in made]


def _filter(text: str, lists: Lists | None) -> Callable[[Facts], bool]:
    from botproxy.rules import compile_expression  # most jobs have none, and then the supervisor needs no compiler

    compiled = compile_expression(text, lists=lists)

    def wanted(facts: Facts) -> bool:
        # As with every rule: one that asks for a score is not evaluated where there is none.
        if compiled.uses_bot_management and facts.bot_management is None:
            return False
        return compiled.matches(facts)

    return wanted


def _lot(ray: str) -> int:
    try:
        return int(ray[-8:], 16)
    except ValueError:
        return 0


def _line(values: Sequence[Any]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(value) for value in values])
    return out.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    """A value as no spreadsheet takes it for a formula: a text that begins like one gets an apostrophe in front."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict):
        value = orjson.dumps(value).decode()
    if not isinstance(value, str):
        return value
    text = _CONTROLS.sub("�", value)
    return "'" + text if text[:1] in ("\t", "\r", "\n") or text.lstrip()[:1] in _FORMULA else text
