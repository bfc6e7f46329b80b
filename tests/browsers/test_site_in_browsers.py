"""People with real browsers use the demo shop through the enforcing proxy and notice nothing; automation is asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import aiohttp
import pytest
from playwright.async_api import Error, Page, async_playwright

from lab.browsers import CHROMIUM_OPTIONS, FIREFOX_PREFERENCES
from tests.browsers.test_challenge_firefox import Firefox
from tests.system.conftest import Proxy, Start, demo_origin, start  # noqa: F401 - fixtures

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

NAME = "shop.example.test"
PATIENCE = 40
CHALLENGE = {"ref": "automated", "expression": "cf.bot_management.score eq 1", "action": "js_challenge"}
HOST_RULES = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"


class Driven(Protocol):
    """A browser with one tab."""

    async def open(self, url: str) -> None: ...

    async def read(self, expression: str) -> Any:
        """The value of an expression on the page, a promise's once it is kept; None while there is no page."""


class Chromium:
    """One tab of a Chromium."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def open(self, url: str) -> None:
        await self.page.goto(url, wait_until="commit")

    async def read(self, expression: str) -> Any:
        with contextlib.suppress(Error):
            return await self.page.evaluate(expression)
        return None


class Site(NamedTuple):
    """The shop behind the enforcing proxy, under a name that is not loopback's."""

    proxy: Proxy
    urls: dict[str, str]


@pytest.fixture
def site(
    start: Start,  # noqa: F811
    demo_origin: str,  # noqa: F811
    certificates: Any,
    free_port: Callable[[], int],
) -> Site:
    plain, secure = free_port(), free_port()
    tls = {"certificate": str(certificates.certificate_file), "key": str(certificates.key_file)}
    config = {
        "mode": "enforce",
        "listeners": [{"address": f"127.0.0.1:{plain}"}, {"address": f"127.0.0.1:{secure}", "tls": tls}],
        "unknown_host": "refuse",
        "zones": [{"name": "shop", "hosts": [NAME], "origins": [demo_origin], "rules": [CHALLENGE]}],
    }
    proxy = start(config=config, port=plain)
    return Site(proxy, {"http": f"http://{NAME}:{plain}", "https": f"https://{NAME}:{secure}"})


@contextlib.asynccontextmanager
async def chromium(program: str, screen: str, profile: Path) -> AsyncIterator[Driven]:
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            headless=False,
            no_viewport=True,
            ignore_https_errors=True,
            args=[*(option for option in CHROMIUM_OPTIONS if "resolver" not in option), HOST_RULES],
            env={**os.environ, "DISPLAY": screen},
        )
        yield Chromium(context.pages[0])
        await context.close()


@contextlib.asynccontextmanager
async def firefox(program: str, screen: str, profile: Path) -> AsyncIterator[Driven]:
    preferences = {**FIREFOX_PREFERENCES, "network.dns.localDomains": NAME}
    lines = [
        f'user_pref("{name}", {str(value).lower() if not isinstance(value, str) else chr(34) + value + chr(34)});'
        for name, value in preferences.items()
    ]
    await asyncio.to_thread((profile / "user.js").write_text, "\n".join(lines))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    quiet = asyncio.subprocess.DEVNULL
    browser = await asyncio.create_subprocess_exec(
        program, "--no-remote", "--profile", str(profile), "--remote-debugging-port", str(port), "about:blank",
        env={**os.environ, "HOME": str(profile), "DISPLAY": screen, "MOZ_CRASHREPORTER_DISABLE": "1"},
        stdout=quiet, stderr=quiet,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(4 * PATIENCE):
            while True:
                try:
                    wire = await session.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0)
                    break
                except (aiohttp.ClientError, OSError):
                    await asyncio.sleep(0.1)
            driven = Firefox(wire)
            await driven.command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
            yield driven
            await wire.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            browser.terminate()
        await browser.wait()


BROWSERS = {"chromium": chromium, "firefox": firefox}


async def eventually(done: Callable[[], Awaitable[Any]], seconds: float) -> Any:
    """The first true answer; TimeoutError when there is none in time."""
    async with asyncio.timeout(seconds):
        while not (answer := await done()):  # noqa: ASYNC110 - pages have no event for what is waited for here
            await asyncio.sleep(0.1)
    return answer


async def becomes(browser: Driven, expression: str) -> Any:
    """Wait until an expression on the page is true; its value."""
    try:
        return await eventually(lambda: browser.read(expression), PATIENCE)
    except TimeoutError:
        shown = await browser.read("location.href + ' ' + (document.body ? document.body.innerText : '')")
        pytest.fail(f"never true: {expression}\n{shown}")


PICTURES = """[...document.images].length > 0 && [...document.images].every(
    image => { image.loading = 'eager'; return image.complete && image.naturalWidth > 0; })"""
IN_A_FRAME = """new Promise(done => {
    const frame = document.createElement('iframe');
    frame.onload = () => done(frame.contentDocument.querySelector('h1').textContent);
    frame.src = '/journal';
    document.body.append(frame);
})"""


