"""Lines of recorded events, taken out of files or read from them: what a data subject may ask for.

A file is written anew beside the old one and takes its place whole, so that a reader, a crash and a full disk find
either the one or the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

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
    removed = files = 0
    for path in paths:
        number = _remove(path, unwanted)
        removed += number
        files += number > 0
    return Removed(removed, files)


def _remove(path: Path, unwanted: Callable[[bytes], bool]) -> int:
    try:
        with path.open("rb") as opened:
            number = sum(map(unwanted, opened))
            if not number:
                return 0
            status = os.fstat(opened.fileno())
            opened.seek(0)
            part = path.with_name(path.name + ".part")
            try:
                descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
                with os.fdopen(descriptor, "wb") as fresh:
                    fresh.writelines(line for line in opened if not unwanted(line))
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
    return number
