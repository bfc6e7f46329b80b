"""What operators changed, in the data directory: a JSON line each in `audit.jsonl`, bounded by putting files aside."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, final

import orjson

from botproxy.admin.auditing import Entries
from botproxy.store.lines import MAX_LINE, Lines
from botproxy.telemetry import log

FILE: Final = Lines("audit", rotate_size=4 * 1024 * 1024, keep_files=8, durable=True)
_SHORT: Final = 2_000
"""Characters of a text in a line."""

_log = logging.getLogger(__name__)


@final
class AuditLog:
    """Writes one line after the other. `directory` gives the data directory as it is now."""

    def __init__(self, directory: Callable[[], Path]) -> None:
        self._directory: Final = directory
        self._writing: Final = asyncio.Lock()
        self.lost = 0

    async def note(
        self, who: str, action: str, zone: str | None = None, before: Any = None, after: Any = None, what: str = ""
    ) -> None:
        """See `admin.Audit`."""
        at = datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {"at": at, "who": who[:200], "action": action, "zone": zone, "before": before, "after": after}
        line = orjson.dumps({**said, "what": what[:_SHORT]}, default=str)
        if len(line) >= MAX_LINE:
            line = orjson.dumps({**said, "before": None, "after": None, "what": what[:_SHORT]})
        _log.warning("an operator changed something", extra=log.fields(who=who[:200], action=action, zone=zone or ""))
        async with self._writing:
            try:
                await asyncio.to_thread(FILE.append, self._directory(), [line])
            except OSError as error:
                self.lost += 1
                _log.error("a change could not be written down", extra=log.fields(error=error, line=line.decode()))

    async def entries(self, limit: int, offset: int, wanted: Callable[[dict[str, Any]], bool]) -> Entries:
        """See `admin.Audit`."""

        def latest() -> Entries:
            kept: deque[dict[str, Any]] = deque(maxlen=limit + offset)
            total = 0
            for entry in FILE.read(self._directory()):
                if wanted(entry):
                    total += 1
                    kept.append(entry)
            return Entries(list(kept)[::-1][offset:], total)

        return await asyncio.to_thread(latest)
