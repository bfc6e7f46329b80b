"""Reports of visitors in the data directory: one JSON object a line, the newest last, bounded by putting files aside.

`reports.jsonl` is the file that grows; `reports.1.jsonl` is the one before it, and so on. What stands in them was
written by strangers: whoever shows it escapes it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

FILE: Final = "reports.jsonl"
ROTATE_SIZE: Final = 1024 * 1024
"""Bytes after which a file is put aside; a report has a few hundred, and 3,500 at most."""

KEEP_FILES: Final = 4
"""Files that were put aside; the oldest are deleted."""

_MAX_LINE: Final = 16 * 1024


def append(directory: Path, lines: Sequence[bytes], rotate_size: int = ROTATE_SIZE) -> None:
    """Write lines, without their ends. Raises OSError."""
    path = directory / FILE
    with suppress(FileNotFoundError):
        if path.stat().st_size >= rotate_size:
            _put_aside(directory)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "ab") as opened:
        opened.write(b"".join(line + b"\n" for line in lines))


def _aside(directory: Path, number: int) -> Path:
    return directory / f"reports.{number}.jsonl"


def _put_aside(directory: Path) -> None:
    for number in range(KEEP_FILES, 1, -1):
        with suppress(FileNotFoundError):
            os.replace(_aside(directory, number - 1), _aside(directory, number))
    os.replace(directory / FILE, _aside(directory, 1))


def read(directory: Path) -> Iterator[dict[str, Any]]:
    """Every report that is kept, the oldest first. What is no report, such as a line cut in two, is passed over."""
    for path in (*(_aside(directory, number) for number in range(KEEP_FILES, 0, -1)), directory / FILE):
        try:
            opened = path.open("rb")
        except FileNotFoundError:
            continue
        with opened:
            while line := opened.readline(_MAX_LINE):
                try:
                    report = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                if isinstance(report, dict):
                    yield report
