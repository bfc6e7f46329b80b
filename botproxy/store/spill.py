"""What could not be sent, in files until it can: bounded, oldest dropped first, taken up again after a restart."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, final

MAX_BYTES: Final = 1024**3


class Kept(NamedTuple):
    """What waits on disk, for operators."""

    events: int = 0
    bytes: int = 0
    since: float = 0.0  # since when the oldest waits, in seconds since 1970; 0 when nothing does


class _File(NamedTuple):
    path: Path
    number: int  # events
    size: int  # bytes
    made: float  # seconds since 1970


class Batch(NamedTuple):
    """A body to send, and how many events are in it."""

    body: bytes
    number: int
    label: str = ""  # what else is to be known of it: letters, digits and `_.`


@final
class Spill:
    """Files in one directory, named so that their order is that of their making. Methods may raise OSError."""

    def __init__(self, directory: Path, max_bytes: int = MAX_BYTES, suffix: str = ".jsonl") -> None:
        self._directory = directory
        self._suffix = suffix
        self._max_bytes = max_bytes
        self._files: list[_File] = []
        self.bytes = 0
        self.events = 0
        self._next = 0
        if directory.is_dir():
            for leftover in directory.glob("*.part"):
                leftover.unlink()
            for path in sorted(directory.glob(f"*{suffix}")):
                with suppress(ValueError, IndexError):
                    order, number = path.stem.split("-")[:2]
                    found = path.stat()
                    self._add(_File(path, int(number), found.st_size, found.st_mtime))
                    self._next = int(order) + 1

    def __len__(self) -> int:
        return len(self._files)

    def put(self, batch: Batch, first_is_out: bool = False) -> int:
        """Keep a batch; how many events had to be dropped for it. `first_is_out`: the oldest is just being sent, and it
        is the next one that goes."""
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        label = f"-{batch.label}" if batch.label else ""
        path = self._directory / f"{self._next:012d}-{batch.number}{label}{self._suffix}"
        self._next += 1
        part = path.with_suffix(".part")
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
            with os.fdopen(descriptor, "wb") as file:
                file.write(batch.body)
            part.rename(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self._add(_File(path, batch.number, len(batch.body), time.time()))
        dropped = 0
        oldest = 1 if first_is_out else 0
        while self.bytes > self._max_bytes and len(self._files) > oldest + 1:
            dropped += self._files[oldest].number
            self._remove(oldest)
        return dropped

    def first(self) -> Batch:
        """The oldest batch."""
        path, number, _, _ = self._files[0]
        return Batch(path.read_bytes(), number, "".join(path.stem.split("-", 2)[2:]))

    def remove_first(self) -> None:
        """The oldest batch was sent, or is given up."""
        self._remove(0)

    def without(self, remove: Callable[[Path], int]) -> int:
        """Have events taken out of each file by `remove`, which says how many; how many there were."""
        removed = 0
        for at, (path, number, _, made) in enumerate(self._files):
            gone = remove(path)
            if gone:
                # Its name says how many events are in it.
                order, _number, *label = path.stem.split("-", 2)
                fresh = path.with_name("-".join((order, str(number - gone), *label)) + self._suffix)
                path.rename(fresh)
                self._files[at] = _File(fresh, number - gone, fresh.stat().st_size, made)
            removed += gone
        self.bytes = sum(each.size for each in self._files)
        self.events -= removed
        return removed

    @property
    def first_number(self) -> int:
        """Events in the oldest batch."""
        return self._files[0].number

    @property
    def kept(self) -> Kept:
        """What waits. From any thread: it may be of a moment ago."""
        first = next(iter(self._files[:1]), None)
        return Kept() if first is None else Kept(self.events, self.bytes, first.made)

    @property
    def files(self) -> list[Path]:
        """The files, the oldest first."""
        return [each.path for each in self._files]

    def _remove(self, at: int) -> None:
        gone = self._files.pop(at)
        self.bytes -= gone.size
        self.events -= gone.number
        gone.path.unlink(missing_ok=True)

    def _add(self, file: _File) -> None:
        self._files.append(file)
        self.bytes += file.size
        self.events += file.number
