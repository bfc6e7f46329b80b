"""The widget in a form: rendered by class or by script, pressed by pointer or keyboard, its token good once."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from botproxy.challenges import Settings
from botproxy.challenges.assets import bundle
from botproxy.challenges.widget import TICKET_PURPOSE, TOKEN_PURPOSE, secret_hash
from botproxy.challenges.widget_settings import SiteKeySettings, WidgetSettings
from botproxy.cookies import Jar, KeyRing, Sealer
from botproxy.cookies import Settings as CookieSettings
from botproxy.proxy import Exchange, Listener, Server, Wire
from botproxy.proxy.jsd.scripts import Scripts
from botproxy.proxy.own_paths import CDN_CGI, OwnPathLimiter
from botproxy.proxy.widget_routes import Key, WidgetRoutes
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import Counters
from tests.browsers.person import chromium

pytestmark = pytest.mark.browser

PATIENCE = 20_000
SECRET = "0x4secret"
CLICK, QUIET = "0x4AAAAAAAAAAAAAAAAAAAAAA", "0x4BBBBBBBBBBBBBBBBBBBBBB"
PROVEN = "0x4DDDDDDDDDDDDDDDDDDDDDD"
API = "/turnstile/v0/api.js"
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
POLICY = "default-src 'none'; script-src 'self' 'nonce-n'; connect-src 'self'; worker-src 'self'; form-action 'self'"
FORM = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Sign in</title>{head}</head><body>
<main><h1>Sign in</h1><form action="/in" method="get">{body}<button id="send">Send</button></form></main>
</body></html>"""


class Shop:
    """A site with forms, on the proxy's own wire and routes."""

    def __init__(self) -> None:
        ring = KeyRing([os.urandom(32)])
        self.counters = Counters()
        self.pages: dict[bytes, bytes] = {}
        self.sent: list[dict[str, list[str]]] = []
        keys = [
            Key(
                "shop",
                SiteKeySettings(key=name, secret_hash=secret_hash(SECRET + name), mode=mode, js_detection=wish),
                Sealer(ring, TICKET_PURPOSE, "shop"),
                Sealer(ring, TOKEN_PURPOSE, "shop"),
                Jar(ring, "shop", CookieSettings()),
            )
            for name, mode, wish in (
                (CLICK, "managed", "tell"),
                (QUIET, "invisible", "tell"),
                (PROVEN, "invisible", "require"),
            )
        ]  # type: ignore[arg-type,misc]
        self.routes = WidgetRoutes(
            keys=keys,
            settings=WidgetSettings(alias="/turnstile/v0/"),
            challenges=Settings(puzzles=16, difficulty=8),
            script=Scripts(bundle("widget.js")),
            own_paths=CDN_CGI,
            zone_of=lambda host: "shop" if host == "localhost" else None,
            limiter=OwnPathLimiter(1000, 1000),
            store=MemoryStore(),
            counters=self.counters,
            clock=time.monotonic,
            randomness=os.urandom,
        )
        self.server = Server(Wire(), self._handle, lambda refusal: None)
        self.url = ""

    def form(self, body: str, head: str = f'<script src="{API}" async defer></script>') -> None:
        """Put this form on the start page."""
        self.pages[b"/"] = FORM.format(head=head, body=body).encode()

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{listener.getsockname()[1]}"
        await self.server.start([Listener(listener)])

    def _handle(self, exchange: Exchange) -> None:
        request = exchange.request
        answer = self.routes.find(request.path)
        if answer is not None:
            answer(exchange)
            return
        if request.path == b"/in":
            self.sent.append(urllib.parse.parse_qs((request.query or b"").decode()))
        page = self.pages.get(request.path, b"<!DOCTYPE html><title>in</title>")
        headers = ((b"Content-Type", b"text/html"), (b"Content-Security-Policy", POLICY.encode()))
        exchange.respond(200, headers, page)

    async def verify(self, key: str, token: str) -> dict[str, Any]:
        """What siteverify says."""
        body = urllib.parse.urlencode({"secret": SECRET + key, "response": token}).encode()

        def ask() -> dict[str, Any]:
            asked = urllib.request.Request(self.url + "/turnstile/v0/siteverify", body)
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=15) as answer:
                said: dict[str, Any] = json.load(answer)
                return said

        return await asyncio.to_thread(ask)


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    made = Shop()
    await made.start()
    yield made
    made.server.close()
    await asyncio.sleep(0)


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page()
    page.set_default_timeout(PATIENCE)
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text) if "Policy" in message.text else None)
    yield page
    assert blocked == []  # a strict policy of the page lets all of it work


async def token(page: Page) -> str:
    """The token in the form, once there is one."""
    field = page.locator("input[name='cf-turnstile-response']")
    await expect(field).not_to_have_value("", timeout=PATIENCE)
    return await field.input_value()


