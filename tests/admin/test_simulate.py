"""What a rule or a threshold would have done, asked over HTTP of events that are known one by one."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from aiohttp import ClientTimeout
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "store" / "events"))

from made import BASE, HOUR, KEEP, clock, event

from botproxy.admin import simulate, trying
from botproxy.admin.analytics import Analytics
from botproxy.admin.application import CONTROL, application
from botproxy.cli import main
from botproxy.model import Event
from botproxy.rules import named_list
from botproxy.simulation import from_store
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import Condition

BROWSER = "Mozilla/5.0 (Windows NT 10.0) Chrome/120 Safari/537"
RANGE = {"since": BASE / 1e6, "until": (BASE + 3 * HOUR) / 1e6}
SECOND = 1_000_000

_rays = iter(range(10_000))


def seen(**changes: Any) -> Event:
    given = {
        "ray": f"{next(_rays):016x}",
        "method": "GET",
        "scheme": "https",
        "host": "shop.example",
        "path": "/",
        "protocol": "HTTP/1.1",
        "client_ip": "192.0.2.1",
        "client_ssl_protocol": "TLSv1.3",
        "score": 50,
        "score_source": "Machine Learning",
        "score_group": "likely_human",
        "js_detection": "missing",
    }
    return event(**{**given, **changes})


def bot(**changes: Any) -> Event:
    given = {"score": 1, "score_source": "Heuristics", "score_group": "automated", "user_agent": "curl/8"}
    return seen(**{**given, **changes})


EVENTS = [
    *(bot(at=n * SECOND, path="/prices") for n in range(6)),
    bot(at=10 * SECOND, path="/feed", actions=("skip",), rule_ids=("programs.feeds",), action="skip"),
    bot(at=11 * SECOND, path="/news.rss"),
    bot(at=12 * SECOND, verified_bot_category="Search Engine Crawler", user_agent="Googlebot"),
    bot(
        at=13 * SECOND,
        path="/old",
        action="block",
        actions=("block",),
        rule_ids=("own",),
        rule_id="own",
        sources=("firewallCustom",),
    ),
    # A person who solved a challenge, and comes back within and after the life of the clearance.
    seen(
        at=20 * SECOND,
        path="/cdn-cgi/challenge-platform/x",
        score=0,
        score_source="Not Computed",
        client_ip="192.0.2.9",
        user_agent=BROWSER,
        action="managedChallengeNonInteractiveSolved",
        actions=("managedChallengeNonInteractiveSolved",),
    ),
    seen(at=30 * SECOND, score=20, client_ip="192.0.2.9", user_agent=BROWSER, js_detection="passed"),
    seen(at=7100 * SECOND, score=20, client_ip="192.0.2.9", user_agent=BROWSER),
    seen(at=40 * SECOND, score=90, static_resource=True, path="/a.css"),
    seen(at=41 * SECOND, zone="blog", score=3),
]


class Control:
    """What the application asks of a supervisor for these questions."""

    def __init__(self, store: DuckdbStore | None) -> None:
        self._store = store

    def analytics(self) -> Analytics:
        lists = {"office": named_list("office", "ip", ["192.0.2.9"])} if self._store is not None else {}
        return Analytics(self._store, ("shop", "blog"), lists=lambda: lists)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbStore]:
    made = DuckdbStore(tmp_path_factory.mktemp("store") / "events.duckdb", KEEP, clock=clock)
    made.put([tuple(each) for each in EVENTS])
    asyncio.run(made.flush())
    yield made
    made.close(10)


@pytest.fixture
async def client(store: DuckdbStore, aiohttp_client: Any) -> TestClient[Any, Any]:
    control: Any = Control(store)
    client: TestClient[Any, Any] = await aiohttp_client(TestServer(application(control, None)))
    return client


async def tried(client: TestClient[Any, Any], expression: str, action: str = "block", **given: Any) -> Any:
    wanted = {**RANGE, "zone": "shop", "expression": expression, "action": action, **given}
    answer = await client.post("/api/simulate", json=wanted)
    assert answer.status == 200, await answer.text()
    return await answer.json()


async def test_a_rule_is_tried_on_what_was_stored(client: TestClient[Any, Any]) -> None:
    found = await tried(client, "cf.bot_management.score lt 30 and not cf.bot_management.verified_bot")
    assert found["scanned"] == 14
    assert found["judged"] == 13  # the solution went to a path of our own, which no rule sees
    assert found["matched"] == 11
    assert found["changed"] == 10  # one was blocked as it was
    assert found["unjudgeable"] == 0
    assert found["harm"] == {"solved_challenge": 2, "verified_bots": 0, "welcome_automation": 2}
    assert found["by"]["path"][0] == ["/prices", 6]
    assert found["by"]["verified"] == [["not verified", 11]]
    assert dict(found["by"]["client_ip"]) == {"192.0.2.1": 9, "192.0.2.9": 2}
    assert len(found["samples"]) == 11
    assert found["samples"][0]["path"] == "/"
    assert found["samples"][0]["start"] == pytest.approx(BASE / 1e6 + 7100)
    assert found["sampled"] is False


async def test_who_holds_a_clearance_passes_a_challenge_and_no_block(client: TestClient[Any, Any]) -> None:
    rule = "ip.src eq 192.0.2.9"
    assert (await tried(client, rule))["harm"]["solved_challenge"] == 2
    asked = await tried(client, rule, "managed_challenge")
    assert (asked["matched"], asked["changed"]) == (2, 1)  # the clearance of the other still held
    assert asked["harm"]["solved_challenge"] == 0  # and who solved one can solve another
    assert (await tried(client, rule, "challenge"))["harm"]["solved_challenge"] == 2  # more than they ever proved
    logged = await tried(client, rule, "log")
    assert (logged["matched"], logged["changed"]) == (2, 0)


async def test_verified_bots_that_would_be_stopped_are_counted(client: TestClient[Any, Any]) -> None:
    found = await tried(client, "cf.bot_management.score eq 1")
    assert found["harm"]["verified_bots"] == 1
    assert ["Search Engine Crawler", 1] in found["by"]["verified"]


async def test_what_is_not_recorded_cannot_be_judged(client: TestClient[Any, Any]) -> None:
    found = await tried(client, 'http.cookie contains "a" and http.request.uri.path eq "/prices"')
    assert (found["judged"], found["unjudgeable"], found["matched"]) == (7, 6, 0)
    either = await tried(client, 'http.cookie contains "a" or http.request.uri.path eq "/prices"')
    assert (either["matched"], either["unjudgeable"]) == (6, 7)


async def test_lists_of_the_configuration_and_other_zones(client: TestClient[Any, Any]) -> None:
    assert (await tried(client, "ip.src in $office"))["matched"] == 2
    everywhere = await tried(client, "cf.bot_management.score eq 3", zone=None)
    assert everywhere["matched"] == 1
    assert (await tried(client, "cf.bot_management.score eq 3"))["matched"] == 0


async def test_only_the_newest_are_looked_at_when_there_are_more(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "MAX_SCANNED", 5)
    monkeypatch.setattr(trying, "PAGE", 2)
    found = await tried(client, "ssl")
    assert (found["scanned"], found["sampled"]) == (5, True)
    assert found["since"] > RANGE["since"]


async def test_who_takes_lines_is_told_how_far_a_trial_is(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "PAGE", 5)
    wanted = {**RANGE, "zone": "shop", "expression": "cf.bot_management.score eq 1"}
    answer = await client.post("/api/simulate", json=wanted, headers={"Accept": "application/x-ndjson"})
    assert (answer.status, answer.content_type) == (200, "application/x-ndjson")
    *progress, last = [json.loads(line) for line in (await answer.read()).splitlines()]
    assert [each["progress"]["scanned"] for each in progress] == [0, 5, 10]
    assert {each["progress"]["of"] for each in progress} == {14}
    assert progress[-1]["progress"]["since"] < progress[0]["progress"]["since"]
    assert last == {**(await tried(client, "cf.bot_management.score eq 1")), "seconds": last["seconds"]}
    wrong = await client.post(
        "/api/simulate", json={**wanted, "expression": "x"}, headers={"Accept": "application/x-ndjson"}
    )
    assert wrong.status == 400


async def test_a_trial_ends_when_nobody_waits_for_it(
    store: DuckdbStore, client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "PAGE", 1)
    asked: list[Any] = []
    gone = asyncio.Event()

    class Slow:
        """A store that has no end, and answers the second page when whoever asked is gone."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def ask(self, query: Any, seconds: float = 10.0) -> Any:
            if isinstance(query.filter, Condition) and query.filter.operator == "lt":
                asked.append(query)
                await gone.wait()
            return await store.ask(query, seconds)

    control: Any = client.app[CONTROL]
    monkeypatch.setattr(control, "_store", Slow())
    wanted = {**RANGE, "zone": "shop", "expression": "cf.bot_management.score eq 1"}
    with pytest.raises(asyncio.TimeoutError):
        await client.post("/api/simulate", json=wanted, timeout=ClientTimeout(0.5))
    await until_true(lambda: len(asked) == 1)
    gone.set()
    await until_true(lambda: client.app[simulate.TURNS]._asked == 0)
    assert len(asked) == 1


