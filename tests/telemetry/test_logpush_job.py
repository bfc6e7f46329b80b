"""Jobs against real destinations on loopback: nothing is lost while one is away, and none holds up another."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import orjson
import pytest
from aiohttp import web

from botproxy.errors import OperatorError
from botproxy.model import Event
from botproxy.telemetry.destinations import Secrets, read_secrets
from botproxy.telemetry.logpush_job import MAX_ROWS, Job
from botproxy.telemetry.logpush_settings import LogpushSettings

Handler = Callable[[web.Request], Any]


_BLANK = {name: () if get_origin(kind) is tuple else kind() for name, kind in get_type_hints(Event).items()}


def row(**changes: Any) -> list[Any]:
    """An event's row, as it comes over a link."""
    made: list[Any] = orjson.loads(orjson.dumps(tuple(Event(**{**_BLANK, **changes}))))
    return made


def until(done: Callable[[], Any], seconds: float = 20.0) -> Any:
    end = time.monotonic() + seconds
    while not (answer := done()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)
    return answer


@contextmanager
def serving(handle: Handler) -> Iterator[str]:
    """A server on loopback, in a thread of its own."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    address: list[str] = []

    async def live() -> None:
        app = web.Application(client_max_size=2**26)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        started.set()
        await stop.wait()
        await runner.cleanup()

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        assert started.wait(10)
        yield address[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def settings(environment: dict[str, str] | None = None, **given: Any) -> tuple[LogpushSettings, Secrets]:
    whole = LogpushSettings(**{"name": "siem", "fields": ("RayID",), "batch_age": 0.1, **given})
    return whole, read_secrets(whole, environment or {})


def job(environment: dict[str, str] | None = None, **given: Any) -> Job:
    return Job(*settings(environment, **given))


def rays(body: bytes) -> list[str]:
    return [json.loads(line)["RayID"] for line in body.splitlines()]


def test_an_endpoint_gets_every_event_once_it_answers_again() -> None:
    got: list[tuple[str, bytes]] = []
    answers = [503, 500, 429, 200]

    async def take(request: web.Request) -> web.Response:
        body = await request.read()  # aiohttp unpacks it
        assert request.headers["Content-Encoding"] == "gzip"
        assert request.headers["Authorization"] == "Bearer tokentoken"
        got.append((request.headers["Idempotency-Key"], body))
        return web.Response(status=answers.pop(0) if answers else 204)

    with serving(take) as url:
        headers = {"Authorization": {"environment": "TOKEN"}, "X-Kind": "logs"}
        made = job({"TOKEN": "Bearer tokentoken"}, http={"url": f"{url}/in?key=hidden", "headers": headers})
        made.put([row(ray="a"), row(ray="b")])
        until(lambda: made.sent == 2)
        assert made.failures == 3
        made.put([row(ray="c")])
        until(lambda: made.sent == 3)
        assert made.stop(5)
    assert [rays(body) for _, body in got] == [["a", "b"]] * 4 + [["c"]]
    assert len({number for number, _ in got[:4]}) == 1, "a batch keeps its number, so that a receiver can tell"


def test_a_file_has_every_event_at_once_and_waits_for_no_batch(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    made = job(file={"path": str(path)}, batch_age=3600)
    for ray in ("a", "b"):
        made.put([row(ray=ray)])
        until(lambda ray=ray: path.exists() and rays(path.read_bytes())[-1:] == [ray])
    made.stop(5)
    assert rays(path.read_bytes()) == ["a", "b"]


def test_a_batch_that_the_endpoint_will_never_take_does_not_hold_up_the_next() -> None:
    async def take(request: web.Request) -> web.Response:
        return web.Response(status=413 if b"bad" in await request.read() else 200)

    with serving(take) as url:
        made = job(http={"url": url})
        made.put([row(ray="bad")])
        until(lambda: made.dropped["refused"] == 1)
        made.put([row(ray="good")])
        until(lambda: made.sent == 1)
        made.stop(5)


def test_no_secret_and_no_query_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=401, text=f"no: {request.headers['Authorization']} {request.url}")

    with serving(refuse) as url, caplog.at_level(logging.INFO):
        made = job(
            {"TOKEN": "tokentoken"},
            http={"url": f"{url}/?k=hidden", "headers": {"Authorization": {"environment": "TOKEN"}}},
        )
        made.put([row()])
        until(lambda: made.failures)
        made.stop(0.2)
    said = "".join(str(record.__dict__) for record in caplog.records if record.name.startswith("botproxy"))
    assert "answered 401" in said
    assert "tokentoken" not in said
    assert "hidden" not in said
    assert "tokentoken" not in repr(Secrets({"a": "tokentoken"}))


def test_a_secret_that_is_not_there_is_named_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"logpush job siem: no secret for headers\.X in the variable NOWHERE"):
        job(http={"url": "http://127.0.0.1:9", "headers": {"X": {"environment": "NOWHERE"}}})
    (tmp_path / "key").write_text("")
    with pytest.raises(OperatorError, match=r"no secret for headers\.X in .*key"):
        job(http={"url": "http://127.0.0.1:9", "headers": {"X": {"file": str(tmp_path / "key")}}})


def signature(request: web.Request, body: bytes, secret: str) -> str:
    """What the signature of this request has to be, from what arrived."""
    scope, names = (part.partition("=")[2] for part in request.headers["Authorization"].split(" ", 1)[1].split(",")[:2])
    _, day, region, service, last = scope.split("/")
    canonical = [request.method, request.raw_path, ""]
    canonical += [f"{name}:{request.headers[name]}" for name in names.split(";")]
    canonical += ["", names, hashlib.sha256(body).hexdigest()]
    hashed = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], "/".join(scope.split("/")[1:]), hashed])
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, last):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def test_a_store_of_s3_gets_an_object_for_each_batch(tmp_path: Path) -> None:
    objects: dict[str, bytes] = {}
    tries = []

    async def put(request: web.Request) -> web.Response:
        body = await request.read()
        right = request.headers["Authorization"].endswith("Signature=" + signature(request, body, "very secret/+"))
        if (
            request.method != "PUT"
            or not right
            or hashlib.sha256(body).hexdigest() != request.headers["x-amz-content-sha256"]
        ):
            return web.Response(status=403, text="<Error><Code>SignatureDoesNotMatch</Code></Error>")
        tries.append(request.path)
        if len(tries) == 1:
            return web.Response(status=503, text="<Error><Code>SlowDown</Code></Error>")
        objects[request.path] = body
        return web.Response()

    (tmp_path / "key").write_text("very secret/+\n")
    with serving(put) as url:
        keys = {"access_key": "AKIA", "secret_key": {"file": str(tmp_path / "key")}}
        made = job(s3={"endpoint": url, "bucket": "logs", "prefix": "bot proxy/{DATE}".replace(" ", "-"), **keys})
        made.put([row(ray="a", start=1767323045.0), row(ray="b", start=1767323049.0)])
        until(lambda: made.sent == 2)
        made.stop(5)
    assert tries[0] == tries[1], "an object that is sent again has the same name"
    ((name, body),) = objects.items()
    assert name.startswith("/logs/bot-proxy/20260102/20260102T030405Z_20260102T030409Z_")
    assert rays(gzip.decompress(body)) == ["a", "b"]


def test_files_are_rotated_and_packed_and_each_table_has_its_head(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    file = {"path": str(path), "rotate_size": 64 * 1024, "keep_files": 3}
    made = job(output="csv", fields=("RayID", "ClientRequestPath"), file=file, batch_records=50)
    for number in range(40):
        made.put([row(ray=f"{number:04d}-{each:04d}", path="/" + "x" * 80) for each in range(50)])
        until(lambda wanted=(number + 1) * 50: made.sent == wanted)  # type: ignore[misc]
    assert made.stop(5)
    assert len(list(tmp_path.glob("out-*.csv.gz"))) == 2
    lines: list[bytes] = []
    for each in (*sorted(tmp_path.glob("out-*.csv.gz")), path):
        content = gzip.decompress(each.read_bytes()) if each.suffix == ".gz" else each.read_bytes()
        head, *rest = content.splitlines()
        assert head == b"RayID,ClientRequestPath"
        lines += rest
    assert [line[:9].decode() for line in lines] == [f"{n:04d}-{e:04d}" for n in range(40) for e in range(50)]


def test_a_destination_that_never_answers_holds_up_neither_another_nor_the_end(tmp_path: Path) -> None:
    async def hang(_request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    with serving(hang) as url:
        stuck = job(http={"url": url})
        other = job(file={"path": str(tmp_path / "out.jsonl")})
        rows = [row(ray=str(number)) for number in range(100)]
        for each in (stuck, other):
            each.put(rows)
        until(lambda: other.sent == 100)
        assert stuck.sent == 0
        began = time.monotonic()
        assert not stuck.stop(0.3)
        assert time.monotonic() - began < 10
        assert stuck.dropped["ended"] == 100
        assert other.stop(5)


def test_what_waits_is_bounded_and_the_oldest_goes_first() -> None:
    taking = threading.Event()
    got: list[str] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        if not taking.is_set():
            return web.Response(status=503)
        got.extend(rays(body))
        return web.Response()

    with serving(take) as url:
        made = job(http={"url": url}, batch_records=100, memory=1024**2, fields=("RayID", "ClientRequestPath"))
        for number in range(30):
            made.put([row(ray=f"{number}", path=os.urandom(600).hex()) for _ in range(100)])
            until(lambda: not made._rows)
        until(lambda: made.waiting <= 1024**2 and made.dropped["memory"])
        taking.set()
        until(lambda: made.sent + sum(made.dropped.values()) == 3_000, 40)
        made.stop(5)
    assert sum(made.dropped.values()) == made.dropped["memory"] > 0
    assert "29" in got, "the newest are still there"
    assert made.waiting == 0


def test_rows_that_nobody_looks_at_are_bounded_too() -> None:
    made = job(stdout=True)
    made._stopping, made._deadline = True, time.monotonic() + 5  # the thread ends; what is put now stays
    made._rouse()
    made._thread.join(5)
    for _ in range(30):
        made.put([row()] * 1000)
    assert made.dropped["rows"] == 30_000 - MAX_ROWS
