"""What hook processes print, as lines of our log: bounded in pace and in number, whatever they print."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Final, final

from botproxy.telemetry import log
from botproxy.telemetry.line_budget import LineBudget

MAX_LINE: Final = 4096
READ: Final = 16 * 1024
PAUSE: Final = 0.25
"""Seconds between two reads. A hook that prints more than 64 KB a second waits on its own output."""

_log = logging.getLogger(__name__)


@final
class Output:
    """The reading end of the output of one hook process."""

    def __init__(self, loop: asyncio.AbstractEventLoop, zone: str, budget: LineBudget) -> None:
        """Raises OSError when there are no descriptors left."""
        self._loop: Final = loop
        self._zone: Final = zone
        self._budget: Final = budget
        self._reader, self.writer = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._reader, False)
        self._line = b""
        self._cut = False  # the rest of a line that is too long is passed over
        self._timer: asyncio.TimerHandle | None = None
        self._open = True
        self.process = 0

    def start(self, process: int) -> None:
        """The process runs: keep only the reading end."""
        self.process = process
        os.close(self.writer)
        self._loop.add_reader(self._reader, self._readable)

    def abandon(self) -> None:
        """No process came of it."""
        os.close(self.writer)
        os.close(self._reader)

    def close(self) -> None:
        """Take what it printed last, and no more."""
        if self._open:
            self._take()
            if self._line:
                self._say(self._line)
            self._shut()

    def _shut(self) -> None:
        if self._open:
            self._open = False
            if self._timer is not None:
                self._timer.cancel()
            self._loop.remove_reader(self._reader)
            os.close(self._reader)

    def _readable(self) -> None:
        if not self._take():
            self._shut()
            return
        self._loop.remove_reader(self._reader)
        self._timer = self._loop.call_later(PAUSE, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._reader, self._readable)

    def _take(self) -> bool:
        try:
            data = os.read(self._reader, READ)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        *lines, rest = (self._line + data).split(b"\n")
        for line in lines:
            if self._cut:
                self._cut = False
            elif line:
                self._say(line)
        if len(rest) > MAX_LINE:
            if not self._cut:
                self._say(rest)
            self._cut = True
            rest = b""
        self._line = b"" if self._cut else rest
        return True

    def _say(self, line: bytes) -> None:
        if not self._budget.allows():
            return
        told: dict[str, object] = {
            "zone": self._zone,
            "hook": self.process,
            "line": line[:MAX_LINE].decode("utf-8", "replace"),
        }
        suppressed = self._budget.taken()
        if suppressed:
            told["suppressed"] = suppressed
        _log.info("a hook printed", extra=log.fields(**told))
