"""What listed peers say of a visitor's TLS and score in headers that the operator named."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from botproxy.addresses import NetworkSet
from botproxy.addresses.settings import VouchedSettings
from botproxy.model import Headers
from botproxy.proxy.vouched import NOTHING, Vouched, VouchedHeaders

LOOPBACK = NetworkSet([ip_network("127.0.0.0/8")])
NAMES = VouchedSettings(ja3="X-JA3", ja4="X-JA4", bot_score="CF-Bot-Score")
JA3 = "66918128f1b9b03303d77c6f2eefd128"
JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"
SAID = f"X-JA3: {JA3}\r\nx-ja4: {JA4}\r\nCf-Bot-Score: 27\r\n".encode()


def request(more: bytes = SAID, visitor: bytes = b"203.0.113.7") -> bytes:
    return b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: " + visitor + b"\r\nX-Own: 1\r\n" + more + b"\r\n"


async def test_a_listed_peer_is_believed_and_the_origin_is_not_told(rig, hello):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin, trusted=LOOPBACK, vouched=NAMES)
    for _ in range(2):  # parsed, and remembered
        await proxy.ask(request())
    for exchange in proxy.exchanges:
        assert exchange.client.text == "203.0.113.7"
        assert (exchange.client.tls.ja3, exchange.client.tls.ja4) == (JA3, JA4)
        assert exchange.client.peer_bot_score == 27
        assert set(exchange.request.headers.index) == {b"host", b"x-forwarded-for", b"x-own"}
    await proxy.ask(request(visitor=b"203.0.113.8"))  # of the same kind
    assert proxy.exchanges[2].client.tls.ja4 == JA4


async def test_nobody_else_is_believed(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), vouched=NAMES)
    await proxy.ask(request())
    (exchange,) = proxy.exchanges
    assert (exchange.client.tls, exchange.client.peer_bot_score) == (None, 0)
    assert set(exchange.request.headers.index) == {b"host", b"x-forwarded-for", b"x-own"}


async def test_without_names_nothing_is_believed(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), trusted=LOOPBACK)
    await proxy.ask(request())
    (exchange,) = proxy.exchanges
    assert (exchange.client.tls, exchange.client.peer_bot_score) == (None, 0)
    assert b"cf-bot-score" not in exchange.request.headers.index


async def test_a_peer_that_names_visitors_by_the_proxy_protocol_is_believed_when_it_is_listed(rig, hello):
    header = b"PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n"
    for trusted, ja4 in ((LOOPBACK, JA4), (None, "")):
        proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK, trusted=trusted, vouched=NAMES)
        await proxy.ask(header + request(visitor=b"198.51.100.1"))
        client = proxy.exchanges[0].client
        assert client.text == "203.0.113.7"
        assert (client.tls.ja4 if client.tls else "") == ja4


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([(b"X-JA4", JA4.encode())], Vouched(ja4=JA4)),
        ([(b"X_JA4", JA4.encode())], Vouched()),
        ([(b"X-JA3", JA3.upper().encode() + b" ")], Vouched(ja3=JA3)),
        ([(b"X-JA3", JA3.encode()[:-1])], Vouched()),
        ([(b"X-JA4", JA4.encode()), (b"x-ja4", JA4.encode())], NOTHING),
        ([(b"X-JA4", JA4.encode() + b"\xff")], Vouched()),
        ([(b"CF-Bot-Score", b"99")], Vouched(bot_score=99)),
        ([(b"CF-Bot-Score", b"0")], Vouched()),
        ([(b"CF-Bot-Score", b"100")], Vouched()),
        ([(b"CF-Bot-Score", b"1.5")], Vouched()),
    ],
)
def test_only_what_can_be_is_read(items: list[tuple[bytes, bytes]], expected: Vouched) -> None:
    names = VouchedHeaders(NAMES)
    found = names.among([(b"Host", b"a"), *items])
    assert len(found) == len(items)
    assert names.read(found) == expected


def test_without_names_it_is_nothing() -> None:
    assert not VouchedHeaders(VouchedSettings())
    assert VouchedHeaders(VouchedSettings(ja4="X-JA4"))
    assert Headers(()).kind == {}


@pytest.mark.parametrize("name", [b"X-JA4", b"x_ja4", b"X.JA4", b"x+ja4"])
async def test_no_spelling_of_these_names_reaches_the_origin(rig, hello, name):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin, vouched=NAMES)
    await proxy.ask(request(name + b": forged\r\n"))
    assert b"forged" not in origin.received
