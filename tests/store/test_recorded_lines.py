"""Lines of one address, taken out of files of events."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from botproxy.store import recorded_lines
from botproxy.store.spill import Batch, Spill

THEIRS = b'{"RayID":"a","ClientIP":"203.0.113.7","ClientRequestUserAgent":"x"}\n'
OTHER = b'{"RayID":"b","ClientIP":"203.0.113.70","ClientRequestUserAgent":"\\"ClientIP\\":\\"203.0.113.7\\""}\n'
UNWANTED = recorded_lines.of(["203.0.113.7"], recorded_lines.CLIENT)


def test_a_file_loses_these_lines_and_keeps_its_age(tmp_path: Path) -> None:
    path = tmp_path / "events-1.jsonl"
    path.write_bytes(THEIRS + OTHER + THEIRS)
    os.utime(path, (1000, 1000))
    assert list(recorded_lines.lines([path, tmp_path / "gone"], UNWANTED)) == [THEIRS, THEIRS]
    assert recorded_lines.remove([path, tmp_path / "gone"], UNWANTED) == (2, 1)
    assert path.read_bytes() == OTHER
    assert path.stat().st_mtime == 1000
    assert path.stat().st_mode & 0o777 == 0o640
    assert recorded_lines.remove([path], UNWANTED) == (0, 0)


def test_a_file_that_cannot_be_written_anew_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events-1.jsonl"
    path.write_bytes(THEIRS + OTHER)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        recorded_lines.remove([path], UNWANTED)
    assert path.read_bytes() == THEIRS + OTHER
    assert list(tmp_path.iterdir()) == [path]


def test_what_waits_for_the_server_loses_them_too_and_is_counted_right(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    line = b'{"client_ip":"%s","ray":"a"}\n'
    spill.put(Batch(line % b"203.0.113.7" + line % b"203.0.113.9", 2))
    spill.put(Batch(line % b"203.0.113.8", 1))
    theirs = recorded_lines.of(["203.0.113.7"], recorded_lines.STORED)
    assert spill.without(lambda path: recorded_lines.remove([path], theirs).lines) == 1
    assert (spill.events, spill.bytes) == (2, len(line % b"203.0.113.9") * 2)
    again = Spill(tmp_path)
    assert (again.events, again.bytes, again.first()) == (2, spill.bytes, Batch(line % b"203.0.113.9", 1))
