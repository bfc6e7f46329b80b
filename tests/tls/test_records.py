"""How much of a ClientHello is missing, however it was cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.tls import (
    MAX_HELLO,
    MalformedHelloError,
    OversizedHelloError,
    bytes_wanted,
    parse_client_hello,
)
from botproxy.tls.records import MAX_RECORDS
from tests.tls.building import body, hello, message, records

WHOLE = hello((0x1301, 0x1302), [(21, b"\x00" * 200)])


def test_a_whole_hello_wants_nothing_more() -> None:
    assert bytes_wanted(WHOLE) == 0
    assert bytes_wanted(WHOLE + b"\x14\x03\x03\x00\x01\x01") == 0


@pytest.mark.parametrize("size", [1 << 14, 100, 7])
def test_what_is_wanted_is_never_too_much_and_always_more(size: int) -> None:
    whole = records(message(body((0x1301, 0x1302), [(21, b"\x00" * 200)])), size)
    for have in range(len(whole)):
        wanted = bytes_wanted(whole[:have])
        assert have < wanted <= len(whole)


@given(st.integers(1, 400))
@settings(max_examples=60)
def test_any_cut_into_records_reads_the_same(size: int) -> None:
    whole = message(body((0x1301, 0x1302), [(21, b"\x00" * 200)]))
    cut = records(whole, size)
    if -(-len(whole) // size) > MAX_RECORDS:
        with pytest.raises(OversizedHelloError):
            parse_client_hello(cut)
    else:
        assert parse_client_hello(cut) == parse_client_hello(WHOLE)


def test_looks_needed_for_a_hello_of_the_smallest_records_are_bounded() -> None:
    """Each look costs; a sender who cuts finely must not buy many of them."""
    cut = records(message(body((0x1301,), [(21, b"\x00" * 4000)])), 1)
    have = 0
    for _ in range(2 * MAX_RECORDS):
        try:
            have = bytes_wanted(cut[:have])
        except OversizedHelloError:
            return
    pytest.fail("it may go on")


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x80\x2e\x01\x00\x02",  # SSL 2
        b"\x15\x03\x01\x00\x02\x01\x00",  # an alert
        b"\x16\x02\x01\x00\x80",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x40\x01",
        b"\x16\x03\x01\x00\x80\x02",  # ServerHello
        b"\x16\x03\x01\x00\x80\x01\x00\x00\x10",  # shorter than any hello
        b"\x00",
    ],
)
def test_what_begins_as_something_else_is_told_at_once(start: bytes) -> None:
    with pytest.raises(MalformedHelloError):
        bytes_wanted(start)


def test_a_hello_that_announces_too_much_is_refused_before_it_is_here() -> None:
    with pytest.raises(OversizedHelloError):
        bytes_wanted(b"\x16\x03\x01\x40\x00\x01\x00\x50\x00")
    large = hello((0x1301,), [(21, b"\x00" * 5000)])
    with pytest.raises(OversizedHelloError):
        bytes_wanted(large[:64], limit=4096)
    assert bytes_wanted(large) == 0


def test_the_limit_counts_all_records_and_their_headers() -> None:
    cut = records(message(body((0x1301,), [(21, b"\x00" * 16200)])), 300)
    assert len(cut) > MAX_HELLO
    with pytest.raises(OversizedHelloError):
        parse_client_hello(cut)


@given(st.binary(max_size=600))
@settings(max_examples=300)
def test_any_bytes_are_whole_or_get_a_typed_error(data: bytes) -> None:
    try:
        wanted = bytes_wanted(data)
    except (MalformedHelloError, OversizedHelloError):
        return
    assert wanted == 0 or len(data) < wanted <= MAX_HELLO
