"""Names of addresses, against a DNS server on loopback that lies, fails and is silent, and against a real one."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from servers import REFUSED, SERVFAIL, ScriptedDns, free_port

from botproxy.bots.verifying.names import MAX_NAMES, Resolver, within

V4 = ip_address("192.0.2.7")
V6 = ip_address("2001:db8::7")
DOMAINS = ("seek.example",)


@pytest.fixture
async def resolver(dns: ScriptedDns) -> AsyncIterator[Resolver]:
    made = Resolver([await dns.start()], 1.0)
    yield made
    await made.close()


async def test_a_name_that_has_the_address_is_confirmed(dns: ScriptedDns, resolver: Resolver) -> None:
    dns.name("192.0.2.7", "Crawl-7.Seek.example.")
    dns.host("crawl-7.seek.example", "192.0.2.6", "192.0.2.7")
    dns.name("2001:db8::7", "crawl-v6.seek.example")
    dns.host("crawl-v6.seek.example", "2001:db8::7")
    assert await resolver.confirmed(V4, DOMAINS) is True
    assert await resolver.confirmed(V6, DOMAINS) is True


async def test_an_own_ptr_without_forward_record_proves_nothing(dns: ScriptedDns, resolver: Resolver) -> None:
    dns.name("192.0.2.7", "crawl-7.seek.example")
    assert await resolver.confirmed(V4, DOMAINS) is False
    dns.name("192.0.2.8", "crawl-8.seek.example")
    dns.host("crawl-8.seek.example", "192.0.2.99")
    assert await resolver.confirmed(ip_address("192.0.2.8"), DOMAINS) is False


async def test_a_name_of_another_domain_is_not_even_asked_for(dns: ScriptedDns, resolver: Resolver) -> None:
    dns.name("192.0.2.7", "seek.example.attacker.example", "notseek.example", "a b.seek.example")
    assert await resolver.confirmed(V4, DOMAINS) is False
    assert len(dns.asked) == 1


async def test_an_address_without_name_is_refused(dns: ScriptedDns, resolver: Resolver) -> None:
    assert await resolver.confirmed(V4, DOMAINS) is False
    dns.host("8.2.0.192.in-addr.arpa", "192.0.2.7")  # the name exists, and has no PTR
    assert await resolver.confirmed(ip_address("192.0.2.8"), DOMAINS) is False


@pytest.mark.parametrize("code", [SERVFAIL, REFUSED])
async def test_a_server_that_fails_says_nothing(dns: ScriptedDns, resolver: Resolver, code: int) -> None:
    dns.failing["7.2.0.192.in-addr.arpa"] = code
    assert await resolver.confirmed(V4, DOMAINS) is None
    dns.name("192.0.2.8", "crawl-8.seek.example")
    dns.failing["crawl-8.seek.example"] = code
    assert await resolver.confirmed(ip_address("192.0.2.8"), DOMAINS) is None


async def test_one_name_that_nobody_can_tell_of_leaves_it_open(dns: ScriptedDns, resolver: Resolver) -> None:
    dns.name("192.0.2.7", "a.seek.example", "b.seek.example")
    dns.failing["a.seek.example"] = SERVFAIL
    dns.host("b.seek.example", "192.0.2.99")
    assert await resolver.confirmed(V4, DOMAINS) is None
    dns.name("192.0.2.8", "a.seek.example", "c.seek.example")
    dns.host("c.seek.example", "192.0.2.8")
    assert await resolver.confirmed(ip_address("192.0.2.8"), DOMAINS) is True


async def test_a_silent_server_says_nothing_in_bounded_time(dns: ScriptedDns, resolver: Resolver) -> None:
    dns.quiet = True
    began = time.monotonic()
    assert await resolver.confirmed(V4, DOMAINS) is None
    assert time.monotonic() - began < 2.0


async def test_a_server_that_is_not_there_says_nothing() -> None:
    resolver = Resolver([f"127.0.0.1:{free_port()}"], 1.0)
    assert await resolver.confirmed(V4, DOMAINS) is None
    assert await resolver.names(V4) is None
    await resolver.close()


async def test_no_more_names_are_confirmed_than_a_crawler_has(dns: ScriptedDns, resolver: Resolver) -> None:
    dns.name("192.0.2.7", *[f"c{number}.seek.example" for number in range(12)])
    assert await resolver.confirmed(V4, DOMAINS) is False
    assert len(dns.asked) == 1 + MAX_NAMES


async def test_names_can_be_listed(dns: ScriptedDns, resolver: Resolver) -> None:
    dns.name("192.0.2.7", "One.example", "two.example")
    assert await resolver.names(V4) == ["one.example", "two.example"]
    assert await resolver.names(V6) == []


async def test_a_channel_is_replaced_before_it_remembers_too_much(
    dns: ScriptedDns, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botproxy.bots.verifying.names.MAX_QUERIES", 3)
    first = resolver._dns
    for number in range(1, 9):
        dns.name(f"192.0.2.{number}", f"c{number}.seek.example")
        dns.host(f"c{number}.seek.example", f"192.0.2.{number}")
    found = await asyncio.gather(*(resolver.confirmed(ip_address(f"192.0.2.{n}"), DOMAINS) for n in range(1, 9)))
    assert found == [True] * 8
    assert resolver._dns is not first
    assert resolver._retired


def test_a_server_that_is_no_address_is_refused() -> None:
    async def make() -> None:
        Resolver(["no-address"], 1.0)

    with pytest.raises(ValueError, match="no-address"):
        asyncio.run(make())


@pytest.mark.parametrize(
    ("name", "domain", "expected"),
    [
        ("seek.example", "seek.example", True),
        ("a.b.seek.example", "seek.example", True),
        ("aseek.example", "seek.example", False),
        ("seek.example.net", "seek.example", False),
        ("rate-limited-proxy-1-2.google.com", "rate-limited-proxy-*.google.com", True),
        ("rate-limited-proxy-.google.com", "rate-limited-proxy-*.google.com", False),
        ("x.rate-limited-proxy-1.google.com", "rate-limited-proxy-*.google.com", False),
        ("rate-limited-proxy-1.x.google.com", "rate-limited-proxy-*.google.com", False),
        ("evil.google.com", "rate-limited-proxy-*.google.com", False),
        ("a-1-b-2-c.example.com", "a-*-b-*-c.example.com", True),
        ("a-1-c.example.com", "a-*-b-*-c.example.com", False),
        ("com", "*.com", False),
    ],
)
def test_a_name_lies_within_a_domain_or_not(name: str, domain: str, expected: bool) -> None:
    assert within(name, (domain,)) is expected


async def test_dnsmasq_says_the_same(part: Callable[[str], str]) -> None:
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        part("dnsmasq"), "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", f"--port={port}",
        "--listen-address=127.0.0.1", "--bind-interfaces", "--pid-file=", "--user=",
        "--host-record=crawl.seek.example,192.0.2.7,2001:db8::7",
        "--ptr-record=8.2.0.192.in-addr.arpa,crawl.seek.example",
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    resolver = Resolver([f"127.0.0.1:{port}"], 5.0)
    try:
        async with asyncio.timeout(30):
            while not await resolver.names(V4):  # noqa: ASYNC110 - until it has begun
                await asyncio.sleep(0.05)
        assert await resolver.confirmed(V4, DOMAINS) is True
        assert await resolver.confirmed(V6, DOMAINS) is True
        assert await resolver.confirmed(ip_address("192.0.2.8"), DOMAINS) is False, "its own PTR, no forward record"
        server.kill()
        await server.wait()
        assert await resolver.confirmed(V4, DOMAINS) is None
    finally:
        await resolver.close()
        if server.returncode is None:
            server.kill()
            await server.wait()
