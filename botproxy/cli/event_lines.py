"""Files of events, as they stand in a data directory: read line by line, the oldest first, and never as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import click

MAX_LINE: Final = 1024 * 1024
"""Bytes of a line; an event has a few thousand. What is longer is passed over and counted."""


def event_files(data: Path) -> list[Path]:
    """The files of events in a data directory, compressed or not, the oldest first."""
    rotated = sorted(path for path in data.glob("events-*Z-*.jsonl*") if path.name.endswith((".jsonl", ".jsonl.gz")))
    return [*rotated, *(path for path in (data / "events.jsonl",) if path.is_file())]


def opened(path: Path) -> tuple[IO[bytes], IO[bytes]]:
    """A file to read, decompressed where it is gzip, and the file itself, whose position tells how far it is read."""
    raw = path.open("rb")
    packed = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    if not packed:
        return raw, raw
    from isal import igzip

    content: Any = igzip.GzipFile(fileobj=raw)  # type: ignore[no-untyped-call]
    return content, raw


class Lines:
    """The lines of files. `number` is that of the last line of the file `path`, and `bad` how many were passed over."""

    def __init__(self, files: Sequence[Path], advance: Callable[[int], object] | None = None) -> None:
        """`advance` is told how many bytes of the files were read since it was told last."""
        self.path = Path()
        self.number = 0
        self.too_long = 0
        self._files = files
        self._advance = advance

    def __iter__(self) -> Iterator[bytes]:
        """Raises `click.ClickException` for a file that cannot be read to its end."""
        for path in self._files:
            self.path, self.number = path, 0
            try:
                content, raw = opened(path)
                with raw, content:
                    yield from self._of(content, raw)
            except (OSError, EOFError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise click.ClickException(f"{path} cannot be read: {reason}") from None

    def _of(self, content: IO[bytes], raw: IO[bytes]) -> Iterator[bytes]:
        told = 0
        while line := content.readline(MAX_LINE):
            self.number += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                self.too_long += 1
                while (rest := content.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                    pass
                continue
            if self._advance is not None and self.number % 1000 == 0:
                at = raw.tell()
                self._advance(at - told)
                told = at
            yield line
        if self._advance is not None:
            self._advance(raw.tell() - told)


def size(files: Sequence[Path]) -> int:
    """Bytes of these files."""
    return sum(path.stat().st_size for path in files)


def progress(what: str, whole: int) -> Any:
    """A bar on stderr where that is a terminal, and nothing elsewhere; in a `with` it gives a function that is told how
    far it went."""
    from contextlib import contextmanager

    @contextmanager
    def bar() -> Iterator[Callable[[int], object]]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        if not console.is_terminal:
            yield lambda number: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as shown:
            task = shown.add_task(what, total=whole or None)
            yield lambda number: shown.advance(task, number)

    return bar()
