"""What people, alerts and changes say of an address in the data directory: shown, and taken out. Blocks.

Whoever calls has claimed the directory. An address is replaced by a word where the rest of a line is worth keeping.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from botproxy.config.overlay.versions import Versions, number_of
from botproxy.store import labels, recorded_lines
from botproxy.store.named import Named
from botproxy.supervisor import alerting, audit, feedback, inbox
from botproxy.telemetry import report_file

NOTES: Final = (report_file.LINES, inbox.HANDLED, feedback.FILE, labels.FILE, alerting.FILE, audit.FILE)
MAX_SEARCHED: Final = 64 * 1024 * 1024
"""Bytes of a file that is searched for an address although nothing is known of it."""

_ELSEWHERE: Final = ("models", "lists", "events.spill", "logpush.spill", "overlay")
_FORGET: Final = "take it back there, then forget once more, so that older versions go as well"


class Forgotten(NamedTuple):
    """What was done."""

    notes: int  # lines out of which the address was taken, or that were taken out whole
    versions: int  # of the overlay that named it, deleted
    left: tuple[str, ...]  # what was left, and what to do about it


def forget(data: Path, named: Named) -> Forgotten:
    """Take it out. Raises OSError or ConfigError; what was done until then stays."""
    lines = 0
    for each in (each for each in NOTES if each is not labels.FILE):
        lines += each.change(data, lambda line: named.without(line) if named(line) else line)
    # A label about requests that are forgotten is about nothing, and its expression would compile no longer.
    lines += labels.FILE.change(data, lambda line: _label(line, named))
    versions = Versions(data)
    newest = number_of(versions.left())
    naming = versions.naming(named)
    for number in naming:
        if number != newest:
            versions.delete(number)
    aside = [path for path in versions.aside() if named(path.read_bytes())]
    for path in aside:
        path.unlink(missing_ok=True)
    left = []
    if newest in naming:
        left.append(f"version {newest} of the changes on the running proxy, which holds: {_FORGET}")
    left += [f"{each.relative_to(data)}, which names it" for each in _others(data) if named(each.read_bytes())]
    deleted = len(aside) + sum(each != newest for each in naming)
    return Forgotten(lines, deleted, tuple(left))


def found(data: Path, named: Named) -> Iterator[bytes]:
    """What names it, an object a line: `file`, and `line` or `text`. Raises OSError or ConfigError."""
    for each in NOTES:
        for path in each.files(data):
            for line in recorded_lines.lines([path], named):
                try:
                    said: Any = orjson.loads(line)
                except orjson.JSONDecodeError:
                    said = line.decode("utf-8", "replace")
                yield orjson.dumps({"file": path.name, "line": said}, option=orjson.OPT_APPEND_NEWLINE)
    versions = Versions(data)
    for number in versions.naming(named):
        version = versions.get(number)
        if version is not None:
            said = {"file": f"overlay/{number:06d}.yaml", "text": version.text}
            yield orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)
    for path in versions.aside():
        content = path.read_bytes()
        if named(content):
            said = {"file": str(path.relative_to(data)), "text": content.decode("utf-8", "replace")}
            yield orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


def _label(line: bytes, named: Named) -> bytes | None:
    if not named(line):
        return line
    try:
        about = str(orjson.loads(line)["expression"])
    except (ValueError, TypeError, KeyError):
        return None
    return None if named(about.encode()) else named.without(line)


def _others(data: Path) -> Iterator[Path]:
    """Files of which nothing is known here but that they are small enough to be searched."""
    known = {path for each in NOTES for path in each.files(data)}
    for path in sorted(data.rglob("*")):
        inside = path.relative_to(data).parts
        if inside[0] in _ELSEWHERE or path in known or path.name.startswith("events") or not path.is_file():
            continue
        if path.suffix in (".json", ".jsonl", ".txt", ".yaml") and path.stat().st_size <= MAX_SEARCHED:
            yield path
