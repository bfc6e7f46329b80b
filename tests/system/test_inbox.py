"""From a visitor's report to an exception, and alerts, with the whole product."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Start, browse, until
from .recording import origin, says
from .test_configuration import ask
from .test_reports import FORM, form
from .test_reports import ask as visit
from .test_reports import blocked as refused


@pytest.mark.prove
def test_who_was_blocked_and_said_so_gets_through_for_a_time(start: Start) -> None:
    rules = [{"ref": "no", "expression": 'http.request.uri.path eq "/no"', "action": "block"}]
    with origin(says(b"the page")) as shop:
        zones = [{"name": "shop", "hosts": ["shop.example"], "origins": [shop.url], "rules": rules}]
        proxy = start(config={"mode": "enforce", "zones": zones})
        ray, seal = refused(proxy)
        assert visit(proxy, FORM, form(seal, "I am a person"))[0] == 200

        def reported() -> Any:
            found = ask(proxy, "GET", "/api/reports?handled=no")[1]["reports"]
            return found if found and found[0]["event"] else None

        (report,) = until(reported, 20, "the report with its request")
        assert (report["ray"], report["event"]["rule_id"], report["handled"]) == (ray, "no", None)
        wanted = {"match": ["ip", "user_agent"], "path_prefix": "/no", "hours": 1}
        _, preview = ask(proxy, "POST", f"/api/reports/{ray}/exception", {**wanted, "preview": True})
        assert (preview["problems"], preview["backtest"]["requests"]) == ([], 1)
        assert f"exception.{ray}" in preview["diff"]
        assert visit(proxy, "/no")[0] == 403

        status, made = ask(proxy, "POST", f"/api/reports/{ray}/exception", wanted)
        assert (status, made["ok"]) == (200, True), made
        assert visit(proxy, "/no") == (200, "the page")
        assert visit(proxy, "/no", **{"User-Agent": "Other/1"})[0] == 403
        (report,) = ask(proxy, "GET", "/api/reports?handled=yes")[1]["reports"]
        assert report["handled"]["what"] == "exception"
        _, audit = ask(proxy, "GET", "/api/audit")
        assert [(each["action"], each["zone"]) for each in audit["entries"]] == [("exception", "shop")]


@pytest.mark.prove
def test_feed_readers_that_are_turned_away_are_told_of(start: Start, demo_origin: str) -> None:
    rules = [{"ref": "all", "expression": 'starts_with(http.request.uri.path, "/")', "action": "block"}]
    zones = [{"name": "shop", "hosts": ["shop.example"], "origins": [demo_origin], "rules": rules}]
    proxy = start(config={"mode": "enforce", "zones": zones})
    for _ in range(25):
        assert browse(proxy.port, "/feed.xml").status == 403
    told = until(lambda: ask(proxy, "GET", "/api/alerts")[1]["alerts"], 90, "an alert")
    assert (told[0]["type"], told[0]["zone"], told[0]["requests"]) == ("automation_turned_away", "shop", 25)
    assert "msg=alert" in proxy.program.said()
