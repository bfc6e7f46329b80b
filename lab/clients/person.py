"""Drives a Chromium that is running as people do, over DevTools: `person.py '{"port": …, "seed": …, "bases": […]}'`.

Prints a line for each pause that was shortened: number of the visit, moment, seconds left out.
"""

from __future__ import annotations

import json
import random
import sys
import time
from contextlib import suppress
from typing import Any

from playwright.sync_api import Error, Page, sync_playwright

SLEPT = 0.12


SYSTEMS = {
    "Windows": ("Windows NT 10.0; Win64; x64", "19.0.0", "x86"),
    "macOS": ("Macintosh; Intel Mac OS X 10_15_7", "15.5.0", "arm"),
    "Android": ("Linux; Android 10; K", "15.0.0", ""),
}
"""What Chromium says of a system: in the User-Agent, its version, its processor."""


def wear(page: Page, system: str) -> None:
    """Let a page say that it is on another system, in every header that says so."""
    words, version, processor = SYSTEMS[system]
    phone = system == "Android"
    full = page.evaluate("navigator.userAgent").partition("Chrome/")[2].partition(" ")[0]
    brands = page.evaluate("navigator.userAgentData ? navigator.userAgentData.brands : []")
    page.context.new_cdp_session(page).send(
        "Emulation.setUserAgentOverride",
        {
            "userAgent": f"Mozilla/5.0 ({words}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{full} "
            + ("Mobile Safari/537.36" if phone else "Safari/537.36"),
            "userAgentMetadata": {
                "brands": brands, "platform": system, "platformVersion": version, "architecture": processor,
                "model": "Pixel 8" if phone else "", "mobile": phone,
            },
        },
    )  # fmt: skip


class Visit:
    """One person's visit."""

    def __init__(self, number: int, page: Page, base: str, rng: random.Random, alone: bool) -> None:
        self.number, self.page, self.base, self.rng, self.alone = number, page, base, rng, alone

    def pause(self, mean: float) -> None:
        """A pause of about so many seconds, most of it left out."""
        seconds = min(self.rng.lognormvariate(0, 0.9) * mean, 900)
        self.page.wait_for_timeout(min(seconds, SLEPT) * 1000)
        print(json.dumps([self.number, time.time(), max(0.0, seconds - SLEPT)]), flush=True)

    def click(self, selector: str, **how: Any) -> None:
        """Click one of these."""
        found = self.page.locator(selector)
        count = found.count()
        if count:
            found.nth(self.rng.randrange(count)).click(timeout=4000, **how)
            self.page.wait_for_load_state("load", timeout=8000)

    def scroll(self) -> None:
        for _ in range(self.rng.randint(1, 5)):
            self.page.mouse.wheel(0, self.rng.randint(200, 900))
            self.pause(1.5)

    def search(self) -> None:
        self.page.click("#q", timeout=3000)
        for letter in self.rng.choice(("lantern", "rope", "kett")):
            self.page.keyboard.type(letter)
            self.pause(0.2)
        self.page.keyboard.press("Enter")

    def login(self) -> None:
        self.click("nav a[href='/login']")
        for _ in range(self.rng.choice((1, 1, 1, 2))):
            self.pause(6)
            self.page.click("#user", timeout=3000)
            self.page.keyboard.type("ann", delay=20)
            self.page.click("#password", timeout=3000)
            self.page.keyboard.type(self.rng.choice(("sea", "sea", "sae")), delay=20)
            self.page.keyboard.press("Enter")
            self.page.wait_for_load_state("load", timeout=8000)

    def sign(self) -> None:
        self.click("nav a[href='/guestbook']")
        self.pause(25)
        self.page.fill("#name", "Ann", timeout=3000)
        self.page.fill("#message", "The kettle is on.", timeout=3000)
        self.click("#sign")

    def buy(self) -> None:
        self.click("#buy")
        self.pause(8)
        if self.rng.random() < 0.5:
            self.click("#pay")

    def tab(self) -> None:
        with self.page.context.expect_page(timeout=4000) as opened:
            self.click("a.item", button="middle")
        self.pause(12)
        opened.value.close()

    def film(self) -> None:
        self.page.goto(self.base + "/journal/storm-0")
        self.page.click("video", timeout=3000)
        self.pause(60)

    def run(self) -> None:
        """The visit."""
        starts = ("/", "/", "/", "/shop", "/journal", "/shop/lantern-1", "/journal/storm-0", "/club", "/club")
        # Workers and tabs would not wear the other system.
        start = self.rng.choice(starts[:7] if self.alone else starts)
        self.page.goto(self.base + start)
        acts = (
            (lambda: self.click("a.item"), 9), (lambda: self.click("nav a"), 4),
            (lambda: self.page.go_back(timeout=5000), 3), (lambda: self.page.reload(timeout=8000), 0.7),
            (self.scroll, 3), (self.search, 1.5), (self.login, 0.8), (self.sign, 0.4), (self.buy, 1.2), (self.tab, 1),
            (self.film, 0.3), (lambda: self.page.goto(self.base + "/club"), 2),
        )  # fmt: skip
        if self.alone:
            acts = tuple(each for each in acts[:-1] if each[0] != self.tab)
        for _ in range(self.rng.randint(2, 10)):
            self.pause(12)
            act = self.rng.choices([each for each, _ in acts], [weight for _, weight in acts])[0]
            with suppress(Error):
                act()
        self.pause(5)


def main() -> None:
    """All visits that are asked for, one after the other."""
    plan = json.loads(sys.argv[1])
    rng = random.Random(plan["seed"])
    with sync_playwright() as tool:
        end = time.monotonic() + 30
        while True:
            try:
                browser = tool.chromium.connect_over_cdp(f"http://127.0.0.1:{plan['port']}")
                break
            except Error:
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)
        context = browser.contexts[0]
        for number, base in enumerate(plan["bases"]):
            page = context.new_page()
            if plan["system"]:
                page.goto(plan["aside"])  # brands are told on secure pages alone
                wear(page, plan["system"])
            context.clear_cookies()
            with suppress(Error):
                Visit(number, page, base, random.Random(rng.getrandbits(60)), bool(plan["system"])).run()
            with suppress(Error):
                page.close()


if __name__ == "__main__":
    main()
