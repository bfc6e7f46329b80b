"""The store on a server that may be away, slow, full or newer."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from made import BASE, HOUR, KEEP, clock, event

from botproxy.store.clickhouse.backend import ClickhouseStore
from botproxy.store.clickhouse.dialect import literal
from botproxy.store.events import Groups, Measure, NewerSchema, Span, StoreUnavailable
from botproxy.store.spill import Batch, Spill

WHOLE = Span(BASE, BASE + 4 * HOUR)
COUNTED = Groups(WHOLE, (), (Measure("count"), Measure("uniq", "ray")))


def rows(number: int, first: int = 0, **changes: Any) -> list[tuple[Any, ...]]:
    return [tuple(event(ray=f"{first + at:016x}", at=(first + at) * 1000, **changes)) for at in range(number)]


async def until(what: Callable[[], bool], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_while_the_server_is_away_events_wait_and_none_is_lost(clickhouse_server: Any, tmp_path: Path) -> None:
    address = clickhouse_server.database()
    store = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    store.put(rows(100))
    await store.flush()
    await asyncio.to_thread(clickhouse_server.stop)
    try:
        for part in range(3):
            store.put(rows(50, 100 + part * 50))
            await store.flush()
        status = store.status()
        assert (status.state, status.stored, status.dropped, status.waiting) == ("away", 100, 0, 150)
        assert "150 events wait on disk" in status.detail
        assert (status.spilled, status.spilled_bytes > 0, 0 <= time.time() - status.spilled_since < 60) == (
            150,
            True,
            True,
        )
        with pytest.raises(StoreUnavailable):
            await store.ask(COUNTED)
        assert await asyncio.to_thread(store.close, 10)
        # Another process takes up what waits.
        again = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
        again.put(rows(10, 250))
        await again.flush()
        assert again.status().waiting == 160
        assert again.status().spilled_since == pytest.approx(status.spilled_since, abs=2)  # of the files, not of now
    finally:
        await asyncio.to_thread(clickhouse_server.start)
    await until(lambda: again.status().stored == 160)
    assert (await again.ask(COUNTED)).rows == [(260, 260)]
    assert again.status()[-3:] == (0, 0, 0)
    assert (again.status().state, again.status().detail, list((tmp_path / "spill").iterdir())) == ("open", "", [])
    again.close(10)


async def test_two_machines_share_one_server(clickhouse_server: Any, tmp_path: Path) -> None:
    address = clickhouse_server.database()
    one, other = (ClickhouseStore(address, tmp_path / name, KEEP, clock=clock) for name in ("one", "other"))
    one.put(rows(30))
    other.put(rows(40, 30))
    await asyncio.gather(one.flush(), other.flush())
    await until(lambda: one.status().stored == 30 and other.status().stored == 40)
    assert (await one.ask(COUNTED)).rows == (await other.ask(COUNTED)).rows == [(70, 70)]
    one.close(10)
    other.close(10)


async def test_tables_of_a_newer_version_are_refused(clickhouse_server: Any, tmp_path: Path) -> None:
    address = clickhouse_server.database()
    name = address.rpartition("/")[2]
    store = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
    await asyncio.to_thread(store.started)
    store.close(10)
    clickhouse_server.run(f"INSERT INTO {name}.botproxy_schema VALUES (99)")
    newer = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
    with pytest.raises(NewerSchema, match="schema 99, this version knows 1"):
        await asyncio.to_thread(newer.started)
    newer.close(10)


async def test_a_column_that_an_older_version_did_not_have_is_added(clickhouse_server: Any, tmp_path: Path) -> None:
    address = clickhouse_server.database()
    name = address.rpartition("/")[2]
    store = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
    store.put(rows(3))
    await store.flush()
    await until(lambda: store.status().stored == 3)
    store.close(10)
    clickhouse_server.run(f"ALTER TABLE {name}.events DROP COLUMN http2_fingerprint")
    again = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
    again.put(rows(2, http2_fingerprint="3:4"))
    await again.flush()
    await until(lambda: again.status().stored == 2)
    assert sorted((await again.ask(Groups(WHOLE, ("http2_fingerprint",)))).rows) == [("", 3), ("3:4", 2)]
    again.close(10)


async def test_days_are_dropped_by_age_and_by_size(clickhouse_server: Any, tmp_path: Path) -> None:
    store = ClickhouseStore(clickhouse_server.database(), tmp_path / "spill", KEEP, clock=clock)
    day = 24 * HOUR
    for days in (0, 1, 2, 3):
        store.put(rows(20, start=(BASE - days * day) / 1e6))
    await store.flush()
    await until(lambda: store.status().stored == 80)
    before = Span(BASE - 5 * day, BASE + HOUR)
    store.configure(KEEP._replace(seconds=1.5 * 86400), 0)  # whole days go
    await until(lambda: (store.status().oldest or 0) > BASE - 3 * day)
    assert (await store.ask(Groups(before))).rows == [(60,)]
    store.configure(KEEP._replace(size=1), 0)
    await until(lambda: (store.status().oldest or 0) >= BASE - HOUR)
    assert (await store.ask(Groups(before))).rows == [(20,)]  # the newest day stays, however large
    store.close(10)


async def test_a_server_that_says_no_costs_that_batch_and_one_that_is_busy_costs_nothing(tmp_path: Path) -> None:
    said: list[tuple[int, str]] = []
    taken: list[bytes] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.read()
        if b"SELECT" in body:
            return web.json_response({"data": [[0, 0]]})
        if "INSERT" in request.query.get("query", ""):
            if said:
                status, text = said.pop(0)
                return web.Response(status=status, text=text)
            taken.append(body)
        return web.Response()

    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        await web.SockSite(runner, bound).start()
        address = f"clickhouse://u:secret@127.0.0.1:{bound.getsockname()[1]}/db"
        store = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
        await asyncio.to_thread(store.started)
        said.append((500, "Code: 252, e.displayText() = DB::Exception: Too many parts (300)"))
        store.put(rows(5))
        await store.flush()
        await until(lambda: store.status().stored == 5)
        assert (store.status().dropped, store.status().waiting) == (0, 0)
        said.append((400, "Code: 117, unknown field"))
        store.put(rows(7))
        await store.flush()
        assert (store.status().stored, store.status().dropped) == (5, 7)
        assert "secret" not in str(store.status())
        assert await asyncio.to_thread(store.close, 10)
        await runner.cleanup()
    assert sum(body.count(b"\n") for body in taken) == 5


def test_what_waits_on_disk_is_bounded_and_in_order(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "spill", max_bytes=1000)
    assert sum(spill.put(Batch(bytes([65 + at]) * 300, 3)) for at in range(6)) == 9
    assert (len(spill), spill.events, spill.bytes) == (3, 9, 900)
    (tmp_path / "spill" / "000000000099-4.part").write_bytes(b"half")
    again = Spill(tmp_path / "spill", max_bytes=1000)
    assert again.first() == Batch(b"D" * 300, 3)
    again.put(Batch(b"Z", 1))
    seen = []
    while len(again):
        seen.append(again.first().body[:1])
        again.remove_first()
    assert seen == [b"D", b"E", b"F", b"Z"]
    assert list((tmp_path / "spill").iterdir()) == []


def test_a_text_in_a_query_ends_where_it_should() -> None:
    assert literal("'; DROP TABLE events; --") == "'\\'; DROP TABLE events; --'"
    assert literal("\\") == "'\\\\'"
    assert literal(True) == "1"
    with pytest.raises(TypeError):
        literal(None)
