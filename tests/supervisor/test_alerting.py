"""Alerts on their way from events to operators: the file, the listing, and webhooks over a real socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from botproxy.admin.operator import LOOPBACK, Operator
from botproxy.model import Event
from botproxy.store.events import Answer, Events, Groups, StoreUnavailable
from botproxy.supervisor.alerting import Alerting, welcome
from botproxy.supervisor.nursery import Refused
from botproxy.supervisor.webhooks import MAX_WAITING, Hook, Webhooks
from botproxy.telemetry.alert_settings import AlertSettings

BLANK = {str: "", int: 0, bool: False, float: 0.0}


def event(**fields: Any) -> list[Any]:
    row = [[] if "tuple" in str(kind) else {"str": "", "float": 0.0, "bool": False}.get(str(kind), 0)
           for kind in Event.__annotations__.values()]  # fmt: skip
    for name, value in {"score": 1, "zone": "shop", "method": "GET", "scheme": "https", **fields}.items():
        row[Event._fields.index(name)] = value
    return row


async def until(done: Callable[[], Any]) -> Any:
    for _ in range(1000):
        found = done()
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("not in time")


async def settled(alerting: Alerting, monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    """Have the baseline filled, and look at this time."""
    assert alerting._looking is not None
    await alerting._looking
    monkeypatch.setattr("botproxy.supervisor.alerting.time.time", lambda: now)
    alerting.tick()
    await alerting._looking


class Store:
    """Knows of a day in which nothing happened."""

    def __init__(self, away: bool = False) -> None:
        self.away = away

    async def ask(self, query: Groups | Events, _seconds: float = 1.0) -> Answer:
        if self.away:
            raise StoreUnavailable("it is away")
        assert isinstance(query, Groups)
        if query.by == ("minute",):
            return Answer(("minute", "count"), [(int(query.span.since // 1e6), 1)])
        return Answer(("zone", "minute", "count"), [])


class Receiver:
    """An HTTP server that answers as told."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.bodies: list[Any] = []
        self.tokens: list[str | None] = []
        self.app = web.Application()
        self.app.router.add_post("/hook", self._take)
        self.app.router.add_post("/inner", self._inner)
        self.inner = 0

    async def _take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.tokens.append(request.headers.get("Authorization"))
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": "/inner"} if status == 302 else {})

    async def _inner(self, _request: web.Request) -> web.Response:
        self.inner += 1
        return web.Response()


@pytest.fixture
async def receiver(aiohttp_server: Any) -> Any:
    made = Receiver()
    made.server = await aiohttp_server(made.app)  # type: ignore[attr-defined]
    return made


def hook(server: TestServer) -> Hook:
    return Hook(str(server.make_url("/hook")), (("Content-Type", "application/json"),))


