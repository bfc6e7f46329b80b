"""Visitors of the demo shop, so that there is something to look at: `python -m botproxy.demo.visitors HOST:PORT`.

Some walk through the shop with the headers of a browser, at a person's pace; others are the programs that every site on
the internet meets. Each has an address of its own in 127.0.0.0/8, which is this machine, where the system has those.
They are requests like any other: what the proxy says of them is what it found.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from botproxy.demo.catalogue import ARTICLES, PRODUCTS

SECONDS: Final = 10.0
"""That a request may take."""

LARGEST: Final = 4 * 1024 * 1024
_COOKIE: Final = re.compile(rb"^set-cookie: *(__cf_bm|cf_clearance)=([^;\r\n]*)", re.IGNORECASE | re.MULTILINE)

Headers = Sequence[tuple[str, str]]

_CHROME: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
_HINTS: Final = ('"Not:A-Brand";v="8", "Chromium";v="156"', "?0", '"Linux"')
_FIREFOX: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_GOOGLEBOT: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
_GPTBOT: Final = (
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.3; +https://openai.com/gptbot)"
)

PAGES: Final = (
    "/", "/shop", "/journal", "/guestbook", "/tide", "/downloads",
    *(f"/shop/{product.slug}" for product in PRODUCTS),
    *(f"/journal/{article.slug}" for article in ARTICLES),
)  # fmt: skip
_PARTS: Final = ("/assets/site.css", "/assets/site.js")
_SECRETS: Final = (
    "/.env",
    "/wp-login.php",
    "/.git/config",
    "/phpmyadmin/",
    "/backup.zip",
    "/admin/config.php",
    "/xmlrpc.php",
)


class Visitor(NamedTuple):
    """Somebody who asks for `targets` one after another, about `pause` seconds apart, and comes back after `rest`."""

    name: str
    headers: Callable[[str, str, str], Headers]
    """Of a request for (target, page before it or "", host)."""

    targets: Callable[[random.Random], Sequence[str]]
    pause: float
    rest: float
    method: str = "GET"
    body: bytes = b""
    parts: bool = False
    """Whether what a page is made of is fetched after it, as browsers do."""


def chromium(target: str, before: str, host: str) -> Headers:
    """As Chromium 156 asks a site on this machine over HTTP/1.1."""
    page = target not in _PARTS
    brands, mobile, platform = (
        ("sec-ch-ua", _HINTS[0]),
        ("sec-ch-ua-mobile", _HINTS[1]),
        ("sec-ch-ua-platform", _HINTS[2]),
    )
    end = [("Accept-Encoding", "gzip, deflate, br, zstd"), ("Accept-Language", "en-US,en;q=0.9")]
    referer = [("Referer", f"http://{host}{before}")] if before else []
    site = ("Sec-Fetch-Site", "same-origin" if before else "none")
    if not page:
        style = target.endswith(".css")
        return [
            ("Host", host), ("Connection", "keep-alive"), platform, ("User-Agent", _CHROME), brands, mobile,
            ("Accept", "text/css,*/*;q=0.1" if style else "*/*"), site, ("Sec-Fetch-Mode", "no-cors"),
            ("Sec-Fetch-Dest", "style" if style else "script"), *referer, *end,
        ]  # fmt: skip
    accept = (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/jxl,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7"
    )
    return [
        ("Host", host), ("Connection", "keep-alive"), brands, mobile, platform, ("Upgrade-Insecure-Requests", "1"),
        ("User-Agent", _CHROME), ("Accept", accept), site, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-User", "?1"),
        ("Sec-Fetch-Dest", "document"), *referer, *end,
    ]  # fmt: skip


def firefox(target: str, before: str, host: str) -> Headers:
    """As Firefox 140 asks a site on this machine over HTTP/1.1."""
    page = target not in _PARTS
    style = target.endswith(".css")
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    fetched = ("document", "navigate") if page else ("style" if style else "script", "no-cors")
    return [
        ("Host", host), ("User-Agent", _FIREFOX), ("Accept", accept if page else "text/css,*/*;q=0.1" if style else "*/*"),
        ("Accept-Language", "en-US,en;q=0.5"), ("Accept-Encoding", "gzip, deflate, br, zstd"), ("Connection", "keep-alive"),
        *([("Referer", f"http://{host}{before}")] if before else []),
        *([("Upgrade-Insecure-Requests", "1")] if page else []),
        ("Sec-Fetch-Dest", fetched[0]), ("Sec-Fetch-Mode", fetched[1]),
        ("Sec-Fetch-Site", "same-origin" if before else "none"),
        *([("Sec-Fetch-User", "?1")] if page else []), ("Priority", "u=0, i" if page else "u=2"),
    ]  # fmt: skip


def program(agent: str, *more: tuple[str, str]) -> Callable[[str, str, str], Headers]:
    """As a program asks that says who it is."""
    return lambda target, before, host: [("Host", host), ("User-Agent", agent), *more]


def walk(draw: random.Random) -> Sequence[str]:
    """What one visit looks at."""
    return ["/", *draw.sample(PAGES[1:], draw.randint(2, 6))]


VISITORS: Final = (
    *(Visitor("chromium", chromium, walk, 6, 20, parts=True) for _ in range(5)),
    *(Visitor("firefox", firefox, walk, 8, 25, parts=True) for _ in range(3)),
    Visitor("curl", program("curl/8.14.1", ("Accept", "*/*")), lambda draw: ["/"], 1, 20),
    Visitor(
        "requests",
        program("python-requests/2.32.5", ("Accept-Encoding", "gzip, deflate"), ("Accept", "*/*"), ("Connection", "keep-alive")),
        lambda draw: [f"/shop/{product.slug}" for product in PRODUCTS], 0.5, 15,
    ),
    Visitor("go", program("Go-http-client/1.1", ("Accept-Encoding", "gzip")), lambda draw: ["/api/products"], 1, 6),
    Visitor("scrapy", program("Scrapy/2.13.3 (+https://scrapy.org)", ("Accept-Language", "en")), walk, 1, 30),
    Visitor("sqlmap", program("sqlmap/1.9.4#stable (https://sqlmap.org)", ("Accept", "*/*")),
            lambda draw: [f"/shop?q={draw.randint(1, 99)}%27%20OR%201%3D1" for _ in range(8)], 0.3, 60),
    Visitor("scanner", program("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", ("Connection", "close")),
            lambda draw: draw.sample(_SECRETS, 5), 0.4, 40),
    Visitor("false googlebot", program(_GOOGLEBOT, ("Accept", "*/*")), walk, 2, 30),
    Visitor("gptbot", program(_GPTBOT, ("Accept", "*/*")), walk, 3, 45),
    Visitor("monitor", program("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"),
            lambda draw: ["/"], 1, 30, method="HEAD"),
    Visitor("spam", program("python-httpx/0.28.1", ("Accept", "*/*"), ("Content-Type", "application/x-www-form-urlencoded")),
            lambda draw: ["/guestbook"] * 3, 1, 50, method="POST", body=b"name=cheap+watches&text=buy+now"),
)  # fmt: skip
"""One of each kind; their order gives them their addresses."""


def request(visitor: Visitor, target: str, before: str, host: str, cookies: dict[str, str]) -> bytes:
    """The bytes of one request of theirs."""
    headers = list(visitor.headers(target, before, host))
    if visitor.body:
        headers.append(("Content-Length", str(len(visitor.body))))
    if cookies and visitor.parts:
        headers.append(("Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())))
    lines = [f"{visitor.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + visitor.body


async def ask(host: str, port: int, address: str, sent: bytes) -> bytes:
    """Send it over a connection of its own from this address; what came back until the answer was whole, or b""."""
    try:
        async with asyncio.timeout(SECONDS):
            try:
                reader, writer = await asyncio.open_connection(host, port, local_addr=(address, 0))
            except OSError:  # a system that has 127.0.0.1 alone
                reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(sent)
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"\ncontent-length: *(\d+)", head, re.IGNORECASE)
                if length and not sent.startswith(b"HEAD "):
                    await reader.readexactly(min(int(length[1]), LARGEST))
                return head
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
        return b""


async def come_and_go(visitor: Visitor, number: int, host: str, port: int, draw: random.Random) -> None:
    """Visit for ever. The first time is soon, so that there is something to see at once."""
    address = f"127.{20 + number}.{draw.randint(0, 255)}.{draw.randint(1, 254)}"
    place = f"{host}:{port}"
    await asyncio.sleep(draw.uniform(0, 4))
    while True:
        cookies: dict[str, str] = {}
        before = ""
        for target in visitor.targets(draw):
            wanted = [target, *(_PARTS if visitor.parts and not before else ())]
            for one in wanted:
                page = before if one == target else target
                head = await ask(host, port, address, request(visitor, one, page, place, cookies))
                cookies.update((name.decode(), value.decode("latin-1")) for name, value in _COOKIE.findall(head))
            before = target
            await asyncio.sleep(visitor.pause * draw.uniform(0.4, 1.8))
        await asyncio.sleep(visitor.rest * draw.uniform(0.5, 1.5))


async def visit(host: str, port: int) -> None:
    """Have all of them come and go until this is cancelled."""
    draw = random.Random()  # noqa: S311 - nothing depends on who cannot guess it
    async with asyncio.TaskGroup() as group:
        for number, visitor in enumerate(VISITORS):
            group.create_task(come_and_go(visitor, number, host, port, draw))


if __name__ == "__main__":
    at, _, of = sys.argv[1].rpartition(":")
    with suppress(KeyboardInterrupt):
        asyncio.run(visit(at, int(of)))
