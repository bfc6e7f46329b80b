"""Queries as they are written for the original, by its documentation, exporters and dashboards, run unchanged.

What they give is held against a scan of the events, one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from known import CROWD, RECORDS
from made import BASE, HOUR, as_records

from botproxy.admin.zones import zone_tag
from botproxy.store.events.agents import agent

Ask = Callable[..., Awaitable[Any]]

SHOP, BLOG = zone_tag("shop"), zone_tag("blog")
ACTIONS = {"managedChallenge": "managed_challenge"}
OF_SHOP = [record for record in RECORDS if record["zone"] == "shop"]


def at(microseconds: int) -> str:
    return datetime.fromtimestamp((BASE + microseconds) / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


START, END = at(0), at(2 * HOUR)


def second(record: dict[str, Any]) -> str:
    return datetime.fromtimestamp(record["second"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def matches(records: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str, str]]:
    return [
        (record, ACTIONS.get(action, action), rule)
        for record in records
        for action, rule in zip(record["actions"], record["rule_ids"], strict=True)
    ]


async def test_a_tutorial_that_declares_a_type_of_an_older_schema(ask: Ask) -> None:
    query = """
    query ListFirewallEvents($zoneTag: string, $filter: FirewallEventsAdaptiveFilter_InputObject) {
      viewer { zones(filter: { zoneTag: $zoneTag }) {
        firewallEventsAdaptive(filter: $filter limit: 10 orderBy: [datetime_DESC]) {
          action clientAsn clientCountryName clientIP clientRequestPath clientRequestQuery datetime source userAgent
        } } } }"""
    (zone,) = await ask(query, zoneTag=SHOP, filter={"datetime_geq": START, "datetime_leq": END})
    found = zone["firewallEventsAdaptive"]
    assert len(found) == 10
    newest = sorted(matches(OF_SHOP), key=lambda each: each[0]["start"])[-10:]
    assert Counter((each["action"], each["clientIP"], each["datetime"]) for each in found) == Counter(
        (action, record["client_ip"], second(record)) for record, action, _ in newest
    )
    assert {type(each["clientAsn"]) for each in found} == {str}


async def test_variables_that_nobody_declared(ask: Ask) -> None:
    query = (
        "{viewer {zones(filter: {zoneTag: $zoneTag}) {topPaths: httpRequestsAdaptiveGroups(filter: $filter, "
        "limit: 10, orderBy: [sum_edgeResponseBytes_DESC]) "
        "{count sum {edgeResponseBytes} dimensions {metric: clientRequestPath}}}}}"
    )
    filters = {"AND": [{"datetime_geq": START, "datetime_leq": END}, {"requestSource": "eyeball"}]}
    (zone,) = await ask(query, zoneTag=SHOP, filter=filters)
    counted: Counter[str] = Counter()
    for record in OF_SHOP:
        counted[record["path"]] += record["response_bytes"]
    assert [(each["dimensions"]["metric"], each["sum"]["edgeResponseBytes"]) for each in zone["topPaths"]] == (
        counted.most_common(10)
    )


async def test_visits_and_bytes_of_a_host_by_hour(ask: Ask) -> None:
    query = """
    query RequestsAndDataTransferByHostname($zoneTag: string, $filter:filter) {
      viewer { zones(filter: {zoneTag: $zoneTag}) {
        httpRequestsAdaptiveGroups(limit: 10, filter: $filter) {
          sum { visits edgeResponseBytes } dimensions { datetimeHour } } } } }"""
    filters = {
        "datetime_geq": START,
        "datetime_lt": END,
        "clientRequestHTTPHost": "shop.example",
        "requestSource": "eyeball",
    }
    (zone,) = await ask(query, zoneTag=SHOP, filter=filters)
    wanted: dict[int, list[int]] = {}
    for record in OF_SHOP:
        if record["host"] == "shop.example":
            sums = wanted.setdefault(record["hour"], [0, 0])
            sums[0] += record["visit"]
            sums[1] += record["response_bytes"]
    shown = {
        each["dimensions"]["datetimeHour"]: list(each["sum"].values()) for each in zone["httpRequestsAdaptiveGroups"]
    }
    assert shown == {at(hour * 1_000_000 - BASE): sums for hour, sums in wanted.items()}


async def test_two_datasets_in_one_go(ask: Ask) -> None:
    query = """{ viewer { zones(filter: { zoneTag: $tag }) {
      last10Events: firewallEventsAdaptive(filter: { datetime_gt: $start datetime_lt: $end } limit: 10
        orderBy: [ datetime_DESC ]) { action datetime host: clientRequestHTTPHost }
      top3DeviceTypes: httpRequestsAdaptiveGroups(filter: { date: $ts } limit: 10 orderBy: [ count_DESC ]) {
        count dimensions { device: clientDeviceType } } } } }"""
    (zone,) = await ask(query, tag=SHOP, start=START, end=END, ts=START[:10])
    assert len(zone["last10Events"]) == 10
    day = [record for record in OF_SHOP if second(record).startswith(START[:10])]
    assert zone["top3DeviceTypes"] == [{"count": len(day), "dimensions": {"device": "desktop"}}]


async def test_confidence_of_a_count(ask: Ask) -> None:
    query = """query SingleDatasetWithConfidence($zoneTag: string, $start: Time, $end: Time) {
      viewer { zones(filter: {zoneTag: $zoneTag}) {
        firewallEventsAdaptiveGroups(filter: {datetime_gt: $start, datetime_lt: $end} limit: 1000) {
          count avg { sampleInterval }
          confidence(level: 0.95) { count { estimate lower upper sampleSize } } } } } }"""
    (zone,) = await ask(query, zoneTag=SHOP, start=START, end=END)
    number = sum(second(record) > START for record, _, _ in matches(OF_SHOP))
    interval = {"estimate": number, "lower": number, "upper": number, "sampleSize": number}
    assert zone["firewallEventsAdaptiveGroups"] == [
        {"count": number, "avg": {"sampleInterval": 1.0}, "confidence": {"count": interval}}
    ]


async def test_a_prometheus_exporter_of_one_minute(ask: Ask) -> None:
    """As lablabs/cloudflare-exporter asks once a minute."""
    query = """
    query ($zoneIDs: [String!], $mintime: Time!, $maxtime: Time!, $limit: Int!) {
      viewer { zones(filter: { zoneTag_in: $zoneIDs }) {
        zoneTag
        httpRequests1mGroups(limit: $limit filter: { datetime: $maxtime }) {
          uniq { uniques }
          sum {
            browserMap { pageViews uaBrowserFamily }
            bytes cachedBytes cachedRequests
            clientHTTPVersionMap { clientHTTPProtocol requests }
            clientSSLMap { clientSSLProtocol requests }
            contentTypeMap { bytes requests edgeResponseContentTypeName }
            countryMap { bytes clientCountryName requests threats }
            encryptedBytes encryptedRequests
            ipClassMap { ipType requests }
            pageViews requests
            responseStatusMap { edgeResponseStatus requests }
            threatPathingMap { requests threatPathingName }
            threats
          }
          dimensions { datetime }
        }
        firewallEventsAdaptiveGroups(limit: $limit, filter: {datetime_geq: $mintime, datetime_lt: $maxtime}) {
          count dimensions { action source clientRequestHTTPHost clientCountryName }
        }
        httpRequestsAdaptiveGroups(limit: $limit, filter: {
            datetime_geq: $mintime, datetime_lt: $maxtime, cacheStatus_notin: ["hit"]
            originResponseStatus_in: [400, 404, 500, 502, 503, 504, 522, 523, 524, 0] }) {
          count dimensions { originResponseStatus clientCountryName clientRequestHTTPHost }
        }
        healthCheckEventsAdaptiveGroups(limit: $limit, filter: {datetime_geq: $mintime, datetime_lt: $maxtime}) {
          count dimensions { healthStatus originIP region fqdn }
        }
        colo: httpRequestsAdaptiveGroups(limit: $limit filter: { datetime_geq: $mintime, datetime_lt: $maxtime }) {
          count avg { sampleInterval } dimensions { coloCode datetime } sum { edgeResponseBytes visits }
        }
      } } }"""
    minute = 30 * 60_000_000
    zones = await ask(query, zoneIDs=[BLOG, SHOP], mintime=at(minute), maxtime=at(minute + 60_000_000), limit=9999)
    assert [zone["zoneTag"] for zone in zones] == sorted([BLOG, SHOP])
    shop = next(zone for zone in zones if zone["zoneTag"] == SHOP)
    begin = BASE + minute + 60_000_000
    group = [record for record in OF_SHOP if begin <= record["start"] < begin + 60_000_000]
    (row,) = shop["httpRequests1mGroups"]
    assert row["dimensions"]["datetime"] == at(minute + 60_000_000)
    assert row["uniq"]["uniques"] == len({record["client_ip"] for record in group})
    sums = row["sum"]
    assert sums["requests"] == len(group)
    assert sums["bytes"] == sum(record["response_bytes"] for record in group)
    assert sums["pageViews"] == sum(record["page_view"] for record in group)
    threats = [record for record in group if record["action"] not in ("unknown", "log", "skip")]
    assert sums["threats"] == len(threats)
    assert sums["encryptedRequests"] == sums["cachedBytes"] == sums["cachedRequests"] == 0
    counted = {each["edgeResponseStatus"]: each["requests"] for each in sums["responseStatusMap"]}
    assert counted == Counter(record["status"] for record in group)
    views: Counter[str] = Counter()
    for record in group:
        views[agent(record["user_agent"]).browser] += record["page_view"]
    assert {each["uaBrowserFamily"]: each["pageViews"] for each in sums["browserMap"]} == dict(views)
    countries = {each["clientCountryName"]: each for each in sums["countryMap"]}
    for name, number in Counter(record["client_country"] for record in group).items():
        assert countries[name]["requests"] == number
        assert countries[name]["threats"] == sum(record["client_country"] == name for record in threats)
    assert sum(each["requests"] for each in sums["threatPathingMap"]) == len(threats)
    assert sums["ipClassMap"] == [{"ipType": "noRecord", "requests": len(group)}]
    assert {each["edgeResponseContentTypeName"] for each in sums["contentTypeMap"]} <= {"html", "png", "empty"}
    before = [record for record in OF_SHOP if begin - 60_000_000 <= record["start"] < begin]
    assert sum(each["count"] for each in shop["firewallEventsAdaptiveGroups"]) == len(matches(before))
    assert sum(each["count"] for each in shop["httpRequestsAdaptiveGroups"]) == len(before)
    assert shop["healthCheckEventsAdaptiveGroups"] == []
    assert {each["dimensions"]["coloCode"] for each in shop["colo"]} == {"BOT"}
    assert sum(each["count"] for each in shop["colo"]) == len(before)


async def test_the_groups_of_bot_analytics(ask: Ask) -> None:
    """As a dashboard asks: filters in lists that are variables, decisions excluded."""
    query = """{ viewer { zones(filter: {zoneTag: $zoneTag}) {
      Total: httpRequestsAdaptiveGroups(filter: $filter, limit: 10000) { count }
      automated: httpRequestsAdaptiveGroups(filter: {AND: [
        {botManagementDecision_neq: "verified_bot"}, $automatedFilter]}, limit: 10000) { count }
      likelyAutomated: httpRequestsAdaptiveGroups(filter: {AND: [
        {botManagementDecision_neq: "verified_bot"}, $likelyAutomatedFilter]}, limit: 10000) { count }
      byScore: httpRequestsAdaptiveGroups(filter: $filter, limit: 10000) {
        count dimensions { botScore botScoreBucketBy10 botScoreSrcName botManagementDecision } }
    } } }"""
    plain = {"requestSource": "eyeball", "date_geq": START[:10], "date_leq": END[:10]}
    (zone,) = await ask(
        query,
        zoneTag=SHOP,
        filter=plain,
        automatedFilter={**plain, "botScore": 1},
        likelyAutomatedFilter={**plain, "botScore_geq": 2, "botScore_leq": 29},
    )
    scores = [record["score"] for record in OF_SHOP]
    assert zone["Total"] == [{"count": len(scores)}]
    assert zone["automated"] == [{"count": scores.count(1)}]
    assert zone["likelyAutomated"] == [{"count": sum(2 <= score <= 29 for score in scores)}]
    counted: Counter[int] = Counter()
    for each in zone["byScore"]:
        counted[each["dimensions"]["botScore"]] += each["count"]
        assert each["dimensions"]["botScoreBucketBy10"] == each["dimensions"]["botScore"] // 10 * 10
    assert counted == Counter(scores)


async def test_the_solve_rate_of_a_rule(ask: Ask) -> None:
    query = """query GetCaptchaSolvedRate($zoneTag: string) { viewer { zones(filter: { zoneTag: $zoneTag }) {
      issued: firewallEventsAdaptiveByTimeGroups(limit: 1 filter: $issued_filter) { count }
      solved: firewallEventsAdaptiveByTimeGroups(limit: 1 filter: $solved_filter) { count } } } }"""
    when = {"datetime_geq": START, "datetime_leq": END, "ruleId": "r1"}
    issued = {"OR": [{"action": word} for word in ("jschallenge", "managed_challenge", "challenge")], **when}
    solved = {"OR": [{"action": word} for word in ("jschallenge_solved", "challenge_solved")], **when}
    (zone,) = await ask(query, zoneTag=SHOP, issued_filter=issued, solved_filter=solved)
    wanted = sum(action == "managed_challenge" and rule == "r1" for _, action, rule in matches(OF_SHOP))
    assert zone == {"issued": [{"count": wanted}], "solved": []}


async def test_paths_by_pattern_and_status(ask: Ask) -> None:
    query = """{ viewer { zones(filter: {zoneTag: $tag}) {
      httpRequestsAdaptiveGroups(filter: {datetime_geq: $start, datetime_lt: $end, clientRequestPath_like: "/a%",
        AND: [ {edgeResponseStatus_geq: 200}, {edgeResponseStatus_lt: 300}, ]}, limit: 10000) {
        count dimensions { datetimeMinute clientRequestHTTPHost } } } } }"""
    (zone,) = await ask(query, tag=SHOP, start=START, end=END)
    chosen = [each for each in OF_SHOP if each["path"].startswith("/a") and 200 <= each["status"] < 300]
    counted = Counter((at(each["minute"] * 1_000_000 - BASE), each["host"]) for each in chosen)
    shown = {tuple(each["dimensions"].values()): each["count"] for each in zone["httpRequestsAdaptiveGroups"]}
    assert shown == dict(counted)


async def test_requests_one_by_one(ask: Ask) -> None:
    query = """{ viewer { zones(filter: { zoneTag: $tag }) {
      httpRequestsAdaptive(filter: { clientRequestHTTPHost: "shop.example", botManagementDecision_in: ["likely_human"],
        requestSource_in: ["eyeball"], clientRequestPath_like: "%", datetime_geq: $start, datetime_lt: $end }
        limit: 10000) { clientRequestPath datetime rayName botDetectionIds } } } }"""
    (zone,) = await ask(query, tag=SHOP, start=START, end=END)
    wanted = [
        {
            "clientRequestPath": record["path"],
            "datetime": second(record),
            "rayName": record["ray"],
            "botDetectionIds": record["detection_ids"],
        }
        for record in OF_SHOP
        if record["host"] == "shop.example" and record["score_group"] == "likely_human"
    ]
    assert sorted(zone["httpRequestsAdaptive"], key=str) == sorted(wanted, key=str)


@pytest.mark.parametrize(("unit", "seconds"), [("1m", 60), ("1h", 3600), ("1d", 86400)])
async def test_counts_over_time_with_uniques(ask: Ask, unit: str, seconds: int) -> None:
    order = "date_ASC" if unit == "1d" else "datetime_ASC"
    dimension = "date" if unit == "1d" else "datetime"
    query = f"""query ($zoneTag: String!, $since: Date!) {{ viewer {{ zones(filter: {{zoneTag: $zoneTag}}) {{
      series: httpRequests{unit}Groups(limit: 1000, orderBy: [{order}], filter: {{date_geq: $since}}) {{
        dimensions {{ {dimension} }} sum {{ requests bytes threats }} uniq {{ uniques }} }} }} }} }}"""
    (zone,) = await ask(query, zoneTag=SHOP, since=START[:10])
    wanted: dict[int, list[dict[str, Any]]] = {}
    for record in OF_SHOP:
        wanted.setdefault(record["start"] // 1_000_000 // seconds * seconds, []).append(record)
    shown = [(each["sum"]["requests"], each["uniq"]["uniques"]) for each in zone["series"]]
    assert shown == [(len(group), len({each["client_ip"] for each in group})) for _, group in sorted(wanted.items())]


async def test_ratios_quantiles_and_averages(ask: Ask) -> None:
    query = """{ viewer { zones(filter: {zoneTag: $tag}) { httpRequestsAdaptiveGroups(filter: $filter, limit: 10) {
      count ratio { status4xx status5xx } avg { edgeTimeToFirstByteMs sampleInterval }
      quantiles { edgeTimeToFirstByteMsP50 } dimensions { clientRequestHTTPMethodName } } } } }"""
    (zone,) = await ask(query, tag=SHOP, filter={"datetime_geq": START})
    for row in zone["httpRequestsAdaptiveGroups"]:
        group = [each for each in OF_SHOP if each["method"] == row["dimensions"]["clientRequestHTTPMethodName"]]
        assert row["ratio"]["status4xx"] == pytest.approx(sum(each["status"] == 404 for each in group) / len(group))
        assert row["ratio"]["status5xx"] == pytest.approx(sum(each["status"] == 503 for each in group) / len(group))
        times = sorted(each["first_byte_ms"] for each in group)
        assert row["avg"]["edgeTimeToFirstByteMs"] == pytest.approx(sum(times) / len(times))
        assert abs(row["quantiles"]["edgeTimeToFirstByteMsP50"] - times[len(times) // 2]) <= 1


async def test_settings_and_introspection(ask: Ask, analytics: Any) -> None:
    query = """query SampleQuery($zoneTag: string) { viewer { zones(filter: { zoneTag: $zoneTag }) { settings {
      firewallEventsAdaptive { enabled maxDuration maxNumberOfFields maxPageSize notOlderThan availableFields }
      healthCheckEventsAdaptiveGroups { enabled } } } } }"""
    (zone,) = await ask(query, zoneTag=SHOP)
    settings = zone["settings"]["firewallEventsAdaptive"]
    assert settings["enabled"] is True
    assert settings["maxPageSize"] == 10000
    assert settings["notOlderThan"] == 30 * 86400
    assert "botScore" in settings["availableFields"]
    assert zone["settings"]["healthCheckEventsAdaptiveGroups"] == {"enabled": False}
    from botproxy.admin.graphql.execution import answer

    asked = '{ __type(name: "ZoneHttpRequestsAdaptiveGroupsDimensions") { fields { name } } }'
    reply = await answer(analytics, {"query": asked})
    assert "botManagementDecision" in [each["name"] for each in reply.body["data"]["__type"]["fields"]]


async def test_fragments_and_directives(ask: Ask) -> None:
    query = """query ($with: Boolean!) { viewer { zones(filter: {zoneTag: $tag}) {
      httpRequestsAdaptiveGroups(filter: {datetime_geq: $start}, limit: 5) {
        __typename ...numbers dimensions { clientRequestHTTPHost @include(if: $with) __typename } } } } }
      fragment numbers on ZoneHttpRequestsAdaptiveGroups { requests: count }"""
    (whole,) = await ask(query, **{"tag": SHOP, "start": START, "with": False})
    assert [row["requests"] for row in whole["httpRequestsAdaptiveGroups"]] == [len(OF_SHOP)]
    (split,) = await ask(query, **{"tag": SHOP, "start": START, "with": True})
    assert len(split["httpRequestsAdaptiveGroups"]) == 2


def test_the_crowd_is_what_the_store_was_given() -> None:
    assert as_records(CROWD) == RECORDS