async def test_an_alert_is_listed_kept_and_posted(
    tmp_path: Path, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("secret-of-the-hook\n")
    alerting = Alerting(lambda: tmp_path, Store)  # type: ignore[arg-type]
    url = str(receiver.server.make_url("/hook"))
    settings = AlertSettings.model_validate({"webhooks": [{"url": url, "token_file": tmp_path / "token"}]})
    alerting.configure(settings, alerting.prepare(settings))
    begun = time.time()
    alerting.take([event(start=begun) for _ in range(400)])
    await settled(alerting, monkeypatch, begun + 125)
    (body,) = await until(lambda: receiver.bodies)
    assert (body["type"], body["zone"], body["requests"]) == ("bot_traffic_basic_alert", "shop", 400)
    assert receiver.tokens == ["Bearer secret-of-the-hook"]
    (row,) = await alerting.listed(LOOPBACK, 10)
    assert row == body
    assert await alerting.listed(Operator("ada", "read", frozenset(("blog",))), 10) == []
    await until((tmp_path / "alerts.jsonl").exists)
    again = Alerting(lambda: tmp_path, lambda: None)
    await until(lambda: (tmp_path / "alerts.jsonl").stat().st_size)
    assert await again.listed(LOOPBACK, 10) == [row]
    await alerting.end()


async def test_without_a_store_an_hour_has_to_be_watched_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for store in (None, Store(away=True)):
        alerting = Alerting(lambda: tmp_path, lambda store=store: store)  # type: ignore[misc]
        alerting.configure(AlertSettings(), [])
        begun = time.time()
        alerting.take([event(start=begun) for _ in range(400)])
        await settled(alerting, monkeypatch, begun + 125)
        assert await alerting.listed(LOOPBACK, 10) == []
        monkeypatch.undo()
        await alerting.end()


async def test_what_fails_is_tried_again_and_what_is_refused_is_not(receiver: Any) -> None:
    webhooks = Webhooks(pauses=(0.0, 0.0))
    webhooks.configure([hook(receiver.server)])
    receiver.statuses = [500, 429, 204, 404, 500, 500, 500, 204]
    for number in range(4):
        webhooks.post({"n": number})
    await until(lambda: webhooks.sent + webhooks.lost == 4)
    assert [body["n"] for body in receiver.bodies] == [0, 0, 0, 1, 2, 2, 2, 3]
    assert (webhooks.sent, webhooks.lost) == (2, 2)
    await webhooks.end()


async def test_a_redirect_is_not_followed(receiver: Any) -> None:
    webhooks = Webhooks(pauses=())
    webhooks.configure([hook(receiver.server)])
    receiver.statuses = [302]
    webhooks.post({"n": 1})
    await until(lambda: webhooks.lost)
    assert receiver.inner == 0
    await webhooks.end()


async def test_a_path_that_is_a_secret_is_not_logged(receiver: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhooks = Webhooks(pauses=())
    server = receiver.server
    hooks = [
        Hook(str(server.make_url("/hook")), ()),
        Hook(str(server.make_url("/hook?two")), (("Authorization", "Bearer broken\ntoken"),)),
        Hook("http://127.0.0.1:1/hook", ()),
    ]
    webhooks.configure(hooks)
    receiver.statuses = [404]
    for _ in range(2):
        webhooks.post({"n": 1})
    await until(lambda: webhooks.sent + webhooks.lost == 6)
    assert "could not be posted" in caplog.text
    said = [str(vars(record)) for record in caplog.records]
    assert not any("/hook" in each or "broken" in each for each in said)
    await webhooks.end()


def test_events_that_cannot_be_counted_are_in_nobodys_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def count() -> Alerting:
        alerting = Alerting(lambda: tmp_path, lambda: None)
        alerting.configure(AlertSettings(), [])
        alerting.take([["no event"]])
        alerting.take([["no event"]])
        await alerting.end()
        return alerting

    assert asyncio.run(count()).failures == 2
    assert caplog.text.count("alerts could not count") == 1


async def test_what_waits_has_a_bound() -> None:
    webhooks = Webhooks(pauses=(60.0,))
    webhooks.configure([Hook("http://127.0.0.1:1/", ())])
    for number in range(MAX_WAITING + 5):
        webhooks.post({"n": number})
    assert webhooks.lost >= 4
    await webhooks.end()


def test_a_token_that_is_not_there_is_refused(tmp_path: Path) -> None:
    alerting = Alerting(lambda: tmp_path, lambda: None)
    settings = AlertSettings.model_validate(
        {"webhooks": [{"url": "https://a.example/", "token_file": tmp_path / "no"}]}
    )
    with pytest.raises(Refused, match=r"alerts\.webhooks: .*No such file"):
        alerting.prepare(settings)


def test_the_preset_says_who_is_welcome() -> None:
    feed = event(path="/feed.xml", user_agent="Feedly/1.0", host="shop.example", action="block", protocol="HTTP/1.1")
    assert welcome(feed)
    assert not welcome(event(path="/login", method="POST", host="shop.example", action="block", protocol="HTTP/1.1"))


@pytest.mark.parametrize("damaged", [False, True])
async def test_what_alerts_compare_with_outlives_a_restart(
    damaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr("botproxy.supervisor.alerting.time.time", lambda: now - 2 * 3600)
    settings = AlertSettings(groups=("asn",))
    first = Alerting(lambda: tmp_path, lambda: None)
    first.configure(settings, [])
    for minute in range(1, 115):
        first.take([event(start=now - 2 * 3600 + 60 * minute, client_asn=64496)])
    monkeypatch.setattr("botproxy.supervisor.alerting.time.time", lambda: now - 300)
    await first.end()
    if damaged:
        (tmp_path / "alert_baselines.json").write_text('{"minute":')

    second = Alerting(lambda: tmp_path, lambda: None)
    second.configure(settings, [])
    second.take([event(start=now - 30, client_asn=64496)] * 300)
    await settled(second, monkeypatch, now + 65)
    told = await second.listed(LOOPBACK, 10)
    assert [each["group"] for each in told] == ([] if damaged else [{"by": "asn", "value": "64496"}, None])
    await second.end()
