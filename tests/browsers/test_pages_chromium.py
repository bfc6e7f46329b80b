"""What visitors see can be used by everybody: WCAG 2.2 AA by axe, narrow screens, the dark, right to left."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from botproxy.challenges import Pages, load_look
from botproxy.challenges.page_settings import PageSettings
from botproxy.challenges.words import LANGUAGES

pytestmark = pytest.mark.browser

PATIENCE = 20_000
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
STATES = ("working", "click", "stopped", "done")


async def opened(browser: Browser, url: str, language: str = "en", **more: Any) -> Page:
    """A page in a new context, with the policy out of the way of axe; the challenge on it never gets an answer."""
    context = await browser.new_context(locale=language, bypass_csp=True, **more)
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    await page.route("**/flow/**", lambda route: None)
    await page.goto(url)
    return page


async def violations(page: Page) -> list[str]:
    """What axe finds."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.add_script_tag(path=AXE)
    found = await page.evaluate("tags => axe.run(document, { runOnly: { type: 'tag', values: tags } })", STANDARDS)
    return [
        f"{each['id']}: {node['html'][:100]} {node['failureSummary'][:200]}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


async def overflows(page: Page) -> int:
    """By how many pixels something is wider than the window."""
    width: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


async def show(page: Page, state: str) -> None:
    """Put a challenge page into a state, as its script does."""
    await page.evaluate(
        """state => {
            document.querySelector("[data-state]").setAttribute("data-state", state);
            document.getElementById("human").hidden = state !== "click";
            document.getElementById("again").hidden = state !== "stopped";
            const words = JSON.parse(document.getElementById("challenge").textContent).words;
            document.getElementById("again").textContent = words.retry;
            document.getElementById("status").textContent = words[state] || words.loop;
            document.getElementById("report").open = state === "stopped";
        }""",
        state,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_state_of_a_challenge_is_accessible(challenger: Any, browser: Browser, scheme: str) -> None:
    page = await opened(browser, challenger.url + "/", color_scheme=scheme, viewport={"width": 320, "height": 640})
    for state in STATES:
        await show(page, state)
        assert await violations(page) == [], state
        assert await overflows(page) <= 0, state


@pytest.mark.parametrize("status", [403, 429, 502])
async def test_pages_that_say_no_are_accessible(challenger: Any, browser: Browser, status: int) -> None:
    for scheme in ("light", "dark"):
        page = await opened(browser, f"{challenger.url}/refused/{status}", color_scheme=scheme)
        await page.locator("summary").click()
        assert await violations(page) == []


async def test_every_language_fits_a_narrow_screen_and_runs_the_right_way(challenger: Any, browser: Browser) -> None:
    for words in LANGUAGES.values():
        size = {"width": 320, "height": 640}
        page = await opened(browser, challenger.url + "/", words.language, viewport=size, reduced_motion="reduce")
        assert await page.evaluate("document.documentElement.lang") == words.language
        await show(page, "stopped")
        assert await overflows(page) <= 0, words.language
        start = await page.evaluate("getComputedStyle(document.body).direction")
        assert start == words.direction
        if words.direction == "rtl":
            assert await violations(page) == []
        await page.context.close()


async def test_a_keyboard_alone_reaches_everything(challenger: Any, browser: Browser) -> None:
    page = await opened(browser, challenger.url + "/")
    await show(page, "click")
    reached = []
    for _ in range(3):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached[:2] == ["human", "SUMMARY"]
    await page.locator("summary").focus()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "report-note"


async def test_nothing_moves_for_who_wants_no_motion_and_nothing_is_loaded(challenger: Any, browser: Browser) -> None:
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    asked: list[str] = []
    blocked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: blocked.append(message.text) if "Policy" in message.text else None)
    await page.goto(challenger.url + "/refused/403")
    assert len([url for url in asked if not url.endswith("/favicon.ico")]) == 1
    assert blocked == []
    await page.route("**/flow/**", lambda route: None)
    await page.goto(challenger.url + "/")
    await expect(page.locator("#status")).to_have_text(re.compile("hecking"))
    assert "turn" not in await page.evaluate("getComputedStyle(document.querySelector('.mark')).animationName")


async def test_without_scripts_the_page_says_what_is_needed(challenger: Any, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False, locale="de")
    page = await context.new_page()
    await page.goto(challenger.url + "/")
    await expect(page.locator("#status noscript")).to_be_visible()
    assert LANGUAGES["de"].noscript in await page.content()
    await expect(page.locator(".mark")).to_be_hidden()


async def test_a_template_of_the_operator_carries_the_challenge_through(
    challenger: Any, browser: Browser, tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text(
        '<!DOCTYPE html><html lang="{{language}}" dir="{{direction}}"><head>{{head}}'
        "<style>body { background: rgb(1, 2, 3); color: #fff }</style></head><body><h1>{{heading}}</h1>"
        "<p>{{explanation}}</p>{{content}}<p>{{ray}}{{links}}</p></body></html>"
    )
    challenger.pages = Pages(load_look(PageSettings(template=tmp_path / "page.html")))
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(challenger.url + "/refused/404")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(1, 2, 3)"
    await page.goto(challenger.url + "/wanted")
    await expect(page.locator("h1")).to_have_text("The page you wanted", timeout=PATIENCE)
