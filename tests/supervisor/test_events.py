"""The event store beside the workers: it is filled, it outlives reloads, and nobody waits for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from harness import Proxy, until

from botproxy.link.uplink import BATCH
from botproxy.telemetry import report_file

STORED = {"store": "duckdb"}


def maps(process: int) -> str:
    return Path(f"/proc/{process}/maps").read_text()


def test_events_are_stored_by_the_supervisor_and_no_worker_knows_the_database(
    proxy: Callable[..., Proxy], tmp_path: Path
) -> None:
    running = proxy(events=STORED)
    pids = {running.get()["pid"] for _ in range(50)}
    until(lambda: running.metric("botproxy_events_stored_total") == 50, 60)
    assert running.metric("botproxy_event_store_open") == 1
    assert "duckdb" in maps(running.process.pid)
    for pid in pids:
        assert "duckdb" not in maps(pid)
    assert running.stop() == 0
    with duckdb.connect(str(tmp_path / "data" / "events.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (50,)


def test_what_workers_say_before_the_configuration_is_taken_is_kept(
    proxy: Callable[..., Proxy], tmp_path: Path
) -> None:
    running = proxy(events=STORED, workers=1, early=True)
    until(lambda: running.metric("botproxy_events_stored_total") == BATCH, 60)
    until(lambda: running.metric("botproxy_events_written_total") == BATCH, 60)
    until(lambda: running.metric("botproxy_reports_written_total") == 1, 60)
    assert running.stop() == 0
    data = tmp_path / "data"
    assert len((data / "events.jsonl").read_bytes().splitlines()) == BATCH
    assert [each["note"] for each in report_file.read(data)] == ["early"]


def test_a_reload_keeps_the_store_and_can_end_it(proxy: Callable[..., Proxy]) -> None:
    running = proxy(events=STORED)
    running.get()
    until(lambda: running.metric("botproxy_events_stored_total") == 1, 60)
    assert running.ask("POST", "/api/reload", {})[0] == 200
    running.get()
    until(lambda: running.metric("botproxy_events_stored_total") == 2, 60)
    running.write(events={"store": "none"})
    assert running.ask("POST", "/api/reload", {})[0] == 200
    running.get()
    until(lambda: running.metric("botproxy_events_written_total") == 3, 60)
    assert "botproxy_event_store_open" not in running.ask("GET", "/metrics")[1]
    running.write(events=STORED)
    assert running.ask("POST", "/api/reload", {})[0] == 200
    running.get()
    until(lambda: running.metric("botproxy_events_stored_total") == 1, 60)  # of this opening


def test_a_store_of_a_newer_version_is_refused_at_the_start(proxy: Callable[..., Proxy], tmp_path: Path) -> None:
    running = proxy(events=STORED)
    assert running.stop() == 0
    with duckdb.connect(str(tmp_path / "data" / "events.duckdb")) as connection:
        connection.execute("UPDATE meta SET value = 99")
    again = proxy(wait=False, events=STORED)
    assert again.process.wait(60) == 1
    again.wait(r"events\.store: .*schema 99, this version knows 1: run the version that wrote it")


def test_without_room_for_the_store_requests_are_served_all_the_same(
    proxy: Callable[..., Proxy], tmp_path: Path
) -> None:
    (tmp_path / "data" / "events.duckdb").mkdir(parents=True)
    running = proxy(events=STORED)
    running.get()
    until(lambda: running.metric("botproxy_events_dropped_total") == 1, 60)
    assert running.metric("botproxy_event_store_open") == 0
    assert running.said("events cannot be stored")
    shutil.rmtree(tmp_path / "data" / "events.duckdb")
    until(lambda: running.metric("botproxy_event_store_open") == 1, 60)


@pytest.mark.prove
def test_a_killed_supervisor_loses_no_more_than_two_seconds(proxy: Callable[..., Proxy], tmp_path: Path) -> None:
    running = proxy(events=STORED)
    for _ in range(100):
        running.get()
    until(lambda: running.metric("botproxy_events_stored_total") == 100, 60)
    running.process.kill()
    running.process.wait()
    again = proxy(events=STORED)
    again.get()
    until(lambda: again.metric("botproxy_events_stored_total") == 1, 60)
    again.stop()
    with duckdb.connect(str(tmp_path / "data" / "events.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (101,)
