"""Anomaly detection in the supervisor: who is told, what is kept, and what happens when something is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from botproxy.link.frames import Kind
from botproxy.model import Event
from botproxy.scoring.anomaly import Found, read
from botproxy.supervisor.anomalies import Anomalies
from botproxy.supervisor.telling import MAX_UNREAD

NOW = 1_789_948_800.0 + 12 * 3600
AT_ONCE = {"enabled": True, "learn": 0.0, "visits": 0}


class Down:
    """A worker that hears."""

    def __init__(self) -> None:
        self.open = True
        self.unread = 0
        self.heard: list[Found] = []

    def tell(self, kind: Kind, payload: bytes) -> None:
        assert kind is Kind.ANOMALIES
        self.heard += read(payload)


def login(when: float, address: str, zone: str = "shop") -> list[Any]:
    said = {
        "zone": zone, "end": when, "client_ip": address, "client_asn": 0, "method": "POST", "host": "a",
        "path": "/login", "status": 401, "content_type": "text/html", "static_resource": False, "score": 50,
        "score_source": "Not Computed", "action": "unknown",
    }  # fmt: skip
    return [said.get(name, "") for name in Event._fields]


def brute_force(now: float, address: str = "192.0.2.1", zone: str = "shop") -> list[list[Any]]:
    return [login(now + number / 10, address, zone) for number in range(30)]


async def eventually(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - it happens on a timer of its own
            await asyncio.sleep(0.01)


@pytest.fixture
async def anomalies(tmp_path: Path) -> AsyncIterator[Anomalies]:
    made = Anomalies(lambda: NOW)
    await made.configure({"shop": AT_ONCE}, tmp_path)
    yield made
    await made.end()


async def test_workers_are_told_within_a_second_and_those_that_begin_later_at_once(anomalies: Anomalies) -> None:
    down = Down()
    anomalies.join(1, down)
    await asyncio.to_thread(anomalies.put, brute_force(NOW))
    await eventually(lambda: bool(down.heard))
    assert {(found.where, found.key) for found in down.heard} == {("address", "192.0.2.1")}
    late = Down()
    anomalies.join(2, late)
    assert {(found.where, found.key) for found in late.heard} == {("address", "192.0.2.1")}
    assert anomalies.counts()["anomalies", "shop", "failures", "address"] == 1
    assert anomalies.gauges()["anomaly_callers", "shop"] >= 1
    assert anomalies.gauges()["anomaly_silent_seconds", "shop"] == 0


async def test_a_worker_that_does_not_read_is_told_everything_once_it_does(anomalies: Anomalies) -> None:
    down = Down()
    down.unread = MAX_UNREAD + 1
    anomalies.join(1, down)
    anomalies.put(brute_force(NOW))
    await asyncio.sleep(0.6)
    assert not down.heard
    down.unread = 0
    await eventually(lambda: bool(down.heard))
    anomalies.leave(1)


class Slow(Down):
    """A worker that reads when it is let."""

    def tell(self, kind: Kind, payload: bytes) -> None:
        super().tell(kind, payload)
        self.unread += len(payload)


async def test_a_worker_that_begins_when_thousands_were_found_hears_of_each_of_them(anomalies: Anomalies) -> None:
    site = anomalies.learner.sites["shop"]
    for number in range(6_000):
        found = Found("shop", "address", f"10.0.{number >> 8}.{number & 255}", "scraping", NOW + 600.0, 90.0, 20.0, 60)
        site.found["address", found.key, "scraping"] = found
    down = Slow()
    anomalies.join(1, down)
    assert MAX_UNREAD < down.unread < 2 * MAX_UNREAD

    def all_heard() -> bool:
        down.unread = 0
        return len(down.heard) >= 6_000

    await eventually(all_heard)
    assert {found.key for found in down.heard} == {found.key for found in site.held()}
    heard = len(down.heard)
    await asyncio.sleep(0.6)
    assert heard == len(down.heard) == 6_000


async def test_what_fails_once_does_not_silence_it(
    anomalies: Anomalies, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = Down()
    anomalies.join(1, down)
    with monkeypatch.context() as broken:
        broken.setattr(type(anomalies.learner), "changes", lambda *_: 1 // 0)
        await eventually(lambda: anomalies.failures > 0)
    assert "could not tell" in caplog.text
    anomalies.put(brute_force(NOW))
    await eventually(lambda: bool(down.heard))


async def test_nothing_is_said_of_zones_that_have_it_off(anomalies: Anomalies) -> None:
    anomalies.put(brute_force(NOW, zone="blog"))
    assert set(anomalies.learner.sites) == {"shop"}
    assert not anomalies.learner.held()


async def test_rows_that_cannot_be_learned_from_are_counted_and_said(
    anomalies: Anomalies, caplog: pytest.LogCaptureFixture
) -> None:
    broken = login(NOW, "192.0.2.1")
    broken[Event._fields.index("client_ip")] = "no::address::at::all"
    anomalies.put([broken])
    anomalies.put([broken])
    assert anomalies.failures == 2
    assert caplog.text.count("could not learn") == 1
    anomalies.put(brute_force(NOW))
    assert anomalies.learner.held()


async def test_what_was_learned_outlives_a_restart(tmp_path: Path) -> None:
    before = Anomalies(lambda: NOW)
    await before.configure({"shop": {"enabled": True}}, tmp_path)
    before.put([login(NOW - 500, "192.0.2.1"), login(NOW, "192.0.2.1")])
    began = before.learner.sites["shop"].baseline.began
    assert began
    await before.end()
    after = Anomalies(lambda: NOW)
    await after.configure({"shop": {"enabled": True}}, tmp_path)
    assert after.learner.sites["shop"].baseline.began == began
    await after.end()


async def test_a_reload_keeps_what_is_learned_and_takes_new_settings(anomalies: Anomalies, tmp_path: Path) -> None:
    site = anomalies.learner.sites["shop"]
    await anomalies.configure({"shop": {**AT_ONCE, "callers": 200}, "blog": AT_ONCE}, tmp_path)
    assert anomalies.learner.sites["shop"] is site
    assert site.settings.callers == 200
    await anomalies.configure({"blog": AT_ONCE}, tmp_path)
    assert set(anomalies.learner.sites) == {"blog"}
    assert (tmp_path / "anomaly" / "shop.json").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"version":2}', b"\xff\xfe", b"x" * (5 * 1024**2)])
async def test_a_damaged_file_is_moved_aside_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "anomaly").mkdir()
    (tmp_path / "anomaly" / "shop.json").write_bytes(content)
    made = Anomalies(lambda: NOW)
    await made.configure({"shop": AT_ONCE}, tmp_path)
    assert "begins anew" in caplog.text
    assert (tmp_path / "anomaly" / "shop.json.unreadable").read_bytes() == content
    assert made.learner.sites["shop"].speaks
    await made.end()
    assert orjson.loads((tmp_path / "anomaly" / "shop.json").read_bytes())["version"] == 1


async def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "anomaly").write_text("in the way")
    made = Anomalies(lambda: NOW)
    made_known = {"shop": AT_ONCE}
    await made.configure(made_known, tmp_path)
    await made.end()
    assert "could not be written down" in caplog.text


async def test_a_zone_that_it_does_not_suit_is_said_once(
    anomalies: Anomalies, caplog: pytest.LogCaptureFixture
) -> None:
    site = anomalies.learner.sites["shop"]
    site.baseline.answers[:] = [10.0, 5_000.0]
    await eventually(lambda: "does not suit" in caplog.text)
    await asyncio.sleep(0.6)
    assert caplog.text.count("does not suit") == 1
    assert anomalies.gauges()["anomaly_unsuited", "shop"] == 1.0
