"""Several operators on one admin listener: who they are, what they may do, and what they see."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from botproxy.admin.access import Access, Identity, Token
from botproxy.admin.analytics import Analytics
from botproxy.admin.application import application
from botproxy.admin.auditing import Entries
from botproxy.admin.offers import Offers
from botproxy.admin.operator import Operator
from botproxy.store.events import Answer, Events, Groups

READER = Operator("grafana", "read")
KEEPER = Operator("ada", "operator", frozenset(("shop",)))
CHIEF = Operator("chief")
TOKENS = tuple(Token(operator.name * 4, operator) for operator in (READER, KEEPER, CHIEF))
ZONES = "{ viewer { zones(filter: {}) { zoneTag } } }"
HERE = (ip_network("127.0.0.0/8"),)
ELSEWHERE = (ip_network("192.0.2.0/24"),)


class Store:
    """An event store that remembers which zones it was asked for."""

    def __init__(self) -> None:
        self.zones: list[tuple[str, ...] | None] = []

    async def ask(self, query: Groups | Events, _seconds: float = 1.0) -> Answer:
        self.zones.append(query.zones)
        return Answer(("count",), [])

    async def forget(self, _address: str) -> int:
        return 1


class Supervisor:
    """A control with two zones."""

    def __init__(self) -> None:
        self.store = Store()
        self.switched: list[Any] = []

    def modes(self) -> dict[str, Any]:
        zones = {"shop": "observe", "blog": "enforce"}
        return {"mode": "observe", "zones": zones, "configured": {"mode": "observe", "zones": zones}}

    def attacks(self) -> dict[str, Any]:
        return {"zones": {"shop": False, "blog": True}, "observing": ["shop", "blog"]}

    async def switch(self, mode: str | None, zone: str | None) -> dict[str, Any]:
        self.switched.append((mode, zone))
        return self.modes()

    def passed_over(self) -> dict[str, Any]:
        return {"pages": [{"zone": "shop", "path": "/a"}, {"zone": "blog", "path": "/b"}]}

    def revocations(self) -> dict[str, Any]:
        return {"revoked": [{"kind": "zone", "value": "blog"}, {"kind": "ip", "value": "192.0.2.1"}]}

    async def revoke(self, kind: str, value: str) -> dict[str, Any]:
        self.switched.append((kind, value))
        return self.revocations()

    def metrics(self) -> bytes:
        return b"botproxy_up 1\n"

    def analytics(self) -> Analytics:
        return Analytics(self.store, ("shop", "blog"))  # type: ignore[arg-type]


class Notes:
    """An audit in memory."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    async def note(
        self, who: str, action: str, zone: str | None = None, before: Any = None, after: Any = None, what: str = ""
    ) -> None:
        self.lines.insert(0, {"who": who, "action": action, "zone": zone, "before": before, "after": after})

    async def entries(self, limit: int, offset: int, wanted: Callable[[dict[str, Any]], bool]) -> Entries:
        found = [line for line in self.lines if wanted(line)]
        return Entries(found[offset:][:limit], len(found))


