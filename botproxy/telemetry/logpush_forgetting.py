"""Records of one address in what log exports have written to this machine: shown, and taken out, when somebody asks."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from botproxy.store import recorded_lines
from botproxy.telemetry.datasets import defaults_of
from botproxy.telemetry.event_file import rotated
from botproxy.telemetry.logpush_settings import LogpushSettings

ADDRESS: Final = "ClientIP"

Wanted = Callable[[bytes], bool]
"""Whether one record, with its end, is of an address."""


def of(settings: LogpushSettings, addresses: Collection[str]) -> Wanted:
    """Which of a job's records are of these addresses. A job that does not send addresses has none."""
    names = settings.fields or defaults_of(settings.dataset)
    if ADDRESS not in names:
        return lambda _record: False
    if settings.output == "ndjson":
        return recorded_lines.of(addresses, recorded_lines.CLIENT)
    at, wanted = names.index(ADDRESS), frozenset(addresses)

    def tells(record: bytes) -> bool:
        cells = next(csv.reader([record.decode("utf-8", "replace")]), [])
        return len(cells) > at and cells[at] in wanted

    return tells


def records(settings: LogpushSettings, source: Iterable[bytes]) -> Iterator[bytes]:
    """Lines put together to records: a cell of a table may hold the end of a line. The head is one as well."""
    if settings.output == "ndjson":
        yield from source
        return
    begun = b""
    for line in source:
        begun += line
        # Quotes come in pairs, those inside of a cell too, so a record is whole once their number is even.
        if begun.count(b'"') % 2 == 0:
            yield begun
            begun = b""
    if begun:
        yield begun


def remove_from(body: bytes, settings: LogpushSettings, wanted: Wanted) -> tuple[bytes, int]:
    """Lines without the records that are wanted, and how many those were."""
    found = list(records(settings, io.BytesIO(body)))
    kept = [record for record in found if not wanted(record)]
    return b"".join(kept), len(found) - len(kept)


def rotated_files(settings: LogpushSettings) -> list[Path]:
    """The rotated files of a job that writes files, the oldest first; what is not there has none. Raises OSError."""
    if settings.file is None:
        return []
    path = settings.file.path
    return sorted([*rotated(path, ""), *rotated(path, ".gz")])


def remove(paths: Sequence[Path], settings: LogpushSettings, wanted: Wanted) -> int:
    """Take records out of files to which nobody writes meanwhile; how many. Raises OSError."""

    def pieces(opened: IO[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
        for record in records(settings, opened):
            yield record, None if wanted(record) else record

    return sum(recorded_lines.rewrite(path, pieces) for path in paths)


def found(paths: Sequence[Path], settings: LogpushSettings, wanted: Wanted) -> Iterator[bytes]:
    """The records in these files that are wanted. Raises OSError; a file that is gone is passed over."""
    for path in paths:
        with suppress(FileNotFoundError), gzip.open(path) if path.suffix == ".gz" else path.open("rb") as opened:
            yield from filter(wanted, records(settings, opened))
