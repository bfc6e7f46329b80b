"""The dashboard in a real browser, under its own policy, on a store whose every event is known."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, Route, async_playwright, expect

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

from sample_day import day

from botproxy.admin import trying
from botproxy.admin.access import Access, Token
from botproxy.admin.analytics import Analytics
from botproxy.admin.application import application
from botproxy.admin.offers import Offers
from botproxy.admin.operator import Operator
from botproxy.config.overlay.changes import STEPS
from botproxy.model import Event
from botproxy.rules import compile_expression
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import Condition, EventStatus, Retention

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

Serve = Callable[[web.Application], Awaitable[str]]

PATIENCE = 20_000
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOW = time.time()
EVENTS = day(3000, NOW - 60, seconds=23 * 3600.0)  # none leaves the last 24 hours while the tests run
TOKEN = "t" * 32


class Control:
    """What the application asks of a supervisor."""

    def __init__(self, store: DuckdbStore) -> None:
        self._store = store

    def analytics(self) -> Analytics:
        return Analytics(self._store, ("shop", "blog"))

    def modes(self) -> dict[str, Any]:
        return {"mode": "enforce", "zones": {"shop": "enforce", "blog": "observe"}}

    def attacks(self) -> dict[str, Any]:
        return {"zones": {"shop": False, "blog": False}}


class Canned:
    """A configuration that remembers what was asked of it."""

    def __init__(self) -> None:
        self.applied: list[Any] = []

    async def view(self, operator: Any) -> dict[str, Any]:
        rule = {"ref": "scanners", "expression": "cf.bot_management.score eq 1", "action": "block"}
        mode = {"path": "bot_management.fight_mode", "kind": "boolean", "value": False, "file": False, "changed": False,
                "help": "A challenge for what is surely automated."}  # fmt: skip
        zone = {"name": "shop", "hosts": [], "settings": [mode], "left_out": [], "preset_rules": [], "rate_limits": [],
                "rules": [{**rule, "enabled": True, "shadow": False, "from": "file"}]}  # fmt: skip
        return {"version": len(self.applied), "file": None, "settings": [], "zones": [zone], "lists": [],
                "role": "operator", "pending": False}  # fmt: skip

    async def preview(self, operator: Any, change: bytes) -> dict[str, Any]:
        diff = f"--- running\n+++ after this change\n@@ -1 +1 @@\n-a\n+{change.decode()}\n"
        return {"version": len(self.applied), "what": "", "diff": diff, "problems": [], "warnings": []}

    async def apply(self, operator: Any, change: bytes) -> dict[str, Any]:
        self.applied.append(json.loads(change))
        return {"ok": True, "version": len(self.applied)}

    async def versions(self, operator: Any) -> dict[str, Any]:
        return {"version": 0, "versions": []}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = DuckdbStore(
        tmp_path_factory.mktemp("store") / "events.duckdb",
        Retention(seconds=30 * 86400.0, rollup_seconds=400 * 86400.0, size=0),
    )
    made.put([tuple(event) for event in EVENTS])
    asyncio.run(made.flush())
    yield made
    made.close(10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(store: DuckdbStore) -> AsyncIterator[str]:
    control: Any = Control(store)
    canned: Any = Canned()
    async with _serving() as serve:
        yield await serve(application(control, None, Offers(configuration=canned)))


@asynccontextmanager
async def _serving() -> AsyncIterator[Serve]:
    servers: list[TestServer] = []

    async def start(app: web.Application) -> str:
        servers.append(TestServer(app))
        await servers[-1].start_server(shutdown_timeout=0.1)
        return str(servers[-1].make_url("")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


@pytest_asyncio.fixture(loop_scope="module")
async def serve() -> AsyncIterator[Serve]:
    """Serves an application of a test's own, until that ends in whichever way."""
    async with _serving() as serve:
        yield serve


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(part: Callable[[str], str]) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=part("chromium"), args=["--no-sandbox"])
        yield browser
        await browser.close()


