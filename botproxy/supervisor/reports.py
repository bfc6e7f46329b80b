"""Reports of visitors on their way from the workers into the data directory."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from pathlib import Path
from typing import Final, final

from botproxy.telemetry import log, report_file

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

    def configure(self, directory: Path) -> None:
        """Write into this directory from now on."""
        self._directory = directory

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
            lines = list(self._waiting)
            self._waiting.clear()
            try:
                await asyncio.to_thread(report_file.append, directory, lines)
                self.written += len(lines)
            except OSError as error:
                self.dropped += len(lines)
                _log.error("reports of visitors cannot be written", extra=log.fields(error=error, lost=len(lines)))

    async def end(self) -> None:
        """Wait until what was taken is written."""
        if self._writing is not None:
            await self._writing