async def until_true(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not done():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)


async def test_an_expression_is_checked_as_it_is_typed(client: TestClient[Any, Any]) -> None:
    async def fault(expression: str) -> Any:
        answer = await client.post("/api/simulate/expression", json={"expression": expression})
        assert answer.status == 200
        return (await answer.json())["fault"]

    assert await fault("ip.src in $office and cf.bot_management.score lt 30") is None
    found = await fault('http.host eq "a"\n  and http.pth eq "b"')
    assert (found["line"], found["column"], found["start"], found["end"]) == (2, 7, 23, 31)
    assert found["message"]
    assert (await fault("http.request.uri.pth eq 1"))["near"][0] == "http.request.uri.path"
    assert (await fault("http.host eq 1"))["near"] == []
    assert (await fault("ip.src in $nobody"))["column"] == 11
    assert (await client.post("/api/simulate/expression", json={})).status == 422


async def test_a_rule_that_is_wrong_is_shown_with_carets(client: TestClient[Any, Any]) -> None:
    answer = await client.post("/api/simulate", json={**RANGE, "expression": 'http.host like "a"'})
    said = await answer.json()
    assert answer.status == 400
    assert "^^^^" in said["error"]
    assert (said["start"], said["line"], said["column"]) == (10, 1, 11)
    missing = await client.post("/api/simulate", json={**RANGE, "expression": "ip.src in $nowhere"})
    assert missing.status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"expression": "ssl", "action": "skip"}, 422),
        ({"expression": "ssl", "zone": "nowhere"}, 404),
        ({"expression": "ssl", "since": 5, "until": 4}, 400),
        ({"expression": "ssl", "more": 1}, 422),
    ],
)
async def test_what_is_asked_wrongly_is_told_so(client: TestClient[Any, Any], body: Any, status: int) -> None:
    answer = await client.post("/api/simulate", json=body)
    assert answer.status == status
    assert (await answer.json())["error"]