async def test_a_form_by_class_asks_for_a_press_and_sends_a_token_that_is_good_once(shop: Shop, page: Page) -> None:
    shop.form(
        f'<div class="cf-turnstile" data-sitekey="{CLICK}" data-action="login" data-cdata="c-1" data-callback="done">'
        '</div><script nonce="n">window.done = (token) => { window.said = token; };</script>'
    )
    await page.goto(shop.url)
    button = page.get_by_role("button", name="Confirm that you are a person")
    await expect(button).to_be_visible(timeout=PATIENCE)
    await page.evaluate("document.querySelector('.cf-turnstile div').shadowRoot.querySelector('button').click()")
    assert await page.evaluate("turnstile.getResponse()") is None  # a script's click is none
    await button.focus()
    await page.keyboard.press("Enter")
    minted = await token(page)
    told = await page.evaluate("[window.said, turnstile.getResponse(), turnstile.isExpired()]")
    assert told == [minted, minted, False]
    await page.locator("#send").click()
    await page.wait_for_url("**/in?*")
    assert shop.sent[0]["cf-turnstile-response"] == [minted]
    said = await shop.verify(CLICK, minted)
    assert (said["success"], said["hostname"], said["action"], said["cdata"]) == (True, "localhost", "login", "c-1")
    assert said["metadata"]["interactive"] is True
    assert (await shop.verify(CLICK, minted))["error-codes"] == ["timeout-or-duplicate"]


async def test_a_form_by_script_renders_resets_and_removes(shop: Shop, page: Page) -> None:
    shop.form(
        '<div id="here"></div>'
        '<script nonce="n">window.loaded = () => { window.tokens = []; window.id = turnstile.render("#here",'
        f' {{ sitekey: "{QUIET}", callback: (token) => tokens.push(token) }}); }};</script>',
        head=f'<script src="{API}?render=explicit&onload=loaded" defer></script>',
    )
    await page.goto(shop.url)
    first = await token(page)
    assert await page.evaluate("turnstile.render('#here') === id")
    # In one go: between two questions of a test the next token can be there.
    after = "[turnstile.getResponse(id), document.querySelector('input[name=cf-turnstile-response]').value]"
    assert await page.evaluate(f"turnstile.reset(id), {after}") == [None, ""]
    second = await token(page)
    assert await page.evaluate("tokens") == [first, second]
    assert (await shop.verify(QUIET, second))["success"] is True
    assert (await shop.verify(CLICK, first))["error-codes"] == ["invalid-input-response"]
    await page.evaluate("turnstile.remove(id)")
    await expect(page.locator("input[name='cf-turnstile-response']")).to_have_count(0)
    assert await page.locator("#here > *").count() == 0


async def test_execute_waits_until_it_is_asked(shop: Shop, page: Page) -> None:
    shop.form(f'<div class="cf-turnstile" id="w" data-sitekey="{QUIET}" data-execution="execute"></div>')
    await page.goto(shop.url)
    await page.wait_for_function("window.turnstile && document.querySelector('input[type=hidden]')")
    assert ("widget", "shop", "begun") not in shop.counters.counts
    await page.evaluate("turnstile.execute('#w')")
    assert (await shop.verify(QUIET, await token(page)))["success"] is True


async def test_a_key_that_requires_detections_gives_a_driven_browser_no_token(shop: Shop, page: Page) -> None:
    shop.form(
        f'<div class="cf-turnstile" data-sitekey="{PROVEN}" data-error-callback="wrong"></div>'
        '<script nonce="n">window.wrong = (code) => { document.title = code; return true; };</script>'
    )
    await page.goto(shop.url)
    await expect(page).to_have_title("600010", timeout=PATIENCE)
    assert await page.locator("input[name='cf-turnstile-response']").input_value() == ""


async def test_a_key_that_requires_detections_gives_a_person_one(
    shop: Shop, part: Callable[[str], str], screen: str, tmp_path: Path
) -> None:
    shop.form(f'<div class="cf-turnstile" data-sitekey="{PROVEN}"></div>')
    async with chromium(part("chromium"), shop.url, screen, tmp_path) as person:
        async with asyncio.timeout(60):
            while not (minted := await person.look("(window.turnstile && turnstile.getResponse()) || ''")):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    said = await shop.verify(PROVEN, minted)
    assert (said["success"], said["metadata"]["js_detection"]) == (True, "passed")


async def test_a_key_that_is_wrong_says_so_to_the_page(shop: Shop, page: Page) -> None:
    shop.form(
        '<div class="cf-turnstile" data-sitekey="0x4CCCCCCCCCCCCCCCCCCCCCC" data-error-callback="wrong"></div>'
        '<script nonce="n">window.wrong = (code) => { document.title = code; return true; };</script>'
    )
    await page.goto(shop.url)
    await expect(page).to_have_title("110100", timeout=PATIENCE)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_widget_is_accessible_and_fits_a_narrow_screen(shop: Shop, browser: Browser, theme: str) -> None:
    shop.form(f'<div class="cf-turnstile" data-sitekey="{CLICK}" data-theme="{theme}" data-size="flexible"></div>')
    context = await browser.new_context(bypass_csp=True, viewport={"width": 320, "height": 500})
    page = await context.new_page()
    await page.goto(shop.url)
    await expect(page.get_by_role("button", name="Confirm that you are a person")).to_be_visible(timeout=PATIENCE)
    await page.add_script_tag(path=AXE)
    found = await page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] })")
    assert [each["id"] for each in found["violations"]] == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
