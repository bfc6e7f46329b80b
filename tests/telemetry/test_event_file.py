"""One file of JSON lines: it rotates, it is bounded, it never holds half a line."""

from __future__ import annotations

import gzip
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from botproxy.telemetry.event_file import EventFile

LINE = b'{"n":1}\n'


class Clock:
    """Time that tests move; it starts at the last midnight in UTC, because files carry the real time."""

    def __init__(self) -> None:
        self.now = time.time() // 86400 * 86400

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(path: Path, clock: Clock, size: int = 10_000, files: int = 3, total: int = 10**6) -> EventFile:
    """An event file that rotates daily."""
    return EventFile(path / "events.jsonl", size, 86400.0, files, total, clock)


def rotated(path: Path) -> list[Path]:
    """Rotated files, oldest first."""
    return sorted(path.glob("events-*.jsonl"))


def test_lines_are_appended_also_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    for _ in range(2):
        file = opened(tmp_path, clock)
        file.append(LINE)
        file.close()
    assert (tmp_path / "events.jsonl").read_bytes() == LINE * 2
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o007 == 0


def test_it_rotates_before_it_grows_beyond_its_size(tmp_path: Path, clock: Clock) -> None:
    file = opened(tmp_path, clock, size=20)
    for _ in range(5):
        file.append(LINE)
    file.close()
    assert [each.read_bytes() for each in rotated(tmp_path)] == [LINE * 2, LINE * 2]
    assert (tmp_path / "events.jsonl").read_bytes() == LINE


def test_it_rotates_when_the_period_ends_also_over_a_restart(tmp_path: Path, clock: Clock) -> None:
    file = opened(tmp_path, clock)
    file.append(LINE)
    os.utime(tmp_path / "events.jsonl", (clock.now, clock.now))
    file.close()
    clock.now += 86399
    file = opened(tmp_path, clock)
    file.append(LINE)
    assert rotated(tmp_path) == []
    clock.now += 1
    file.append(LINE)
    file.close()
    assert [each.read_bytes() for each in rotated(tmp_path)] == [LINE * 2]


def test_the_oldest_go_when_there_are_too_many(tmp_path: Path, clock: Clock) -> None:
    file = opened(tmp_path, clock, size=8, files=3)
    for number in range(8):
        file.append(b'{"n":%d}\n' % number)
        clock.now += 1
    file.close()
    assert [each.read_bytes() for each in rotated(tmp_path)] == [b'{"n":%d}\n' % number for number in (4, 5, 6)]


def test_the_oldest_go_when_all_of_them_are_too_large(tmp_path: Path, clock: Clock) -> None:
    file = opened(tmp_path, clock, size=8, files=100, total=20)
    for _ in range(8):
        file.append(LINE)
    file.close()
    assert len(rotated(tmp_path)) == 2


@pytest.mark.parametrize("name", ["events", "events.jsonl", "ev[en]ts.jsonl"])
def test_what_was_packed_is_not_packed_again_and_counts_once(tmp_path: Path, clock: Clock, name: str) -> None:
    file = EventFile(tmp_path / name, len(LINE), 86400.0, 3, 10**6, clock, compress=True)
    for _ in range(6):
        file.append(LINE)
    file.close()
    others = [each for each in tmp_path.iterdir() if each.name != name]
    assert len(others) == 3
    assert [gzip.decompress(each.read_bytes()) for each in others] == [LINE] * 3


def test_somebody_else_may_rotate_it(tmp_path: Path, clock: Clock) -> None:
    file = opened(tmp_path, clock)
    file.append(LINE)
    os.rename(tmp_path / "events.jsonl", tmp_path / "taken.jsonl")
    file.append(LINE)
    assert (tmp_path / "events.jsonl").read_bytes() == LINE
    os.truncate(tmp_path / "events.jsonl", 0)
    file.append(LINE)
    file.close()
    assert (tmp_path / "events.jsonl").read_bytes() == LINE


def test_half_a_line_left_by_a_crash_does_not_spoil_the_next(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "events.jsonl").write_bytes(LINE + b'{"n":')
    file = opened(tmp_path, clock)
    file.append(LINE)
    file.close()
    assert (tmp_path / "events.jsonl").read_bytes().splitlines() == [LINE.strip(), b'{"n":', LINE.strip()]


@pytest.fixture
def no_room() -> Iterator[None]:
    """Files of this process cannot grow beyond 20 bytes, as if the disk were full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("no_room")
def test_a_full_disk_leaves_no_half_line(tmp_path: Path, clock: Clock) -> None:
    file = opened(tmp_path, clock)
    file.append(LINE)
    with pytest.raises(OSError, match="too large"):
        file.append(LINE * 3)
    assert (tmp_path / "events.jsonl").read_bytes() == LINE
    file.append(LINE)
    file.close()
    assert (tmp_path / "events.jsonl").read_bytes() == LINE * 2


def test_a_pipe_is_written_to_as_it_is(tmp_path: Path, clock: Clock) -> None:
    os.mkfifo(tmp_path / "events.jsonl")
    reader = os.open(tmp_path / "events.jsonl", os.O_RDONLY | os.O_NONBLOCK)
    file = opened(tmp_path, clock, size=8)
    for _ in range(3):
        file.append(LINE)
    assert os.read(reader, 100) == LINE * 3
    file.close()
    os.close(reader)
