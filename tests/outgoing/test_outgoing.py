"""Which way a URL is asked, and that what leaves this machine by itself goes by way of a real proxy where it is to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import ValidationError

from botproxy.errors import OperatorError
from botproxy.outgoing import DIRECT, Outgoing, OutgoingSettings, Way, read_outgoing
from botproxy.supervisor.webhooks import Hook, Webhooks
from botproxy.telemetry.destinations import read_secrets
from botproxy.telemetry.logpush_job import Job
from botproxy.telemetry.logpush_settings import LogpushSettings
from tests.outgoing.connecting import ConnectProxy
from tests.telemetry.test_logpush_job import row

BY = Way("http://proxy.internal:3128")


async def until(done: Callable[[], Any]) -> None:
    for _ in range(2000):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not in time")


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("https://example.com/a", False),
        ("http://example.com/a", False),
        ("https://localhost/a", True),
        ("https://127.0.0.1:9200/a", True),
        ("http://[::1]/a", True),
        ("https://siem.internal/a", True),
        ("https://other.internal/a", False),
        ("https://a.b.corp.example/a", True),
        ("https://corp.example/a", True),
        ("https://notcorp.example/a", False),
        ("https://10.1.2.3/a", True),
        ("https://11.1.2.3/a", False),
    ],
)
def test_what_is_asked_directly(url: str, direct: bool) -> None:
    settings = OutgoingSettings(proxy=BY.proxy, direct=("siem.internal", ".corp.example", "10.0.0.0/8"))
    assert read_outgoing(settings).way(url) == (None if direct else BY)


def test_the_environment_is_looked_at_only_where_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere:1")
    assert read_outgoing(OutgoingSettings()) == DIRECT
    environment = {
        "https_proxy": "http://ann:p%40ss@proxy.internal:3128/",
        "NO_PROXY": "example.com, 10.0.0.0/8,.local,siem:443",
    }
    found = read_outgoing(OutgoingSettings(proxy="environment"), environment)
    way = found.way("https://example.net/")
    assert way == Way(BY.proxy, "ann", "p@ss")
    assert "p@ss" not in repr(way)
    assert found.way("http://example.net/") is None
    for host in ("example.com", "www.example.com", "10.9.9.9", "a.local", "siem"):
        assert found.way(f"https://{host}/") is None
    assert read_outgoing(OutgoingSettings(proxy="environment"), environment | {"NO_PROXY": "*"}) == DIRECT
    with pytest.raises(OperatorError, match="HTTPS_PROXY"):
        read_outgoing(OutgoingSettings(proxy="environment"), {"HTTPS_PROXY": "socks5://proxy:1"})


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"proxy": "socks5://proxy:1"}, "HTTP proxy"),
        ({"proxy": "http://proxy:1/path"}, "HTTP proxy"),
        ({"proxy": "http://ann:secret@proxy:1"}, "password_file"),
        ({"proxy": "http://proxy:1", "user": "ann"}, "belong together"),
        ({"direct": ["a.example"]}, "without `proxy`"),
        ({"proxy": "http://proxy:1", "direct": ["https://a.example/"]}, "a host"),
    ],
)
def test_what_is_no_way_out_is_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        OutgoingSettings(**given)


async def test_log_exports_and_webhooks_go_by_way_of_the_proxy_with_a_password(tmp_path: Path) -> None:
    got: list[str] = []

    async def take(request: web.Request) -> web.Response:
        await request.read()
        got.append(f"{request.host.partition(':')[0]}{request.path}")
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    (tmp_path / "password").write_text("secret\n")
    async with TestServer(app) as server, ConnectProxy("ann", "secret") as proxy:
        settings = OutgoingSettings(proxy=proxy.url, user="ann", password_file=tmp_path / "password")
        outgoing = read_outgoing(settings)
        # Neither name can be resolved here.
        whole = LogpushSettings(
            name="siem", fields=("RayID",), batch_age=0.1, http={"url": f"http://siem.invalid:{server.port}/logs"}
        )
        job = Job(whole, read_secrets(whole, {}), outgoing=outgoing)
        job.put([row(ray="a")])
        await until(lambda: job.sent == 1)
        job.put([row(ray="b")])
        hooks = Webhooks(pauses=())
        hooks.configure([Hook(f"http://chat.invalid:{server.port}/hook", ())], outgoing)
        hooks.post({"text": "an alert"})
        await until(lambda: len(got) == 3)
        assert await asyncio.to_thread(job.stop, 5)
        await hooks.end()
    assert sorted(got) == ["chat.invalid/hook", "siem.invalid/logs", "siem.invalid/logs"]
    assert {line.split()[0] for line in proxy.asked} == {"POST"}


async def test_a_proxy_that_refuses_or_is_away_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async with ConnectProxy("ann", "secret") as proxy:
        hooks = Webhooks(pauses=())
        hooks.configure([Hook("https://chat.invalid/hook", ())], Outgoing({"https": Way(proxy.url)}))
        hooks.post({"text": "an alert"})
        await until(lambda: hooks.lost)
        await hooks.end()
        assert caplog.records[-1].fields["problem"] == "the outgoing proxy answered 407"  # type: ignore[attr-defined]
        hooks.configure([Hook("https://chat.invalid/hook", ())], Outgoing({"https": Way("http://127.0.0.1:9")}))
        hooks.post({"text": "an alert"})
        await until(lambda: hooks.lost == 2)
        await hooks.end()
    said = caplog.records[-1].fields["problem"]  # type: ignore[attr-defined]
    assert said == "the outgoing proxy 127.0.0.1:9 cannot be reached"
