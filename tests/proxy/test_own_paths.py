"""The limiter of our own paths."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from botproxy.proxy.own_paths import CDN_CGI, OwnPathLimiter, OwnPaths

A, B, C = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3))


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    limiter = OwnPathLimiter(rate=1.0, burst=2.0)
    assert [limiter.allow(A, 0.0) for _ in range(3)] == [True, True, False]
    assert limiter.allow(B, 0.0)
    assert limiter.allow(A, 1.0)
    assert not limiter.allow(A, 1.0)


def test_a_full_table_forgets_who_asked_longest_ago() -> None:
    limiter = OwnPathLimiter(rate=0.0, burst=1.0, size=2)
    assert limiter.allow(A, 0.0)
    assert limiter.allow(B, 0.0)
    assert limiter.allow(C, 0.0)
    assert not limiter.allow(C, 0.0)
    assert limiter.allow(A, 0.0)


def test_addresses_of_one_ipv6_network_share_what_they_may_ask() -> None:
    limiter = OwnPathLimiter(rate=0.001, burst=1.0)
    assert limiter.allow(ip_address("2001:db8::1"), 0.0)
    assert not limiter.allow(ip_address("2001:db8::ffff:1"), 0.0)
    assert limiter.allow(ip_address("2001:db8:0:1::1"), 0.0)


@pytest.mark.parametrize("path", [b"/bot-cgi/x", b"/BOT-CGI/x", b"//bot-cgi%2fx", b"/%2fbot-cgi;", b"/cdn-cgi/x"])
def test_another_prefix_is_ours_in_any_spelling_and_so_is_the_usual_one(path: bytes) -> None:
    assert OwnPaths("/bot-cgi/").own(path)
    assert CDN_CGI.own(path) == path.startswith(b"/cdn")


@pytest.mark.parametrize("path", [b"/bot-cgix/", b"/x/bot-cgi/", b"/botxcgi/", b"/b", b"/"])
def test_paths_of_the_site_stay_its_own(path: bytes) -> None:
    assert not OwnPaths("/bot-cgi/").own(path)


def test_routes_are_known_under_another_prefix() -> None:
    paths = OwnPaths("/bot-cgi/")
    assert paths.original(b"/bot-cgi/challenge-platform/x") == b"/cdn-cgi/challenge-platform/x"
    assert paths.original(b"/BOT-CGI/x") == b"/BOT-CGI/x"
    assert CDN_CGI.original(b"/cdn-cgi/x") == b"/cdn-cgi/x"
