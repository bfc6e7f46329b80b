"""Reports of visitors on their way from the workers into the data directory."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, final

import orjson

from botproxy.store import recorded_lines
from botproxy.telemetry import log, report_file
from botproxy.telemetry.privacy import Masking

MAX_WAITING: Final = 1_000
"""Reports that wait to be written; more are dropped, and counted."""

_log = logging.getLogger(__name__)


@final
class Reports:
    """Writes what workers hand up, in the order in which it comes, without holding anything else up."""

    def __init__(self) -> None:
        self.written = 0
        self.dropped = 0
        self._directory: Path | None = None
        self._waiting: Final[deque[bytes]] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._one: Final = asyncio.Lock()
        self._masking = Masking()

    def configure(self, directory: Path) -> None:
        """Write into this directory from now on."""
        self._directory = directory

    def mask(self, masking: Masking) -> None:
        """Record addresses like this from now on."""
        self._masking = masking

    async def forget(self, unwanted: Callable[[bytes], bool]) -> int:
        """Take out the lines of somebody; how many there were. Raises OSError."""
        if self._directory is None:
            return 0
        async with self._one:
            removed = await asyncio.to_thread(recorded_lines.remove, report_file.files(self._directory), unwanted)
            return removed.lines

    def take(self, payload: bytes) -> None:
        """One report: a JSON object without line breaks."""
        if self._directory is None or len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        self._waiting.append(payload)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write(self._directory))

    async def _write(self, directory: Path) -> None:
        while self._waiting:
            lines = [self._masked(line) for line in self._waiting]
            self._waiting.clear()
            try:
                async with self._one:
                    await asyncio.to_thread(report_file.append, directory, lines)
                self.written += len(lines)
            except OSError as error:
                self.dropped += len(lines)
                _log.error("reports of visitors cannot be written", extra=log.fields(error=error, lost=len(lines)))

    def _masked(self, line: bytes) -> bytes:
        if not self._masking:
            return line
        try:
            said = orjson.loads(line)
            said["ip"] = self._masking.one(str(said.get("zone", "")), str(said.get("ip", "")), time.time())
            return orjson.dumps(said)
        except (ValueError, TypeError):
            return line

    async def end(self) -> None:
        """Wait until what was taken is written."""
        if self._writing is not None:
            await self._writing
