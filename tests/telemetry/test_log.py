"""Log lines of the program itself."""

from __future__ import annotations

import logging
import os

from hypothesis import given
from hypothesis import strategies as st

from botproxy.telemetry.log import LineFormatter, RateLimit, StderrHandler, fields, quoted


def record(message: str, **named: object) -> logging.LogRecord:
    """A record with these fields."""
    made = logging.LogRecord("botproxy", logging.WARNING, "x.py", 1, message, (), None)
    made.__dict__.update(fields(**named))
    made.created, made.msecs = 0.0, 7.0
    return made


def test_a_line_is_key_value_pairs() -> None:
    line = LineFormatter("supervisor").format(record("worker died", worker=3, ending="signal 9"))
    assert line.startswith("time=1970-01-01T00:00:00.007Z level=warning role=supervisor pid=")
    assert line.endswith(' msg="worker died" worker=3 ending="signal 9"')


@given(st.text(max_size=200))
def test_no_text_can_break_out_of_its_value(text: str) -> None:
    line = LineFormatter("worker-1").format(record(text, value=text))
    assert line.isascii()
    assert line.isprintable()
    assert line.count(" msg=") >= 1


def test_long_text_is_cut() -> None:
    assert len(quoted("x" * 100_000)) < 5000


def test_an_exception_is_one_line() -> None:
    try:
        raise ValueError("bad\nthing")
    except ValueError as error:
        made = record("failed")
        made.exc_info = (ValueError, error, error.__traceback__)
    line = LineFormatter("worker-1").format(made)
    assert "\n" not in line
    assert "bad\\nthing" in line


def test_a_reader_that_is_stuck_costs_lines_and_no_time() -> None:
    reader, writer = os.pipe()
    handler = StderrHandler(writer)
    handler.setFormatter(LineFormatter("worker-1"))
    for _ in range(200):
        handler.emit(record("x" * 3000))  # far more than the pipe holds; a write that waits would never return
    assert len(os.read(reader, 1 << 20)) > 40_000
    os.close(reader)
    handler.emit(record("nobody is there"))
    os.close(writer)


def test_a_flood_is_cut_and_what_was_cut_is_said() -> None:
    now = [5.0]
    limit = RateLimit(limit=3, clock=lambda: now[0])
    assert [limit.filter(record("x")) for _ in range(10)] == [True] * 3 + [False] * 7
    now[0] = 6.0
    later = record("x", worker=1)
    assert limit.filter(later)
    assert later.fields == {"worker": 1, "suppressed": 7}
