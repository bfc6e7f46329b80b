"""What is read out of a ClientHello, and what is refused."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from botproxy.tls import (
    HelloError,
    IncompleteHelloError,
    MalformedHelloError,
    bytes_wanted,
    fingerprints,
    parse_client_hello,
)
from tests.tls.building import alpn, body, hello, message, records, server_name, shorts, versions

FULL = [
    (0x1A1A, b""),
    server_name(b"WWW.Example.Test."),
    (10, shorts(0x2A2A, 29, 23)),
    (11, b"\x01\x00"),
    (13, shorts(0x0403, 0x0804)),
    alpn(b"h2", b"http/1.1"),
    versions(0x3A3A, 0x0304, 0x0303),
    (65281, b"\x00"),
]


def test_every_part_is_read_as_it_was_sent() -> None:
    read = parse_client_hello(hello((0x0A0A, 0x1301, 0xC02B), FULL))
    assert read.version == 0x0303
    assert read.random == bytes(range(32))
    assert read.cipher_suites == (0x0A0A, 0x1301, 0xC02B)
    assert read.extensions == (0x1A1A, 0, 10, 11, 13, 16, 43, 65281)
    assert read.server_name == "www.example.test"
    assert read.groups == (0x2A2A, 29, 23)
    assert read.point_formats == (0,)
    assert read.signature_algorithms == (0x0403, 0x0804)
    assert read.alpn == (b"h2", b"http/1.1")
    assert read.versions == (0x3A3A, 0x0304, 0x0303)
    assert read.length == len(body((0x0A0A, 0x1301, 0xC02B), FULL))


def test_a_hello_without_extensions_is_read() -> None:
    read = parse_client_hello(hello((4, 5), None, version=0x0301))
    assert (read.version, read.cipher_suites, read.extensions, read.server_name) == (0x0301, (4, 5), (), "")


@pytest.mark.parametrize("name", [b"", b"a b", b"a\x00b", b"x" * 255, "ü.test".encode(), b"[::1]", b"a/b"])
def test_a_server_name_that_is_none_counts_as_absent(name: bytes) -> None:
    read = parse_client_hello(hello((0x1301,), [server_name(name)]))
    assert read.server_name == ""
    assert read.extensions == (0,)


BROKEN = [
    (0, b""),
    (0, b"\x00\x05\x00\x00\x09a"),
    (0, b"\x00\x09\x00\x00\x01a"),
    (10, b""),
    (10, b"\x00\x03\x00\x1d\x00"),
    (10, b"\x00\x08\x00\x1d"),
    (11, b""),
    (11, b"\x02\x00"),
    (13, b"\x00\x04\x04\x03"),
    (16, b"\x00"),
    (16, b"\x00\x03\x05h2"),
    (16, b"\x00\x01\x00"),
    (43, b""),
    (43, b"\x03\x03\x04\x03"),
    (43, b"\x02\x03\x04\x03\x03"),
]


@pytest.mark.parametrize("position", ["alone", "last"])
@pytest.mark.parametrize("extension", BROKEN)
def test_an_extension_that_does_not_fit_is_malformed(extension: tuple[int, bytes], position: str) -> None:
    before = [] if position == "alone" else [(21, b"\x00" * 40)]
    with pytest.raises(MalformedHelloError):
        parse_client_hello(hello((0x1301,), [*before, extension]))


def test_lengths_that_lead_out_of_the_hello_are_malformed() -> None:
    good = body((0x1301,), FULL)
    for at, value in ((34, 33), (34, 255), (35, 255), (36, 3), (36, 0), (36, 250)):
        with pytest.raises(MalformedHelloError):
            parse_client_hello(records(message(good[:at] + bytes((value,)) + good[at + 1 :])))
    for wrong in (good + b"\x00", good[:-1], good + pack(">HH", 21, 0)):
        with pytest.raises(MalformedHelloError):
            parse_client_hello(records(message(wrong)))


def test_more_extensions_than_anybody_has_are_malformed() -> None:
    with pytest.raises(MalformedHelloError, match="300 extensions"):
        parse_client_hello(hello((0x1301,), [(1000 + each, b"") for each in range(300)]))


def test_too_few_bytes_say_how_many_are_wanted() -> None:
    with pytest.raises(IncompleteHelloError) as caught:
        parse_client_hello(hello()[:20])
    assert caught.value.wanted == len(hello())


WHOLE = hello((0x0A0A, 0x1301, 0xC02B), FULL)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=400)
@example([(43, 5)])
def test_a_damaged_hello_is_read_or_gets_a_typed_error(damage: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for at, value in damage:
        data[at] = value
    try:
        read = parse_client_hello(bytes(data))
    except HelloError:
        return
    assert len(fingerprints(read).ja4) == 36


@given(
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=20)), max_size=12),
)
@settings(max_examples=300)
def test_any_inside_is_read_or_gets_a_typed_error(ciphers: list[int], extensions: list[tuple[int, bytes]]) -> None:
    whole = hello(ciphers, extensions)
    assert bytes_wanted(whole) == 0
    try:
        read = parse_client_hello(whole)
    except MalformedHelloError:
        return
    assert read.cipher_suites == tuple(ciphers)
    assert read.extensions == tuple(kind for kind, _ in extensions)
