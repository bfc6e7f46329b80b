"""The thread that writes events: the supervisor reads links while this one decodes, renames and writes."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, final

import orjson

from botproxy.aio.background import give_way
from botproxy.telemetry import log
from botproxy.telemetry.event_file import EventFile
from botproxy.telemetry.logpush import append_lines
from botproxy.telemetry.privacy import Masking
from botproxy.telemetry.settings import Settings

MAX_BYTES = 32 * 1024**2
"""Of encoded rows that wait for the disk; beyond, the oldest are dropped and counted."""

NICENESS = 10
"""Of the writing thread alone; where a thread has no niceness of its own, nothing is changed."""

AT_ONCE = 64
"""Rows between which whoever else wants the core gets it: a whole batch takes milliseconds, so many a part of one. Each
time the caches are somebody else's afterwards; with 16 rows a row took a fifth longer."""

_PUT_ASIDE = b""
"""Instead of rows: whoever waits wants the file rotated."""

_CONTROLS = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
"""DEL and the C1 controls in UTF-8: JSON allows them unescaped, terminals obey them."""

_Bytes = TypeVar("_Bytes", bytes, bytearray)

_log = logging.getLogger(__name__)


@final
class EventWriter:
    """Takes batches from the event loop without waiting; writes them, or counts what it could not write."""

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        then: Callable[[Sequence[Sequence[Any]]], None] | None = None,
        first: Callable[[Sequence[Sequence[Any]]], None] | None = None,
    ) -> None:
        """`then` gets the rows of every batch on this thread, written or not, and must not wait; `first` gets them
        with addresses as they came, and must neither keep those for long nor raise anything."""
        self._max_bytes = max_bytes
        self._first = first
        self._then = then
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._next: tuple[EventFile | None, Settings, Masking] | None = None
        self._aside: list[threading.Event] = []
        self._configured = False
        self._stopping = False
        self._failing = False
        self.written = 0
        self.dropped = {"writer": 0, "disk": 0}
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def configure(self, settings: Settings, data: Path, masking: Masking | None = None) -> None:
        """Write with these settings from the next batch on. All but `first` get masked addresses."""
        path = settings.file or data / "events.jsonl"
        file = (
            EventFile(path, settings.rotate_size, settings.rotate_age, settings.keep_files, settings.keep_size)
            if settings.enabled
            else None
        )
        with self._changed:
            self._next = (file, settings, masking or Masking())
            self._configured = True
        # An empty batch: the file is there for whoever follows it, and a place that cannot be written is said at once.
        self.put(b"[]")

    def put(self, payload: bytes) -> None:
        """Hand over a JSON array of event rows, kept until there are settings. Never waits for the disk."""
        with self._changed:
            self._waiting.append(payload)
            self._bytes += len(payload)
            while self._bytes > self._max_bytes and len(self._waiting) > 1:
                oldest = self._waiting.popleft()
                self._bytes -= len(oldest)
                self.dropped["writer"] += len(orjson.loads(oldest or b"[]"))
            self._changed.notify()

    def put_aside(self, seconds: float) -> bool:
        """Rotate the file once what waits is written; whether that was done in time. Blocks."""
        done = threading.Event()
        with self._changed:
            self._aside.append(done)
        self.put(_PUT_ASIDE)
        return done.wait(seconds)

    def stop(self, seconds: float) -> bool:
        """Write what waits, for at most so long, and end; whether everything was written."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        # On a machine without a core to spare, a batch would otherwise stand in front of requests for milliseconds.
        give_way(NICENESS)
        file: EventFile | None = None
        settings, masking = Settings(), Masking()
        while True:
            with self._changed:
                # Workers serve a moment before the first configuration is taken for good: what they say waits for it.
                while not (self._waiting and self._configured) and not self._stopping:
                    self._changed.wait()
                if not self._waiting:
                    break
                payload = self._waiting.popleft()
                self._bytes -= len(payload)
                changed, self._next = self._next, None
            if changed is not None:
                if file is not None:
                    file.close()
                file, settings, masking = changed
            if payload == _PUT_ASIDE:
                self._rotate(file)
            elif file is not None or self._then is not None or self._first is not None:
                self._write(file, settings, masking, payload)
        if file is not None:
            file.close()

    def _rotate(self, file: EventFile | None) -> None:
        with self._changed:
            waiting, self._aside = self._aside, []
        try:
            if file is not None:
                file.put_aside()
        except OSError as error:
            _log.error("the file of events cannot be put aside", extra=log.fields(error=error.strerror))
            return
        for done in waiting:
            done.set()

    def _write(self, file: EventFile | None, settings: Settings, masking: Masking, payload: bytes) -> None:
        rows = []
        try:
            rows = orjson.loads(payload)
            if self._first is not None:
                self._first(rows)
            if masking:
                masking.apply(rows)
            if self._then is not None:
                self._then(rows)
            if file is None:
                return
            lines = bytearray()
            for start in range(0, len(rows), AT_ONCE):
                append_lines(lines, rows[start : start + AT_ONCE], settings.timestamps)
                os.sched_yield()
            file.append(printable(lines))
        except OSError as error:
            self.dropped["disk"] += len(rows)
            if not self._failing:
                self._failing = True
                said = os.strerror(error.errno) if error.errno else str(error)
                _log.error("events cannot be written and are dropped", extra=log.fields(error=said))
        except Exception:
            self.dropped["writer"] += max(1, len(rows))
            if not self._failing:
                self._failing = True
                _log.exception("a batch of events could not be read")
        else:
            self.written += len(rows)
            if self._failing:
                self._failing = False
                _log.info("events are written again", extra=log.fields(dropped=sum(self.dropped.values())))


def printable(lines: _Bytes) -> _Bytes | bytes:
    """JSON lines without a byte that a terminal would obey."""
    # Two searches for a byte cost a hundredth of the expression, and almost no batch holds one of them.
    return _CONTROLS.sub(_escaped, lines) if b"\x7f" in lines or b"\xc2" in lines else lines


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())
