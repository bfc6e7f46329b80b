"""Addresses to listen on."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.aio import Endpoint, listen, parse_endpoint


@pytest.mark.parametrize(
    ("text", "endpoint", "loopback"),
    [
        ("127.0.0.1:80", Endpoint("127.0.0.1", 80), True),
        ("127.8.0.1:80", Endpoint("127.8.0.1", 80), True),
        ("[::1]:443", Endpoint("::1", 443), True),
        ("localhost:1", Endpoint("localhost", 1), True),
        (":0", Endpoint("", 0), False),
        ("*:8080", Endpoint("", 8080), False),
        ("0.0.0.0:8080", Endpoint("0.0.0.0", 8080), False),
        ("[::]:8080", Endpoint("::", 8080), False),
        ("example.com:65535", Endpoint("example.com", 65535), False),
    ],
)
def test_an_address_is_read(text: str, endpoint: Endpoint, loopback: bool) -> None:
    assert parse_endpoint(text) == endpoint
    assert endpoint.loopback is loopback


@pytest.mark.parametrize(
    "text",
    ["", "80", "127.0.0.1", "127.0.0.1:", "a:65536", "a:+1", "a:1_0", "::1:80", "[::1", "[x]:80", "http://a:80", "a:٣"],
)
def test_an_address_that_is_none_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|brackets"):
        parse_endpoint(text)


@given(st.text(max_size=40))
def test_any_text_gives_an_endpoint_or_a_clean_error(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except ValueError:
        return
    assert 0 <= endpoint.port <= 65535
    assert parse_endpoint(str(endpoint)) == endpoint


def test_listening_on_every_address_takes_both_families() -> None:
    bound = listen(Endpoint("", 0))
    port = bound.getsockname()[1]
    with bound:
        assert not bound.get_inheritable()
        assert not bound.getblocking()
        for host in ("127.0.0.1", "::1") if socket.has_dualstack_ipv6() else ("127.0.0.1",):
            socket.create_connection((host, port)).close()


def test_an_address_that_is_taken_is_an_os_error() -> None:
    with listen(Endpoint("127.0.0.1", 0)) as bound, pytest.raises(OSError, match="in use"):
        listen(Endpoint("127.0.0.1", bound.getsockname()[1]))
