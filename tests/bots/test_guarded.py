"""Fetching: from the internet alone, over verified TLS, bounded in every way."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import Https, ScriptedDns

from botproxy.addresses import NetworkSet
from botproxy.bots.verifying.guarded import Answer, Fetcher, FetchError, forbidden
from botproxy.outgoing import Outgoing, Way
from tests.outgoing.connecting import ConnectProxy

LOOPBACK = NetworkSet([ip_network("127.0.0.0/8")])


@pytest.fixture
async def fetcher(dns: ScriptedDns, ca_file: Path) -> AsyncIterator[Fetcher]:
    dns.host("agent.test", "127.0.0.1")
    made = Fetcher([await dns.start()], LOOPBACK, ca_file)
    yield made
    await made.close()


async def get(
    fetcher: Fetcher, https: Https, path: str = "/", *, host: str = "agent.test", redirects: int = 0
) -> Answer:
    return await fetcher.get(f"https://{host}:{https.port}{path}", size=4096, seconds=2.0, redirects=redirects)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", False), ("2001:4860:4860::8888", False),
        ("127.0.0.1", True), ("10.1.2.3", True), ("172.16.0.1", True), ("192.168.1.1", True), ("100.64.0.1", True),
        ("169.254.169.254", True), ("0.0.0.0", True), ("224.0.0.1", True), ("255.255.255.255", True),
        ("::1", True), ("::", True), ("fe80::1", True), ("fc00::1", True), ("ff02::1", True),
        ("::ffff:127.0.0.1", True), ("::ffff:8.8.8.8", False),
        ("64:ff9b::7f00:1", True), ("64:ff9b::808:808", False),
        ("2002:7f00:1::", True), ("2001:0:808:808::f5ff:fffe", True),
    ],
)  # fmt: skip
def test_an_address_is_of_the_internet_or_not(address: str, expected: bool) -> None:
    assert forbidden(ip_address(address), NetworkSet()) is expected


def test_an_allowed_network_may_be_asked() -> None:
    assert not forbidden(ip_address("127.0.0.1"), LOOPBACK)
    assert not forbidden(ip_address("::ffff:127.0.0.1"), LOOPBACK)
    assert forbidden(ip_address("10.0.0.1"), LOOPBACK)


async def test_an_answer_is_fetched(fetcher: Fetcher, https: Https) -> None:
    https.serves(b"hello", content_type="Text/Plain; charset=utf-8", more="Cache-Control: Max-Age=5\r\n")
    assert await get(fetcher, https, "/a?b") == Answer(b"hello", "text/plain", "max-age=5")
    assert https.asked == ["/a?b"]
    assert b"Accept-Encoding: identity" in https.heads[0]


async def test_a_name_that_leads_inside_is_not_connected_to(dns: ScriptedDns, https: Https, ca_file: Path) -> None:
    dns.host("agent.test", "127.0.0.1")
    dns.host("inside.test", "10.0.0.1", "169.254.169.254", "::1", "127.0.0.1")
    strict = Fetcher([await dns.start()], NetworkSet(), ca_file)
    try:
        for host in ("agent.test", "inside.test"):
            with pytest.raises(FetchError, match="no address of the internet"):
                await get(strict, https, host=host)
        for host in ("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
            with pytest.raises(FetchError, match="not an address of the internet"):
                await get(strict, https, host=host)
        with pytest.raises(FetchError):
            await get(strict, https, host="2130706433")
    finally:
        await strict.close()
    assert https.asked == []


async def test_a_redirect_is_not_followed_unless_it_may_be(fetcher: Fetcher, https: Https) -> None:
    https.serves(b"", status=302, more=f"Location: https://agent.test:{https.port}/b\r\n")
    with pytest.raises(FetchError, match="it redirects"):
        await get(fetcher, https)
    assert https.asked == ["/"]
    with pytest.raises(FetchError, match="too often"):
        await get(fetcher, https, redirects=3)
    assert https.asked == ["/", "/", "/b", "/b", "/b"]


@pytest.mark.parametrize(
    "location", ["http://agent.test/", "https://10.0.0.1/", "file:///etc/passwd", "https://u:p@a.test/"]
)
async def test_a_redirect_leads_nowhere_else(fetcher: Fetcher, https: Https, location: str) -> None:
    https.serves(b"", status=302, more=f"Location: {location}\r\n")
    with pytest.raises(FetchError):
        await get(fetcher, https, redirects=3)
    assert https.asked == ["/"]


async def test_a_huge_answer_is_not_read(fetcher: Fetcher, https: Https) -> None:
    async def endless(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    https.answer = endless
    with pytest.raises(FetchError, match="more than 4096 bytes"):
        await get(fetcher, https)


async def test_a_slow_answer_is_given_up(fetcher: Fetcher, https: Https) -> None:
    async def dribble(path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    https.answer = dribble
    began = time.monotonic()
    with pytest.raises(FetchError, match="no answer within 2 s"):
        await get(fetcher, https)
    assert time.monotonic() - began < 4.0


async def test_a_compressed_answer_is_refused(fetcher: Fetcher, https: Https) -> None:
    https.serves(b"\x1f\x8b", more="Content-Encoding: gzip\r\n")
    with pytest.raises(FetchError, match="compressed"):
        await get(fetcher, https)


async def test_another_status_is_no_answer(fetcher: Fetcher, https: Https) -> None:
    https.serves(b"{}", status=503)
    with pytest.raises(FetchError, match="status 503"):
        await get(fetcher, https)


async def test_a_certificate_of_somebody_else_is_refused(dns: ScriptedDns, https: Https, ca_file: Path) -> None:
    dns.host("other.test", "127.0.0.1")
    dns.host("agent.test", "127.0.0.1")
    server = await dns.start()
    ours, strangers = Fetcher([server], LOOPBACK, ca_file), Fetcher([server], LOOPBACK)
    try:
        with pytest.raises(FetchError):
            await get(ours, https, host="other.test")
        with pytest.raises(FetchError):
            await get(strangers, https)
    finally:
        await ours.close()
        await strangers.close()
    assert https.asked == []


async def test_what_is_no_https_url_is_not_fetched(fetcher: Fetcher) -> None:
    for url in ("http://agent.test/", "ftp://agent.test/", "https://user@agent.test/", "nonsense"):
        with pytest.raises(FetchError):
            await fetcher.get(url, size=10, seconds=1.0)


async def test_by_way_of_a_proxy_lists_are_fetched_and_the_inside_is_not_asked(https: Https, ca_file: Path) -> None:
    async with ConnectProxy("ann", "secret") as proxy:
        # `agent.test` is known to the proxy alone.
        made = Fetcher([], NetworkSet(), ca_file, Outgoing({"https": Way(proxy.url, "ann", "secret")}))
        https.serves(b"hello")
        assert (await get(made, https)).body == b"hello"
        assert proxy.asked == [f"CONNECT agent.test:{https.port} HTTP/1.1"]
        for host in ("intranet", "vault.internal", "10.0.0.1", "169.254.169.254"):
            with pytest.raises(FetchError, match="of the internet"):
                await get(made, https, host=host)
        # And what is asked directly is looked at as ever.
        with pytest.raises(FetchError, match="of the internet"):
            await get(made, https, host="127.0.0.1")
        assert len(proxy.asked) == 1
        await made.close()
