"""Managed and interactive challenges: people pass, by pointer or keyboard; browsers that a program drives do not."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from botproxy.challenges import Known
from botproxy.model import ClearanceLevel
from tests.browsers.person import chromium

pytestmark = pytest.mark.browser

WANTED = "The page you wanted"


@pytest.mark.parametrize("options", [(), ("--no-pings",)], ids=["plain", "links without pings"])
async def test_a_person_passes_a_managed_challenge_without_doing_anything(
    challenger: Any, part: Callable[[str], str], screen: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    challenger.level = ClearanceLevel.MANAGED
    async with chromium(part("chromium"), challenger.url + "/wanted", screen, tmp_path, *options) as person:
        await person.sees(WANTED)
    assert [solved.action for solved in challenger.solved] == ["managedChallengeNonInteractiveSolved"]


async def test_firefox_passes_it_unseen_too(
    challenger: Any, part: Callable[[str], str], screen: str, tmp_path: Path
) -> None:
    challenger.level = ClearanceLevel.MANAGED
    browser = await asyncio.create_subprocess_exec(
        part("firefox"), "--no-remote", "--profile", str(tmp_path), challenger.url + "/wanted",
        env=dict(os.environ, DISPLAY=screen, HOME=str(tmp_path), MOZ_CRASHREPORTER_DISABLE="1"),
        start_new_session=True, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(90):
            while not challenger.solved:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        await browser.wait()
    assert [solved.action for solved in challenger.solved] == ["managedChallengeNonInteractiveSolved"]


async def test_a_person_who_looks_suspicious_passes_with_one_click(
    challenger: Any, part: Callable[[str], str], screen: str, tmp_path: Path
) -> None:
    part("xdotool")
    challenger.level = ClearanceLevel.MANAGED
    challenger.known = Known(score=1)
    async with chromium(part("chromium"), challenger.url + "/wanted", screen, tmp_path) as person:
        await person.points_and_clicks()
        await person.sees(WANTED)
    assert [solved.action for solved in challenger.solved] == ["managedChallengeInteractiveSolved"]


@pytest.mark.parametrize("key", ["space", "Return"])
async def test_the_interactive_one_is_passed_by_keyboard_alone(
    challenger: Any, part: Callable[[str], str], screen: str, tmp_path: Path, key: str
) -> None:
    part("xdotool")
    challenger.level = ClearanceLevel.INTERACTIVE
    async with chromium(part("chromium"), challenger.url + "/wanted", screen, tmp_path) as person:
        first = await person.settles()
        await person.presses_a_key(key)
        await person.is_asked_elsewhere(first)
        await person.presses_a_key(key)
        await person.sees(WANTED)
    assert [solved.action for solved in challenger.solved] == ["challengeSolved"]


async def test_the_interactive_one_is_passed_by_pointer_alone(
    challenger: Any, part: Callable[[str], str], screen: str, tmp_path: Path
) -> None:
    part("xdotool")
    challenger.level = ClearanceLevel.INTERACTIVE
    async with chromium(part("chromium"), challenger.url + "/wanted", screen, tmp_path) as person:
        first = await person.settles()
        await person.points_and_clicks()
        await person.is_asked_elsewhere(first)
        await person.points_and_clicks()
        await person.sees(WANTED)
    assert [solved.action for solved in challenger.solved] == ["challengeSolved"]


@pytest.mark.parametrize(
    "option", ["--disable-features=ThirdPartyStoragePartitioning", "--disable-ipc-flooding-protection"]
)
async def test_who_starts_a_browser_as_tools_do_is_asked_for_a_press(
    challenger: Any, part: Callable[[str], str], screen: str, tmp_path: Path, option: str
) -> None:
    part("xdotool")
    challenger.level = ClearanceLevel.MANAGED
    async with chromium(part("chromium"), challenger.url + "/wanted", screen, tmp_path, option) as person:
        await person.is_asked()
        assert (challenger.count("click"), challenger.solved) == (1, [])
        await person.presses_a_key("space")
        await person.sees(WANTED)


async def test_a_program_that_acts_in_the_name_of_nobody_is_asked_for_a_press(
    challenger: Any, part: Callable[[str], str], screen: str, tmp_path: Path
) -> None:
    challenger.level = ClearanceLevel.MANAGED
    async with chromium(part("chromium"), "about:blank", screen, tmp_path) as person:
        await person.look(f"location.href = '{challenger.url}/wanted'")  # now, and not before somebody drives
        await person.drives()
        await person.is_asked()
    assert (challenger.count("click"), challenger.solved) == (1, [])


@pytest.mark.parametrize("level", [ClearanceLevel.MANAGED, ClearanceLevel.INTERACTIVE])
async def test_a_driven_browser_gets_neither(
    challenger: Any, part: Callable[[str], str], level: ClearanceLevel
) -> None:
    challenger.level = level
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=part("chromium"), args=["--no-sandbox"])
        page = await browser.new_page()
        await page.goto(challenger.url + "/wanted")
        await _press_whatever_there_is(page)
        await expect(page.locator("[data-state]")).to_have_attribute("data-state", "stopped", timeout=60_000)
        await page.click("#again")
        await _press_whatever_there_is(page)
        await expect(page.locator("[data-state]")).to_have_attribute("data-state", "stopped", timeout=60_000)
        await browser.close()
    assert challenger.solved == []
    assert challenger.count("automated") == 2


async def _press_whatever_there_is(page: Page) -> None:
    while await page.locator("[data-state]").get_attribute("data-state") != "stopped":
        if await page.locator("#human").is_visible() and await page.locator("#human").is_enabled():
            await page.click("#human")
        await asyncio.sleep(0.1)
