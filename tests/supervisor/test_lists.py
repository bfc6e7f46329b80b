"""Files of lists change under a running proxy: they are taken over without being asked for, or nothing changes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import harness
import pytest
from harness import Load, Proxy, until

Start = Callable[..., Proxy]


def replaced(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(text)
    draft.replace(path)


def test_a_list_that_changes_is_taken_over_without_losing_a_request(proxy: Start, tmp_path: Path) -> None:
    path = tmp_path / "blocked"
    path.write_text("one")
    running = proxy(workers=1, body="list ", list=str(path))
    with Load(running) as load:
        until(lambda: load.total > 50)
        replaced(path, "two")
        until(lambda: "list two" in load.bodies)
    assert load.errors == []
    assert running.said(f"a list has changed.*{path}")
    running.wait("generation ended")
    # What was taken over is no change any more.
    before = running.get()["parent"]
    time.sleep(5)
    assert running.get()["parent"] == before


def test_a_list_that_is_bad_changes_nothing_and_is_said_once(proxy: Start, tmp_path: Path) -> None:
    path = tmp_path / "blocked"
    path.write_text("one")
    running = proxy(workers=1, body="list ", list=str(path))
    replaced(path, "bad")
    running.wait(f"{path}:1: bad")
    time.sleep(5)
    assert len(running.said("reload failed")) == 1
    assert running.get()["body"] == "list one"
    replaced(path, "good again")
    until(lambda: running.get()["body"] == "list good again")


def test_a_list_brings_over_no_change_of_the_configuration_that_nobody_asked_for(proxy: Start, tmp_path: Path) -> None:
    path = tmp_path / "blocked"
    path.write_text("one")
    running = proxy(workers=1, body="old ", list=str(path))
    running.write(body="half-written ")
    replaced(path, "two")
    until(lambda: running.get()["body"] == "old two")
    running.signal(signal.SIGHUP)
    until(lambda: running.get()["body"] == "half-written two")


SLOWLY = """
import os, time
from botproxy.supervisor.watching import Watch
def look(self):
    os.write(2, b"looking\\n")
    time.sleep(6)
    return []
Watch.look = look
"""


def test_the_end_does_not_begin_another_look_while_it_waits_for_a_slow_disk(
    proxy: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "MAIN", SLOWLY + harness.MAIN)
    path = tmp_path / "blocked"
    path.write_text("one")
    running = proxy(workers=1, body="list ", list=str(path))
    running.wait("looking")
    running.signal(signal.SIGTERM)
    assert running.process.wait(30) == 0
    running.reader.join()
    assert len(running.said("looking")) == 1
    assert running.said("never retrieved|shutdown has been called") == []
