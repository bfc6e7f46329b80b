"""A browser that nothing drives, and a hand: xdotool's events are the system's own, as those of a mouse and a keyboard.

The page is only looked at, over the DevTools protocol and without switching any of its domains on, which scripts of the
page could notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = 60.0


class Person:
    """Somebody in front of Chromium, whose window has no edges: a place on the page is the same place on the screen."""

    def __init__(self, page: aiohttp.ClientWebSocketResponse, screen: str) -> None:
        self._page = page
        self._environment = dict(os.environ, DISPLAY=screen)
        self._numbers = itertools.count(1)

    async def look(self, expression: str, acting: bool = False) -> Any:
        """The value of an expression on the page; None while it is being replaced. `acting` says that a person is
        behind it, as tools do."""
        number = next(self._numbers)
        await self._page.send_json({"id": number, "method": "Runtime.evaluate", "params": {"expression": expression,
            "returnByValue": True, "userGesture": acting}})  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            while True:
                said = json.loads(await self._page.receive_str())
                if said.get("id") == number:
                    return said.get("result", {}).get("result", {}).get("value")

    async def sees(self, text: str) -> None:
        """Wait until the page shows this text."""
        async with asyncio.timeout(PATIENCE):
            while text not in (await self.look("document.body ? document.body.innerText : ''") or ""):  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def is_asked(self) -> dict[str, float]:
        """Wait until the button can be pressed; where it is."""
        where = (
            "(b => b && !b.hidden && !b.disabled && b.offsetWidth ? (r => ({x: r.x, y: r.y, width: r.width,"
            " height: r.height}))(b.getBoundingClientRect()) : null)(document.getElementById('human'))"
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.look(where)
                if found:
                    return dict(found)
                await asyncio.sleep(0.1)

    async def drives(self) -> None:
        """Look at a page of the site again and again as a tool does, until its script has seen that."""
        async with asyncio.timeout(PATIENCE):
            while not await self.look("navigator.userActivation.hasBeenActive"):
                script = "performance.getEntriesByType('resource').some(e => /chl_page/.test(e.name) && e.responseEnd)"
                await self.look("1", acting=bool(await self.look(script)))

    async def has_the_keyboard(self) -> None:
        """Wait until what is typed reaches the button: without a window manager the window gets the focus late."""
        async with asyncio.timeout(PATIENCE):
            while not await self.look("document.hasFocus() && document.activeElement.id === 'human'"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def presses_a_key(self, key: str) -> None:
        """Press it as a hand does, once it would be heard."""
        await self.has_the_keyboard()
        await asyncio.sleep(0.1)
        await self.hand("keydown", key)
        await asyncio.sleep(0.05)
        await self.hand("keyup", key)

    async def is_asked_elsewhere(self, before: dict[str, float]) -> None:
        """Wait until the button can be pressed at another place."""
        async with asyncio.timeout(PATIENCE):
            while (await self.is_asked())["x"] == before["x"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def hand(self, *arguments: str) -> None:
        """Move, press, type."""
        moving = await asyncio.create_subprocess_exec("xdotool", *arguments, env=self._environment)
        await moving.wait()

    async def settles(self) -> dict[str, float]:
        """Wait until the button stays and hears, for a window gets its size and its focus late; where it is."""
        await self.has_the_keyboard()
        before: dict[str, float] = {}
        async with asyncio.timeout(PATIENCE):
            while (place := await self.is_asked()) != before:
                before = place
                await asyncio.sleep(0.2)
        return before

    async def points_and_clicks(self) -> None:
        """Move the pointer to the button as a hand does, and press it."""
        place = await self.settles()
        x, y = place["x"] + place["width"] * 0.4, place["y"] + place["height"] * 0.6
        for part in (0.3, 0.6, 0.85, 1.0):
            await self.hand("mousemove", str(int(640 + (x - 640) * part)), str(int(40 + (y - 40) * part)))
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        await self.hand("mousedown", "1")
        await asyncio.sleep(0.06)
        await self.hand("mouseup", "1")


def _port() -> int:
    # With 0 Chromium takes itself for driven and says so to pages.
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def chromium(program: str, url: str, screen: str, profile: Path, *options: str) -> AsyncIterator[Person]:
    """Chromium on this screen, at this address."""
    port = _port()
    process = await asyncio.create_subprocess_exec(
        program, "--no-sandbox", "--no-first-run", "--no-default-browser-check", "--password-store=basic", "--kiosk",
        "--window-position=0,0", "--window-size=1280,800", f"--remote-debugging-port={port}",
        f"--user-data-dir={profile}", *options, url,
        env=dict(os.environ, DISPLAY=screen, HOME=str(profile)), start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session:
            pages: list[Any] = []
            async with asyncio.timeout(PATIENCE):
                while not pages:
                    await asyncio.sleep(0.1)
                    with contextlib.suppress(aiohttp.ClientError):
                        async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                            pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as page:
                yield Person(page, screen)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
