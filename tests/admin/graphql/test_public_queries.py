"""Shapes of queries that public programs ask the original: exporters for Prometheus, status pages, panels, audits.

What each asks for is theirs, the fields and filters it needs; the values are held against a scan of the events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from known import RECORDS
from made import BASE, HOUR

from botproxy.admin.zones import ACCOUNT, zone_tag

Ask = Callable[..., Awaitable[Any]]

SHOP, BLOG = zone_tag("shop"), zone_tag("blog")
OF_SHOP = [record for record in RECORDS if record["zone"] == "shop"]


def at(microseconds: int) -> str:
    return datetime.fromtimestamp((BASE + microseconds) / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


START, END = at(0), at(2 * HOUR)


async def test_zones_are_also_below_the_account(analytics: Any, whole: Ask) -> None:
    query = """
    query HostMetrics($accountID: string!, $zoneIDs: [string!], $mintime: Time!, $maxtime: Time!, $limit: uint64!,
                      $hosts: [string!]) {
      viewer { accounts(filter: { accountTag: $accountID }) { zones(filter: { zoneTag_in: $zoneIDs }) {
        zoneTag
        hostStatus: httpRequestsAdaptiveGroups(limit: $limit, filter: {
            datetime_geq: $mintime datetime_lt: $maxtime clientRequestHTTPHost_in: $hosts }) {
          count dimensions { clientRequestHTTPHost edgeResponseStatus } }
        hostLatency: httpRequestsAdaptiveGroups(limit: $limit, filter: {
            datetime_geq: $mintime datetime_lt: $maxtime clientRequestHTTPHost_in: $hosts }) {
          dimensions { clientRequestHTTPHost }
          avg { edgeTimeToFirstByteMs originResponseDurationMs }
          quantiles { edgeTimeToFirstByteMsP50 originResponseDurationMsP95 } }
        misses: httpRequestsAdaptiveGroups(limit: $limit, filter: { datetime: $mintime cacheStatus: "miss" }) { count }
        firewallEventsAdaptiveGroups(limit: $limit, filter: { datetime_geq: $mintime, datetime_lt: $maxtime }) {
          count dimensions { action source ruleId clientRequestHTTPHost clientCountryName botScore botScoreSrcName } }
        healthCheckEventsAdaptiveGroups(limit: $limit, filter: { datetime_geq: $mintime, datetime_lt: $maxtime }) {
          count avg { rttMs timeToFirstByteMs tcpConnMs tlsHandshakeMs }
          dimensions { healthStatus originIP region fqdn failureReason } }
      } } } }"""
    data = await whole(
        query, accountID=ACCOUNT, zoneIDs=[SHOP], mintime=START, maxtime=END, limit=9999, hosts=["shop.example"]
    )
    ((shop,),) = (account["zones"] for account in data["accounts"])
    assert shop["zoneTag"] == SHOP
    here = [record for record in OF_SHOP if record["host"] == "shop.example"]
    assert {row["dimensions"]["edgeResponseStatus"]: row["count"] for row in shop["hostStatus"]} == Counter(
        record["status"] for record in here
    )
    (latency,) = shop["hostLatency"]
    assert latency["avg"]["edgeTimeToFirstByteMs"] > 0
    assert shop["misses"] == shop["healthCheckEventsAdaptiveGroups"] == []
    told = sum(row["count"] for row in shop["firewallEventsAdaptiveGroups"])
    assert told == sum(len(record["rule_ids"]) for record in OF_SHOP)


async def test_latency_of_everything_at_once(ask: Ask) -> None:
    query = """query ($zoneTag: string, $filter: filter) { viewer { zones(filter: {zoneTag: $zoneTag}) {
      httpRequestsAdaptiveGroups(limit: 100, filter: $filter) {
        count
        avg { edgeTimeToFirstByteMs originResponseDurationMs edgeDnsResponseTimeMs sampleInterval }
        quantiles { edgeDnsResponseTimeMsP50 edgeDnsResponseTimeMsP99 edgeTimeToFirstByteMsP95 }
        ratio { status4xx status5xx }
        dimensions { coloCode cacheStatus originASN originASNDescription } } } } }"""
    (zone,) = await ask(query, zoneTag=SHOP, filter={"datetime_geq": START, "datetime_lt": END})
    (row,) = zone["httpRequestsAdaptiveGroups"]
    assert row["count"] == len(OF_SHOP)
    assert row["avg"]["edgeDnsResponseTimeMs"] == row["quantiles"]["edgeDnsResponseTimeMsP99"] == 0
    assert row["dimensions"] == {
        "coloCode": "BOT",
        "cacheStatus": "dynamic",
        "originASN": 0,
        "originASNDescription": "",
    }


async def test_every_zone_by_what_its_visitors_call_themselves(ask: Ask) -> None:
    agents = sorted({record["user_agent"] for record in RECORDS if record["user_agent"]})[:2]
    query = (
        "query { viewer { zones { zoneTag total: httpRequestsAdaptiveGroups(filter: {"
        f'datetime_geq: "{START}", datetime_leq: "{END}", requestSource: "eyeball", '
        f"OR: [{','.join(f'{{userAgent_like: {quoted(agent)}}}' for agent in agents)}]}} limit: 1) "
        "{ count sum { edgeResponseBytes } } } } }"
    )
    for zone, name in zip(await ask(query), sorted(("shop", "blog"), key=zone_tag), strict=True):
        chosen = [r for r in RECORDS if r["zone"] == name and r["user_agent"] in agents]
        found = zone["total"][0] if zone["total"] else {"count": 0, "sum": {"edgeResponseBytes": 0}}
        assert found == {
            "count": len(chosen),
            "sum": {"edgeResponseBytes": sum(record["response_bytes"] for record in chosen)},
        }


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "_") + '"'


async def test_a_filter_in_one_variable_of_the_type_that_the_schema_names(ask: Ask) -> None:
    query = """query Pages($zoneTag: string, $filter: ZoneHttpRequestsAdaptiveGroupsFilter_InputObject!) {
      viewer { zones(filter: { zoneTag: $zoneTag }) {
        httpRequestsAdaptiveGroups(limit: 50, orderBy: [count_DESC], filter: $filter) {
          count sum { visits } dimensions { clientRequestPath } } } } }"""
    filters = {
        "datetime_geq": START.replace("Z", ".000Z"),
        "datetime_lt": END.replace("Z", ".000Z"),
        "requestSource": "eyeball",
        "botManagementDecision_in": ["likely_human", "verified_bot"],
        "clientASNDescription_notin": ["SOMEBODY"],
        "AND": [
            {"OR": [{"clientRequestPath": "/"}, {"clientRequestPath_like": "/a%"}]},
            {"OR": [{"edgeResponseStatus": 200}, {"edgeResponseStatus_geq": 400}]},
        ],
    }
    (zone,) = await ask(query, zoneTag=SHOP, filter=filters)
    wanted = Counter(
        record["path"]
        for record in OF_SHOP
        if record["score_group"] in ("likely_human", "verified_bot")
        and (record["path"] == "/" or record["path"].startswith("/a"))
        and (record["status"] == 200 or record["status"] >= 400)
    )
    found = {row["dimensions"]["clientRequestPath"]: row["count"] for row in zone["httpRequestsAdaptiveGroups"]}
    assert found == dict(wanted.most_common(50))
    assert found


async def test_everything_of_single_security_events(ask: Ask) -> None:
    query = """query ($zoneTag: String!, $since: DateTime!, $until: String!, $limit: Int!) {
      viewer { zones(filter: { zoneTag: $zoneTag }) {
        firewallEventsAdaptive(limit: $limit filter: { datetime_geq: $since, datetime_leq: $until }
            orderBy: [datetime_DESC]) {
          action clientASNDescription clientAsn clientCountryName clientIP clientIPClass clientRefererHost
          clientRefererPath clientRefererQuery clientRefererScheme clientRequestHTTPHost clientRequestHTTPMethodName
          clientRequestHTTPProtocol clientRequestPath clientRequestQuery clientRequestScheme datetime edgeColoName
          edgeResponseStatus kind matchIndex metadata { key value } originResponseStatus originatorRayName rayName ref
          ruleId rulesetId sampleInterval source userAgent } } } }"""
    (zone,) = await ask(query, zoneTag=SHOP, since=START, until=END, limit=20)
    rays = {record["ray"]: record for record in OF_SHOP}
    assert len(zone["firewallEventsAdaptive"]) == 20
    for row in zone["firewallEventsAdaptive"]:
        assert row["ruleId"] in rays[row["rayName"]]["rule_ids"]
        assert (row["rulesetId"], row["metadata"], row["edgeColoName"]) == ("", [], "BOT")


async def test_bytes_of_a_request_on_average_and_uniques_by_day(ask: Ask) -> None:
    query = """{ viewer { zones(filter: { zoneTag: $zoneTag }) {
      httpRequests1dGroups(limit: 7, filter: { date_geq: $day, date_leq: $day }, orderBy: [date_ASC]) {
        dimensions { date } avg { bytes } sum { requests cachedRequests pageViews threats } uniq { uniques } }
      healthCheckEventsGroups(limit: 5, filter: { date: $day }, orderBy: [datetime_ASC]) {
        count dimensions { failureReason healthCheckName healthStatus region scope originResponseStatus datetime } }
      } } }"""
    (zone,) = await ask(query, zoneTag=SHOP, day=START[:10])
    day = [record for record in OF_SHOP if at(int(record["start"]) - BASE).startswith(START[:10])]
    (row,) = zone["httpRequests1dGroups"]
    assert row["sum"]["requests"] == len(day)
    assert abs(row["avg"]["bytes"] - sum(record["response_bytes"] for record in day) / len(day)) < 0.01
    assert row["uniq"]["uniques"] == len({record["client_ip"] for record in day})
    assert zone["healthCheckEventsGroups"] == []
