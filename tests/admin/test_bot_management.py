"""Reports, feedback and bot settings over HTTP: envelopes, statuses, and what the audit says."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from botproxy.admin.analytics import Analytics
from botproxy.admin.application import application
from botproxy.admin.configuration import ForbiddenError
from botproxy.admin.offers import Offers
from botproxy.admin.operator import Operator
from botproxy.admin.paging import Page
from botproxy.admin.zones import zone_tag
from botproxy.errors import OperatorError

from .test_access import Notes

PATH = f"/client/v4/zones/{zone_tag('shop')}/bot_management"


class Supervisor:
    """A control with one zone."""

    def analytics(self) -> Analytics:
        return Analytics(None, ("shop",))


class Bots:
    """Bot settings and feedback in memory."""

    async def settings(self, _operator: Operator, _zone: str) -> dict[str, Any]:
        return {"fight_mode": False}

    async def set(self, _operator: Operator, _zone: str, body: bytes) -> dict[str, Any]:
        if body == b'"wrong"':
            error = OperatorError("one\ntwo")
            error.problems = ["one", "two"]  # type: ignore[attr-defined]
            raise error
        if body == b'"forbidden"':
            raise ForbiddenError("you may not")
        return {"fight_mode": True, "change": {"before": 1, "version": 2, "what": "fight_mode"}}

    async def feedback(self, _operator: Operator, _zone: str) -> list[dict[str, Any]]:
        return [{"id": "1"}]

    async def add_feedback(self, _operator: Operator, _zone: str, _body: bytes) -> dict[str, Any]:
        return {"id": "1", "type": "false_positive", "expression": "cf.bot_management.score lt 30"}


class Inbox:
    """One report."""

    async def listed(self, _operator: Operator, page: Page, zone: str | None, handled: bool | None) -> dict[str, Any]:
        return {"reports": [], "asked": [*page, zone, handled]}

    async def label(self, _operator: Operator, ray: str, _body: bytes) -> dict[str, Any]:
        if ray != "a" * 16:
            raise LookupError("nobody reported this ray, or not lately")
        return {"ok": True, "ray": ray, "zone": "shop", "label": "human", "before": None}

    async def exempt(self, _operator: Operator, ray: str, body: bytes) -> dict[str, Any]:
        if body == b'"wide"':
            raise OperatorError("this is too wide")
        return {
            "ok": body != b'"no"',
            "ray": ray,
            "zone": "shop",
            "expression": "ip.src eq 192.0.2.1",
            "version": 3,
            "until": 7,
        }


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def client(aiohttp_client: Any, notes: Notes) -> TestClient[Any, Any]:
    offers = Offers(notes, inbox=Inbox(), bots=Bots())
    app = application(Supervisor(), None, offers)  # type: ignore[arg-type]
    made: TestClient[Any, Any] = await aiohttp_client(TestServer(app))
    return made


async def test_settings_come_in_the_envelope_of_the_original(client: TestClient[Any, Any], notes: Notes) -> None:
    answer = await client.get(PATH)
    assert await answer.json() == {"result": {"fight_mode": False}, "success": True, "errors": [], "messages": []}
    for method in ("PUT", "PATCH"):
        answer = await client.request(method, PATH, json={"fight_mode": True})
        assert (await answer.json())["result"] == {"fight_mode": True}
    assert [(each["action"], each["before"], each["after"]) for each in notes.lines] == [("config", 1, 2)] * 2
    answer = await client.put(PATH, json="wrong")
    assert answer.status == 400
    said = await answer.json()
    assert (said["success"], [each["message"] for each in said["errors"]]) == (False, ["one", "two"])
    assert (await client.put(PATH, json="forbidden")).status == 403
    assert (await client.get(PATH.replace(zone_tag("shop"), "0" * 32))).status == 404


async def test_feedback_is_given_and_read(client: TestClient[Any, Any], notes: Notes) -> None:
    assert (await (await client.get(f"{PATH}/feedback")).json())["result"] == [{"id": "1"}]
    answer = await client.post(f"{PATH}/feedback", json={})
    assert (await answer.json())["result"]["type"] == "false_positive"
    assert [(each["action"], each["zone"], each["after"]) for each in notes.lines] == [
        ("label", "shop", "false_positive")
    ]


async def test_reports_are_listed_labelled_and_excepted(client: TestClient[Any, Any], notes: Notes) -> None:
    answer = await client.get("/api/reports?limit=5&zone=shop&handled=no")
    assert (await answer.json())["asked"] == [5, 0, "", "shop", False]
    assert (await (await client.get("/api/reports")).json())["asked"] == [50, 0, "", None, None]
    more = {"offset": "50", "find": " door "}
    assert (await (await client.get("/api/reports", params=more)).json())["asked"] == [50, 50, "door", None, None]
    assert (await client.get("/api/reports", params={"offset": "-1"})).status == 422
    assert (await client.get("/api/reports", params={"find": "x" * 201})).status == 422
    for query in ("limit=0", "limit=x", "handled=perhaps"):
        assert (await client.get(f"/api/reports?{query}")).status == 422
    ray = "A" * 16 + "-BOT"
    assert (await client.post(f"/api/reports/{ray}", json={})).status == 200
    assert (await client.post(f"/api/reports/{'b' * 16}", json={})).status == 404
    assert (await client.post(f"/api/reports/{ray}/exception", json={})).status == 200
    assert (await client.post(f"/api/reports/{ray}/exception", json="wide")).status == 422
    assert (await client.post(f"/api/reports/{ray}/exception", json="no")).status == 422
    assert [(each["action"], each["zone"], each["after"]) for each in notes.lines] == [
        ("exception", "shop", 3),
        ("label", "shop", "human"),
    ]
