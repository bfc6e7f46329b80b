"""Browsers under automation: `driven.py TOOL PLAN`, with a plan as `plan_python.py` reads it.

TOOL is `playwright`, `playwright-stealth`, `patchright`, `selenium`, `undetected`, and `:headless` or `:headed`.
Steps that post are done by the page's own form; everything else is an address that is gone to.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any

OPTIONS = (
    "--no-sandbox", "--no-first-run", "--disable-gpu", "--ignore-certificate-errors", "--password-store=basic",
    "--disable-component-update", "--disable-background-networking", "--host-resolver-rules=MAP *.test 127.0.0.1",
)  # fmt: skip
CHROMIUM = "/usr/bin/chromium"
BUTTONS = {"/login": "#enter", "/guestbook": "#sign", "/cart": "#buy", "/checkout": "#pay"}


def steps_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """What a browser can do of a plan."""
    return [step for step in plan["steps"] if step["method"] == "GET" or (step["form"] and step["path"] in BUTTONS)]


def with_page(page: Any, plan: dict[str, Any]) -> None:
    """Playwright and its kin."""
    for step in steps_of(plan):
        with suppress(Exception):
            if step["method"] == "GET":
                if plan["clicks"]:
                    link = page.locator(f"a[href='{step['path']}']")
                    if link.count():
                        link.first.click(timeout=3000)
                        page.wait_for_load_state("load", timeout=8000)
                        continue
                page.goto(plan["base"] + step["path"], timeout=10000)
                continue
            if step["path"] in ("/login", "/guestbook") and not page.url.endswith(step["path"]):
                page.goto(plan["base"] + step["path"], timeout=10000)
            for name, value in step["form"].items():
                with suppress(Exception):
                    page.fill(f"#{name}", value, timeout=1000)
            page.click(BUTTONS[step["path"]], timeout=3000)
            page.wait_for_load_state("load", timeout=8000)


def playwright(plan: dict[str, Any], headless: bool, kind: str) -> None:
    """Playwright, with its stealth plug-in, and patchright."""
    if kind == "patchright":
        from patchright.sync_api import sync_playwright
    else:
        from playwright.sync_api import sync_playwright
    with sync_playwright() as tool:
        arguments = [*OPTIONS, *(["--headless=new"] if headless and plan["new"] else [])]
        browser = tool.chromium.launch(executable_path=CHROMIUM, headless=headless, args=arguments)
        more = {"user_agent": plan["agent"]} if plan["agent"] else {}
        context = browser.new_context(ignore_https_errors=True, **more)
        if kind == "playwright-stealth":
            from playwright_stealth import Stealth

            Stealth().apply_stealth_sync(context)
        with_page(context.new_page(), plan)
        browser.close()


def drive(driver: Any, plan: dict[str, Any]) -> None:
    """Selenium and its kin."""
    for step in steps_of(plan):
        with suppress(Exception):
            if step["method"] == "GET":
                driver.get(plan["base"] + step["path"])
                continue
            if step["path"] in ("/login", "/guestbook") and not driver.current_url.endswith(step["path"]):
                driver.get(plan["base"] + step["path"])
            for name, value in step["form"].items():
                with suppress(Exception):
                    driver.find_element("id", name).send_keys(value)
            driver.find_element("css selector", BUTTONS[step["path"]]).click()
    driver.quit()


def selenium(plan: dict[str, Any], headless: bool, kind: str) -> None:
    """Selenium, and undetected-chromedriver."""
    if kind == "undetected":
        import shutil
        import tempfile

        import undetected_chromedriver as made

        own = tempfile.mkdtemp() + "/chromedriver"
        shutil.copy("/usr/bin/chromedriver", own)
        options = made.ChromeOptions()
    else:
        from selenium import webdriver as made

        options = made.ChromeOptions()
        options.binary_location = CHROMIUM
    for option in (*OPTIONS, *(("--headless=new",) if headless else ())):
        options.add_argument(option)
    if plan["agent"]:
        options.add_argument(f"--user-agent={plan['agent']}")
    if kind == "undetected":
        driver = made.Chrome(options, driver_executable_path=own, browser_executable_path=CHROMIUM, headless=headless)
    else:
        driver = made.Chrome(options, made.ChromeService("/usr/bin/chromedriver", env=os.environ))
    driver.set_page_load_timeout(15)
    drive(driver, plan)


if __name__ == "__main__":
    tool, _, how = sys.argv[1].partition(":")
    with open(sys.argv[2], encoding="utf-8") as file:
        given = json.load(file)
    (selenium if tool in ("selenium", "undetected") else playwright)(given, how == "headless", tool)
