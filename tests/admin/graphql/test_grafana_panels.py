"""Panels of public Grafana dashboards for the original, sent as the data sources send them: over HTTP, with the range
of the dashboard put into the text, in each of the forms that Grafana writes times in.

What each asks for is theirs; the values are held against a scan of the events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from known import NOW, RECORDS
from made import BASE, HOUR

from botproxy.admin.access import Access, Token
from botproxy.admin.analytics import Analytics
from botproxy.admin.application import application
from botproxy.admin.graphql import execution
from botproxy.admin.graphql.datasets import ACTIONS
from botproxy.admin.graphql.resolving import Session
from botproxy.admin.operator import Operator
from botproxy.admin.zones import ACCOUNT, zone_tag

Panel = Callable[..., Awaitable[Any]]

SECRET = "s" * 40
SHOP = zone_tag("shop")
FROM = datetime.fromtimestamp(BASE / 1e6, UTC)
TO = FROM + timedelta(hours=1)
INSIDE = [record for record in RECORDS if record["start"] < BASE + HOUR]
OF_SHOP = [record for record in INSIDE if record["zone"] == "shop"]
TELLING = [record for record in INSIDE if record["rule_ids"]]


def iso(at: datetime) -> str:
    """`${__from:date:iso}`"""
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def local(at: datetime) -> str:
    """`${__from:date:YYYY-MM-DDTHH:mm:ssZ}`, in a dashboard whose time is that of Vienna in summer."""
    return at.astimezone(timezone(timedelta(hours=2))).isoformat(timespec="seconds")


class Control:
    """What the application asks of a supervisor."""

    def __init__(self, analytics: Analytics) -> None:
        self._analytics = analytics

    def analytics(self) -> Analytics:
        return self._analytics

    def modes(self) -> dict[str, Any]:
        return {"mode": "enforce", "zones": {}}


@pytest.fixture
async def client(analytics: Analytics, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TestClient[Any, Any]]:
    monkeypatch.setattr(execution, "Session", lambda analytics: Session(analytics, NOW))
    control: Any = Control(analytics)
    tokens = (
        Token(SECRET, Operator("grafana", "read")),
        Token("b" * 40, Operator("blogger", "read", frozenset(("blog",)))),
    )
    async with TestClient(TestServer(application(control, Access(tokens)))) as client:
        yield client


@pytest.fixture
def panel(client: TestClient[Any, Any]) -> Panel:
    """Asks as the data sources for GraphQL do: a query alone, with the token of the data source."""

    async def asked(query: str, token: str = SECRET, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.post("/client/v4/graphql", json={"query": query, **body}, headers=headers)
        said = await answer.json()
        assert (answer.status, said["errors"]) == (200, None), said
        return said["data"]

    return asked


@pytest.mark.parametrize("query", ["{ __schema { queryType { name } } }", "query { __typename }"])
async def test_a_data_source_finds_that_it_works(panel: Panel, query: str) -> None:
    assert await panel(query)


async def test_requests_and_bytes_of_the_account_by_day(panel: Panel) -> None:
    data = await panel(
        f"""query{{
  viewer {{
    accounts(filter: {{accountTag: "{ACCOUNT}"}}) {{
      traffic: httpRequests1dGroups (limit:1000,
        filter:{{date_geq: "{FROM:%Y-%m-%d}",date_leq: "{TO:%Y-%m-%d}"}},orderBy:[date_ASC]) {{
        sum {{ bytes requests }}
        dimensions {{ date }}
      }} }} }} }}"""
    )
    (day,) = data["viewer"]["accounts"][0]["traffic"]
    assert day["dimensions"] == {"date": f"{FROM:%Y-%m-%d}"}
    assert day["sum"] == {"requests": len(RECORDS), "bytes": sum(record["response_bytes"] for record in RECORDS)}


@pytest.mark.parametrize("written", [iso, local])
async def test_the_map_of_security_events_of_the_account(panel: Panel, written: Callable[[datetime], str]) -> None:
    data = await panel(
        f"""query {{
  viewer {{
    accounts(filter: {{accountTag:"{ACCOUNT}"}}) {{
      firewallEventsAdaptive(filter:
        {{

          datetime_geq: "{written(FROM)}",datetime_lt: "{written(TO)}",
        }} limit: 10000) {{
        clientCountryName
        clientRequestPath
        userAgent
      }} }} }} }}"""
    )
    rows = data["viewer"]["accounts"][0]["firewallEventsAdaptive"]
    for shown, stored in (
        ("clientCountryName", "client_country"),
        ("clientRequestPath", "path"),
        ("userAgent", "user_agent"),
    ):
        told: Counter[str] = Counter()
        for record in TELLING:
            told[record[stored]] += len(record["rule_ids"])
        assert Counter(row[shown] for row in rows) == told


async def test_a_data_source_of_its_own_counts_events_with_numbers_that_have_a_point(panel: Panel) -> None:
    data = await panel(
        f"""{{ viewer {{ zones(filter: {{zoneTag: "{SHOP}"}}) {{
            firewallEventsAdaptiveGroups(
                filter: {{ datetime_geq: "{iso(FROM)}", datetime_lt: "{iso(TO)}", edgeResponseStatus_geq: 400.000000 }}
                limit: 100
                orderBy: [count_DESC]
            ) {{
                count
                dimensions {{ datetimeFiveMinutes, action }}
            }} }} }} }}"""
    )
    expected: Counter[tuple[str, str]] = Counter()
    for record in OF_SHOP:
        if record["status"] >= 400:
            step = datetime.fromtimestamp(record["start"] / 1e6 // 300 * 300, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            for action in record["actions"]:
                expected[step, ACTIONS.get(action, action)] += 1
    rows = data["viewer"]["zones"][0]["firewallEventsAdaptiveGroups"]
    assert {tuple(row["dimensions"].values()): row["count"] for row in rows} == expected
    assert [row["count"] for row in rows] == sorted(expected.values(), reverse=True)


async def test_the_log_of_a_data_source_with_everything_that_it_knows(panel: Panel) -> None:
    data = await panel(
        f"""{{ viewer {{ zones(filter: {{zoneTag: "{SHOP}"}}) {{
            httpRequestsAdaptive(filter: {{ datetime_geq: "{iso(FROM)}", datetime_lt: "{iso(TO)}" }} limit: 1000
                                 orderBy: [datetime_DESC]) {{
                datetime cacheStatus clientASNDescription clientAsn clientCountryName clientDeviceType clientIP
                clientRequestHTTPHost clientRequestHTTPMethodName clientRequestPath clientRequestQuery
                clientRequestReferer clientRequestScheme clientSSLProtocol coloCode edgeDnsResponseTimeMs
                edgeResponseContentTypeName edgeResponseStatus edgeTimeToFirstByteMs originASN originASNDescription
                originIP originResponseDurationMs originResponseStatus rayName requestSource upperTierColoName
                userAgent userAgentBrowser userAgentOS verifiedBotCategory wafAttackScore wafAttackScoreClass
                wafRceAttackScore wafSqliAttackScore wafXssAttackScore }}
            firewallEventsAdaptive(limit: 10
                                   filter: {{ datetime_geq: "{iso(FROM)}", wafAttackScoreClass: "attack" }}) {{
                rayName wafAttackScore wafAttackScoreClass }} }} }} }}"""
    )
    (zone,) = data["viewer"]["zones"]
    by_ray = {record["ray"]: record for record in OF_SHOP}
    assert {row["rayName"] for row in zone["httpRequestsAdaptive"]} == set(by_ray)
    for row in zone["httpRequestsAdaptive"]:
        record = by_ray[row["rayName"]]
        assert (row["clientIP"], row["clientRequestPath"], row["edgeResponseStatus"], row["userAgent"]) == (
            record["client_ip"], record["path"], record["status"], record["user_agent"],
        )  # fmt: skip
        assert (row["wafAttackScore"], row["wafAttackScoreClass"], row["edgeDnsResponseTimeMs"]) == (100, "", 0)
    assert zone["firewallEventsAdaptive"] == []


async def test_a_program_that_fills_a_store_for_grafana_declares_half_of_its_variables(panel: Panel) -> None:
    data = await panel(
        """query ListFirewallEvents($zoneTag: string, $filter: FirewallEventsAdaptiveFilter_InputObject) { viewer {
          zones(filter: { zoneTag: $zoneTag }) {
            firewallEventsAdaptive(filter: $filter limit: $limit orderBy: [datetime_DESC]) {
              action clientAsn clientCountryName clientIP clientRequestPath clientRequestQuery datetime source userAgent
            } } } }""",
        variables={"zoneTag": SHOP, "limit": 10000, "filter": {"datetime_geq": iso(FROM), "datetime_lt": iso(TO)}},
    )
    rows = data["viewer"]["zones"][0]["firewallEventsAdaptive"]
    expected = Counter(
        ACTIONS.get(action, action) for record in OF_SHOP for action in record["actions"] if record["rule_ids"]
    )
    assert Counter(row["action"] for row in rows) == expected
    assert [row["datetime"] for row in rows] == sorted((row["datetime"] for row in rows), reverse=True)


async def test_what_a_data_source_asks_the_settings_is_there(panel: Panel) -> None:
    data = await panel(
        """query ($zone: string!) { viewer { zones(filter: {zoneTag: $zone}) { settings { httpRequestsAdaptiveGroups {
          enabled availableFields maxDuration maxNumberOfFields maxPageSize notOlderThan } } } } }""",
        variables={"zone": SHOP},
    )
    (zone,) = data["viewer"]["zones"]
    settings = zone["settings"]["httpRequestsAdaptiveGroups"]
    assert settings["enabled"]
    assert {
        "count",
        "sum_edgeResponseBytes",
        "avg_sampleInterval",
        "dimensions_datetimeHour",
        "dimensions_coloCode",
    } < set(settings["availableFields"])
    filter = {"datetime_geq": iso(FROM), "datetime_lt": iso(TO), "AND": [{"edgeResponseStatus_in": [200, 403]}]}
    data = await panel(
        """query ($zone: string!, $filter: ZoneHttpRequestsAdaptiveGroupsFilter_InputObject!, $limit: uint64!) {
          viewer { zones(filter: {zoneTag: $zone}) { httpRequestsAdaptiveGroups(limit: $limit, filter: $filter,
            orderBy: [count_DESC]) { count avg { sampleInterval } sum { edgeResponseBytes }
            dimensions { edgeResponseStatus clientRequestHTTPHost } } } } }""",
        variables={"zone": SHOP, "filter": filter, "limit": 10000},
    )
    expected = Counter((record["status"], record["host"]) for record in OF_SHOP if record["status"] in (200, 403))
    rows = data["viewer"]["zones"][0]["httpRequestsAdaptiveGroups"]
    assert {tuple(row["dimensions"].values()): row["count"] for row in rows} == expected
    assert sum(row["sum"]["edgeResponseBytes"] for row in rows) == sum(
        record["response_bytes"] for record in OF_SHOP if record["status"] in (200, 403)
    )


async def test_the_account_of_somebody_who_may_see_one_zone_is_that_zone(panel: Panel) -> None:
    query = f"""{{ viewer {{ accounts(filter: {{accountTag: "{ACCOUNT}"}}) {{
      httpRequestsAdaptiveGroups(limit: 10, filter: {{datetime_geq: "{iso(FROM)}", datetime_lt: "{iso(TO)}"}}) {{
        count }} }} }} }}"""
    for token, seen in ((SECRET, INSIDE), ("b" * 40, [record for record in INSIDE if record["zone"] == "blog"])):
        (account,) = (await panel(query, token))["viewer"]["accounts"]
        assert [row["count"] for row in account["httpRequestsAdaptiveGroups"]] == [len(seen)]


async def test_the_older_headers_of_the_original_are_a_token_too(client: TestClient[Any, Any]) -> None:
    body = {"query": "{ viewer { zones { zoneTag } } }", "variables": {}}
    for key, status in ((SECRET, 200), ("wrong", 401)):
        headers = {"X-Auth-Email": "someone@example.org", "X-Auth-Key": key}
        answer = await client.post("/client/v4/graphql", json=body, headers=headers)
        assert answer.status == status
    answer = await client.get("/client/v4/zones", headers={"X-Auth-Email": "someone@example.org", "X-Auth-Key": SECRET})
    assert {zone["id"] for zone in (await answer.json())["result"]} == {SHOP, zone_tag("blog")}
