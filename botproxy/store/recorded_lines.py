"""Lines of recorded events, taken out of files or read from them: what a data subject may ask for.

A file is written anew beside the old one and takes its place whole, so that a reader, a crash and a full disk find
either the one or the other.
"""

from __future__ import annotations

import errno
import gzip
import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

CLIENT: Final = b'"ClientIP":"'
"""What stands before the address in a line of events. Inside a text it would be escaped."""

STORED: Final = b'"client_ip":"'
"""The same in what waits for ClickHouse."""

REPORTED: Final = b'"ip":"'
"""The same in reports of visitors."""

ZONE: Final = b'"ZoneName":"'


class Removed(NamedTuple):
    """What was done to files."""

    lines: int
    files: int  # that were changed


def value(line: bytes, mark: bytes) -> bytes:
    """The text behind this mark, as it stands in the line; b"" without one."""
    at = line.find(mark)
    if at < 0:
        return b""
    begin = at + len(mark)
    end = line.find(b'"', begin)
    return line[begin:end] if end >= 0 else b""


def of(addresses: Collection[str], mark: bytes) -> Callable[[bytes], bool]:
    """Whether a line is of one of these addresses."""
    wanted = frozenset(address.encode() for address in addresses)
    return lambda line: value(line, mark) in wanted


def lines(paths: Collection[Path], wanted: Callable[[bytes], bool]) -> Iterator[bytes]:
    """The lines of files that are wanted, with their ends. A file that is gone is passed over."""
    for path in paths:
        with suppress(FileNotFoundError), path.open("rb") as opened:
            yield from filter(wanted, opened)


def remove(paths: Collection[Path], unwanted: Callable[[bytes], bool]) -> Removed:
    """Take lines out of files to which nobody writes meanwhile. Raises OSError; what was done until then stays done."""
    return change(paths, lambda line: None if unwanted(line) else line)


def change(paths: Collection[Path], changed: Callable[[bytes], bytes | None]) -> Removed:
    """Replace lines of files to which nobody writes meanwhile, or take them out where `changed` gives None; how many
    lines that were. Raises OSError; what was done until then stays done."""
    number = files = 0
    for path in paths:
        lines = rewrite(path, lambda opened: ((line, changed(line)) for line in opened))
        number += lines
        files += lines > 0
    return Removed(number, files)


def rewrite(path: Path, pieces: Callable[[IO[bytes]], Iterable[tuple[bytes, bytes | None]]]) -> int:
    """Write a file anew; `pieces` gives what it has, piece by piece, each with what takes its place. How many differ.

    A file that is packed with gzip is read and written packed. Nothing is written when nothing differs. OSError.
    """
    part = path.with_name(path.name + ".part")
    packed = path.suffix == ".gz"
    try:
        with _opened(path, packed) as source:
            if all(before == after for before, after in pieces(source)):
                return 0
        number = 0
        with _opened(path, packed) as source:
            status = path.stat()
            try:
                descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
                with os.fdopen(descriptor, "wb") as fresh:
                    with gzip.GzipFile("", "wb", 6, fresh) if packed else nullcontext(fresh) as target:
                        for before, after in pieces(source):
                            number += before != after
                            if after:
                                target.write(after)
                    fresh.flush()
                    os.fsync(fresh.fileno())
                # How old it is decides about when it is deleted.
                os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
                part.rename(path)
            except BaseException:
                with suppress(OSError):
                    part.unlink(missing_ok=True)
                raise
    except FileNotFoundError:
        return 0
    except (EOFError, zlib.error) as error:
        raise OSError(errno.EIO, f"{path.name} is damaged: {error}") from None
    return number


def _opened(path: Path, packed: bool) -> IO[bytes]:
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]