async def opened(browser: Browser, url: str, **more: Any) -> tuple[Page, list[str]]:
    """A page in a new context, and what it complained of."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-US", **more})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    await page.goto(url)
    return page, said


async def settled(page: Page) -> None:
    """Wait until everything that was asked for is there."""
    await expect(page.locator("[aria-busy=true], .waiting")).to_have_count(0, timeout=PATIENCE)


def group(event: Event) -> str:
    return event.score_group


async def tile(page: Page, name: str) -> int:
    text = await page.locator(f'.tile[data-group="{name}"] .tile-number').inner_text()
    return int(text.replace(",", ""))


async def ranked(page: Page, field: str) -> dict[str, int]:
    rows = page.locator(f'[data-field="{field}"] .ranking li')
    found = {}
    for at in range(await rows.count()):
        number = await rows.nth(at).locator(".number").inner_text()
        found[await rows.nth(at).locator(".value").inner_text()] = int(number.replace(",", ""))
    return found


async def requests_of(page: Page, name: str) -> str:
    return await page.locator(".tile", has_text=name).locator(".tile-number").inner_text()


def filter_of(page: Page) -> Any:
    return json.loads(parse_qs(urlsplit(page.url).query).get("filter", ["[]"])[0])


async def test_the_page_shows_the_numbers_of_the_store_and_a_click_filters_all_of_it(
    browser: Browser, url: str
) -> None:
    page, said = await opened(browser, url)
    await settled(page)
    for name, number in Counter(map(group, EVENTS)).items():
        assert await tile(page, name) == number
    agents = Counter(event.user_agent for event in EVENTS)
    shown = await ranked(page, "user_agent")
    assert shown == {name: number for name, number in agents.most_common(7) if name in shown}
    assert len(shown) == 7
    chart = page.get_by_role("img", name="Requests by score group")
    await expect(chart).to_have_attribute(
        "aria-label", f"Requests by score group: {len(EVENTS):,} requests, per 5 minutes"
    )

    await page.get_by_role("button", name="Look at 192.0.2.10 alone").click()
    await settled(page)
    chosen = [event for event in EVENTS if event.client_ip == "192.0.2.10"]
    assert await tile(page, "automated") == len(chosen)
    assert await ranked(page, "user_agent") == {"AcmeStock/3.2 (+https://partner.example)": len(chosen)}
    assert filter_of(page) == [["client_ip", "eq", "192.0.2.10"]]

    await page.reload()
    await settled(page)
    assert await tile(page, "automated") == len(chosen)
    await page.get_by_role("button", name="Turn the filter around: IP address is 192.0.2.10").click()
    await settled(page)
    assert filter_of(page) == [["client_ip", "neq", "192.0.2.10"]]
    assert "192.0.2.10" not in await ranked(page, "client_ip")
    await page.go_back()
    await page.go_back()
    await settled(page)
    assert filter_of(page) == []
    assert await tile(page, "automated") == Counter(map(group, EVENTS))["automated"]
    assert said == []


async def test_every_step_of_the_chart_is_as_wide_as_the_others_and_told_where_one_points(
    browser: Browser, url: str
) -> None:
    page, said = await opened(browser, url + "/?since=-604800")
    await settled(page)
    chart = page.get_by_role("img", name="Requests by score group")
    box = await chart.locator(".u-over").bounding_box()
    assert box is not None
    hours = 3600 * (int(time.time()) // 3600 - int(time.time() - 7 * 86400) // 3600 + 1)
    since = int(time.time() - 7 * 86400) // 3600 * 3600
    step = {event.start // 3600 * 3600 for event in EVENTS}
    for hour in (max(step), sorted(step)[3]):
        for part in (0.25, 0.75):  # of its width
            at = (hour + part * 3600 - since) / hours
            await page.mouse.move(box["x"] + at * box["width"], box["y"] + 20)
            number = sum(event.start // 3600 * 3600 == hour for event in EVENTS)
            await expect(page.locator(".tip .sum")).to_have_text(f"Total{number}")
    assert said == []


async def test_the_slider_filters_with_the_keyboard_alone(browser: Browser, url: str) -> None:
    page, said = await opened(browser, url)
    await settled(page)
    await page.get_by_role("slider", name="Lowest score").focus()
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    for _ in range(7):
        await page.keyboard.press("PageDown")
    await expect(page.locator(".distribution-head")).to_contain_text("Scores 2 to ")
    high = int(await page.get_by_role("slider", name="Highest score").input_value())
    assert 2 < high < 60
    await settled(page)
    assert filter_of(page) == [["score", "geq", 2], ["score", "leq", high]]
    chosen = [event for event in EVENTS if 2 <= event.score <= high]
    assert await tile(page, "likely_automated") == sum(event.score_group == "likely_automated" for event in chosen)
    assert await tile(page, "automated") == 0
    await expect(page.locator(".distribution-head")).to_contain_text(f"{len(chosen):,} requests")
    await page.get_by_role("button", name="Remove the filter: Scores 2 to").focus()
    await page.keyboard.press("Enter")
    await settled(page)
    assert filter_of(page) == []
    assert said == []


async def test_an_engine_is_explained_to_the_keyboard(browser: Browser, url: str) -> None:
    page, _ = await opened(browser, url)
    await settled(page)
    await page.get_by_role("button", name="About Heuristics").focus()
    await expect(page.get_by_role("tooltip")).to_contain_text("Fingerprints of known automation")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("tooltip")).to_have_count(0)


def counted(*actions: str) -> str:
    return f"{sum(event.action in actions for event in EVENTS):,}"


async def test_security_events_warn_of_a_rule_that_people_solve_and_explain_a_request(
    browser: Browser, url: str
) -> None:
    page, said = await opened(browser, "about:blank")
    alert = {
        "text": "shop: 900 bot requests in 5 minutes", "at": NOW, "type": "bot_traffic_basic_alert", "zone": "shop",
        "group": None, "since": NOW - 300, "until": NOW,
    }  # fmt: skip
    await page.route("**/api/alerts**", lambda route: route.fulfill(json={"alerts": [alert]}))
    await page.goto(url + "/security")
    await settled(page)
    await expect(page.get_by_role("region", name="Alerts")).to_contain_text("shop: 900 bot requests in 5 minutes")
    assert await requests_of(page, "Blocked") == counted("block")
    assert await requests_of(page, "Challenged") == counted("managedChallenge")
    challenged = sum(event.rule_id == "likely-automated" and event.action == "managedChallenge" for event in EVENTS)
    solved = sum(event.rule_id == "likely-automated" and event.action.endswith("Solved") for event in EVENTS)
    row = page.locator(".rules tr", has_text="likely-automated")
    assert (await row.inner_text()).split("\t")[2:5] == [str(challenged), str(challenged), str(solved)]
    assert solved / challenged > 0.03
    await expect(page.get_by_text("Challenge Solve Rate above 3 %")).to_be_visible()

    newest = max(
        (event for event in EVENTS if event.action == "managedChallenge" and event.score == 1), key=lambda e: e.start
    )
    line = page.get_by_role("button", name=f"open request {newest.ray}")
    await line.focus()
    await page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    await expect(drawer).to_contain_text(f"The request {newest.ray} was given a bot score of 1 of 99")
    await expect(drawer).to_contain_text(newest.user_agent)
    await expect(drawer).to_contain_text(newest.ja4)
    assert f"ray={newest.ray}" in page.url
    await page.keyboard.press("Escape")
    await expect(drawer).to_have_count(0)
    await expect(line).to_be_focused()
    assert "ray=" not in page.url

    lines = page.locator(".log tbody tr")
    assert await lines.count() == 50
    await page.get_by_role("button", name="Load more").click()
    await expect(lines).to_have_count(100)
    await page.get_by_role("button", name="Look at it").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Bot analytics")
    assert [condition[:2] for condition in filter_of(page)][:2] == [["score", "geq"], ["score", "leq"]]
    assert said == []


async def test_a_filter_becomes_a_rule_that_is_tried_on_what_was_recorded(browser: Browser, url: str) -> None:
    page, said = await opened(
        browser, url + '/rules?filter=[["path","like","/api/%"],["score","geq",1],["score","leq",29]]'
    )
    await settled(page)
    expression = page.get_by_role("textbox", name="Expression")
    assert (await expression.input_value()).split("\n  and ") == [
        "cf.bot_management.score le 29",
        'starts_with(http.request.uri.path, "/api/")',
        "not cf.bot_management.verified_bot",
        "not cf.bot_management.static_resource",
    ]
    await page.get_by_role("button", name="What would this have done?").click()
    matched = sum(event.path.startswith("/api/") and 1 <= event.score <= 29 for event in EVENTS)
    await expect(page.locator(".trial .tile", has_text="Matched").locator(".tile-number")).to_have_text(f"{matched:,}")
    await expect(page.locator("pre", has_text="- ref:")).to_contain_text("action: managed_challenge")
    app = "ShopApp/5.1 (Android 15) okhttp/4.12.0"
    await page.locator(".trial").get_by_role("button", name=f"Spare {app} in the rule").click()
    await expect(expression).to_have_value(re.compile(f'\n  and not http.user_agent eq "{re.escape(app)}"$'))
    matched -= sum(event.user_agent == app for event in EVENTS)
    await page.get_by_role("button", name="What would this have done?").click()
    await expect(page.locator(".trial .tile", has_text="Matched").locator(".tile-number")).to_have_text(f"{matched:,}")
    await expression.fill('http.request.method eq "GET" or cf.bot_management.score eq 1')
    await page.get_by_role("button", name="What would this have done?").click()
    await settled(page)
    await page.locator(".trial").get_by_role("button", name="Spare 192.0.2.10 in the rule").click()
    await expect(expression).to_have_value(
        '(http.request.method eq "GET" or cf.bot_management.score eq 1)\n  and not ip.src eq 192.0.2.10'
    )

    await expression.fill("cf.bot_management.scor lt 30")
    await page.get_by_role("button", name="What would this have done?").click()
    await expect(page.get_by_role("alert")).to_contain_text("The expression is not right")
    await expect(page.locator(".fault mark")).to_have_text("cf.bot_management.scor")
    assert await expression.evaluate("box => [box.selectionStart, box.selectionEnd]") == [0, 22]

    seen = [event for event in EVENTS if event.path.startswith("/api/") and 1 <= event.score <= 29]
    below = page.get_by_role("slider", name="Challenge below")
    await below.fill("13")
    challenged = sum(2 <= event.score < 13 for event in seen)
    await expect(page.locator(".tiles.three .tile", has_text="Challenged")).to_contain_text(f"{challenged:,}")
    await page.get_by_role("button", name="Write the rule that challenges").click()
    await expect(expression).to_have_value(re.compile("cf.bot_management.score ge 2 and cf.bot_management.score le 12"))
    assert [text for text in said if "400" not in text] == []


async def test_a_trial_says_how_far_it_is_and_ends_when_something_else_is_looked_at(
    browser: Browser, store: DuckdbStore, serve: Serve
) -> None:
    more = asyncio.Event()

    class Slow:
        """The store, whose second page of a trial takes its time."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        async def ask(self, query: Any, seconds: float = 10.0) -> Any:
            if isinstance(query.filter, Condition) and query.filter.operator == "lt":
                await more.wait()
            return await store.ask(query, seconds)

    control: Any = Control(store)
    control._store = Slow()
    site = await serve(application(control, None))
    page, said = await opened(browser, "about:blank")
    ended: list[str] = []
    page.on("requestfailed", lambda request: ended.append(request.url))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trying, "PAGE", 1000)
        await page.goto(site + "/rules?zone=shop")
        await settled(page)
        number = sum(event.zone == "shop" for event in EVENTS)
        await page.get_by_role("button", name="What would this have done?").click()
        await expect(page.locator(".going")).to_contain_text(f"1,000 of {number:,} requests tried, ")
        await expect(page.get_by_role("progressbar")).to_have_attribute("value", "1000")
        await page.get_by_role("button", name="6 h", exact=True).click()
        await expect(page.get_by_role("progressbar")).to_have_count(0)
        assert [url.rpartition("/")[2] for url in ended] == ["simulate"]
        more.set()
        await settled(page)
        patch.setattr(trying, "MAX_SCANNED", 100)
        await page.get_by_role("button", name="What would this have done?").click()
        await expect(page.get_by_text("Only the newest 100 stored requests were tried, those since ")).to_be_visible()
        await page.get_by_label("Action").select_option("block")
        await expect(page.get_by_text("this was tried before. Try it again.")).to_be_visible()
    assert said == []
    await page.context.close()


