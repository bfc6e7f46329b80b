"""Reports of visitors in the data directory: one JSON object a line, the newest last, bounded by putting files aside.

What stands in them was written by strangers: whoever shows it escapes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from botproxy.store.lines import Lines

FILE: Final = "reports.jsonl"
ROTATE_SIZE: Final = 1024 * 1024
"""Bytes after which a file is put aside; a report has a few hundred, and 3,500 at most."""

KEEP_FILES: Final = 4
"""Files that were put aside; the oldest are deleted."""

LINES: Final = Lines("reports", ROTATE_SIZE, KEEP_FILES)


def append(directory: Path, lines: Sequence[bytes], rotate_size: int = ROTATE_SIZE) -> None:
    """Write lines, without their ends. Raises OSError."""
    LINES._replace(rotate_size=rotate_size).append(directory, lines)


def files(directory: Path) -> list[Path]:
    """The files that may be there, the oldest first."""
    return LINES.files(directory)


def read(directory: Path) -> Iterator[dict[str, Any]]:
    """Every report that is kept, the oldest first. What is no report, such as a line cut in two, is passed over."""
    return LINES.read(directory)
