"""A file of JSON objects, one a line, the newest last, bounded by putting files aside: what people write, not requests.

`NAME.jsonl` is the file that grows; `NAME.1.jsonl` is the one before it, and so on. One process writes, others may
read meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from botproxy.store import recorded_lines

MAX_LINE: Final = 64 * 1024
"""Bytes of a line that is read; a longer one is none of ours."""

_ONE: Final = threading.Lock()
"""Held by whoever writes: a line that is added while its file is written anew would be lost."""


class Lines(NamedTuple):
    """Where such lines are kept, and how many."""

    name: str
    rotate_size: int  # bytes after which a file is put aside
    keep_files: int  # files that were put aside; the oldest are deleted
    durable: bool = False  # whether a line is on the disk before `append` returns

    def append(self, directory: Path, lines: Sequence[bytes]) -> None:
        """Write lines, without their ends. Raises OSError."""
        with _ONE:
            self._append(directory, lines)

    def _append(self, directory: Path, lines: Sequence[bytes]) -> None:
        path = self._path(directory)
        with suppress(FileNotFoundError):
            if path.stat().st_size >= self.rotate_size:
                self._put_aside(directory)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        with os.fdopen(descriptor, "r+b", buffering=0) as opened:
            size = os.fstat(descriptor).st_size
            # What a crash cut in two must not take the next line with it.
            cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            content = (b"\n" if cut else b"") + b"".join(line + b"\n" for line in lines)
            while content:
                content = content[opened.write(content) :]
            if self.durable:
                os.fsync(descriptor)

    def read(self, directory: Path) -> Iterator[dict[str, Any]]:
        """Every object that is kept, the oldest first. What is none, such as a line cut in two, is passed over."""
        for path in self.files(directory):
            try:
                opened = path.open("rb")
            except FileNotFoundError:
                continue
            with opened:
                while line := opened.readline(MAX_LINE):
                    try:
                        found = orjson.loads(line)
                    except orjson.JSONDecodeError:
                        continue
                    if isinstance(found, dict):
                        yield found

    def change(self, directory: Path, changed: Callable[[bytes], bytes | None]) -> int:
        """Replace lines, or take them out where `changed` gives None; how many that were. Raises OSError."""
        with _ONE:
            return recorded_lines.change(self.files(directory), changed).lines

    def files(self, directory: Path) -> list[Path]:
        """The files that may be there, the oldest first."""
        return [self._path(directory, number) for number in range(self.keep_files, -1, -1)]

    def _path(self, directory: Path, number: int = 0) -> Path:
        return directory / (f"{self.name}.{number}.jsonl" if number else f"{self.name}.jsonl")

    def _put_aside(self, directory: Path) -> None:
        for number in range(self.keep_files, 1, -1):
            with suppress(FileNotFoundError):
                os.replace(self._path(directory, number - 1), self._path(directory, number))
        os.replace(self._path(directory), self._path(directory, 1))