async def test_a_change_is_shown_as_a_difference_before_it_is_applied(
    browser: Browser, store: DuckdbStore, serve: Serve
) -> None:
    control: Any = Control(store)
    canned: Any = Canned()
    site = await serve(application(control, None, Offers(configuration=canned)))
    page, said = await opened(browser, site + "/configuration?tab=settings")
    await page.get_by_label("Bot Fight Mode").check()
    await page.get_by_role("tab", name="Rules").click()
    await page.get_by_label("Shadow").check()
    await page.get_by_role("tab", name="Lists").click()
    kinds = await page.get_by_label("Kind").locator("option").evaluate_all("all => all.map(each => each.value)")
    for kind in kinds:  # whatever can be chosen is taken
        STEPS.validate_python([{"op": "add_list", "list": "some", "kind": kind, "items": []}])
    await page.get_by_role("textbox", name="Name").fill("words")
    await page.get_by_label("Kind").select_option("texts")
    await page.get_by_label("One a line").fill("one\n two \n")
    await page.get_by_role("button", name="Make a list").click()
    await page.get_by_role("button", name="Review").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("fight_mode")
    assert canned.applied == []
    await dialog.get_by_label("Why").fill("to see")
    await dialog.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("Applied: version 1 holds.")).to_be_visible()
    assert canned.applied == [
        {
            "base": 0,
            "what": "to see",
            "steps": [
                {"op": "set", "path": "bot_management.fight_mode", "value": True, "zone": "shop"},
                {"op": "change_rule", "zone": "shop", "ref": "scanners", "rule": {"shadow": True}},
                {"op": "add_list", "list": "words", "kind": "string", "items": ["one", "two"]},
            ],
        }
    ]
    assert said == []
    await page.close()


