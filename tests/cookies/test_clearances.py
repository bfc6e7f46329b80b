"""Where a clearance holds, and for how long: both families of addresses, one node, and what an operator took back."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.cookies import Jar, KeyRing, Revocation, Revocations, Settings, node_number, with_js, with_level
from botproxy.cookies.clearance import decode, encode
from botproxy.cookies.revocations import read_revocation, revocation
from botproxy.errors import OperatorError
from botproxy.model import Clearance, ClearanceLevel, Headers

NOW = 1_800_000_000.0
RING = KeyRing([b"k" * 16 + b"0123456789abcdef"])
AGENT = (b"User-Agent", b"Browser/1")
V4, V6 = ip_address("192.0.2.7"), ip_address("2001:db8::7")
RAY = "ab" * 8
SOLVED = with_level(None, ClearanceLevel.MANAGED, NOW + 1800, RAY, NOW)


def carrying(cookie: bytes) -> Headers:
    return Headers((AGENT, (b"Cookie", cookie.split(b";")[0])))


def test_who_has_two_families_of_addresses_solves_once_for_each_and_keeps_both() -> None:
    jar = Jar(RING, "z", Settings())
    first = jar.clearance_cookie(SOLVED, Headers((AGENT,)), V4, NOW, True)
    assert jar.clearance(carrying(first), V6, NOW) is None
    second = jar.clearance_cookie(SOLVED, carrying(first), V6, NOW, True)
    for address in (V4, V6):
        assert jar.clearance(carrying(second), address, NOW) is not None


def test_one_family_never_holds_two_addresses() -> None:
    jar = Jar(RING, "z", Settings())
    first = jar.clearance_cookie(SOLVED, Headers((AGENT,)), V4, NOW, True)
    moved = ip_address("198.51.100.9")
    second = jar.clearance_cookie(SOLVED, carrying(first), moved, NOW, True)
    assert jar.clearance(carrying(second), moved, NOW) is not None
    assert jar.clearance(carrying(second), V4, NOW) is None


def test_what_another_address_solved_cheaply_is_not_lifted_by_a_dearer_one() -> None:
    jar = Jar(RING, "z", Settings())
    cheap = with_level(None, ClearanceLevel.JS, NOW + 1800, RAY, NOW)
    first = jar.clearance_cookie(cheap, Headers((AGENT,)), V4, NOW, True)
    second = jar.clearance_cookie(SOLVED, carrying(first), V6, NOW, True)
    assert jar.clearance(carrying(second), V4, NOW) is None


def test_neither_a_report_nor_a_lower_level_takes_anything_away() -> None:
    jar = Jar(RING, "z", Settings())
    cookie = jar.clearance_cookie(SOLVED, Headers((AGENT,)), V4, NOW, True)
    held = jar.clearance(carrying(cookie), V4, NOW)
    assert held is not None
    reported = with_js(held, True, NOW + 900, "cd" * 8)
    again = jar.clearance(carrying(jar.clearance_cookie(reported, carrying(cookie), V4, NOW, True)), V4, NOW)
    assert again == reported
    assert (again.level, again.expires, again.issued) == (held.level, held.expires, held.issued)


def test_a_clearance_for_one_node_counts_there_alone_and_without_grace() -> None:
    here, there = node_number(b"one"), node_number(b"two")
    alone = with_level(None, ClearanceLevel.JS, NOW + 300, RAY, NOW, here)
    at_home, elsewhere = Jar(RING, "z", Settings(), node=here), Jar(RING, "z", Settings(), node=there)
    cookie = at_home.clearance_cookie(alone, Headers((AGENT,)), V4, NOW, True)
    assert at_home.clearance(carrying(cookie), V4, NOW + 299) is not None
    assert at_home.clearance(carrying(cookie), V4, NOW + 300, script=True) is None
    assert elsewhere.clearance(carrying(cookie), V4, NOW) is None


@pytest.mark.parametrize(
    ("kind", "value", "hit"),
    [
        ("ray", RAY, True),
        ("ray", RAY.upper() + "-BER", True),
        ("ray", "cd" * 8, False),
        ("zone", "z", True),
        ("zone", "y", False),
        ("ip", "192.0.2.7", True),
        ("ip", "192.0.2.0/24", True),
        ("ip", "192.0.2.8", False),
        ("ip", "2001:db8::/32", False),
    ],
)
def test_what_was_taken_back_no_longer_counts(kind: str, value: str, hit: bool) -> None:
    table = Revocations()
    jar = Jar(RING, "z", Settings(), revocations=table)
    cookie = jar.clearance_cookie(SOLVED, Headers((AGENT,)), V4, NOW, True)
    assert jar.clearance(carrying(cookie), V4, NOW) is not None
    said = read_revocation(revocation(kind, value, NOW + 1).encode())  # type: ignore[arg-type]
    assert said is not None
    table.learn(said)
    assert (jar.clearance(carrying(cookie), V4, NOW + 2) is None) is hit


@pytest.mark.parametrize("skew", [-3.0, 0.0, 3.0])
def test_a_challenge_solved_afterwards_counts_whatever_the_clocks_say(skew: float) -> None:
    table = Revocations()
    table.learn(revocation("zone", "z", NOW))
    jar = Jar(RING, "z", Settings(), revocations=table)
    later = with_level(None, ClearanceLevel.JS, NOW + 1800, RAY, NOW + skew)
    cookie = jar.clearance_cookie(later, Headers((AGENT,)), V4, NOW + skew, True)
    assert jar.clearance(carrying(cookie), V4, NOW + skew) is not None


def test_a_new_challenge_does_not_revive_what_was_taken_back_elsewhere() -> None:
    table = Revocations()
    jar = Jar(RING, "z", Settings(), revocations=table)
    first = jar.clearance_cookie(SOLVED, Headers((AGENT,)), V4, NOW, True)
    table.learn(revocation("zone", "z", NOW + 1))
    after = with_level(None, ClearanceLevel.MANAGED, NOW + 1800, "cd" * 8, NOW + 2)
    second = jar.clearance_cookie(after, carrying(first), V6, NOW + 2, True)
    assert jar.clearance(carrying(second), V6, NOW + 2) is not None
    assert jar.clearance(carrying(second), V4, NOW + 2) is None


@pytest.mark.parametrize(
    ("kind", "value"), [("ray", "xyz"), ("ray", ""), ("ip", "shop.example"), ("ip", ""), ("zone", "")]
)
def test_what_cannot_be_taken_back_is_said(kind: str, value: str) -> None:
    with pytest.raises(OperatorError):
        revocation(kind, value, NOW)  # type: ignore[arg-type]


@given(st.binary(max_size=80))
def test_any_bytes_are_a_clearance_or_none(payload: bytes) -> None:
    found = decode(payload)
    assert found is None or decode(encode(found)) == found


@given(st.binary(max_size=80))
def test_any_notice_is_a_revocation_or_none(body: bytes) -> None:
    found = read_revocation(body)
    assert found is None or isinstance(found, Revocation)


@given(st.ip_addresses(), st.integers(0, 128), st.ip_addresses())
def test_networks_are_told_as_the_standard_library_tells_them(base: object, length: int, other: object) -> None:
    network = ip_network(f"{base}/{min(length, base.max_prefixlen)}", strict=False)  # type: ignore[attr-defined]
    table = Revocations()
    table.learn(revocation("ip", str(network), NOW))
    clearance = Clearance(ClearanceLevel.JS, NOW + 10, None, 0.0, RAY, NOW - 1)
    for address in (base, other):
        inside = address.version == network.version and address in network  # type: ignore[attr-defined]
        assert table.revoked(clearance, "z", address) is inside  # type: ignore[arg-type]
