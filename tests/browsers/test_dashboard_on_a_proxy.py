"""The dashboard on a running proxy: a visitor who is blocked reports it, and the operator lets them through, changes a
rule and takes that back, with nothing canned."""

from __future__ import annotations

import re
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.async_api import Browser, Page, expect

from tests.system.conftest import Start, browse, demo_origin, start, until  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PATIENCE = 40_000
RULE = {"ref": "no-prices", "expression": 'http.request.uri.path eq "/shop"', "action": "block"}


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=20) as answer:
            return bool(answer.status == 200)
    except HTTPError:
        return False


async def settled(page: Page) -> None:
    await expect(page.locator("[aria-busy=true], .waiting")).to_have_count(0)


async def opened(browser: Browser, complaints: list[str]) -> Page:
    context = await browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


async def applied(page: Page, version: int, *differences: str) -> None:
    """Look at the changes that wait, and take them."""
    await page.get_by_role("button", name="Review").click()
    dialog = page.get_by_role("dialog")
    for line in differences:
        await expect(dialog.locator(".diff")).to_contain_text(line)
    await dialog.get_by_label("Why").fill(f"reason {version}")
    await dialog.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text(f"Applied: version {version} holds.")).to_be_visible(timeout=PATIENCE)
    await settled(page)


async def test_a_visitor_is_helped_and_rules_are_changed(
    start: Start,  # noqa: F811 - first, so that it ends when the browser holds no connection any more
    browser: Browser,
    demo_origin: str,  # noqa: F811
) -> None:
    zone = {"name": "shop", "hosts": ["127.0.0.1"], "origins": [demo_origin], "rules": [RULE]}
    proxy = start(config={"mode": "enforce", "zones": [zone]})
    expect.set_options(timeout=PATIENCE)  # a change takes as long as a worker takes to start
    complaints: list[str] = []
    visitor = await opened(browser, [])
    await visitor.goto(f"{proxy.url}/shop")
    await visitor.locator("summary").click()
    await visitor.locator("textarea").fill("I only wanted <b>prices</b>")
    await visitor.locator("form button").click()
    await expect(visitor.locator("textarea")).to_have_count(0)
    await visitor.context.close()
    ray = proxy.event(ClientRequestPath="/shop")["RayID"]
    until(lambda: answers(f"{proxy.admin}/api/analytics/events/{ray}"), 20, "the request is in the store")

    page = await opened(browser, complaints)
    await page.goto(f"{proxy.admin}/reports")
    await settled(page)
    report = page.locator(".report")
    await expect(report.locator("blockquote")).to_have_text("I only wanted <b>prices</b>")
    await expect(report).to_contain_text("was blocked")
    await expect(report).to_contain_text("Blocked (no-prices)")
    await report.get_by_role("button", name="Explain").click()
    await expect(page.get_by_role("dialog")).to_contain_text(ray)
    await page.keyboard.press("Escape")
    await report.get_by_role("button", name="Exception").click()
    await report.get_by_label("user agent").uncheck()
    await report.get_by_role("button", name="What would this be?").click()
    await expect(report.locator(".edit > code")).to_have_text("ip.src eq 127.0.0.1")
    await expect(report.locator(".edit")).to_contain_text("of the last day would have been spared: Automated, Blocked")
    await expect(report.locator(".diff")).to_contain_text(f"exception.{ray}")
    await report.get_by_role("button", name="Let such requests through").click()
    await expect(page.get_by_text("No reports from visitors.")).to_be_visible(timeout=PATIENCE)
    assert browse(proxy.port, "/shop", host="127.0.0.1").status == 200
    await page.get_by_role("button", name="Done", exact=True).click()
    await expect(report).to_contain_text("exception · loopback")

    await page.goto(f"{proxy.admin}/configuration?tab=rules")
    await settled(page)
    rules = page.locator(".site-rule")
    exception = rules.filter(has_text=f"exception.{ray}")
    await expect(exception).to_contain_text("until")
    await exception.get_by_role("button", name="Leave out").click()
    await rules.filter(has_text="no-prices").get_by_role("button", name="Edit").click()
    expression = page.get_by_role("dialog").get_by_label("Expression")
    await expression.fill('http.request.uri.pathh eq "/shop"')
    await expect(page.get_by_role("dialog").locator(".fault mark")).to_have_text("http.request.uri.pathh")
    await page.get_by_role("dialog").get_by_role("button", name="At character 1:").click()
    assert await expression.evaluate("box => [box.selectionStart, box.selectionEnd]") == [0, 22]
    await page.get_by_role("button", name="http.request.uri.path", exact=True).click()
    await expect(expression).to_have_value('http.request.uri.path eq "/shop"')
    await expression.fill('http.request.uri.path eq "/tide"')
    await expect(page.get_by_role("dialog").locator(".fault")).to_have_count(0)
    await page.get_by_role("button", name="Done", exact=True).click()
    await page.get_by_role("button", name="Let in or keep out").click()
    await page.get_by_role("dialog").get_by_label("Value").fill("192.0.2.7")
    await page.get_by_role("button", name="Done", exact=True).click()
    await page.get_by_role("button", name="Limit a rate").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("guesses")
    await page.get_by_role("dialog").get_by_label("More requests than").fill("5")
    await page.get_by_role("button", name="Done", exact=True).click()
    await expect(rules.filter(has_text="guesses")).to_contain_text(
        "More than 5 requests in 1 minute of one ip.src: for 10 minutes from then on."
    )
    await applied(
        page, 2, "requests_per_period: 5", "value: 192.0.2.7", 'http.request.uri.path eq "/tide"', f"exception.{ray}"
    )
    await expect(rules.filter(has_text="192.0.2.7")).to_contain_text("added here")
    assert browse(proxy.port, "/tide", host="127.0.0.1").status == 403
    assert browse(proxy.port, "/shop", host="127.0.0.1").status == 200

    await page.get_by_role("tab", name="History").click()
    await expect(page.locator(".versions")).to_contain_text("reason 2")
    await page.locator(".versions li", has_text="Version 1").get_by_role("button", name="Go back to this").click()
    await page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await settled(page)
    await expect(page.locator(".versions")).to_contain_text("like version 1")
    await expect(page.locator(".audit")).to_contain_text(re.compile("loopback rollback"))
    assert browse(proxy.port, "/tide", host="127.0.0.1").status == 200
    assert complaints == []