async def test_every_item_of_a_long_list_can_be_reached_and_found(
    browser: Browser, store: DuckdbStore, serve: Serve
) -> None:
    class Long(Canned):
        async def view(self, operator: Any) -> dict[str, Any]:
            items = [f"10.0.{number // 256}.{number % 256}" for number in range(10_000)]
            known = {"name": "partners", "kind": "ip", "description": "", "file": None, "number": 10_000}
            return {**await super().view(operator), "lists": [{**known, "items": items, "from": "file"}]}

    control: Any = Control(store)
    long: Any = Long()
    page, said = await opened(
        browser,
        await serve(application(control, None, Offers(configuration=long))) + "/configuration?tab=lists",
    )
    chips = page.locator(".items .chip")
    await expect(page.get_by_text("1 to 100 of 10,000")).to_be_visible()
    await expect(chips).to_have_count(100)
    await page.get_by_role("button", name="Next page").click()
    await expect(chips.first).to_have_text("10.0.0.100✕")
    await page.get_by_role("button", name="Last page").click()
    await expect(chips.last).to_have_text("10.0.39.15✕")
    await page.get_by_label("Find in $partners").fill("0.7.25")
    await expect(chips).to_have_text([f"10.0.7.{number}✕" for number in (25, *range(250, 256))])
    await page.get_by_role("button", name="Remove 10.0.7.254").click()
    await expect(page.locator(".chip.gone")).to_have_text("10.0.7.254✕")
    assert said == []
    await page.close()


