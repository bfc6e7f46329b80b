"""A person with Chromium solves a challenge without doing anything and lands on the page they wanted."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from botproxy.challenges import Settings

pytestmark = pytest.mark.browser

PATIENCE = 20_000


@pytest.fixture
async def page(browser: Browser) -> Page:
    page = await browser.new_page()
    page.set_default_timeout(PATIENCE)
    return page


async def test_a_visitor_lands_on_the_page_they_wanted(challenger: Any, page: Page) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if "Policy" in message.text else None)
    response = await page.goto(challenger.url + "/wanted?a=1#part")
    assert response is not None
    assert response.status == 403
    assert response.headers["cf-mitigated"] == "challenge"
    await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
    assert page.url == challenger.url + "/wanted?a=1#part"
    assert [(solved.action, len(solved.originator_ray)) for solved in challenger.solved] == [("jschallengeSolved", 16)]
    assert challenger.challenged == 1
    assert problems == []


async def test_a_visitor_with_a_window_lands_there_too(
    challenger: Any, part: Callable[[str], str], screen: str
) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=part("chromium"),
            args=["--no-sandbox"],
            headless=False,
            env={**os.environ, "DISPLAY": screen},
        )
        page = await browser.new_page()
        await page.goto(challenger.url + "/wanted")
        await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
        await browser.close()
    assert len(challenger.solved) == 1


async def test_going_back_does_not_hand_anything_in_again(challenger: Any, page: Page) -> None:
    await page.goto("about:blank")
    await page.goto(challenger.url + "/wanted")
    await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
    await page.goto("about:blank")
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
    assert len(challenger.solved) == 1
    assert challenger.count("used") == 0


async def test_tabs_in_parallel_do_not_disturb_each_other(challenger: Any, browser: Browser) -> None:
    context = await browser.new_context()
    tabs = [await context.new_page() for _ in range(3)]
    for number, tab in enumerate(tabs):
        await tab.goto(f"{challenger.url}/tab{number}")
    for number, tab in enumerate(tabs):
        await expect(tab.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
        assert tab.url == f"{challenger.url}/tab{number}"
    await context.close()


@pytest.mark.parametrize("enctype", ["application/x-www-form-urlencoded", "text/plain"])
@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
async def test_what_was_posted_arrives_as_it_was_sent(
    challenger: Any, browser: Browser, enctype: str, charset: str
) -> None:
    text = "J\u00fcrgen & \u20ac = 1\n two+lines\n" + ("" if charset == "windows-1252" else "\u65e5")
    challenger.form = (
        f'<meta charset=utf-8><form method=post action=/order?x=1 enctype={enctype} accept-charset={charset}>'
        "<input name=_charset_ type=hidden><input name='a b' value='~*'>"
        f"<input name=c value=''><textarea name=t>{text.replace(chr(10), ' ') if '/p' in enctype else text}</textarea>"
        "<button>Go</button></form>"
    ).encode()  # fmt: skip
    sent = []
    for settings in ({}, {"accepts": True}):
        context = await browser.new_context()
        page = await context.new_page()
        page.set_default_timeout(PATIENCE)
        if settings:  # without a challenge in between
            await page.goto(challenger.url + "/wanted")
            await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
        await page.goto(challenger.url + "/form")
        await page.click("button")
        await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
        assert page.url == challenger.url + "/order?x=1"
        sent.append(challenger.posted.pop())
        await context.close()
    assert sent[0] == sent[1]
    assert sent[0][0] == enctype.encode()
    assert len(sent[0][1]) > 20


@pytest.mark.parametrize("what", ["multipart", "large"])
async def test_what_cannot_be_kept_is_said(challenger: Any, page: Page, what: str) -> None:
    enctype = "multipart/form-data" if what == "multipart" else "application/x-www-form-urlencoded"
    size = 70_000 if what == "large" else 3
    challenger.form = (
        f"<form method=post action=/order enctype={enctype}><input name=a value={'x' * size}><button>Go</button></form>"
    ).encode()
    await page.goto(challenger.url + "/form")
    await page.click("button")
    await expect(page.locator("#status")).to_contain_text("could not be kept", timeout=PATIENCE)
    assert challenger.posted == []
    await page.click("#again")
    await expect(page.locator("form button")).to_have_text("Go")


async def test_a_reload_goes_on_where_the_work_was(challenger: Any, page: Page) -> None:
    challenger.settings = challenger.settings.model_copy(update={"difficulty": 16, "puzzles": 128, "time_budget": 25})

    async def saved(more_than: int) -> Any:
        """What the page has put aside, once its answer has more digits than so many."""
        async with asyncio.timeout(PATIENCE / 1000):
            while True:
                found = await page.evaluate("JSON.parse(sessionStorage.getItem('cf_chl_work'))")
                if found and len(found["progress"]["answer"]) > more_than:
                    return found
                await asyncio.sleep(0.05)

    await page.goto(challenger.url + "/wanted")
    before = await saved(40)
    await page.reload()
    after = await saved(len(before["progress"]["answer"]) + 8)
    assert after["challenge"]["token"] == before["challenge"]["token"]
    assert after["progress"]["answer"].startswith(before["progress"]["answer"])


async def test_what_one_tab_solves_lets_the_others_through(challenger: Any, browser: Browser) -> None:
    context = await browser.new_context()
    slow = await context.new_page()
    challenger.settings = challenger.settings.model_copy(update={"difficulty": 22, "puzzles": 256, "time_budget": 30})
    await slow.goto(challenger.url + "/slow")
    challenger.settings = Settings()
    quick = await context.new_page()
    await quick.goto(challenger.url + "/quick")
    for tab in (quick, slow):
        await expect(tab.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
    assert len(challenger.solved) == 1
    await context.close()


async def test_a_form_of_another_site_is_not_sent_again(challenger: Any, page: Page) -> None:
    await page.set_content(
        f'<form method="post" action="{challenger.url}/order"><input name="a"><button>Go</button></form>'
    )
    await page.click("button")
    await expect(page.locator("#status")).to_contain_text("could not be kept", timeout=PATIENCE)
    await expect(page.locator("#again")).to_be_focused()
    assert challenger.posted == []


async def test_without_a_worker_the_page_solves_it_itself(challenger: Any, page: Page) -> None:
    await page.add_init_script("window.Worker = function () { throw new Error('blocked'); }")
    await page.goto(challenger.url + "/wanted")
    await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)


async def test_a_slow_machine_is_done_when_its_time_is_over(challenger: Any, page: Page) -> None:
    challenger.settings = challenger.settings.model_copy(
        update={"difficulty": 13, "puzzles": 256, "minimum": 2, "time_budget": 0.3}
    )
    await page.goto(challenger.url + "/wanted")
    await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
    assert len(challenger.solved) == 1


async def test_cookies_that_do_not_arrive_are_said_and_do_not_loop(challenger: Any, page: Page) -> None:
    challenger.set_cookies(cookie_domain="other.example")
    await page.goto(challenger.url + "/wanted")
    await expect(page.locator("[data-state]")).to_have_attribute("data-state", "stopped", timeout=PATIENCE)
    await expect(page.locator("#status")).to_contain_text("does not keep cookies")
    assert challenger.challenged == 1


async def test_a_loop_ends_after_three_tries_with_the_ray_id(challenger: Any, page: Page) -> None:
    challenger.accepts = False
    await page.goto(challenger.url + "/wanted")
    await expect(page.locator("#status")).to_contain_text("Ray ID below", timeout=2 * PATIENCE)
    await expect(page.locator("footer code")).to_have_text(re.compile("^[0-9a-f]{16}$"))
    assert challenger.challenged == 4
    assert len(challenger.solved) == 3
    await expect(page.get_by_role("button", name="Try again")).to_be_visible()


async def test_a_loop_of_posts_ends_too(challenger: Any, page: Page) -> None:
    challenger.accepts = False
    challenger.form = (
        b"<!DOCTYPE html><form method=post action=/wanted><input name=a value=1><button>Send</button></form>"
    )
    await page.goto(challenger.url + "/form")
    await page.get_by_role("button", name="Send").click(no_wait_after=True)
    await expect(page.locator("#status")).to_contain_text("Ray ID below", timeout=2 * PATIENCE)
    assert len(challenger.solved) == 3


async def test_who_is_challenged_at_several_addresses_is_in_no_loop(challenger: Any, page: Page) -> None:
    for number in range(5):
        await page.context.clear_cookies()  # an address that changes, a clearance that was taken back
        await page.goto(f"{challenger.url}/wanted/{number}")
        await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
    assert len(challenger.solved) == 5


async def test_a_script_gets_json_and_the_same_status(challenger: Any, page: Page) -> None:
    await page.goto(challenger.url + "/wanted")
    await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
    answer = await page.evaluate(
        "fetch('/api', {credentials: 'omit'})"
        ".then(async r => [r.status, r.headers.get('cf-mitigated'), await r.json()])"
    )
    assert answer[:2] == [403, "challenge"]
    assert answer[2]["error"]["title"] == "Challenge required"


@pytest.mark.parametrize("width", [320, 1280])
async def test_it_fits_and_does_not_scroll_sideways(challenger: Any, browser: Browser, width: int) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 640}, locale="de-DE")
    page = await context.new_page()
    challenger.settings = Settings(difficulty=22, time_budget=30)
    await page.goto(challenger.url + "/wanted")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await page.evaluate("document.documentElement.lang") == "de"
    await context.close()