async def tour(browser: Driven, base: str) -> None:
    """What a visitor does on a site, every kind of request among it."""
    await browser.open(base + "/")
    await becomes(browser, PICTURES)
    assert await becomes(browser, IN_A_FRAME) == "Journal"

    await browser.open(base + "/shop/paper-boat")
    await becomes(browser, "/on the shelf|Sold out/.test(document.querySelector('[data-stock]').textContent)")

    await browser.open(base + "/guestbook")
    await becomes(browser, "document.querySelector('form') !== null && document.readyState === 'complete'")
    await browser.read(
        "(document.querySelector('[name=name]').value = 'Ada', "
        "document.querySelector('[name=message]').value = 'Written in a browser', "
        "document.querySelector('form').requestSubmit(), 1)"
    )
    # Complete as well: a browser that is still busy with this page takes the next address for an interruption.
    await becomes(
        browser, "document.body.innerText.includes('Written in a browser') && document.readyState === 'complete'"
    )

    await browser.open(base + "/chat")
    await becomes(browser, "document.querySelector('#state').textContent === 'connected'")
    await browser.read(
        "(document.querySelector('#line').value = 'ahoy', document.querySelector('form').requestSubmit(), 1)"
    )
    await becomes(browser, "document.querySelector('#log').innerText.includes(': ahoy')")

    await browser.open(base + "/tide")
    await becomes(browser, "/ m, (rising|falling)/.test(document.querySelector('#tide').textContent)")

    await browser.open(base + "/downloads")
    await becomes(browser, PICTURES)
    echoed = await becomes(
        browser,
        "fetch('/api/echo', {method: 'PUT', body: 'x'.repeat(1000)}).then(r => r.json()).then(e => e.body_bytes)",
    )
    assert echoed == 1000


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", BROWSERS)
async def test_a_person_notices_nothing(
    name: str, scheme: str, site: Site, part: Callable[[str], str], screen: str, tmp_path: Path
) -> None:
    base = site.urls[scheme]
    async with BROWSERS[name](part(name), screen, tmp_path) as browser:
        await tour(browser, base)

    def seen() -> list[dict[str, Any]]:
        return site.proxy.events(ClientRequestHost=NAME)

    wanted = {"/": 200, "/chat/socket": 101, "/tide/stream": 200, "/pictures/postcard.png": 200, "/api/echo": 200}

    async def written() -> bool:
        return wanted.items() <= {(event["ClientRequestPath"], event["EdgeResponseStatus"]) for event in seen()}

    await eventually(written, 20)
    events = seen()
    assert {event["ClientRequestScheme"] for event in events} == {scheme}
    assert [event for event in events if event["BotScore"] == 1] == []
    assert [event for event in events if event["SecurityActions"]] == []
    assert [event for event in events if event["EdgeResponseStatus"] >= 400] == []
    # The script of JavaScript detections posts as well, on a path of our own.
    theirs = [event for event in events if not event["ClientRequestPath"].startswith("/cdn-cgi/")]
    posted = [event["EdgeResponseStatus"] for event in theirs if event["ClientRequestMethod"] == "POST"]
    assert posted == [303]
    # Everything after the first answer carries the session cookie.
    assert len({event["BotproxySession"] for event in events if event["ClientRequestPath"] == "/guestbook"}) == 1
    assert "Traceback" not in site.proxy.program.said()


async def test_a_headless_chromium_is_scored_1_and_lands_where_it_wanted_after_the_challenge(
    site: Site, part: Callable[[str], str]
) -> None:
    base = site.urls["http"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=part("chromium"), args=["--no-sandbox", HOST_RULES])
        page = await browser.new_page()
        answer = await page.goto(base + "/shop/paper-boat?from=mail#price")
        assert answer is not None
        assert (answer.status, answer.headers["cf-mitigated"]) == (403, "challenge")
        driven = Chromium(page)
        await becomes(driven, "document.querySelector('h1').textContent === 'Paper boat kit'")
        assert page.url == base + "/shop/paper-boat?from=mail#price"
        await becomes(driven, PICTURES)
        await becomes(driven, "/on the shelf|Sold out/.test(document.querySelector('[data-stock]').textContent)")
        await browser.close()

    proxy = site.proxy
    first = proxy.event(ClientRequestPath="/shop/paper-boat", EdgeResponseStatus=403)
    assert (first["BotScore"], first["BotScoreSrc"], first["SecurityAction"]) == (1, "Heuristics", "jschallenge")
    assert "HeadlessChrome" in first["ClientRequestUserAgent"]
    solved = proxy.event(SecurityAction="jschallengeSolved")
    assert solved["OriginatorRayID"] == first["RayID"]
    landed = proxy.event(ClientRequestPath="/shop/paper-boat", EdgeResponseStatus=200)
    assert landed["BotScore"] == 1
    assert landed["SecurityActions"] == ["jschallengeBypassed"]
    assert urlsplit(base).port == proxy.port