FILTER = [
    ["score", "geq", 2],
    ["score", "leq", 29],
    ["client_ip", "neq", "192.0.2.10"],
    ["client_asn", "eq", 24940],
    ["client_country", "eq", "DE"],
    ["path", "like", "/a*b%c%"],
    ["path", "notlike", "%.css"],
    ["host", "eq", "shop.example"],
    ["user_agent", "like", '%a "quoted" \\ agent%'],
    ["ja4", "eq", "t13d1516h2_8daaf6152771_d8a2da3f94cd"],
    ["ja3", "neq", "0123456789abcdef0123456789abcdef"],
    ["method", "in", ["GET", "POST"]],
    ["verified_bot_category", "eq", ""],
    ["detection_ids", "has", 33554817],
    ["detection_ids", "hasnot", 33554689],
    ["score_group", "neq", "verified_bot"],
    ["js_detection", "neq", "passed"],
    ["static_resource", "eq", False],
    ["protocol", "eq", "HTTP/2"],
    ["zone", "eq", "shop"],
    ["cloud", "eq", "aws"],
    ["referer", "like", "https://%"],
]


async def test_what_is_written_for_a_filter_is_the_rules_language(browser: Browser, url: str) -> None:
    page, _ = await opened(browser, f"{url}/rules?filter={quote(json.dumps([*FILTER, ['status', 'eq', 404]]))}")
    text = await page.get_by_role("textbox", name="Expression").input_value()
    assert compile_expression(text).tree is not None
    assert len(text.split("\n")) == len(FILTER) - 1  # the range of scores is one
    await expect(page.get_by_text("No rule can ask for: Status")).to_be_visible()


