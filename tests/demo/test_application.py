"""The demo site answers like a real one: every page, form, API and live stream, and nothing from elsewhere."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import aiohttp
import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from pytest_aiohttp.plugin import AiohttpClient

from botproxy.demo import application
from botproxy.demo.catalogue import ARTICLES, PRODUCTS

Site = TestClient[Request, Application]
PAGES = ["/", "/shop", "/journal", "/guestbook", "/chat", "/tide", "/downloads", "/headers"]


@pytest.fixture
async def site(aiohttp_client: AiohttpClient) -> Site:
    return await aiohttp_client(application())


async def text_of(site: Site, path: str) -> str:
    async with site.get(path) as response:
        assert response.status == 200, path
        return await response.text()


@pytest.mark.parametrize("path", PAGES)
async def test_page_is_there_and_not_publicly_cached(site: Site, path: str) -> None:
    async with site.get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        assert response.headers["Cache-Control"] == "no-cache"
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]


async def test_every_link_and_resource_of_every_page_is_local_and_exists(site: Site) -> None:
    """A crawl from the front page meets no 404 and no other host."""
    seen: set[str] = set()
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith("/files/"):
            continue
        seen.add(path)
        async with site.get(path) as response:
            assert response.status == 200, path
            if response.content_type == "text/html":
                waiting += re.findall(r"(?:href|src|action)=[\"']([^\"'#]+)", await response.text())
    assert all(path.startswith("/") and not path.startswith("//") for path in seen)
    assert {f"/shop/{item.slug}" for item in PRODUCTS} <= seen
    assert {f"/journal/{item.slug}" for item in ARTICLES} <= seen


async def test_search_finds_by_name_and_escapes_what_it_repeats(site: Site) -> None:
    assert "Storm lantern" in await text_of(site, "/shop?q=LANTERN")
    page = await text_of(site, "/shop?q=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page
    assert "Nothing on the shelves" in page


async def test_signing_the_book_redirects_to_it_and_shows_the_entry_as_text(site: Site) -> None:
    entry = {"name": "Ada <b>", "message": "one\r\ntwo & <i>three</i>"}
    async with site.post("/guestbook", data=entry, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/guestbook")
    page = await text_of(site, "/guestbook")
    assert "Ada &lt;b&gt;" in page
    assert "one two &amp; &lt;i&gt;three&lt;/i&gt;" in page


@pytest.mark.parametrize("entry", [{}, {"name": "Ada"}, {"name": " ", "message": "x"}])
async def test_an_incomplete_entry_is_said_to_be_one(site: Site, entry: dict[str, str]) -> None:
    async with site.post("/guestbook", data=entry) as response:
        assert response.status == 422
        assert "A name and a message, please." in await response.text()


async def test_the_book_forgets_the_oldest_entries(site: Site) -> None:
    for number in range(30):
        await (await site.post("/guestbook", data={"name": "n", "message": f"entry-{number:02d}"})).release()
    page = await text_of(site, "/guestbook")
    assert "entry-29" in page
    assert "entry-09" not in page


async def test_a_body_that_is_too_large_is_refused(site: Site) -> None:
    async with site.post("/guestbook", data={"name": "n", "message": "x" * 100_000}) as response:
        assert response.status == 413


async def test_api_lists_products_and_echoes_a_request(site: Site) -> None:
    async with site.get("/api/products") as response:
        assert len((await response.json())["products"]) == len(PRODUCTS)
    async with site.put("/api/echo?a=1", data=b"hello", headers={"X-Seen": "yes"}) as response:
        echoed = await response.json()
    assert (echoed["method"], echoed["target"], echoed["body"]) == ("PUT", "/api/echo?a=1", "hello")
    assert ["X-Seen", "yes"] in echoed["headers"]


@pytest.mark.parametrize(
    ("path", "content_type"),
    [("/nothing", "text/html"), ("/shop/nothing", "text/html"), ("/api/products/nothing", "application/json")],
)
async def test_what_is_missing_is_said_in_the_form_that_was_asked_for(site: Site, path: str, content_type: str) -> None:
    async with site.get(path) as response:
        assert (response.status, response.content_type) == (404, content_type)


async def test_headers_page_shows_what_arrived(site: Site) -> None:
    async with site.get("/headers", headers={"X-Odd": "<odd>"}) as response:
        assert "&lt;odd&gt;" in await response.text()


async def test_pictures_are_pictures(site: Site) -> None:
    async with site.get("/pictures/postcard.png") as response:
        assert (await response.read()).startswith(b"\x89PNG\r\n\x1a\n")
        assert response.headers["Cache-Control"].startswith("public")
    assert (await text_of(site, "/pictures/paper-boat.svg")).startswith("<svg")


async def test_chat_reaches_everyone_and_returns_binary_to_the_sender(site: Site) -> None:
    async with site.ws_connect("/chat/socket") as first, site.ws_connect("/chat/socket") as second:
        await second.send_str("ahoy")
        heard = ""
        while "ahoy" not in heard:
            heard = await first.receive_str(timeout=5)
        assert heard.endswith(": ahoy")
        await second.send_bytes(b"\x00\x01")
        while (message := await second.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.data == b"\x00\x01"


async def test_tide_sends_events_that_parse(site: Site) -> None:
    async with site.get("/tide/stream?events=1") as response:
        assert response.content_type == "text/event-stream"
        body = await asyncio.wait_for(response.text(), 5)
    data = re.search(r"^data: (.*)$", body, re.MULTILINE)
    assert data is not None
    assert 0 < json.loads(data[1])["metres"] < 6


def test_site_runs_alone_and_ends_on_a_signal(free_port: Callable[[], int]) -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "botproxy.demo", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        killer = threading.Timer(30, running.kill)
        killer.start()
        assert running.stdout is not None
        assert address in running.stdout.readline()
        taken = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert taken.returncode == 1
        assert f"cannot listen on {address}" in taken.stderr
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=15) == 0
        killer.cancel()
