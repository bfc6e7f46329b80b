"""The store in one file: what happens to it, and to what is in it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from made import BASE, HOUR, KEEP, answered, as_records, clock, crowd, event

from botproxy.store.duckdb import tables
from botproxy.store.duckdb.backend import MAX_WAITING, MAX_WAITING_BYTES, DuckdbStore
from botproxy.store.events import Groups, Measure, NewerSchema, Order, Retention, Span, StoreUnavailable

WHOLE = Span(BASE, BASE + 4 * HOUR)
ROOT = Path(__file__).parents[3]


def rows(number: int, **changes: Any) -> list[tuple[Any, ...]]:
    return [tuple(event(ray=f"{at:016x}", at=at * 1000, **changes)) for at in range(number)]


async def until(what: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_counts_by_minute_and_hour_answer_what_the_events_say(tmp_path: Path) -> None:
    events = crowd(3000, seconds=3.9 * 3600)
    records = as_records(events)
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    for begin in range(0, 3000, 1000):
        store.put([tuple(each) for each in events[begin : begin + 1000]])
        await store.flush()
    measures = (Measure("count"), Measure("stored"), Measure("sum", "response_bytes"), Measure("sum", "page_view"))
    odd = Span(BASE + 61_000_001, BASE + 3 * HOUR + 59_000_007)
    for by, source in ((("hour", "score_group"), "hours"), (("minute", "score"), "minutes"), ((), "hours")):
        query = Groups(odd, by, measures, limit=10_000)
        answer = await store.ask(query)
        assert (answer.source, answer.approximate) == (source, "")
        assert sorted(answer.rows) == sorted(answered(records, query))
    frequent = Groups(Span(BASE - 4 * HOUR, BASE + 4 * HOUR), ("path",), order=(Order("count", True),), limit=5)
    answer = await store.ask(frequent)
    assert answer.source == "tops"
    assert "most frequent" in answer.approximate
    wanted = sorted(answered(records, frequent), key=lambda row: (-row[1], row[0].encode()))[:5]
    assert answer.rows == wanted  # there are few enough paths for it to be exact
    store.close(10)


CHILD = """
import os, sys, time
sys.path[:0] = [{here!r}, {root!r}]
from made import KEEP, clock, event
from pathlib import Path
from botproxy.store.duckdb.backend import DuckdbStore
store = DuckdbStore(Path(sys.argv[1]), KEEP, clock=clock)
number = 0
while True:
    store.put([tuple(event(ray=f"{{number + at:016x}}", at=number + at)) for at in range(500)])
    number += 500
    while store.status().waiting:
        time.sleep(0.005)
    print(store.status().stored, flush=True)
