"""Pages on their way through a proxy, with the script in them and heads that are true."""

from __future__ import annotations

import asyncio
import gc
import gzip
import random
import re
import zlib
from pathlib import Path
from typing import Any

import brotli
import orjson
import pytest

from botproxy.model import VerifiedBot
from botproxy.proxy import OriginPool, Pair, tls_context
from botproxy.proxy.injection.streams import PageBody
from botproxy.proxy.jsd.pages import Page

CHROME = (
    b"User-Agent: Mozilla/5.0 Chrome/150.0.0.0\r\nAccept: text/html,*/*;q=0.8\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
)
PAGE = b"<!DOCTYPE html><html><head><title>A page</title></head><body>" + b"<p>text</p>" * 200 + b"</body></html>"
MAIN = b'<script async src="/cdn-cgi/challenge-platform/scripts/jsd/main.js"'


class Answer:
    """What the visitor got."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.status = int(head.split(b" ", 2)[1])
        self.lines = head.split(b"\r\n")[1:]
        self.body = body

    def __getitem__(self, name: bytes) -> bytes | None:
        values = [
            line.partition(b":")[2].strip() for line in self.lines if line.lower().startswith(name.lower() + b":")
        ]
        assert len(values) < 2, values
        return values[0] if values else None

    @property
    def page(self) -> bytes:
        coding = self[b"content-encoding"]
        return gzip.decompress(self.body) if coding == b"gzip" else self.body


class Setting:
    """A proxy in front of an origin that gives one answer."""

    def __init__(self, rig: Any, site: Any) -> None:
        self.rig = rig
        self.site = site
        self.asked: list[bytes] = []
        self.pieces: list[bytes] = []

    async def answering(self, head: bytes, body: bytes = b"", *, pieces: int = 1, close: bool = False) -> None:
        """The origin answers so; in chunks when `pieces` is more than 1."""
        if pieces > 1:
            head += b"Transfer-Encoding: chunked\r\n"
            size = len(body) // pieces + 1
            cut = [body[at : at + size] for at in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in cut) + b"0\r\n\r\n"
        elif not close and b"304" not in head[:20]:
            head += b"Content-Length: %d\r\n" % len(body)

        async def script(visit: Any) -> None:
            while True:
                self.asked.append(await visit.head())
                visit.send(head + b"\r\n" + body)
                if close:
                    return

        origin = await self.rig.origin(script)
        self.origin = origin.url
        self.proxy = await self.rig.proxy(origin)
        self.site.pool = self.proxy.pool
        self.proxy.handler = self.site.handle

    async def get(self, more: bytes = b"", method: bytes = b"GET", browser: bytes = CHROME) -> Answer:
        client = await self.proxy.connect()
        client.send(
            method + b" /page HTTP/1.1\r\nHost: shop.example\r\n" + browser + more + b"Connection: close\r\n\r\n"
        )
        head = await client.head()
        answer = Answer(head, await client.rest())
        if answer[b"transfer-encoding"] == b"chunked":
            answer.body = unchunked(answer.body)
        elif answer[b"content-length"] is not None and method != b"HEAD" and answer.status != 304:
            assert int(answer[b"content-length"] or b"") == len(answer.body)
        client.close()
        return answer


def unchunked(data: bytes) -> bytes:
    found = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            assert data == b"\r\n"
            return found
        found += data[:length]
        assert data[length : length + 2] == b"\r\n"
        data = data[length + 2 :]


@pytest.fixture
def setting(rig: Any, site: Any) -> Setting:
    return Setting(rig, site)


HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"


def parameters(page: bytes) -> dict[str, str]:
    found = re.search(rb"__CF\$cv\$params=(\{.*?\})</script>", page)
    assert found is not None
    told: dict[str, str] = orjson.loads(found[1])
    return told


@pytest.mark.parametrize("pieces", [1, 7])
@pytest.mark.parametrize(
    ("coding", "encode"),
    [(b"", bytes), (b"gzip", gzip.compress), (b"br", brotli.compress), (b"deflate", zlib.compress)],
)
async def test_a_page_gets_the_script(setting: Setting, coding: bytes, encode: Any, pieces: int) -> None:
    head = HTML + (b"Content-Encoding: %b\r\n" % coding if coding else b"")
    await setting.answering(head + b"Accept-Ranges: bytes\r\nContent-MD5: x\r\n", encode(PAGE), pieces=pieces)
    answer = await setting.get()
    assert answer.page.count(MAIN) == 1
    assert answer.page.endswith(PAGE[PAGE.index(b"<title>") :])
    assert answer[b"accept-ranges"] is answer[b"content-md5"] is None
    assert answer[b"content-encoding"] == (b"gzip" if coding else None)
    assert b"Accept-Encoding: gzip\r\n" in setting.asked[0]
    assert setting.asked[0].lower().count(b"accept-encoding") == 1
    ray = (answer[b"cf-ray"] or b"").decode()
    assert ray.startswith(parameters(answer.page)["r"])
    assert len(setting.site.handed) == 1
    await setting.proxy.ended()
    assert setting.site.counted("javascript_pages") == {"injected": 1}


@pytest.mark.parametrize("left", [False, True], ids=["whole", "left midway"])
async def test_nothing_of_a_page_waits_for_the_cycle_collector(setting: Setting, left: bool) -> None:
    await setting.answering(HTML + b"Content-Encoding: gzip\r\n", gzip.compress(PAGE) + bytes(9_000_000 * left))
    gc.collect()
    gc.disable()
    try:
        if left:
            client = await setting.proxy.connect()
            client.send(b"GET /page HTTP/1.1\r\nHost: shop.example\r\n" + CHROME + b"\r\n")
            await client.head()
            client.close()
        else:
            assert MAIN in (await setting.get()).page
        await setting.proxy.ended()
        assert [one for one in gc.get_objects() if isinstance(one, PageBody | Page)] == []
    finally:
        gc.enable()


async def test_a_plain_page_keeps_an_exact_length(setting: Setting) -> None:
    await setting.answering(HTML, PAGE)
    answer = await setting.get()
    assert int(answer[b"content-length"] or b"") == len(PAGE) + answer.page.index(b"<title>") - PAGE.index(b"<title>")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/xhtml+xml\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/htmlx\r\n",
        b"HTTP/1.1 200 OK\r\n",
        HTML + b"Content-Disposition: Attachment; filename=page.html\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\nContent-Range: bytes 0-9/10\r\n",
        b"HTTP/1.1 301 Moved\r\nContent-Type: text/html\r\nLocation: /x\r\n",
    ],
)
async def test_what_is_no_page_is_left_alone(setting: Setting, head: bytes) -> None:
    await setting.answering(head + b'ETag: "a"\r\nAccept-Ranges: bytes\r\n', PAGE)
    answer = await setting.get()
    assert (answer.body, answer[b"etag"], answer[b"accept-ranges"]) == (PAGE, b'"a"', b"bytes")
    assert setting.site.counters.counts == {}


@pytest.mark.parametrize(
    ("line", "result"),
    [
        (b"Cache-Control: public, no-transform", "no_transform"),
        (b"Content-Encoding: gzip, br", "coding"),
        (b"Content-Encoding: compress", "coding"),
        (b"Signature: x=:y:", "signed"),
        (b"Content-Security-Policy: default-src 'none'", "policy"),
        (b"Content-Security-Policy: script-src 'nonce-a'\r\ncontent-security-policy: script-src 'nonce-b'", "policy"),
    ],
)
async def test_a_page_that_may_not_be_changed_is_left_alone_and_counted(
    setting: Setting, line: bytes, result: str
) -> None:
    await setting.answering(HTML + line + b'\r\nETag: "a"\r\n', PAGE)
    answer = await setting.get()
    assert (answer.body, answer[b"etag"]) == (PAGE, b'"a"')
    assert setting.site.counted("javascript_pages") == {result: 1}
    assert setting.site.handed == []


async def test_a_policy_in_a_meta_and_a_piece_of_a_page_are_counted(setting: Setting) -> None:
    meta = b"<html><head><meta http-equiv=Content-Security-Policy content=\"script-src 'self'\"></head>"
    await setting.answering(HTML, meta)
    assert (await setting.get()).body == meta
    await setting.proxy.ended()
    assert setting.site.counted("javascript_pages") == {"meta_policy": 1}


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found", b"500 Oops"])
async def test_pages_of_errors_are_pages(setting: Setting, status: bytes) -> None:
    await setting.answering(b"HTTP/1.1 " + status + b"\r\nContent-Type: Text/HTML\r\n", PAGE)
    assert MAIN in (await setting.get()).page


@pytest.mark.parametrize(
    ("more", "browser", "method"),
    [
        (b"", b"User-Agent: curl\r\nAccept: */*\r\n", b"GET"),
        (b"X-Requested-With: XMLHttpRequest\r\n", CHROME, b"GET"),
        (b"Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n", CHROME, b"GET"),
        (b"Range: bytes=0-\r\n", CHROME, b"GET"),
        (b"", CHROME, b"PUT"),
    ],
)
async def test_only_navigations_get_it(setting: Setting, more: bytes, browser: bytes, method: bytes) -> None:
    await setting.answering(HTML + b'ETag: "a"\r\n', PAGE)
    if method == b"PUT":
        more += b"Content-Length: 0\r\n"
    answer = await setting.get(more, method, browser)
    assert (answer.body, answer[b"etag"]) == (PAGE, b'"a"')


async def test_head_is_answered_as_the_origin_does(setting: Setting) -> None:
    await setting.answering(HTML + b'ETag: "a"\r\n', b"")
    answer = await setting.get(method=b"HEAD")
    assert (answer.body, answer[b"etag"], answer[b"content-length"]) == (b"", b'"a"', b"0")


async def test_a_nonce_is_copied_and_a_policy_without_inline_gets_one_element(setting: Setting) -> None:
    await setting.answering(HTML + b"Content-Security-Policy: script-src 'nonce-abc' 'strict-dynamic'\r\n", PAGE)
    page = (await setting.get()).page
    assert page.count(b'<script nonce="abc"') == 2


async def test_a_policy_without_inline_gets_one_element(setting: Setting) -> None:
    await setting.answering(HTML + b"Content-Security-Policy: default-src 'self'\r\n", PAGE)
    page = (await setting.get()).page
    found = re.search(rb"<script async src=\"[^\"]*\" data-params='(.*?)'></script>", page)
    assert found is not None
    assert set(orjson.loads(found[1])) == {"r", "t", "m", "s", "b"}
    assert page.count(b"<script") == 1


async def test_a_policy_that_only_reports_changes_nothing(setting: Setting) -> None:
    await setting.answering(HTML + b"Content-Security-Policy-Report-Only: default-src 'none'\r\n", PAGE)
    assert b"__CF$cv$params" in (await setting.get()).page


async def test_who_has_a_result_gets_the_page_untouched(setting: Setting) -> None:
    await setting.answering(HTML + b"Content-Encoding: br\r\n" + b'ETag: "a"\r\n', brotli.compress(PAGE))
    await setting.get()
    exchange = setting.proxy.exchanges[0]
    for passed in (True, False):
        cookie = setting.site.cookie(exchange.request, exchange.client, passed, 600).partition(b";")[0]
        answer = await setting.get(b"Cookie: " + cookie + b"\r\n")
        assert (answer.body, answer[b"etag"]) == (brotli.compress(PAGE), b'"a"')
        assert b"Accept-Encoding: gzip, deflate, br, zstd\r\n" in setting.asked[-1]
    ending = setting.site.cookie(exchange.request, exchange.client, True, 60).partition(b";")[0]
    assert MAIN in (await setting.get(b"Cookie: " + ending + b"\r\n")).page


async def test_a_verified_bot_gets_the_page_untouched(setting: Setting) -> None:
    setting.site.verified = VerifiedBot("Searcher", "Search Engine Crawler")
    await setting.answering(HTML, PAGE)
    assert (await setting.get()).body == PAGE


async def test_the_tag_of_a_page_with_the_script_is_another_and_is_understood(setting: Setting) -> None:
    await setting.answering(HTML + b'ETag: "one"\r\n', PAGE)
    tag = (await setting.get())[b"etag"]
    assert tag == b'W/"one~jsd"'
    await setting.get(b'If-None-Match: "two", ' + tag + b"\r\n")
    assert b'If-None-Match: "one"\r\n' in setting.asked[-1]
    # Somebody who needs no script asks with what the browser has.
    await setting.get(b'If-None-Match: "two", ' + tag + b"\r\nSec-Fetch-Mode: cors\r\n")
    assert b'If-None-Match: "two", "one"\r\n' in setting.asked[-1]


async def test_what_the_browser_keeps_without_the_script_has_to_come_anew(setting: Setting) -> None:
    await setting.answering(HTML + b'ETag: "one"\r\n', PAGE)
    await setting.get(b'If-None-Match: "one"\r\nIf-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT\r\n')
    assert b"if-none-match" not in setting.asked[-1].lower()
    assert b"if-modified-since" not in setting.asked[-1].lower()


async def test_not_modified_names_the_tag_that_the_browser_has(setting: Setting) -> None:
    await setting.answering(b'HTTP/1.1 304 Not Modified\r\nETag: W/"one"\r\n')
    answer = await setting.get(b'If-None-Match: W/"one~jsdw"\r\n')
    assert b'If-None-Match: W/"one"\r\n' in setting.asked[-1]
    assert (answer.status, answer[b"etag"], answer.body) == (304, b'W/"one~jsdw"', b"")


async def test_who_reads_no_gzip_is_sent_none(setting: Setting) -> None:
    await setting.answering(HTML + b"Content-Encoding: br\r\n", brotli.compress(PAGE))
    browser = CHROME.replace(b"gzip, deflate, br, zstd", b"br, gzip;q=0")
    answer = await setting.get(browser=browser)
    assert b"Accept-Encoding: identity\r\n" in setting.asked[0]
    assert answer[b"content-encoding"] is None
    assert MAIN in answer.body


async def test_a_page_that_comes_slowly_goes_on_at_once(rig: Any, site: Any) -> None:
    """Head, opening and every piece are there before the origin writes the next."""
    go_on = asyncio.Event()

    async def script(visit: Any) -> None:
        await visit.head()
        for piece in (b"", b"<!doctype html><html><head>", b"<title>a</title><p>one", b"<p>two"):
            data = HTML + b"Transfer-Encoding: chunked\r\n\r\n" if not piece else b"%x\r\n%b\r\n" % (len(piece), piece)
            visit.send(data)
            await go_on.wait()
            go_on.clear()
        visit.send(b"0\r\n\r\n")

    proxy = await rig.proxy(await rig.origin(script))
    site.pool = proxy.pool
    proxy.handler = site.handle
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\n" + CHROME + b"\r\n")
    assert b"chunked" in await client.head()
    for mark in (b"main.js", b"<p>one", b"<p>two"):
        go_on.set()
        await client.until(mark)
    go_on.set()
    await client.until(b"0\r\n\r\n")


async def test_a_bomb_waits_for_a_slow_reader(setting: Setting) -> None:
    """What unpacks to far more than it is is unpacked no faster than the visitor reads, and arrives whole."""
    page = b"\xef\xbb\xbf" + PAGE + bytes(range(256)) * 200_000
    await setting.answering(HTML + b"Content-Encoding: gzip\r\n", gzip.compress(page))
    client = await setting.proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\n" + CHROME + b"Connection: close\r\n\r\n")
    head = await client.head()
    assert b"chunked" in head
    answer = Answer(head, unchunked(await client.rest()))
    assert len(answer.page) - len(page) == answer.page.index(b"<title>") - page.index(b"<title>")
    assert (await setting.proxy.ended()).ending.value == "finished"


async def test_a_body_that_breaks_midway_is_cut(setting: Setting) -> None:
    """Once the head is out, what cannot be unpacked cannot be said otherwise."""
    data = zlib.compress(PAGE + random.Random(1).randbytes(400_000), 0)
    broken = data[:200_000] + b"\xff" * 100_000
    await setting.answering(HTML + b"Content-Encoding: deflate\r\n", broken)
    client = await setting.proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\n" + CHROME + b"\r\n")
    await client.gone()
    assert (await setting.proxy.ended()).ending.value == "origin_failed"


async def test_a_visitor_who_leaves_midway_leaves_nothing_behind(setting: Setting) -> None:
    page = b"\xef\xbb\xbf" + PAGE + bytes(range(256)) * 200_000
    await setting.answering(HTML + b"Content-Encoding: gzip\r\n", gzip.compress(page))
    client = await setting.proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: shop.example\r\n" + CHROME + b"\r\n")
    await client.head()
    client.reset()
    assert (await setting.proxy.ended()).ending.value == "client_left"


@pytest.mark.parametrize("pieces", [1, 5])
@pytest.mark.parametrize("encode", [gzip.compress, brotli.compress], ids=["gzip", "br"])
async def test_over_http2_it_is_the_same(
    setting: Setting, certificates: Any, part: Any, encode: Any, pieces: int, tmp_path: Path
) -> None:
    coding = b"gzip" if encode is gzip.compress else b"br"
    head = HTML + b'ETag: "a"\r\nContent-Encoding: ' + coding + b"\r\n"
    await setting.answering(head, encode(PAGE * 50), pieces=pieces)
    files = Pair(certificates.certificate_file, certificates.key_file)
    proxy = await setting.rig.proxy(context=tls_context(files, protocols=("h2", "http/1.1")))
    setting.site.pool = proxy.pool = OriginPool(proxy.wire, [setting.origin])
    proxy.handler = setting.site.handle
    heads = tmp_path / "heads"
    curl = await asyncio.create_subprocess_exec(
        part("curl"), "-sk", "--http2", "--compressed", "-H", "Accept: text/html", "-A", "Mozilla/5.0 Chrome/150.0.0.0",
        "-D", str(heads), "-w", "%{http_version}", f"https://localhost:{proxy.port}/page",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(curl.communicate(), 30)
    page, version = said[:-1], said[-1:]
    assert version == b"2"
    assert page.count(MAIN) == 1
    assert page.endswith(PAGE[PAGE.index(b"<title>") :])
    text = await asyncio.to_thread(heads.read_bytes)
    assert b'etag: W/"a~jsd"' in text
    assert b"transfer-encoding" not in text
