"""Reports are taken once, from the visitor whose they are, and only what passed or failed of them is kept."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from base64 import urlsafe_b64decode
from typing import Any

import orjson
import pytest

from botproxy.cookies import with_level
from botproxy.model import ClearanceLevel, Headers
from botproxy.proxy.jsd import bootstrap
from botproxy.store import StoreAway

CHROME = (
    b"User-Agent: Mozilla/5.0 Chrome/150.0.0.0\r\nAccept: text/html,*/*;q=0.8\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
)
BASE = b"/cdn-cgi/challenge-platform/"
SAME = b"Origin: http://shop.example\r\n"


class Visitor:
    """A browser that was here."""

    def __init__(self, proxy: Any) -> None:
        self.proxy = proxy
        self.browser = CHROME
        self.cookies = b""

    async def ask(self, method: bytes, path: bytes, more: bytes = b"", body: bytes = b"") -> tuple[int, bytes, bytes]:
        cookies = b"Cookie: " + self.cookies + b"\r\n" if self.cookies else b""
        length = b"Content-Length: %d\r\n" % len(body) if method == b"POST" else b""
        data = b"%b %b HTTP/1.1\r\nHost: shop.example\r\n" % (method, path)
        head, answer = await self.proxy.ask(data + self.browser + cookies + more + length + b"\r\n" + body)
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"set-cookie: cf_clearance="):
                self.cookies = line.partition(b": ")[2].partition(b";")[0]
        return int(head.split()[1]), head, answer

    async def fresh(self) -> tuple[bytes, bytes]:
        """Sealed bootstrap and seed."""
        status, _, answer = await self.ask(b"GET", BASE + b"h/b/jsd/b")
        assert status == 200
        told = orjson.loads(answer)
        return told["m"].encode(), urlsafe_b64decode(told["s"] + "==")

    async def report(self, sealed: bytes, seed: bytes, word: bytes = b"fine", more: bytes = SAME) -> int:
        body = sealed + b"\n" + seed.hex().encode() + word
        path = BASE + b"h/b/jsd/r/0123456789ab/8f3c0123456789ab"
        return (await self.ask(b"POST", path, more, body))[0]

    async def held(self, site: Any) -> Any:
        """The clearance that it holds now."""
        client = self.proxy.exchanges[-1].client
        headers = Headers(((b"User-Agent", b"Mozilla/5.0 Chrome/150.0.0.0"), (b"Cookie", self.cookies)))
        return site.jar.clearance(headers, client.address, self.proxy.exchanges[-1].request.received)


@pytest.fixture
async def visitor(rig: Any, site: Any) -> Visitor:
    proxy = await rig.proxy()
    proxy.handler = site.handle
    return Visitor(proxy)


@pytest.mark.parametrize(("word", "passed"), [(b"fine", True), (b"bot", False)])
async def test_a_report_becomes_a_result_for_a_quarter_of_an_hour(
    visitor: Visitor, site: Any, word: bytes, passed: bool
) -> None:
    assert await visitor.report(*await visitor.fresh(), word) == 200
    held = await visitor.held(site)
    assert held.js_passed is passed
    assert held.js_expires - visitor.proxy.exchanges[-1].request.received == pytest.approx(900, abs=5)
    assert held.level is ClearanceLevel.NONE
    assert site.counted("javascript_reports") == {"fresh": 1, "passed" if passed else "failed": 1}
    assert site.counted("javascript_detections") == ({} if passed else {"webdriver": 1})
    assert len(site.reported) == 1


async def test_a_result_leaves_the_level_of_a_solved_challenge(visitor: Visitor, site: Any) -> None:
    sealed, seed = await visitor.fresh()
    exchange = visitor.proxy.exchanges[-1]
    now = exchange.request.received
    solved = with_level(None, ClearanceLevel.INTERACTIVE, now + 1800, "8f3c0123456789ab", now)
    cookie = site.jar.clearance_cookie(solved, exchange.request.headers, exchange.client.address, now, False)
    visitor.cookies = cookie.partition(b";")[0]
    assert await visitor.report(sealed, seed) == 200
    held = await visitor.held(site)
    assert (held.level, held.js_passed) == (ClearanceLevel.INTERACTIVE, True)
    assert held.expires == pytest.approx(now + 1800, abs=0.01)


async def test_a_bootstrap_counts_once(visitor: Visitor, site: Any) -> None:
    sealed, seed = await visitor.fresh()
    assert await visitor.report(sealed, seed) == 200
    first = visitor.cookies
    # The same page out of the browser's cache: it runs again, and is asked to begin afresh.
    assert await visitor.report(sealed, seed) == 409
    visitor.cookies = b""
    assert await visitor.report(sealed, seed) == 409
    counted = site.counted("javascript_reports")
    assert (counted["passed"], counted["stale"], counted["replayed"]) == (1, 1, 1)
    assert first


async def test_another_worker_knows_what_was_used(visitor: Visitor, site: Any) -> None:
    sealed, seed = await visitor.fresh()
    found = bootstrap.unseal(site.sealer, sealed)
    assert found is not None
    await site.store.burn(b"jsd:" + found.seed, 60)
    assert await visitor.report(sealed, seed) == 409
    assert site.counted("javascript_reports")["replayed"] == 1


async def test_many_at_once_count_once(visitor: Visitor) -> None:
    sealed, seed = await visitor.fresh()
    answers = await asyncio.gather(*[visitor.report(sealed, seed) for _ in range(10)])
    assert sorted(answers) == [200] + [409] * 9


async def test_somebody_elses_is_stale_and_no_fault(visitor: Visitor, site: Any) -> None:
    sealed, seed = await visitor.fresh()
    visitor.browser = CHROME.replace(b"Chrome", b"Firefox")
    assert await visitor.report(sealed, seed) == 409
    assert site.counted("javascript_reports")["visitor"] == 1
    assert len(site.reported) == 1


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"", 400, "malformed"),
        (b"no line feed", 400, "malformed"),
        (b"AAAA\nreport", 403, "forged"),
        (b"x" * 40_000, 400, "malformed"),
    ],
)
async def test_what_is_no_report_counts_as_none(
    visitor: Visitor, site: Any, body: bytes, status: int, word: str
) -> None:
    path = BASE + b"h/b/jsd/r/0123456789ab/8f3c0123456789ab"
    assert (await visitor.ask(b"POST", path, SAME, body))[0] == status
    assert site.counted("javascript_reports") == {word: 1}
    assert site.reported == []


async def test_a_report_that_shows_nothing_counts_as_none(visitor: Visitor, site: Any) -> None:
    sealed, _ = await visitor.fresh()
    assert await visitor.report(sealed, b"another seed 16b") == 422
    assert visitor.cookies == b""
    assert site.counted("javascript_reports")["unreadable"] == 1


@pytest.mark.parametrize("more", [b"", b"Origin: http://evil.example\r\n", SAME + b"Sec-Fetch-Site: cross-site\r\n"])
async def test_a_page_of_another_site_cannot_report(visitor: Visitor, site: Any, more: bytes) -> None:
    sealed, seed = await visitor.fresh()
    assert await visitor.report(sealed, seed, more=more) == 403
    assert site.counted("javascript_reports")["foreign"] == 1


async def test_who_has_a_result_needs_no_bootstrap(visitor: Visitor) -> None:
    assert await visitor.report(*await visitor.fresh()) == 200
    assert (await visitor.ask(b"GET", BASE + b"h/b/jsd/b"))[0] == 204


async def test_while_the_store_is_away_a_result_is_short(visitor: Visitor, site: Any) -> None:
    class Away:
        async def burn(self, key: bytes, ttl: float) -> bool:
            raise StoreAway("away")

    site.routes._powers = site.routes._powers._replace(store=Away())
    sealed, seed = await visitor.fresh()
    assert await visitor.report(sealed, seed) == 200
    held = await visitor.held(site)
    assert held.js_expires - visitor.proxy.exchanges[-1].request.received == pytest.approx(300, abs=5)
    assert site.counted("javascript_reports")["store_away"] == 1
    visitor.cookies = b""
    assert await visitor.report(sealed, seed) == 409


async def test_the_script_is_kept_for_ever_under_its_own_name_alone(visitor: Visitor) -> None:
    status, head, _ = await visitor.ask(b"GET", BASE + b"scripts/jsd/main.js")
    assert status == 302
    version = hashlib.sha256(b"the script").hexdigest()[:12].encode()
    path = BASE + b"h/b/scripts/jsd/" + version + b"/main.js"
    assert b"\r\nLocation: %b\r\n" % path in head
    status, head, body = await visitor.ask(b"GET", path)
    assert (status, gzip.decompress(body)) == (200, b"the script")
    assert b"immutable" in head
    status, head, _ = await visitor.ask(b"GET", BASE + b"h/b/scripts/jsd/ba9876543210/main.js")
    assert (status, b"no-store" in head) == (200, True)
    visitor.browser = b"User-Agent: old\r\n"
    assert (await visitor.ask(b"GET", path))[2] == b"the script"
    assert (await visitor.ask(b"GET", BASE + b"scripts/jsd/api.js?onload=go"))[0] == 302
    assert (await visitor.ask(b"POST", path))[0] == 405