"""


def child(path: Path) -> subprocess.Popen[str]:
    text = CHILD.format(here=str(Path(__file__).parent), root=str(ROOT))
    return subprocess.Popen([sys.executable, "-c", text, str(path)], stdout=subprocess.PIPE, text=True)


async def test_what_was_stored_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    process = child(path)
    assert process.stdout is not None
    stored = 0
    while stored < 3000:
        stored = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    store = DuckdbStore(path, KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    answer = await store.ask(Groups(WHOLE, (), (Measure("count"), Measure("uniq", "ray"), Measure("max", "sequence"))))
    count, different, last = answer.rows[0]
    assert count >= stored
    assert count == different == last
    store.put(rows(10))
    await store.flush()
    assert (await store.ask(Groups(WHOLE))).rows == [(count + 10,)]
    store.close(10)


@pytest.mark.parametrize("damage", ["garbage", "middle", "log", "empty"])
async def test_a_damaged_file_is_moved_aside_and_that_is_said(tmp_path: Path, damage: str, caplog: Any) -> None:
    path = tmp_path / "events.duckdb"
    store = DuckdbStore(path, KEEP, clock=clock)
    store.put(rows(5000))
    await store.flush()
    store.close(10)
    content = bytearray(await asyncio.to_thread(path.read_bytes))
    if damage == "garbage":
        content = bytearray(b"no database at all\n" * 1000)
    elif damage == "middle":
        content[4096:5000] = bytes(904)
    elif damage == "log":
        path.with_name("events.duckdb.wal").write_bytes(os.urandom(5000))
    else:
        content = bytearray(b"x")
    path.write_bytes(content)
    again = DuckdbStore(path, KEEP, clock=clock)
    await asyncio.to_thread(again.started)
    again.put(rows(7))
    await again.flush()
    status = again.status()
    assert status.state == "open"
    if damage != "log" or status.detail:  # what is no log of this file may also be passed over
        assert "moved" in status.detail
        assert [name for name in os.listdir(tmp_path) if "damaged" in name]
        assert any("damaged" in record.message for record in caplog.records)
        assert (await again.ask(Groups(WHOLE))).rows == [(7,)]
    again.close(10)


async def test_a_full_disk_costs_events_which_are_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = textwrap.dedent("""
        import asyncio, os, resource, signal, sys
        sys.path[:0] = sys.argv[2:4]
        from made import event, BASE, HOUR, KEEP, clock
        from pathlib import Path
        from botproxy.store.duckdb.backend import DuckdbStore
        from botproxy.store.events import Groups, Span

        async def main():
            path = Path(sys.argv[1])
            store = DuckdbStore(path, KEEP, clock=clock)
            def some(number):
                return [tuple(event(ray=os.urandom(8).hex(), detail=os.urandom(400).hex())) for _ in range(number)]
            store.put(some(1000))
            await store.flush()
            before = store.status().stored
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            limit = path.stat().st_size + 100_000
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            for _ in range(5):
                store.put(some(2000))
                await store.flush()
            full = store.status()
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            for _ in range(600):
                store.put(some(10))
                await store.flush()
                if store.status().stored > full.stored:
                    break
                await asyncio.sleep(0.05)
            after = store.status()
            count = (await store.ask(Groups(Span(BASE, BASE + HOUR)))).rows[0][0]
            print(before, full.dropped, bool(full.detail), after.state, after.detail, after.stored, count)
            store.close(10)
        asyncio.run(main())
        """)
    command = [sys.executable, "-c", text, str(tmp_path / "events.duckdb"), str(Path(__file__).parent), str(ROOT)]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    before, dropped, said, state, *detail, stored, count = done.stdout.split()
    assert int(before) == 1000
    assert int(dropped) > 0
    assert said == "True"
    assert (state, detail) == ("open", [])
    assert int(stored) == int(count)


async def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    store = DuckdbStore(path, KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    store.close(10)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET value = 99 WHERE name = 'schema'")
    content = await asyncio.to_thread(path.read_bytes)
    newer = DuckdbStore(path, KEEP, clock=clock)
    with pytest.raises(NewerSchema, match="schema 99, this version knows"):
        await asyncio.to_thread(newer.started)
    newer.close(10)
    assert await asyncio.to_thread(path.read_bytes) == content


async def test_an_older_schema_is_copied_and_brought_up(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "events.duckdb"
    store = DuckdbStore(path, KEEP, clock=clock)
    store.put(rows(20))
    await store.flush()
    store.close(10)
    monkeypatch.setattr(tables, "SCHEMA", tables.SCHEMA + 1)
    monkeypatch.setitem(tables.MIGRATIONS, tables.SCHEMA - 1, ("UPDATE events SET path = '/moved'",))
    again = DuckdbStore(path, KEEP, clock=clock)
    assert (await again.ask(Groups(WHOLE, ("path",)))).rows == [("/moved", 20)]
    again.close(10)
    with duckdb.connect(str(path.with_name("events.duckdb.schema-1")), read_only=True) as copy:
        assert copy.execute("SELECT DISTINCT path FROM events").fetchall() == [("",)]


async def test_a_column_that_an_older_version_did_not_have_is_added(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    store = DuckdbStore(path, KEEP, clock=clock)
    store.put(rows(3, http2_fingerprint="1:2"))
    await store.flush()
    store.close(10)
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE events DROP COLUMN http2_fingerprint")
        connection.execute("ALTER TABLE events ADD COLUMN of_tomorrow VARCHAR DEFAULT 'x'")
    again = DuckdbStore(path, KEEP, clock=clock)
    again.put(rows(2, http2_fingerprint="3:4"))
    await again.flush()
    assert sorted((await again.ask(Groups(WHOLE, ("http2_fingerprint",)))).rows) == [("", 3), ("3:4", 2)]
    again.close(10)


async def test_two_processes_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    process = child(path)
    assert process.stdout is not None
    process.stdout.readline()
    store = DuckdbStore(path, KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    store.put(rows(5))
    await store.flush()
    status = store.status()
    assert (status.state, status.dropped) == ("away", 5)
    assert "lock" in status.detail
    with pytest.raises(StoreUnavailable, match="away"):
        await store.ask(Groups(WHOLE))
    store.close(10)
    process.kill()
    process.wait()
    process.stdout.close()
    assert not [name for name in os.listdir(tmp_path) if "damaged" in name]


async def test_events_are_kept_as_long_as_their_zone_says(tmp_path: Path) -> None:
    keep = Retention(seconds=2 * 3600.0, rollup_seconds=365 * 86400.0, size=0, zones=(("blog", 1.5 * 3600.0),))
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    events = [event(at=hour * HOUR // 2, zone=zone) for hour in range(8) for zone in ("shop", "blog")]
    store.put([tuple(each) for each in events])
    await store.flush()
    whole = Groups(WHOLE, ("zone",), (Measure("count"), Measure("min", "start")))
    store.configure(keep, 0)
    await until(lambda: (store.status().oldest or 0) >= BASE + 2 * HOUR)
    left = await store.ask(whole)
    assert left.rows == [("blog", 3, BASE + 2.5 * HOUR), ("shop", 4, BASE + 2 * HOUR)]
    # What was counted stays.
    counted = await store.ask(Groups(WHOLE, ("hour", "zone")))
    assert sum(row[2] for row in counted.rows) == 16
    store.close(10)


async def test_a_store_that_grows_too_large_gives_up_its_oldest_events(tmp_path: Path) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    bound = 24 * 1024**2
    for part in range(6):
        store.put([tuple(event(at=part * 1000 + at, detail=os.urandom(600).hex())) for at in range(8000)])
        await store.flush()
    assert await asyncio.to_thread(os.path.getsize, tmp_path / "events.duckdb") > bound
    for _ in range(3):
        store.configure(KEEP._replace(size=bound), 0)
        store.put(rows(1))
        await store.flush()
    await until(lambda: store.status().size <= 1.1 * bound)  # rows are freed many at once
    answer = await store.ask(Groups(WHOLE, (), (Measure("stored"), Measure("max", "sequence"), Measure("uniq", "ray"))))
    assert 0 < answer.rows[0][0] < 48_000
    assert answer.rows[0][1] >= 48_000
    for part in range(20):  # what was freed is used again
        store.put([tuple(event(at=part * 1000 + at, detail=os.urandom(600).hex())) for at in range(4000)])
        store.configure(KEEP._replace(size=bound), 0)
        await store.flush()
    assert await asyncio.to_thread(os.path.getsize, tmp_path / "events.duckdb") <= 2.5 * bound
    store.close(10)


async def test_a_question_that_takes_too_long_is_ended_and_disturbs_nobody(tmp_path: Path) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    store.put(rows(2000))
    await store.flush()
    assert store._connection is not None

    def slow(cursor: Any) -> Any:
        return cursor.execute("SELECT count(*) FROM events a, events b, events c, events d").fetchall()

    asking = asyncio.create_task(store._answer(slow, 1.0))
    store.put(rows(100))
    await store.flush()
    assert (await store.ask(Groups(WHOLE))).rows == [(2100,)]
    with pytest.raises(StoreUnavailable, match="longer than 1 s"):
        await asking
    assert (await store.ask(Groups(WHOLE))).rows == [(2100,)]
    store.close(10)
    with pytest.raises(StoreUnavailable):
        await store.ask(Groups(WHOLE))


async def test_what_waits_is_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    stuck = asyncio.Event()
    loop = asyncio.get_running_loop()
    go = threading.Event()

    def wait() -> None:
        loop.call_soon_threadsafe(stuck.set)
        go.wait(60)

    with store._changed:
        store._jobs.append(wait)
        store._changed.notify()
    await stuck.wait()
    some = rows(1000)
    for _ in range(MAX_WAITING // 1000 + 7):
        store.put(some)
    assert store.status().waiting <= MAX_WAITING
    assert store.status().dropped == 7000
    # Long ones are fewer: a visitor chooses how long a path is.
    store.put([tuple(event(path=f"/{at}" + "x" * 20_000)) for at in range(4000)])
    waiting = store.status().waiting
    assert MAX_WAITING_BYTES // 21_000 - 256 < waiting < MAX_WAITING_BYTES // 20_000
    go.set()
    await store.flush()
    assert store.status().stored == waiting
    assert store.status().stored + store.status().dropped == MAX_WAITING + 7000 + 4000
    store.close(10)


async def test_an_event_that_no_column_takes_costs_no_other_one(tmp_path: Path, caplog: Any) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    some = [list(each) for each in rows(300)]
    at = event()._fields.index
    some[7][at("status")] = "200"
    some[100][at("path")] = None
    some[200][at("client_asn")] = 2**63
    some[299][at("user_agent")] = "\ud800"
    some[299][at("static_resource")] = "no"
    store.put(some)
    await store.flush()
    assert (store.status().stored, store.status().dropped) == (296, 4)
    answer = await store.ask(Groups(WHOLE, (), (Measure("count"), Measure("uniq", "ray"), Measure("max", "sequence"))))
    assert answer.rows == [(296, 296, 296)]
    assert sum(record.message == "some events could not be read" for record in caplog.records) == 4
    store.close(10)


async def test_texts_of_all_kinds_come_back_as_they_were(tmp_path: Path) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    paths = ["", "/", "/ü", "/\x00", "/\x00/", "/€𝄞", "/" + "a" * 5000, "/\x1f", "/it's"]
    some = [tuple(event(at=at, ray=f"{at:016x}", path=paths[at % len(paths)])) for at in range(700)]
    some += [tuple(event(at=at, ray=f"{at:016x}", path="/same")) for at in range(700, 1300)]
    store.put(some)
    await store.flush()
    found = await store.ask(Groups(WHOLE, ("path",), limit=100))
    wanted = {path: 78 if at < 7 else 77 for at, path in enumerate(paths)} | {"/same": 600}
    assert dict(found.rows) == wanted
    store.close(10)


async def test_a_file_with_larger_groups_of_rows_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "events.duckdb"
    with duckdb.connect(str(path)) as connection:
        tables.create(connection.execute)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", [tables.SCHEMA])
        connection.execute(
            'INSERT INTO events BY NAME SELECT range AS sequence, 1 AS sample_interval, CAST(? AS BIGINT) AS "start", '
            "CAST(range AS VARCHAR) AS ray FROM range(1, 40001)",
            [BASE],
        )
    store = DuckdbStore(path, KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    for begin in range(0, 30_000, 10_000):
        store.put([tuple(event(at=at, ray=f"new{begin + at}")) for at in range(10_000)])
        await store.flush()
    answer = await store.ask(Groups(WHOLE, (), (Measure("count"), Measure("uniq", "ray"), Measure("max", "sequence"))))
    assert answer.rows == [(70_000, 70_000, 70_000)]
    store.close(10)
    with duckdb.connect(str(path)) as connection:  # as a version before would open it
        assert connection.execute("SELECT count(*), count(DISTINCT ray) FROM events").fetchone() == (70_000, 70_000)


async def test_above_a_rate_a_sample_is_kept_that_stands_for_all(tmp_path: Path) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, rate=200, clock=clock)
    events = crowd(20_000, seed=3)
    for begin in range(0, 20_000, 500):
        store.put([tuple(each) for each in events[begin : begin + 500]])
        await store.flush()
    status = store.status()
    assert status.left_out > 1000
    assert status.dropped == 0
    measures = (Measure("count"), Measure("stored"), Measure("sum", "response_bytes"))
    # Exactly those that somebody would look for.
    for part in ("block", "managedChallenge"):
        found = await store.ask(Groups(WHOLE, ("action",), measures))
        counted = {row[0]: row[1] for row in found.rows}
        assert counted[part] == sum(each.action == part for each in events)
    whole = (await store.ask(Groups(WHOLE, (), measures))).rows[0]
    assert whole[1] == 20_000 - status.left_out
    assert whole[0] == pytest.approx(20_000, rel=0.1)
    assert whole[2] == pytest.approx(sum(each.response_bytes for each in events), rel=0.1)
    store.close(10)


async def test_the_file_is_not_for_everybody(tmp_path: Path) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    assert (tmp_path / "events.duckdb").stat().st_mode & 0o007 == 0
    with pytest.raises(StoreUnavailable):
        await store._answer(lambda cursor: cursor.execute("SELECT * FROM '/etc/passwd'").fetchall(), 5.0)
    store.close(10)
    unused = await asyncio.to_thread(lambda: DuckdbStore(tmp_path / "no" / "such" / "events.duckdb", KEEP))
    await asyncio.to_thread(unused.started)
    assert unused.status().state == "open"
    unused.close(10)


async def test_one_event_that_no_column_takes_does_not_take_others_with_it(tmp_path: Path) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    odd = [tuple(event(response_bytes=2**70)), tuple(event(status="many"))]
    store.put([*rows(20), *odd, *rows(20)])
    await store.flush()
    assert (store.status().stored, store.status().dropped) == (40, 2)
    store.close(10)