async def test_a_report_of_a_visitor_is_explained_and_labelled(browser: Browser, url: str) -> None:
    known = next(event for event in EVENTS if event.action == "managedChallenge")
    report = {
        "at": "2026-01-31T10:00:00Z", "zone": "shop", "host": "shop.example", "ray": known.ray, "seen": "challenge",
        "note": "I cannot reach my <b>order</b>", "address": "", "ip": known.client_ip, "user_agent": known.user_agent,
        "handled": None,
        "event": {name: getattr(known, name) for name in ("score", "score_group", "action", "rule_id", "path")},
    }  # fmt: skip
    labels: list[Any] = []

    async def reports(route: Route) -> None:
        if route.request.method == "POST":
            labels.append((urlsplit(route.request.url).path, route.request.post_data_json))
            report["handled"] = {"at": 0, "who": "loopback", "what": "human", "note": ""}
            await route.fulfill(json={"ok": True})
            return
        await route.fulfill(json={"reports": [report], "events_unknown": None})

    page, said = await opened(browser, "about:blank")
    await page.route("**/api/reports**", reports)
    await page.goto(url + "/reports")
    await expect(page.locator("blockquote")).to_have_text("I cannot reach my <b>order</b>")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_role("dialog")).to_contain_text(f"The request {known.ray} was given a bot score")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="A person").click()
    await expect(page.locator(".report")).to_contain_text("a person · loopback")
    assert labels == [(f"/api/reports/{known.ray}", {"label": "human"})]
    assert said == []


async def test_graphiql_asks_under_its_policy(browser: Browser, url: str) -> None:
    page, said = await opened(browser, url + "/graphiql")
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.locator(".result-window")).to_contain_text("botManagementDecision", timeout=PATIENCE)
    assert said == []


async def test_without_events_it_says_so(browser: Browser, url: str) -> None:
    page, _ = await opened(browser, url + '/?filter=[["path","eq","/nowhere"]]')
    await settled(page)
    await expect(page.get_by_text("No request in this range fits the filter").first).to_be_visible()
    week = 7 * 86400
    await page.goto(f"{url}/?since={NOW - 2 * week:.0f}&until={NOW - week:.0f}")
    await expect(page.get_by_text("The newest request that fits is of ")).to_be_visible()
    await page.get_by_role("button", name="Look there").click()
    await settled(page)
    assert await tile(page, "automated") == Counter(map(group, EVENTS))["automated"]


async def test_the_token_is_asked_for_once_and_kept_for_the_tab(
    browser: Browser, store: DuckdbStore, serve: Serve
) -> None:
    control: Any = Control(store)
    site = await serve(application(control, TOKEN))
    page, _ = await opened(browser, site + "/")
    await page.get_by_label("Token").fill("wrong" * 8)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("That is not the token")
    await page.get_by_label("Token").fill(TOKEN)
    await page.keyboard.press("Enter")
    await settled(page)
    assert await tile(page, "automated") > 0
    await page.reload()
    await settled(page)
    assert await tile(page, "automated") > 0
    assert TOKEN not in page.url
    await page.close()


KEEPER = Operator("ada", "operator", frozenset(("shop",)))
READER = Operator("grafana", "read")


async def test_what_somebody_may_not_change_is_not_offered_and_says_why(
    browser: Browser, store: DuckdbStore, serve: Serve
) -> None:
    control: Any = Control(store)
    canned: Any = Canned()
    tokens = tuple(Token(operator.name * 8, operator) for operator in (READER, KEEPER))
    site = await serve(application(control, Access(tokens), Offers(configuration=canned)))
    url = site + "/configuration"

    async def signed_in(operator: Operator) -> Page:
        page, said = await opened(browser, url)
        await page.get_by_label("Token").fill(operator.name * 8)
        await page.keyboard.press("Enter")
        await settled(page)
        assert [text for text in said if "401" not in text] == []
        return page

    page = await signed_in(READER)
    await expect(page.get_by_role("note").first).to_have_text("grafana may look, and change nothing.")
    assert await page.get_by_role("button", name="Enforce").evaluate_all("all => all.every(one => one.disabled)")
    await expect(page.get_by_role("button", name="Load the file anew")).to_be_disabled()
    await page.get_by_role("tab", name="Rules").click()
    await expect(page.get_by_label("Shadow")).to_be_disabled()
    await page.get_by_role("link", name="Rules and thresholds").click()
    await page.get_by_text("For the configuration").click()
    await page.get_by_label("Site").last.select_option("blog")
    await expect(page.get_by_role("button", name="Add this rule")).to_be_disabled()
    await expect(page.get_by_text("grafana may look, and change nothing.")).to_be_visible()
    await page.context.close()

    page = await signed_in(KEEPER)
    everywhere, shop = page.locator("tr", has_text="All sites"), page.locator("tbody tr", has_text="shop")
    await expect(everywhere.get_by_role("button", name="Observe")).to_be_disabled()
    await expect(shop.get_by_role("button", name="Observe")).to_be_enabled()
    assert await page.get_by_label("By").locator("option").all_inner_texts() == ["site"]
    await page.get_by_role("tab", name="Rules").click()
    await expect(page.get_by_label("Shadow")).to_be_enabled()
    await page.get_by_role("tab", name="Lists").click()
    await expect(page.get_by_role("note")).to_have_text("ada may change only what is of shop.")
    await page.context.close()


