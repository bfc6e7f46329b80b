"""Headers of the PROXY protocol, byte by byte. What a real HAProxy sends is tried in `test_accepting_haproxy`."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Tls
from botproxy.proxy.proxy_protocol import (
    MAX_HEADER,
    IncompleteProxyHeaderError,
    Proxied,
    ProxyHeaderError,
    crc32c,
    parse_proxy_header,
)

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n"


def value(kind: int, data: bytes) -> bytes:
    return pack(">BH", kind, len(data)) + data


def binary(addresses: bytes, values: bytes = b"", family: int = 0x11, command: int = 0x21) -> bytes:
    return SIGNATURE + pack(">BBH", command, family, len(addresses) + len(values)) + addresses + values


FOUR = ip_address("203.0.113.7").packed + ip_address("192.0.2.1").packed + pack(">HH", 51234, 443)
SIX = ip_address("2001:db8::7").packed + ip_address("2001:db8::1").packed + pack(">HH", 51234, 443)
SSL = value(0x20, b"\x01\x00\x00\x00\x00" + value(0x21, b"TLSv1.3") + value(0x23, b"TLS_AES_128_GCM_SHA256"))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (V1, (IPv4Address("203.0.113.7"), 51234)),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 51234 443\r\n", (IPv6Address("2001:db8::7"), 51234)),
        (b"PROXY TCP6 ::ffff:203.0.113.7 ::1 1 0\r\n", (IPv4Address("203.0.113.7"), 1)),
        (b"PROXY UNKNOWN\r\n", (None, 0)),
        (b"PROXY UNKNOWN ffff:f...f:ffff whatever 65535\r\n", (None, 0)),
        (binary(FOUR), (IPv4Address("203.0.113.7"), 51234)),
        (binary(SIX, family=0x21), (IPv6Address("2001:db8::7"), 51234)),
        (binary(FOUR, family=0x12), (IPv4Address("203.0.113.7"), 51234)),
        (binary(b"/run/a.sock".ljust(108, b"\0") * 2, family=0x31), (None, 0)),
        (binary(b"", family=0), (None, 0)),
        (binary(FOUR, command=0x20), (None, 0)),
        (binary(b"\xff" * 9, family=0x77, command=0x20), (None, 0)),
        (binary(FOUR, value(0x04, b"\0" * 20) + value(0xEE, b"own") + value(0x30, b"ns")),
         (IPv4Address("203.0.113.7"), 51234)),
    ],
)  # fmt: skip
def test_address_and_port_are_the_visitors(header: bytes, expected: tuple[object, int]) -> None:
    assert parse_proxy_header(header + b"\x16\x03\x01") == Proxied(len(header), *expected)


def test_tls_that_ended_in_front_is_told() -> None:
    said = parse_proxy_header(binary(FOUR, SSL + value(0x02, b"WWW.example.test") + value(0x01, b"h2")))
    assert said.tls == Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256")
    assert said.authority == "www.example.test"
    assert said.alpn == b"h2"


def test_a_visitor_without_tls_has_none() -> None:
    assert parse_proxy_header(binary(FOUR, value(0x20, b"\x00\x00\x00\x00\x01"))).tls is None


def test_text_that_is_no_text_counts_as_absent() -> None:
    odd = value(0x20, b"\x01\x00\x00\x00\x00" + value(0x21, b"TLS\nv1") + value(0x23, b"\xff" * 3))
    said = parse_proxy_header(binary(FOUR, odd + value(0x02, b"a" * 300)))
    assert (said.tls, said.authority) == (Tls("", ""), "")


def test_checksum_is_verified_when_there_is_one() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the usual check value
    blank = binary(FOUR, value(0x03, b"\0\0\0\0") + SSL)
    at = blank.index(value(0x03, b"\0\0\0\0")) + 3
    whole = blank[:at] + pack(">I", crc32c(blank)) + blank[at + 4 :]
    assert parse_proxy_header(whole).port == 51234
    with pytest.raises(ProxyHeaderError, match="checksum"):
        parse_proxy_header(whole[:-1] + b"X")
    with pytest.raises(ProxyHeaderError, match="checksum"):
        parse_proxy_header(binary(FOUR, value(0x03, b"\0\0\0")))


@pytest.mark.parametrize("header", [V1, b"PROXY UNKNOWN\r\n", binary(FOUR, SSL), binary(SIX, family=0x21)])
def test_what_is_wanted_is_never_too_much_and_always_more(header: bytes) -> None:
    for have in range(len(header)):
        with pytest.raises(IncompleteProxyHeaderError) as caught:
            parse_proxy_header(header[:have])
        assert have < caught.value.wanted <= len(header)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01\x00",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 51234\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 51234 443 1\r\n",
        b"PROXY TCP4 203.0.113.07 192.0.2.1 51234 443\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
        b"PROXY TCP6 203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 65536 443\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 +1 443\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 01 443\r\n",
        b"PROXY TCP4 203.0.113.7 192.0.2.1 1 \xb2\r\n",
        b"PROXY UDP4 203.0.113.7 192.0.2.1 1 2\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4 203.0.113.7" + b" " * 100,
        binary(FOUR, command=0x11),
        binary(FOUR, command=0x22),
        binary(FOUR, family=0x13),
        binary(FOUR[:-1]),
        binary(FOUR, family=0x21),
        binary(FOUR, b"\x20\x00"),
        binary(FOUR, b"\x20\x00\x09abc"),
        binary(FOUR, value(0x20, b"\x01\x00")),
        binary(FOUR, value(0x20, b"\x01\x00\x00\x00\x00" + b"\x21\x00\x08TLS")),
        SIGNATURE + pack(">BBH", 0x21, 0x11, MAX_HEADER),
    ],
)
def test_what_is_no_header_is_refused(data: bytes) -> None:
    with pytest.raises(ProxyHeaderError) as caught:
        parse_proxy_header(data)
    assert not isinstance(caught.value, IncompleteProxyHeaderError)


@given(st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=120).map(lambda tail: b"PROXY TCP4 " + tail),
    st.builds(binary, st.binary(max_size=40), st.binary(max_size=60), st.sampled_from([0, 0x11, 0x21, 0x31])),
    st.binary(max_size=60).map(lambda inner: binary(FOUR, value(0x20, inner))),
))  # fmt: skip
@settings(max_examples=400)
def test_any_bytes_are_a_header_or_get_a_typed_error(data: bytes) -> None:
    try:
        said = parse_proxy_header(data)
    except IncompleteProxyHeaderError as problem:
        assert problem.wanted > len(data)  # noqa: PT017
        assert problem.wanted <= MAX_HEADER  # noqa: PT017
    except ProxyHeaderError:
        return
    else:
        assert 0 < said.length <= len(data)
