"""One file of JSON lines that rotates by size and age, and never holds half a line."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import final


@final
class EventFile:
    """Appends whole batches of lines. Every method may raise OSError; the next call starts over."""

    def __init__(
        self,
        path: Path,
        rotate_size: int,
        rotate_age: float,
        keep_files: int,
        keep_size: int,
        clock: Callable[[], float] = time.time,
        head: bytes = b"",
        compress: bool = False,
    ) -> None:
        """`head` is the first line of every file; `compress` packs rotated ones with gzip, on the caller's thread."""
        self._path = path
        self._rotate_size = rotate_size
        self._rotate_age = rotate_age
        self._keep_files = keep_files
        self._keep_size = keep_size
        self._clock = clock
        self._head = head
        self._compress = compress
        self._descriptor = -1
        self._size = 0
        self._period = 0
        self._regular = True

    def append(self, lines: bytes | bytearray) -> None:
        """Append complete lines. When not all of them can be written, none of them stay."""
        self._reopen_if_moved()
        if self._descriptor < 0:
            self._open()
        period = self._period_of(self._clock())
        if self._size and (self._size + len(lines) > self._rotate_size or period != self._period):
            self._rotate()
            self._open()
        self._period = period
        if not self._size and self._regular:
            lines = self._head + lines
        try:
            written = 0
            while written < len(lines):
                written += os.write(self._descriptor, lines[written:] if written else lines)
        except OSError:
            # A full disk may have taken a part; a reader must not find half a line, now or before the next one.
            if self._regular:
                with suppress(OSError):
                    os.ftruncate(self._descriptor, self._size)
            raise
        if self._regular:
            self._size += written

    def put_aside(self) -> None:
        """Rotate now, unless nothing was written."""
        self._reopen_if_moved()
        if self._descriptor < 0:
            self._open()
        if self._size and self._regular:
            self._rotate()

    def close(self) -> None:
        """Close the file; the next append opens it again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _period_of(self, when: float) -> int:
        return int(when // self._rotate_age)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # It holds addresses of visitors: for the owner and the group alone.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o640)
        status = os.fstat(self._descriptor)
        self._regular = stat.S_ISREG(status.st_mode)
        if not self._regular:
            return  # a pipe or /dev/stdout: written to as it is
        self._size = status.st_size
        self._period = self._period_of(status.st_mtime if status.st_size else self._clock())
        if self._size and os.pread(self._descriptor, 1, self._size - 1) != b"\n":
            self._size += os.write(self._descriptor, b"\n")  # what was cut off by a crash ends here

    def _reopen_if_moved(self) -> None:
        """Notice that somebody else rotated or removed the file."""
        if self._descriptor < 0 or not self._regular:
            return
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            self.close()
            return
        ours = os.fstat(self._descriptor)
        if (there.st_ino, there.st_dev) != (ours.st_ino, ours.st_dev):
            self.close()
        elif ours.st_size < self._size:
            self._size = ours.st_size  # somebody truncated it in place

    def _rotate(self) -> None:
        self.close()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock()))
        number = 0
        while True:
            target = self._path.with_name(f"{self._path.stem}-{stamp}-{number:04d}{self._path.suffix}")
            if not target.exists() and not target.with_name(target.name + ".gz").exists():
                break
            number += 1
        os.rename(self._path, target)
        if self._compress:
            for plain in rotated(self._path, ""):
                _pack(plain)
        self._prune()

    def _prune(self) -> None:
        total = 0
        aside = [*rotated(self._path, ""), *rotated(self._path, ".gz")]
        for position, old in enumerate(sorted(aside, reverse=True)):
            with suppress(FileNotFoundError):
                total += old.stat().st_size
                if position >= self._keep_files or total > self._keep_size:
                    old.unlink()


def rotated(path: Path, packed: str) -> list[Path]:
    """Files of this one that were rotated, in no order; `packed` is "" or ".gz". By their whole names: without a suffix
    of its own, a packed file would pass for one that is not, and be packed each time. Raises OSError, not for a
    directory that is not there."""
    stem, suffix = re.escape(path.stem), re.escape(path.suffix)
    ours = re.compile(rf"{stem}-[0-9]{{8}}T[0-9]{{6}}Z-[0-9]{{4,}}{suffix}{re.escape(packed)}\Z")
    try:
        names = os.listdir(path.parent)
    except FileNotFoundError:
        return []
    return [path.with_name(name) for name in names if ours.match(name) is not None]


def _pack(plain: Path) -> None:
    """Pack a rotated file; it stays as it is where that is not possible, and is tried again with the next one."""
    packed = plain.with_name(plain.name + ".gz")
    part = plain.with_name(plain.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        with (
            os.fdopen(descriptor, "wb") as file,
            gzip.GzipFile("", "wb", 6, file) as target,
            plain.open("rb") as source,
        ):
            shutil.copyfileobj(source, target, 256 * 1024)
        part.rename(packed)
        plain.unlink()
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
