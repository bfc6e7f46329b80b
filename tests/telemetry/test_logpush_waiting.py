"""What a destination does not take waits on disk, over a restart, bounded; and an address can be taken out of it."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest
from aiohttp import web

from botproxy.telemetry import logpush_forgetting, logpush_waiting
from botproxy.telemetry.logpush_job import Job

from .test_logpush_job import rays, row, serving, settings, until

NOBODY = "http://127.0.0.1:9"


def waits(folder: Path) -> list[list[str]]:
    return [rays(gzip.decompress(path.read_bytes())) for path in sorted(folder.glob("*.gz"))]


def away(folder: Path, url: str = NOBODY, before: Job | None = None, **more: object) -> Job:
    return Job(*settings(http={"url": url}, batch_records=1, **more), folder, before)


def test_what_was_not_taken_is_sent_after_a_restart_in_its_order(tmp_path: Path) -> None:
    folder = tmp_path / "siem"
    first = away(folder)
    first.put([row(ray="a"), row(ray="b")])
    until(lambda: waits(folder) == [["a"], ["b"]])
    first.put([row(ray="c")])
    until(lambda: len(waits(folder)) == 3)
    assert first.waiting == 0
    assert (first.spilled.events, first.spilled.bytes > 0) == (3, True)
    assert 0 <= time.time() - first.spilled.since < 60
    assert not first.stop(5)
    assert sum(first.dropped.values()) == 0

    got: list[str] = []

    async def take(request: web.Request) -> web.Response:
        got.extend(rays(await request.read()))
        return web.Response()

    with serving(take) as url:
        second = away(folder, url)
        second.put([row(ray="d")])
        until(lambda: len(got) == 4)
        assert second.stop(5)
    assert sorted(got) == ["a", "b", "c", "d"]
    assert [ray for ray in got if ray != "d"] == ["a", "b", "c"]
    assert list(folder.iterdir()) == []
    assert second.spilled == (0, 0, 0)


def test_the_oldest_are_dropped_and_counted_when_there_is_no_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "siem"
    made = away(folder, disk=1024)
    for number in range(40):
        made.put([row(ray=f"{number:04d}")])
    until(lambda: made.dropped["disk"] + len(waits(folder)) == 40)
    assert waits(folder)[-1:] == [["0039"]]
    assert made.dropped["disk"] > 0
    assert made.spilled.bytes <= 1024
    assert caplog.text.count("a logpush job drops its oldest events") == 1
    made.stop(1)
    assert made.sent == 0
    assert sum(made.dropped.values()) == made.dropped["disk"]


def test_a_disk_that_takes_nothing_leaves_it_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "siem").write_text("no directory")
    made = away(tmp_path / "siem")
    made.put([row(ray="a")])
    until(lambda: made.failures and made.waiting)
    assert not made.stop(0.5)
    assert made.dropped["ended"] == 1
    assert "a logpush job cannot keep events on disk" in caplog.text


def test_a_job_that_follows_another_begins_when_that_one_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "siem"
    first = away(folder)
    first.put([row(ray="a")])
    until(lambda: waits(folder) == [["a"]])
    second = away(folder, before=first)
    second.put([row(ray="b")])
    until(lambda: second.failures and second.waiting)
    assert waits(folder) == [["a"]]
    first.stop(5)
    until(lambda: waits(folder) == [["a"], ["b"]])
    second.stop(5)


@pytest.mark.parametrize("output", ["ndjson", "csv"])
async def test_an_address_is_taken_out_of_what_waits(tmp_path: Path, output: str) -> None:
    folder = tmp_path / logpush_waiting.FOLDER / "siem"
    fields = ("RayID", "ClientIP", "ClientRequestUserAgent")
    whole = settings(http={"url": NOBODY}, batch_records=3, fields=fields, output=output, batch_age=60)
    made = Job(*whole, folder)
    made.put([row(ray=str(of), client_ip=f"192.0.2.{of}", user_agent='a "b"\nc') for of in (1, 2, 1, 1)])
    until(lambda: made.spilled.events and not made._number)
    assert (await made.forget(["192.0.2.1"], 10)).records == 3
    made.stop(5)
    (path,) = folder.iterdir()
    left = gzip.decompress(path.read_bytes())
    assert b"192.0.2.2" in left
    assert b"192.0.2.1" not in left
    assert logpush_waiting.forget(tmp_path, whole[0], ["192.0.2.2"]) == 1


@pytest.mark.parametrize("compress", [True, False])
async def test_an_address_is_taken_out_of_files(tmp_path: Path, compress: bool) -> None:
    file = {"path": str(tmp_path / "a.csv"), "compress": compress}
    whole = settings(file=file, fields=("ClientRequestPath", "ClientIP"), output="csv")
    made = Job(*whole)
    made.put([row(client_ip="192.0.2.1", path='/"'), row(client_ip="192.0.2.2", path="/b")])
    until(lambda: made.sent == 2)
    assert (await made.forget(["192.0.2.1"], 10)).records == 1
    made.put([row(client_ip="192.0.2.1", path="/c")])
    until(lambda: made.sent == 3)
    assert made.stop(5)
    (aside,) = logpush_forgetting.rotated_files(whole[0])
    assert aside.suffix == (".gz" if compress else ".csv")
    found = logpush_forgetting.found([aside], whole[0], lambda _record: True)
    assert list(found) == [b"ClientRequestPath,ClientIP\r\n", b"/b,192.0.2.2\r\n"]
