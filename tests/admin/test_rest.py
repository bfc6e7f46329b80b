"""The questions of a dashboard over HTTP, from events that are known one by one."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "store" / "events"))

from made import BASE, HOUR, KEEP, as_records, clock, crowd

from botproxy.admin import queries
from botproxy.admin.analytics import Analytics
from botproxy.admin.application import application
from botproxy.admin.zones import zone_tag
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import QueryError, check

CROWD = crowd(800)
RECORDS = as_records(CROWD)
SHOP = [record for record in RECORDS if record["zone"] == "shop"]
RANGE = {"since": str(BASE / 1e6), "until": str((BASE + 3 * HOUR) / 1e6), "zone": "shop"}


class Control:
    """What the application asks of a supervisor for these questions."""

    def __init__(self, store: DuckdbStore | None) -> None:
        self._store = store

    def analytics(self) -> Analytics:
        return Analytics(self._store, ("shop", "blog"))


@pytest.fixture
async def client(tmp_path: Path, aiohttp_client: Any) -> AsyncIterator[TestClient[Any, Any]]:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
    store.put([tuple(each) for each in CROWD])
    await store.flush()
    control: Any = Control(store)
    yield await aiohttp_client(TestServer(application(control, None)))
    await asyncio.to_thread(store.close, 10)


async def get(client: TestClient[Any, Any], path: str, **given: Any) -> Any:
    parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
    answer = await client.get(f"/api/analytics/{path}", params={**RANGE, **parameters})
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_charts_and_rankings_are_those_of_a_scan(client: TestClient[Any, Any]) -> None:
    series = await get(client, "series")
    assert series["columns"] == ["minute", "score_group", "count"]
    assert sum(row[2] for row in series["rows"]) == len(SHOP)
    distribution = await get(client, "distribution")
    assert dict(distribution["rows"]) == Counter(record["score"] for record in SHOP)
    grouped = await get(client, "distribution", by="score_group")
    assert {(row[0], row[1]): row[2] for row in grouped["rows"]} == Counter(
        (record["score"], record["score_group"]) for record in SHOP
    )
    sources = await get(client, "sources", filter=[["score", "leq", 29], ["score", "gt", 0]])
    chosen = [record for record in SHOP if 0 < record["score"] <= 29]
    assert dict(sources["rows"]) == Counter(record["score_source"] for record in chosen)
    top = await get(client, "top", field="client_ip", limit=3, filter=[["score", "eq", 1]])
    counted = Counter(record["client_ip"] for record in SHOP if record["score"] == 1)
    assert [row[1] for row in top["rows"]] == [number for _, number in counted.most_common(3)]
    totals = await get(client, "totals")
    assert sum(row[1] for row in totals["rows"]) == len(SHOP)
    rules = await get(client, "rules")
    assert sum(row[3] for row in rules["rows"]) == sum(len(record["actions"]) for record in SHOP)


async def test_the_log_is_read_page_by_page_and_each_request_by_its_ray(client: TestClient[Any, Any]) -> None:
    seen: list[str] = []
    before: dict[str, Any] = {}
    while True:
        page = await get(client, "events", limit=150, **before)
        if not page["rows"]:
            break
        rows = [dict(zip(page["columns"], row, strict=True)) for row in page["rows"]]
        seen += [row["ray"] for row in rows]
        before = {"before": rows[-1]["sequence"]}
    assert seen == [record["ray"] for record in reversed(SHOP)]
    found = await (await client.get(f"/api/analytics/events/{seen[0].upper()}-BOT")).json()
    assert found["reasons"] == []
    assert found["user_agent"] == SHOP[-1]["user_agent"]
    assert (await client.get("/api/analytics/events/0000000000000000")).status == 404


async def test_a_request_is_explained(client: TestClient[Any, Any]) -> None:
    known = next(record for record in RECORDS if record["score"] == 1)
    told = await (await client.get(f"/api/analytics/events/{known['ray']}/explanation")).json()
    assert (told["ray"], told["score"], told["source"]) == (known["ray"], 1, "Heuristics")
    assert f"The request {known['ray']} was given a bot score of 1 of 99" in told["sentence"]
    assert (await client.get("/api/analytics/events/0000000000000000/explanation")).status == 404


async def test_what_has_not_an_item_of_a_list_can_be_asked_for(client: TestClient[Any, Any]) -> None:
    with_it = await get(client, "totals", filter=[["detection_ids", "has", 10]])
    without = await get(client, "totals", filter=[["detection_ids", "hasnot", 10]])
    assert sum(row[1] for row in with_it["rows"]) == sum(10 in record["detection_ids"] for record in SHOP)
    assert sum(row[1] for row in without["rows"]) == sum(10 not in record["detection_ids"] for record in SHOP)


async def test_a_person_gets_what_is_stored_of_them_and_can_be_forgotten(client: TestClient[Any, Any]) -> None:
    theirs = [record["ray"] for record in RECORDS if record["client_ip"] == "192.0.2.7"]
    answer = await client.get("/api/analytics/export", params={"ip": "::ffff:192.0.2.7"})
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in (await answer.text()).splitlines()]
    assert [line["ray"] for line in lines] == theirs
    assert lines[0]["user_agent"] in {record["user_agent"] for record in RECORDS}
    forgotten = await client.post("/api/analytics/forget", json={"ip": "192.0.2.7"})
    assert await forgotten.json() == {"forgotten": len(theirs)}
    assert await (await client.get("/api/analytics/export", params={"ip": "192.0.2.7"})).text() == ""
    assert (await client.get("/api/analytics/export", params={"ip": "me"})).status == 400
    for body in ({"ip": "me"}, {}, [], {"ip": 1}, {"ip": "192.0.2.7", "zone": "shop"}):
        assert (await client.post("/api/analytics/forget", json=body)).status == 422


async def test_how_the_store_is(client: TestClient[Any, Any]) -> None:
    status = await (await client.get("/api/analytics/status")).json()
    assert (status["store"]["state"], status["store"]["stored"], status["zones"]) == ("open", 800, ["shop", "blog"])
    fields = await (await client.get("/api/analytics/fields")).json()
    assert fields["fields"]["score"] == "integer"


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("series", {"by": "path"}, "split by one of"),
        ("top", {"field": "nothing"}, "ranked by one of"),
        ("top", {"limit": "0"}, "limit is a whole number"),
        ("events", {"limit": "1001"}, "limit is a whole number"),
        ("events", {"limit": "0" * 18 + "1" * 5000}, "limit is a whole number"),
        ("distribution", {"by": "path"}, "by is score_group"),
        ("distribution", {"filter": "{}"}, "a filter is a list such as"),
        ("distribution", {"filter": '[["score"]]'}, "a filter is a list such as"),
        ("distribution", {"filter": '[["score", "is", 1]]'}, "there is no operator 'is'"),
        ("distribution", {"filter": '[["nothing", "eq", 1]]'}, "there is no field 'nothing'"),
        ("distribution", {"filter": '[["score", "eq", "1"]]'}, "is compared with integer"),
        ("distribution", {"since": "5", "until": "4"}, "since is before until"),
        ("distribution", {"since": "soon"}, "since is a number of seconds"),
        ("distribution", {"since": "nan"}, "since is a number of seconds"),
    ],
)
async def test_a_question_that_is_wrong_is_told_what_is_right(
    client: TestClient[Any, Any], path: str, given: Any, said: str
) -> None:
    answer = await client.get(f"/api/analytics/{path}", params={**RANGE, **given})
    assert answer.status == 400
    assert said in (await answer.json())["error"]


async def test_without_a_store_it_is_said(aiohttp_client: Any) -> None:
    control: Any = Control(None)
    client = await aiohttp_client(TestServer(application(control, None)))
    for path in ("series", "events/0000000000000000"):
        answer = await client.get(f"/api/analytics/{path}")
        assert answer.status == 503
        assert "events.store is none" in (await answer.json())["error"]


async def test_zones_have_ids_in_the_envelope_of_the_original(client: TestClient[Any, Any]) -> None:
    zones = await (await client.get("/client/v4/zones", params={"per_page": "1", "page": "2"})).json()
    assert zones["success"] is True
    assert zones["result_info"] == {"page": 2, "per_page": 1, "total_pages": 2, "count": 1, "total_count": 2}
    assert zones["result"][0]["name"] == "shop"
    assert zones["result"][0]["id"] == zone_tag("shop") == "fb1ae8fded0f434c2b3bad02f8039ebe"
    named = await (await client.get("/client/v4/zones", params={"name": "blog"})).json()
    assert [zone["name"] for zone in named["result"]] == ["blog"]
    assert (await client.get(f"/client/v4/zones/{zone_tag('blog')}")).status == 200
    assert (await client.get("/client/v4/zones/x")).status == 404
    assert (await client.get("/client/v4/zones", params={"page": "0"})).status == 400
    assert (await (await client.get("/client/v4/accounts")).json())["result_info"]["count"] == 1


async def test_graphql_over_http(client: TestClient[Any, Any]) -> None:
    query = "{ viewer { zones { zoneTag } } }"
    for path in ("/client/v4/graphql", "/client/v4/graphql/"):
        answer = await client.post(path, json={"query": query})
        assert answer.status == 200
        body = await answer.json()
        assert body["errors"] is None
        assert {zone["zoneTag"] for zone in body["data"]["viewer"]["zones"]} == {zone_tag("shop"), zone_tag("blog")}
    broken = await client.post("/client/v4/graphql", data=b"{", headers={"Content-Type": "application/json"})
    assert broken.status == 400
    assert (await client.post("/client/v4/graphql", data=b"{}")).status == 415


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(st.lists(st.text(max_size=5), max_size=4), max_size=3).map(json.dumps)))
def test_any_filter_is_read_or_refused(text: str) -> None:
    try:
        view = queries.read_view({"filter": text}, time.time())
        check(queries.distribution(view))
    except QueryError:
        return
