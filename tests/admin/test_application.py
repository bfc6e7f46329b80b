"""The admin listener: who may ask, and what is answered."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from botproxy.admin.analytics import Analytics
from botproxy.admin.application import UnknownZoneError, application

TOKEN = "t" * 32


class Supervisor:
    """A control that remembers what was asked."""

    def __init__(self) -> None:
        self.status = "ok"
        self.switched: list[tuple[str | None, str | None]] = []
        self.attacked: list[tuple[bool | None, str | None]] = []
        self.reloads = 0
        self.problems: list[str] = []

    def health(self) -> dict[str, Any]:
        return {"status": self.status}

    def modes(self) -> dict[str, Any]:
        return {"mode": "observe", "zones": {"shop": "observe"}}

    async def switch(self, mode: str | None, zone: str | None) -> dict[str, Any]:
        if zone not in (None, "shop"):
            raise UnknownZoneError(f"there is no zone {zone!r}")
        self.switched.append((mode, zone))
        return {"mode": mode, "persisted": True}

    def attacks(self) -> dict[str, Any]:
        return {"zones": {"shop": False}}

    async def switch_attack(self, on: bool | None, zone: str | None) -> dict[str, Any]:
        if zone not in (None, "shop"):
            raise UnknownZoneError(f"there is no zone {zone!r}")
        self.attacked.append((on, zone))
        return {"zones": {"shop": on}, "persisted": True}

    async def reload(self) -> dict[str, Any]:
        self.reloads += 1
        return {"ok": not self.problems, "problems": self.problems}

    def metrics(self) -> bytes:
        return b"botproxy_up 1\n"

    def analytics(self) -> Analytics:
        return Analytics(None, ("shop", "blog"))


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


@pytest.fixture
async def local(supervisor: Supervisor, aiohttp_client: Any) -> TestClient[Any, Any]:
    """A client of a listener on loopback without a token."""
    client: TestClient[Any, Any] = await aiohttp_client(TestServer(application(supervisor, None)))
    return client


@pytest.fixture
async def remote(supervisor: Supervisor, aiohttp_client: Any) -> TestClient[Any, Any]:
    """A client of a listener with a token."""
    client: TestClient[Any, Any] = await aiohttp_client(TestServer(application(supervisor, TOKEN)))
    return client


async def test_pages_and_numbers_are_there(local: TestClient[Any, Any]) -> None:
    index = await local.get("/")
    assert "<title>botproxy" in await index.text()
    assert index.headers["X-Content-Type-Options"] == "nosniff"
    metrics = await local.get("/metrics")
    assert (metrics.status, await metrics.text()) == (200, "botproxy_up 1\n")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert await (await local.get("/api/mode")).json() == {"mode": "observe", "zones": {"shop": "observe"}}


@pytest.mark.parametrize(("status", "code"), [("ok", 200), ("degraded", 200), ("draining", 503)])
async def test_health_says_when_to_look_elsewhere(
    local: TestClient[Any, Any], supervisor: Supervisor, status: str, code: int
) -> None:
    supervisor.status = status
    answer = await local.get("/healthz")
    assert (answer.status, await answer.json()) == (code, {"status": status})


@pytest.mark.parametrize(
    ("body", "switched"),
    [
        ({"mode": "enforce"}, ("enforce", None)),
        ({"mode": "observe", "zone": "shop"}, ("observe", "shop")),
        ({"mode": None}, (None, None)),
    ],
)
async def test_a_mode_is_switched(
    local: TestClient[Any, Any], supervisor: Supervisor, body: Any, switched: tuple[str | None, str | None]
) -> None:
    answer = await local.put("/api/mode", json=body)
    assert answer.status == 200
    assert supervisor.switched == [switched]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"mode":"off"}', b'{"mode":"enforce","zones":"shop"}', b'{"mode":1}', b"\xff"]
)
async def test_a_body_that_is_wrong_says_what_would_be_right(
    local: TestClient[Any, Any], supervisor: Supervisor, body: bytes
) -> None:
    answer = await local.put("/api/mode", data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 422
    assert '"observe" | "enforce"' in (await answer.json())["error"]
    assert supervisor.switched == []


@pytest.mark.parametrize(
    ("body", "switched"),
    [
        ({"under_attack": True}, (True, None)),
        ({"under_attack": False, "zone": "shop"}, (False, "shop")),
        ({"under_attack": None}, (None, None)),
    ],
)
async def test_under_attack_is_shown_and_switched(
    local: TestClient[Any, Any], supervisor: Supervisor, body: Any, switched: tuple[bool | None, str | None]
) -> None:
    assert await (await local.get("/api/under-attack")).json() == {"zones": {"shop": False}}
    assert (await local.put("/api/under-attack", json=body)).status == 200
    assert supervisor.attacked == [switched]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"under_attack":"on"}', b'{"under_attack":1}', b'{"under_attack":true,"x":1}']
)
async def test_an_attack_that_cannot_be_read_is_not_switched(
    local: TestClient[Any, Any], supervisor: Supervisor, body: bytes
) -> None:
    answer = await local.put("/api/under-attack", data=body, headers={"Content-Type": "application/json"})
    assert answer.status == 422
    assert '"under_attack": true | false | null' in (await answer.json())["error"]
    assert supervisor.attacked == []
    unknown = await local.put("/api/under-attack", json={"under_attack": True, "zone": "blog"})
    assert unknown.status == 404


async def test_an_unknown_zone_is_not_found(local: TestClient[Any, Any]) -> None:
    answer = await local.put("/api/mode", json={"mode": "enforce", "zone": "nosuch"})
    assert (answer.status, await answer.json()) == (404, {"error": "there is no zone 'nosuch'"})


async def test_a_reload_that_fails_says_every_problem(local: TestClient[Any, Any], supervisor: Supervisor) -> None:
    assert (await local.post("/api/reload", json={})).status == 200
    supervisor.problems = ["a", "b"]
    answer = await local.post("/api/reload", json={})
    assert (answer.status, (await answer.json())["problems"]) == (409, ["a", "b"])


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9090", "127.0.0.1:9090", "127.1.2.3", "[::1]:9090", "[::1]"])
async def test_names_of_this_machine_are_fine(local: TestClient[Any, Any], host: str) -> None:
    assert (await local.get("/metrics", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:9090", "127.0.0.1.evil.example", "localhost.evil.example:9090", "192.0.2.1", ""],
)
async def test_a_page_that_rebinds_its_name_is_refused(local: TestClient[Any, Any], host: str) -> None:
    assert (await local.get("/api/mode", headers={"Host": host})).status == 403


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_form_on_another_site_cannot_switch(
    local: TestClient[Any, Any], supervisor: Supervisor, kind: str
) -> None:
    body = b'{"mode":"observe"}'
    assert (await local.put("/api/mode", data=body, headers={"Content-Type": kind})).status == 415
    assert (await local.post("/api/reload", data=body, headers={"Content-Type": kind})).status == 415
    assert (supervisor.switched, supervisor.reloads) == ([], 0)


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer " + "u" * 32, "Basic " + TOKEN, "Bearer é"])
async def test_without_the_token_only_health_is_answered(remote: TestClient[Any, Any], given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    for path in ("/metrics", "/api/mode", "/nosuch"):
        answer = await remote.get(path, headers=headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (await remote.get("/healthz", headers=headers)).status == 200


async def test_with_the_token_any_name_is_fine(remote: TestClient[Any, Any]) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "botproxy:9090"}
    assert (await remote.get("/metrics", headers=headers)).status == 200
    assert (await remote.put("/api/mode", json={"mode": "enforce"}, headers=headers)).status == 200


async def test_a_body_is_bounded(local: TestClient[Any, Any]) -> None:
    answer = await local.put("/api/mode", data=BytesIO(b" " * 2_000_000), headers={"Content-Type": "application/json"})
    assert answer.status == 413


@pytest.mark.parametrize(
    "said",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
    ],
    ids=str,
)
async def test_a_page_of_another_site_cannot_switch(local: TestClient[Any, Any], said: dict[str, str]) -> None:
    assert (await local.put("/api/mode", json={"mode": "observe"}, headers=said)).status == 403
    assert (await local.get("/api/mode", headers=said)).status == 200


async def test_a_page_of_our_own_can_switch(local: TestClient[Any, Any]) -> None:
    origin = str(local.make_url("/")).rstrip("/")
    said = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert (await local.put("/api/mode", json={"mode": "observe"}, headers=said)).status == 200


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "0" * 8 + "1" * 5000])
async def test_a_number_of_changes_that_is_none_is_refused(local: TestClient[Any, Any], limit: str) -> None:
    answer = await local.get("/api/audit", params={"limit": limit})
    assert (answer.status, (await answer.json())["error"]) == (400, "limit is a whole number from 1 to 1000")
