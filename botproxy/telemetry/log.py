"""Log lines of the program itself: one line each, `key=value`, to stderr. Requests are not logged here."""

from __future__ import annotations

import json
import logging
import os
import re
import select
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, final

from botproxy.telemetry.line_budget import LineBudget

MAX_TEXT = 4096
"""Characters of a value; a traceback may have four times as many."""

MAX_LINES_A_SECOND = 50
"""Of one process. What is above is counted and said with the next line: a log must not become the load."""

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,\-\[\]]+\Z", re.ASCII)


def fields(**named: object) -> dict[str, dict[str, object]]:
    """Named values for `extra=`; they become `key=value` at the end of the line."""
    return {"fields": named}


def quoted(text: str, limit: int = MAX_TEXT) -> str:
    """The text as one value of a line: as it is when plain, a JSON string in ASCII otherwise.

    No control character of any kind comes through, so nothing that a client sent can move a terminal's cursor or
    forge a line.
    """
    if len(text) > limit:
        text = text[:limit] + "..."
    return text if _PLAIN.match(text) else json.dumps(text).replace("\x7f", "\\u007f")


@final
class LineFormatter(logging.Formatter):
    """Renders a record as one line of `key=value` pairs."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """One line, without its end."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        parts = [
            f"time={when}.{int(record.msecs):03d}Z",
            f"level={record.levelname.lower()}",
            f"role={self._role}",
            f"pid={record.process}",
            f"msg={quoted(record.getMessage())}",
        ]
        extra: dict[str, Any] = getattr(record, "fields", {})
        parts.extend(f"{name}={quoted(str(value))}" for name, value in extra.items())
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(f"trace={quoted(''.join(traceback.format_exception(record.exc_info[1])), 4 * MAX_TEXT)}")
        return " ".join(parts)


@final
class RateLimit(logging.Filter):
    """Lets through so many lines a second; says with the next one how many there were beyond."""

    def __init__(self, limit: int = MAX_LINES_A_SECOND, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._budget = LineBudget(limit, clock)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is written."""
        if not self._budget.allows():
            return False
        suppressed = self._budget.taken()
        if suppressed:
            record.fields = {**getattr(record, "fields", {}), "suppressed": suppressed}
        return True


PIPE_BUFFER = 4096
"""A pipe that is said to be writable takes so many bytes at once (pipe(7))."""


@final
class StderrHandler(logging.Handler):
    """Writes to a descriptor without a buffer, so that nothing is written twice after a fork.

    It never waits for a reader that is stuck: a line that nobody takes is cut or lost, and a request is not.
    """

    def __init__(self, descriptor: int = 2) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a stderr that is gone is no reason to fail."""
        line = (self.format(record) + "\n").encode("ascii", "backslashreplace")
        with suppress(OSError):
            for start in range(0, len(line), PIPE_BUFFER):
                if not self._poll.poll(0):
                    return
                os.write(self._descriptor, line[start : start + PIPE_BUFFER])


def configure(role: str, level: int = logging.INFO) -> None:
    """Send every record of this process to stderr, under this role. Called again after a fork it replaces the role."""
    handler = StderrHandler()
    handler.setFormatter(LineFormatter(role))
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(max(level, logging.WARNING))
    logging.captureWarnings(True)
