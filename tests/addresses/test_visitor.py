"""Whose word about an address is taken."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.addresses import NetworkSet, canonical, client_address
from botproxy.addresses.visitor import parse_entry

LISTED = NetworkSet([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
PEER = ip_address("10.0.0.1")


@pytest.mark.parametrize(
    ("values", "hops", "expected"),
    [
        ([b"203.0.113.9"], 1, "203.0.113.9"),
        ([b"1.1.1.1, 203.0.113.9"], 1, "203.0.113.9"),
        ([b"1.1.1.1", b"203.0.113.9:4711"], 1, "203.0.113.9"),
        ([b"1.1.1.1, 203.0.113.9"], 2, "203.0.113.9"),
        ([b"203.0.113.9, 10.0.0.2"], 1, "10.0.0.2"),
        ([b"203.0.113.9, 10.0.0.2"], 2, "203.0.113.9"),
        ([b"[2001:db8::1]:443"], 1, "2001:db8::1"),
        ([b"::ffff:203.0.113.9"], 1, "203.0.113.9"),
        ([b"unknown"], 1, "10.0.0.1"),
        ([b"203.0.113.9, "], 1, "10.0.0.1"),
        ([b"\xa0203.0.113.9"], 1, "10.0.0.1"),
        ([], 1, "10.0.0.1"),
    ],
)
def test_listed_peers_vouch_for_as_many_hops_as_configured(values: list[bytes], hops: int, expected: str) -> None:
    assert client_address(PEER, values, [], LISTED, hops, False).text == expected


def test_a_stranger_vouches_for_nobody() -> None:
    peer = ip_address("192.0.2.1")
    assert client_address(peer, [b"203.0.113.9"], [b"https"], LISTED, 1, False) == (peer, "192.0.2.1", False)


def test_the_scheme_of_a_listed_peer_counts() -> None:
    assert client_address(PEER, [], [b"https"], LISTED, 1, False).secure
    assert not client_address(PEER, [], [b"http"], LISTED, 1, True).secure
    assert client_address(PEER, [], [b"wss"], LISTED, 1, True).secure


@pytest.mark.parametrize(
    "entry", [b"203.0.113.9", b"[2001:0DB8::0001]:443", b"2001:db8:0:0:0:0:0:1", b"::ffff:1.2.3.4"]
)
def test_the_text_is_that_of_the_address(entry: bytes) -> None:
    for _ in range(2):  # an entry that was read before gives the same
        found = client_address(PEER, [entry], [], LISTED, 1, False)
        assert found.text == str(found.address)


@pytest.mark.parametrize(
    "entry", [b"010.0.0.1", b"1.2.3", b"1.2.3.256", b"1.2.3.4.5", b"1" * 5000, b"1.2.3.4:", b"[1.2.3.4]x"]
)
def test_what_is_no_address_in_its_one_spelling_is_none(entry: bytes) -> None:
    assert parse_entry(entry) is None


def test_a_mapped_address_is_the_ipv4_address() -> None:
    assert canonical(ip_address("::ffff:10.0.0.1")) == PEER
    assert ip_address("::ffff:10.0.0.1") in LISTED
    assert ip_address("11.0.0.1") not in LISTED


@given(st.binary(max_size=60))
def test_any_entry_is_an_address_or_none(entry: bytes) -> None:
    parse_entry(entry)