async def test_what_waits_on_disk_and_what_was_dropped_is_said(
    browser: Browser, store: DuckdbStore, serve: Serve
) -> None:
    since = time.time() - 600

    class Behind:
        """The store, as if a part of what is handed over waited on disk."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def status(self) -> EventStatus:
            kept = {"spilled": 1500, "spilled_bytes": 2048, "spilled_since": since}
            return store.status()._replace(dropped=7, waiting=1600, **kept)

    class Exporting(Control):
        def analytics(self) -> Analytics:
            job = {"name": "siem", "sent": 12, "failures": 3, "waiting_bytes": 0, "dropped": {"disk": 40}}
            waits = {"spilled": 90, "spilled_bytes": 1024, "spilled_since": since}
            return super().analytics()._replace(exports=lambda: [{**job, **waits}])

    behind: Any = Behind()
    control: Any = Exporting(behind)
    site = await serve(application(control, None))
    page, said = await opened(browser, site)
    await expect(page.get_by_text("The newest requests are not in these numbers yet")).to_be_visible()
    await expect(page.locator(".warning", has_text="1,500, 2.0 KB, the oldest since")).to_be_visible()
    await expect(page.locator(".warning", has_text="siem: 90, 1.0 KB, the oldest since")).to_be_visible()
    await page.goto(f"{site}/configuration")
    facts = page.locator(".recording > div")
    await expect(facts.filter(has_text="Waiting in memory")).to_contain_text("100 requests")
    await expect(facts.filter(has_text="Waiting on disk")).to_contain_text("1,500, 2.0 KB, the oldest since")
    await expect(facts.filter(has_text="Dropped")).to_contain_text("7")
    await expect(page.locator(".exports tbody tr")).to_contain_text("40: no room on disk")
    assert [text for text in said if "503" not in text] == []  # there is no configuration to change here
    await page.close()


async def test_the_first_look_is_at_as_much_as_there_is_unless_the_address_says_more(
    browser: Browser, url: str
) -> None:
    page, said = await opened(browser, "about:blank")
    oldest = (time.time() - 2 * 3600) * 1e6
    status = {"store": {"state": "open", "detail": "", "stored": 1, "oldest": oldest}, "zones": ["shop"], "exports": []}
    await page.route("**/api/analytics/status", lambda route: route.fulfill(json=status))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/totals" in request.url else None)
    for path, length, name in (("/", "-21600", "6 h"), ("/?since=-259200", "-259200", "3 d")):
        asked.clear()
        await page.goto(url + path)
        await expect(page.get_by_role("group", name="Time range").locator("[aria-pressed=true]")).to_have_text(name)
        await settled(page)
        assert {parse_qs(urlsplit(each).query)["since"][0] for each in asked} == {length}  # nothing is asked in vain
    assert said == []
    await page.context.close()


@pytest.mark.parametrize(
    ("scheme", "width", "paths"),
    [
        ("light", 1280, ("/", "/rules", "/configuration?tab=settings&zone=shop")),
        ("dark", 390, ("/security", "/configuration?tab=rules&zone=shop", "/configuration", f"/?ray={EVENTS[-1].ray}")),
    ],
)
async def test_everybody_can_use_it(
    browser: Browser, url: str, scheme: Any, width: int, paths: tuple[str, ...]
) -> None:
    page, _ = await opened(
        browser, url + paths[0], bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 850}
    )
    for path in paths:
        await page.goto(url + path)
        await settled(page)
        await page.add_script_tag(path=AXE)
        found = await page.evaluate("tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", STANDARDS)
        assert [
            f"{path} {each['id']}: {node['html'][:150]} {node['failureSummary'][:200]}"
            for each in found["violations"]
            for node in each["nodes"]
        ] == []
        width_over = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(width_over) == 0
    await page.context.close()
