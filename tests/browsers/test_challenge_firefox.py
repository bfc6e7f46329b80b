"""A person with Firefox solves a challenge and lands on the page they wanted; driven over WebDriver BiDi."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.browser

PATIENCE = 40


class Firefox:
    """One Firefox, spoken to over its own socket (W3C WebDriver BiDi)."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._tab = ""

    async def command(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(PATIENCE):
            while True:
                message = json.loads(await self._socket.receive_str())
                if message.get("id") == number:
                    if message["type"] == "error":
                        raise RuntimeError(message["message"])
                    return message["result"]

    async def open(self, url: str) -> None:
        self._tab = (await self.command("browsingContext.getTree"))["contexts"][0]["context"]
        await self.command("browsingContext.navigate", context=self._tab, url=url, wait="none")

    async def read(self, expression: str) -> Any:
        """The value of an expression on the page; None while it is being replaced."""
        with contextlib.suppress(RuntimeError):
            said = await self.command(
                "script.evaluate", expression=expression, target={"context": self._tab}, awaitPromise=True
            )
            return said.get("result", {}).get("value")
        return None

    async def shows(self, text: str) -> None:
        """Wait until the page shows this text."""
        async with asyncio.timeout(PATIENCE):
            while text not in (await self.read("document.body ? document.body.innerText : ''") or ""):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.fixture(params=["headless", "headed"])
async def firefox(request: Any, part: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Firefox]:
    environment = dict(os.environ, HOME=str(tmp_path), MOZ_CRASHREPORTER_DISABLE="1")
    quiet = {"stdout": asyncio.subprocess.DEVNULL, "stderr": asyncio.subprocess.DEVNULL}
    arguments: list[str] = []
    if request.param == "headless":
        arguments.append("--headless")
    else:
        environment["DISPLAY"] = request.getfixturevalue("screen")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    profile = tmp_path / "profile"
    profile.mkdir()
    browser = None
    try:
        browser = await asyncio.create_subprocess_exec(
            part("firefox"), *arguments, "--no-remote", "--profile", str(profile),
            "--remote-debugging-port", str(port), "about:blank", env=environment, **quiet
        )  # fmt: skip
        async with aiohttp.ClientSession() as session, asyncio.timeout(2 * PATIENCE):
            while True:
                try:
                    connection = await session.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0)
                    break
                except (aiohttp.ClientError, OSError):
                    await asyncio.sleep(0.1)
            driven = Firefox(connection)
            await driven.command("session.new", capabilities={})
            yield driven
            await connection.close()
    finally:
        if browser is not None:
            with contextlib.suppress(ProcessLookupError):
                browser.terminate()
            await browser.wait()


async def test_a_visitor_lands_on_the_page_they_wanted(challenger: Any, firefox: Firefox) -> None:
    await firefox.open(challenger.url + "/wanted?a=1#part")
    await firefox.shows("The page you wanted")
    assert await firefox.read("location.href") == challenger.url + "/wanted?a=1#part"
    assert len(challenger.solved) == 1


async def test_cookies_that_do_not_arrive_are_said(challenger: Any, firefox: Firefox) -> None:
    challenger.set_cookies(cookie_domain="other.example")
    await firefox.open(challenger.url + "/wanted")
    await firefox.shows("does not keep cookies")
    assert challenger.challenged == 1