class Admin:
    """An admin listener, and requests to it."""

    def __init__(self, client: TestClient[Any, Any], supervisor: Supervisor, notes: Notes) -> None:
        self.client = client
        self.supervisor = supervisor
        self.notes = notes

    async def ask(
        self, method: str, path: str, operator: Operator | None = None, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        if operator is not None:
            headers["Authorization"] = f"Bearer {operator.name * 4}"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = {} if body is None else {"json": body}
        answer = await self.client.request(method, path, headers=sent, **content)
        return answer.status, await answer.json() if "json" in answer.content_type else await answer.text()


@pytest.fixture
def begin(aiohttp_client: Any) -> Any:
    async def begin(access: Access) -> Admin:
        supervisor, notes = Supervisor(), Notes()
        app = application(supervisor, access, Offers(notes))  # type: ignore[arg-type]
        return Admin(await aiohttp_client(TestServer(app)), supervisor, notes)

    return begin


async def test_every_token_has_its_name_in_the_audit(begin: Any) -> None:
    admin = await begin(Access(TOKENS))
    assert (await admin.ask("PUT", "/api/mode", CHIEF, {"mode": "enforce"}))[0] == 200
    assert (await admin.ask("PUT", "/api/mode", KEEPER, {"mode": "enforce", "zone": "shop"}))[0] == 200
    said = [(each["who"], each["action"], each["zone"], each["before"], each["after"]) for each in admin.notes.lines]
    assert said == [("ada", "mode", "shop", "observe", "enforce"), ("chief", "mode", None, "observe", "enforce")]
    assert (await admin.ask("GET", "/api/mode", Operator("mallory")))[0] == 401
    assert (await admin.ask("GET", "/api/mode"))[0] == 401


async def test_who_may_read_changes_nothing(begin: Any) -> None:
    admin = await begin(Access(TOKENS))
    assert (await admin.ask("GET", "/api/mode", READER))[0] == 200
    assert (await admin.ask("GET", "/metrics", READER))[0] == 200
    for method, path in (
        ("PUT", "/api/mode"),
        ("POST", "/api/reload"),
        ("POST", "/api/clearance/revoke"),
        ("POST", "/api/config/apply"),
        ("POST", "/api/config/rollback"),
        ("POST", "/api/analytics/forget"),
        ("DELETE", "/api/mode"),
    ):
        assert (await admin.ask(method, path, READER, {}))[0] == 403, path
    assert admin.supervisor.switched == []
    assert (
        await admin.ask("POST", "/client/v4/graphql", READER, {"query": "{ viewer { zones(filter: {}) { zoneTag } } }"})
    )[0] != 403


async def test_everybody_is_told_who_they_are_and_what_they_may_change(begin: Any) -> None:
    admin = await begin(Access(TOKENS))
    said = [await admin.ask("GET", "/api/operator", each) for each in (READER, KEEPER, CHIEF)]
    assert said == [
        (200, {"name": "grafana", "role": "read", "zones": None}),
        (200, {"name": "ada", "role": "operator", "zones": ["shop"]}),
        (200, {"name": "chief", "role": "operator", "zones": None}),
    ]
    assert (await admin.ask("GET", "/api/operator"))[0] == 401


async def test_who_has_some_zones_sees_those_alone(begin: Any) -> None:
    admin = await begin(Access(TOKENS))
    _, modes = await admin.ask("GET", "/api/mode", KEEPER)
    assert modes == {
        "mode": "observe",
        "zones": {"shop": "observe"},
        "configured": {"mode": "observe", "zones": {"shop": "observe"}},
    }
    assert (await admin.ask("GET", "/api/under-attack", KEEPER))[1] == {"zones": {"shop": False}, "observing": ["shop"]}
    assert (await admin.ask("GET", "/api/clearance/revoke", KEEPER))[1]["revoked"] == []
    seen = (await admin.ask("GET", "/api/detections/pages", KEEPER))[1]["pages"]
    assert [row["path"] for row in seen] == ["/a"]
    assert (await admin.ask("GET", "/metrics", KEEPER))[0] == 403
    _, zones = await admin.ask("GET", "/client/v4/zones", KEEPER)
    assert [each["name"] for each in zones["result"]] == ["shop"]
    for query, asked in (("", ("shop",)), ("?zone=blog", ("-",)), ("?zone=blog,shop", ("shop",))):
        assert (await admin.ask("GET", f"/api/analytics/totals{query}", KEEPER))[0] == 200
        assert admin.supervisor.store.zones[-1] == asked
    assert (await admin.ask("GET", "/api/analytics/totals?zone=blog", CHIEF))[0] == 200
    assert admin.supervisor.store.zones[-1] == ("blog",)
    _, said = await admin.ask("POST", "/client/v4/graphql", KEEPER, {"query": ZONES})
    assert len(said["data"]["viewer"]["zones"]) == 1


async def test_who_has_some_zones_changes_those_alone(begin: Any) -> None:
    admin = await begin(Access(TOKENS))
    assert (await admin.ask("PUT", "/api/mode", KEEPER, {"mode": "enforce"}))[0] == 403
    assert (await admin.ask("PUT", "/api/mode", KEEPER, {"mode": "enforce", "zone": "blog"}))[0] == 403
    assert (await admin.ask("POST", "/api/clearance/revoke", KEEPER, {"kind": "ip", "value": "192.0.2.1"}))[0] == 403
    assert (await admin.ask("POST", "/api/clearance/revoke", KEEPER, {"kind": "zone", "value": "shop"}))[0] == 200
    assert (await admin.ask("POST", "/api/analytics/forget", KEEPER, {"ip": "192.0.2.1"}))[0] == 422
    assert (await admin.ask("POST", "/api/reload", KEEPER, {}))[0] == 403
    assert admin.supervisor.switched == [("zone", "shop")]
    await admin.ask("PUT", "/api/mode", CHIEF, {"mode": "enforce", "zone": "blog"})
    assert [each["zone"] for each in (await admin.ask("GET", "/api/audit", KEEPER))[1]["entries"]] == ["shop"]
    assert [each["zone"] for each in (await admin.ask("GET", "/api/audit", CHIEF))[1]["entries"]] == ["blog", "shop"]


async def test_an_identity_is_believed_from_a_listed_proxy_alone(begin: Any) -> None:
    identity = Identity("X-Forwarded-User", {"ada@example.com": KEEPER._replace(name="ada@example.com")}, "read")
    admin = await begin(Access(TOKENS, HERE, identity))
    ada = {"X_Forwarded_User": "ada@example.com"}
    status, modes = await admin.ask("GET", "/api/mode", **ada)
    assert (status, list(modes["zones"])) == (200, ["shop"])
    assert (
        await admin.ask(
            "PUT", "/api/mode", None, {"mode": "enforce", "zone": "shop"}, X_Forwarded_User="ada@example.com"
        )
    )[0] == 200
    assert admin.notes.lines[0]["who"] == "ada@example.com"
    assert (await admin.ask("GET", "/api/mode", X_Forwarded_User="eve@example.com"))[0] == 200
    assert (await admin.ask("PUT", "/api/mode", None, {"mode": "enforce"}, X_Forwarded_User="eve@example.com"))[
        0
    ] == 403
    assert (await admin.ask("GET", "/api/mode"))[0] == 401
    assert (await admin.ask("GET", "/api/mode", CHIEF))[0] == 200
    far = await begin(Access(TOKENS, ELSEWHERE, identity))
    assert (await far.ask("GET", "/api/mode", **ada))[0] == 401


async def test_an_unknown_identity_is_refused_and_so_are_two(begin: Any) -> None:
    admin = await begin(Access((), HERE, Identity("X-User", {"ada": KEEPER}, "none")))
    assert (await admin.ask("GET", "/api/mode", X_User="eve"))[0] == 403
    answer = await admin.client.get("/api/mode", headers=[("X-User", "ada"), ("X-User", "eve")])
    assert answer.status == 403
    assert (await admin.ask("GET", "/healthz"))[0] != 401


async def test_a_page_of_another_site_changes_nothing_with_an_identity(begin: Any) -> None:
    admin = await begin(Access((), HERE, Identity("X-User", {"ada": CHIEF}, "none")))
    for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        assert (await admin.ask("PUT", "/api/mode", None, {"mode": "enforce"}, X_User="ada", **headers))[0] == 403
    assert admin.supervisor.switched == []


def test_without_tls_only_the_listed_proxies_and_this_machine_connect() -> None:
    access = Access(TOKENS, ELSEWHERE, None, True)
    assert access.admits("192.0.2.7") is None
    assert access.admits("::ffff:192.0.2.7") is None
    assert access.admits("127.0.0.1") is None
    assert access.admits("198.51.100.7") is not None
    assert access.admits(None) is not None