async def test_more_trials_than_can_wait_are_refused(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    going = asyncio.Event()

    async def held(*_: Any) -> dict[str, Any]:
        await going.wait()
        return {}

    monkeypatch.setattr(trying, "tried", held)
    asked = [
        asyncio.ensure_future(client.post("/api/simulate", json={**RANGE, "expression": "ssl"}))
        for _ in range(simulate.AT_ONCE + simulate.WAITING + 1)
    ]
    refused, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    going.set()
    statuses = [(await each).status for each in asked]
    assert sorted(statuses) == [200] * (simulate.AT_ONCE + simulate.WAITING) + [429]
    assert {each.result().status for each in refused} == {429}


async def test_every_threshold_at_once(client: TestClient[Any, Any]) -> None:
    parameters = {**{name: str(value) for name, value in RANGE.items()}, "zone": "shop"}
    answer = await client.get("/api/simulate/thresholds", params=parameters)
    said = await answer.json()
    assert answer.status == 200
    rows = {row["threshold"]: row for row in said["thresholds"]}
    assert list(rows) == list(range(2, 100))
    assert rows[2] == {"threshold": 2, "matched": 9, "good": 0, "js_detection": 0, "solved_challenge": 0}
    assert rows[20]["matched"] == 9
    assert rows[21] == {"threshold": 21, "matched": 11, "good": 2, "js_detection": 1, "solved_challenge": 2}
    assert rows[99]["matched"] == 11  # static resources and verified bots are never caught
    assert (await client.get("/api/simulate/thresholds", params={"zone": "nowhere"})).status == 404
    assert (await client.get("/api/simulate/thresholds", params={"since": "soon"})).status == 400


async def test_without_a_store_it_is_said(aiohttp_client: Any) -> None:
    control: Any = Control(None)
    client = await aiohttp_client(TestServer(application(control, None)))
    assert (await client.post("/api/simulate", json={"expression": "ssl"})).status == 503
    assert (await client.get("/api/simulate/thresholds")).status == 503


async def test_records_for_the_command_line_in_the_order_in_which_they_were_stored(
    client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "PAGE", 4)
    parameters = {name: str(value) for name, value in RANGE.items()}
    answer = await client.get("/api/simulate/events", params={**parameters, "zone": "shop"})
    found = [from_store(json.loads(line)) for line in (await answer.text()).splitlines()]
    assert [each.ray for each in found] == [each.ray for each in EVENTS if each.zone == "shop"]
    assert found[6].rule_ids == ["programs.feeds"]
    solved = await client.get("/api/simulate/events", params={**parameters, "solved": "yes"})
    assert len((await solved.text()).splitlines()) == 1
    nothing = await client.get("/api/simulate/events", params={"since": "1", "until": "2"})
    assert (nothing.status, await nothing.text()) == (200, "")
    assert (await client.get("/api/simulate/events", params={"zone": "nowhere"})).status == 404


async def test_the_command_asks_the_running_proxy_for_its_records(client: TestClient[Any, Any]) -> None:
    options = ["--rule", "cf.bot_management.score lt 30", "--action", "block", "--zone", "shop", "--json"]
    options += ["--store", "--admin", f"127.0.0.1:{client.port}", "--since", "4h"]
    with time_machine.travel(RANGE["until"]):
        done = await asyncio.to_thread(CliRunner().invoke, main, ["simulate", *options])
    assert done.exit_code == 1, done.output
    found = json.loads(done.stdout)
    assert (found["compared"], found["unseen"]) == (13, 1)
    assert found["harm"]["solved_challenge"] == 2
