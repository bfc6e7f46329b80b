"""Browsers driven by a program, each as its own documentation starts it: `python automation.py TOOL URL PROFILE`.

Opens the page and stays there until it is killed; with PRESS in the environment it presses the button of a challenge,
by its own means and as a hand would, whenever there is one. A TOOL that ends with "-waits" leaves the page alone. Run
by a Python that has the tool installed.
"""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable

CHROMIUM = shutil.which("chromium") or "chromium"
SANDBOX = ["--no-sandbox"]  # the laboratory runs as root
GRAPHICS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]  # headed: there is no graphics card here


WAITS = "-waits"
PRESS = bool(os.environ.get("PRESS")) and not sys.argv[1].endswith(WAITS)
WHERE = """(() => {
  const b = document.getElementById("human");
  if (!b || b.hidden || b.disabled || !b.offsetWidth) return null;
  const r = b.getBoundingClientRect();
  return [r.x + r.width * 0.4, r.y + r.height * 0.6];
})()"""


def press_by_selenium(driver: object) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    while PRESS:
        time.sleep(0.5)
        try:
            if driver.execute_script("return " + WHERE):  # type: ignore[attr-defined]
                button = driver.find_element(By.ID, "human")  # type: ignore[attr-defined]
                moving = ActionChains(driver)  # type: ignore[arg-type]
                for across in (-60, -30, -10, 3):
                    moving.move_to_element_with_offset(button, across, 5)
                moving.click_and_hold().pause(0.09).release().perform()
        except Exception as problem:
            print(problem, file=sys.stderr)


def press_by_playwright(page: object) -> None:
    while PRESS:
        page.wait_for_timeout(500)  # type: ignore[attr-defined]
        try:
            place = page.evaluate(WHERE)  # type: ignore[attr-defined]
            if place:
                page.mouse.move(*place, steps=12)  # type: ignore[attr-defined]
                page.wait_for_timeout(120)  # type: ignore[attr-defined]
                page.mouse.down()  # type: ignore[attr-defined]
                page.wait_for_timeout(90)  # type: ignore[attr-defined]
                page.mouse.up()  # type: ignore[attr-defined]
        except Exception as problem:
            print(problem, file=sys.stderr)


def selenium_chromium(url: str, profile: str, *more: str) -> None:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*SANDBOX, f"--user-data-dir={profile}", *more):
        options.add_argument(option)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.get(url)
    press_by_selenium(driver)


def selenium_disguised(url: str, profile: str) -> None:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for option in (*SANDBOX, *GRAPHICS, f"--user-data-dir={profile}", "--disable-blink-features=AutomationControlled"):
        options.add_argument(option)
    options.add_experimental_option("excludeSwitches", ["enable-automation"])
    options.add_experimental_option("useAutomationExtension", False)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    hide = "Object.defineProperty(navigator, 'webdriver', {get: () => undefined})"
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": hide})
    driver.get(url)
    press_by_selenium(driver)


def playwright(
    url: str, profile: str, module: str = "playwright", headless: bool = True, stealth: bool = False
) -> None:
    from importlib import import_module

    with import_module(module + ".sync_api").sync_playwright() as tool:
        browser = tool.chromium.launch(
            executable_path=CHROMIUM, headless=headless, args=[*SANDBOX, *([] if headless else GRAPHICS)]
        )
        page = browser.new_page()
        if stealth:
            from playwright_stealth import Stealth

            Stealth().apply_stealth_sync(page)
        page.goto(url)
        press_by_playwright(page)
        page.wait_for_timeout(60_000)


def patchright_recommended(url: str, profile: str) -> None:
    """As its authors advise: a lasting profile, a window, no viewport of its own."""
    from patchright.sync_api import sync_playwright

    with sync_playwright() as tool:
        context = tool.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, headless=False, no_viewport=True, args=[*SANDBOX, *GRAPHICS]
        )
        page = context.pages[0]
        page.goto(url)
        press_by_playwright(page)
        page.wait_for_timeout(60_000)


def undetected(url: str, profile: str, headless: bool = False) -> None:
    import undetected_chromedriver

    driver_copy = profile + "-chromedriver"
    shutil.copy(shutil.which("chromedriver") or "", driver_copy)
    options = undetected_chromedriver.ChromeOptions()
    for option in (*SANDBOX, *([] if headless else GRAPHICS)):
        options.add_argument(option)
    version = int(_said(CHROMIUM, "--version").split()[1].split(".")[0])
    driver = undetected_chromedriver.Chrome(
        options=options, browser_executable_path=CHROMIUM, driver_executable_path=driver_copy, version_main=version,
        user_data_dir=profile, headless=headless,
    )  # fmt: skip
    driver.get(url)
    press_by_selenium(driver)


def nodriver(url: str, profile: str) -> None:
    import nodriver as tool

    async def drive() -> None:
        browser = await tool.start(
            browser_executable_path=CHROMIUM, sandbox=False, user_data_dir=profile, browser_args=GRAPHICS
        )
        page = await browser.get(url)
        while PRESS:
            await asyncio.sleep(0.5)
            try:
                place = await page.evaluate(WHERE)
                if isinstance(place, list):
                    x, y = (one["value"] if isinstance(one, dict) else one for one in place)
                    await page.mouse_move(x, y, steps=12)
                    await page.mouse_click(x, y)
            except Exception as problem:
                print(problem, file=sys.stderr)
        await asyncio.sleep(60)

    asyncio.run(drive())


def _said(*command: str) -> str:
    import subprocess

    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


TOOLS: dict[str, Callable[[str, str], None]] = {
    "selenium": lambda url, profile: selenium_chromium(url, profile, *GRAPHICS),
    "selenium-headless": lambda url, profile: selenium_chromium(url, profile, "--headless=new"),
    "selenium-disguised": selenium_disguised,
    "playwright": playwright,
    "playwright-headed": lambda url, profile: playwright(url, profile, headless=False),
    "playwright-stealth": lambda url, profile: playwright(url, profile, stealth=True),
    "playwright-stealth-headed": lambda url, profile: playwright(url, profile, headless=False, stealth=True),
    "rebrowser-playwright": lambda url, profile: playwright(url, profile, "rebrowser_playwright"),
    "patchright": lambda url, profile: playwright(url, profile, "patchright"),
    "patchright-headed": lambda url, profile: playwright(url, profile, "patchright", headless=False),
    "patchright-recommended": patchright_recommended,
    "undetected-chromedriver": undetected,
    "undetected-chromedriver-headless": lambda url, profile: undetected(url, profile, headless=True),
    "nodriver": nodriver,
}

if __name__ == "__main__":
    TOOLS[sys.argv[1].removesuffix(WAITS)](sys.argv[2], sys.argv[3])
    time.sleep(60)
