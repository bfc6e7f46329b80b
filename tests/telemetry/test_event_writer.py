"""The thread that writes events."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import orjson
import pytest

from botproxy.model import Event
from botproxy.telemetry import EXTENSION_NAMES, LOGPUSH_NAMES, EventWriter, Settings, to_logpush
from botproxy.telemetry.privacy import Masking


def row(**changes: Any) -> tuple[Any, ...]:
    """An event's row."""
    blank = {name: () if get_origin(kind) is tuple else kind() for name, kind in get_type_hints(Event).items()}
    return tuple(Event(**{**blank, **changes}))


def written(directory: Path, *payloads: bytes, **settings: Any) -> tuple[list[dict[str, Any]], EventWriter]:
    """What stands in the file after these payloads."""
    writer = EventWriter()
    writer.configure(Settings(**settings), directory)
    for payload in payloads:
        writer.put(payload)
    assert writer.stop(5.0)
    path = directory / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else [], writer


def test_events_become_lines_under_their_logpush_names(tmp_path: Path) -> None:
    lines, writer = written(tmp_path, orjson.dumps([row(ray="a", start=0.0, end=1.0), row(ray="b")]))
    assert [line["RayID"] for line in lines] == ["a", "b"]
    assert lines[0]["EdgeEndTimestamp"] == "1970-01-01T00:00:01Z"
    assert writer.written == 2


def test_every_column_has_one_name_and_no_two_share_one() -> None:
    names = [*LOGPUSH_NAMES.values(), *EXTENSION_NAMES.values()]
    assert set(LOGPUSH_NAMES) | set(EXTENSION_NAMES) == set(Event._fields)
    assert len(set(names)) == len(names) == len(Event._fields)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("rfc3339", "2026-01-02T03:04:05Z"),
        ("rfc3339ms", "2026-01-02T03:04:05.250Z"),
        ("rfc3339ns", "2026-01-02T03:04:05.250000000Z"),
        ("unix", 1767323045),
        ("unixnano", 1767323045250000000),
    ],
)
def test_times_are_written_as_asked(form: Any, text: object) -> None:
    assert to_logpush(row(start=1767323045.25), form)["EdgeStartTimestamp"] == text


def test_the_uri_is_path_and_query() -> None:
    assert to_logpush(row(path="/a", query="b=*"))["ClientRequestURI"] == "/a?b=*"
    assert to_logpush(row(path="/a"))["ClientRequestURI"] == "/a"


def test_nothing_in_the_file_is_obeyed_by_a_terminal(tmp_path: Path) -> None:
    nasty = "\x1b[2J\x00\r\n\x7f\x80\x9b31m\x9f é"
    lines, _ = written(tmp_path, orjson.dumps([row(user_agent=nasty)]))
    assert lines[0]["ClientRequestUserAgent"] == nasty
    text = (tmp_path / "events.jsonl").read_bytes().decode()
    assert not [character for character in text.rstrip("\n") if ord(character) < 32 or 127 <= ord(character) < 160]


def test_a_disk_that_takes_nothing_costs_events_and_is_said_once(tmp_path: Path, caplog: Any) -> None:
    (tmp_path / "events.jsonl").mkdir()
    payload = orjson.dumps([row(), row()])
    _, writer = written(tmp_path, payload, payload, payload)
    assert writer.dropped == {"writer": 0, "disk": 6}
    assert len([record for record in caplog.records if "cannot be written" in record.message]) == 1


def test_when_the_disk_is_slow_the_oldest_are_dropped_and_counted(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events.jsonl")  # opening it for writing waits until somebody reads
    reader = os.open(tmp_path / "events.jsonl", os.O_RDONLY | os.O_NONBLOCK)
    payload = orjson.dumps([row()] * 50)
    writer = EventWriter(max_bytes=len(payload) * 4)
    writer.configure(Settings(), tmp_path)
    for _ in range(300):  # more than a pipe holds
        writer.put(payload)
    assert writer.dropped["writer"] > 0
    taken = b""
    while not writer.stop(0.05):
        with contextlib.suppress(BlockingIOError):  # nothing there yet
            taken += os.read(reader, 1 << 20)
    with contextlib.suppress(BlockingIOError):
        taken += os.read(reader, 1 << 20)
    os.close(reader)
    assert writer.written + writer.dropped["writer"] == 300 * 50
    assert len(taken.splitlines()) == writer.written


def test_a_batch_that_cannot_be_read_does_not_end_the_thread(tmp_path: Path) -> None:
    lines, writer = written(tmp_path, b"[[1,2]]", b"no json", orjson.dumps([row(ray="c")]))
    assert [line["RayID"] for line in lines] == ["c"]
    assert writer.dropped["writer"] == 2


def test_events_can_be_turned_off(tmp_path: Path) -> None:
    lines, _ = written(tmp_path, orjson.dumps([row()]), enabled=False)
    assert lines == []
    assert not (tmp_path / "events.jsonl").exists()


def test_the_file_is_there_before_the_first_event(tmp_path: Path) -> None:
    lines, _ = written(tmp_path)
    assert lines == []
    assert (tmp_path / "events.jsonl").exists()


def test_what_comes_before_the_first_settings_waits_for_them(tmp_path: Path) -> None:
    seen: list[Any] = []
    taken = threading.Event()

    def then(rows: Any) -> None:
        seen.extend(rows)
        taken.set()

    writer = EventWriter(then=then)
    writer.put(orjson.dumps([row(ray="early")]))
    assert not taken.wait(0.2)
    writer.configure(Settings(), tmp_path)
    assert writer.stop(5.0)
    assert [json.loads(line)["RayID"] for line in (tmp_path / "events.jsonl").read_text().splitlines()] == ["early"]
    assert len(seen) == 1
    assert writer.written == 1


def test_only_who_comes_first_sees_addresses_that_are_masked(tmp_path: Path) -> None:
    """Anomaly detection looks callers up by their addresses, and would find nobody by a stand-in."""
    at = Event._fields.index("client_ip")
    first: list[str] = []
    then: list[str] = []
    writer = EventWriter(
        then=lambda rows: then.extend(row[at] for row in rows), first=lambda rows: first.extend(row[at] for row in rows)
    )
    writer.configure(Settings(), tmp_path, Masking({"shop": "truncated"}))
    writer.put(orjson.dumps([row(zone="shop", client_ip="203.0.113.7")]))
    assert writer.stop(5.0)
    assert (first, then) == (["203.0.113.7"], ["203.0.113.0"])
    assert json.loads((tmp_path / "events.jsonl").read_bytes())["ClientIP"] == "203.0.113.0"
