"""JA3 and JA4 against published vectors, recorded clients, and the words of the specification."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.tls import ClientHello, fingerprints, ja3, ja3_text, ja4, parse_client_hello
from botproxy.tls.fingerprints import GREASE
from tests.tls.building import alpn, hello, server_name, shorts, versions

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "clienthello_ja3_ja4.json"
CLIENTS = Path(__file__).resolve().parents[1] / "data" / "client_hellos.jsonl"


def test_every_published_vector_is_met() -> None:
    if not REFERENCE.exists():
        pytest.skip("no ../shared/data")
    vectors: list[dict[str, Any]] = json.loads(REFERENCE.read_text())["vectors"]
    assert len(vectors) >= 78
    for vector in vectors:
        read = parse_client_hello(bytes.fromhex(vector["records_hex"]))
        assert ja4(read) == vector["ja4_foxio_rust"]
        assert ja3(read) == vector.get("ja3_md5_salesforce", vector["ja3_md5_ref"])
        assert ja3_text(read) == vector.get("ja3_salesforce", vector["ja3_ref"])


def recorded() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CLIENTS.read_text().splitlines()] if CLIENTS.exists() else []


@pytest.mark.parametrize("vector", recorded(), ids=lambda vector: vector["client"])
def test_every_recorded_client_keeps_its_fingerprint(vector: dict[str, Any]) -> None:
    """One JA4 for each client, over several connections; JA3 as recorded, since browsers shuffle."""
    for records, expected in zip(vector["records"], vector["ja3"], strict=True):
        read = parse_client_hello(bytes.fromhex(records))
        assert (ja3(read), ja4(read)) == (expected, vector["ja4"])


def fingerprint(*extensions: tuple[int, bytes], ciphers: tuple[int, ...] = (0x1301,), version: int = 0x0303) -> str:
    return ja4(parse_client_hello(hello(ciphers, extensions, version)))


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("extension", "legacy", "shown"),
    [
        (versions(0x0303, 0x0304), 0x0303, "13"),
        (versions(0x1A1A, 0x0303), 0x0303, "12"),
        (versions(0x1A1A), 0x0302, "11"),
        (versions(0x0302, 0x0301), 0x0303, "11"),
        ((21, b""), 0x0301, "10"),
        ((21, b""), 0x0300, "s3"),
        ((21, b""), 0x0002, "s2"),
        (versions(0x7F1C), 0x0303, "00"),
    ],
)
def test_version_is_the_highest_that_is_supported(extension: tuple[int, bytes], legacy: int, shown: str) -> None:
    assert fingerprint(extension, version=legacy)[1:3] == shown


@pytest.mark.parametrize(
    ("protocols", "shown"),
    [
        ((b"h2", b"http/1.1"), "h2"),
        ((b"http/1.1",), "h1"),
        ((b"h",), "hh"),
        ((b"\xab",), "ab"),
        ((b"\xab\xcd",), "ad"),
        ((b"\x30\xab",), "3b"),
        ((b"\x30\x31\xab\xcd",), "3d"),
        ((b"\x30\xab\xcd\x31",), "01"),
        ((b"\x6a\x6a", b"h2"), "h2"),
        ((b"\x6a\x6a",), "00"),
    ],
)
def test_protocol_is_shown_by_its_ends(protocols: tuple[bytes, ...], shown: str) -> None:
    assert fingerprint(alpn(*protocols))[8:10] == shown


def test_names_and_protocols_are_told_and_kept_out_of_the_hash() -> None:
    with_both = fingerprint(server_name(b"a.test"), alpn(b"h2"), (23, b""), (5, b""))
    assert with_both.startswith("t12d0104h2_")
    assert with_both.endswith("_" + hashed("0005,0017"))
    assert fingerprint((23, b""), (5, b"")) == f"t12i010200_{hashed('1301')}_{hashed('0005,0017')}"


def test_signature_algorithms_keep_their_order() -> None:
    made = fingerprint((23, b""), (13, shorts(0x0804, 0x0403)))
    assert made.endswith("_" + hashed("000d,0017_0804,0403"))


def test_nothing_has_a_hash_of_zeros() -> None:
    assert fingerprint(server_name(b"a.test"), ciphers=(0x5A5A,)) == "t12d000100_000000000000_000000000000"
    assert ja4(parse_client_hello(hello((4,), None, 0x0301))).endswith("_000000000000")


def test_counts_end_at_99() -> None:
    many = tuple((1000 + number, b"") for number in range(120))
    assert fingerprint(*many, ciphers=tuple(range(1, 151)))[4:8] == "9999"


def test_ja3_without_extensions_keeps_its_commas() -> None:
    assert ja3_text(parse_client_hello(hello((4, 5), None, 0x0301))) == "769,4-5,,,"


def test_ja3_of_more_numbers_than_usual() -> None:
    read = parse_client_hello(hello(tuple(range(1, 101))))
    assert ja3_text(read) == "771," + "-".join(map(str, range(1, 101))) + ",,,"


grease = st.sampled_from(sorted(GREASE))
numbers = st.lists(st.integers(0, 0xFFFF).filter(lambda number: number not in GREASE), min_size=1, max_size=20)


@given(numbers, numbers, numbers, grease, st.integers(0, 20))
@settings(max_examples=100)
def test_grease_changes_nothing_wherever_it_stands(
    ciphers: list[int], groups: list[int], algorithms: list[int], value: int, at: int
) -> None:
    def greased(plain: list[int]) -> list[int]:
        where = at % (len(plain) + 1)
        return [*plain[:where], value, *plain[where:]]

    def made(change: Any, *more: tuple[int, bytes]) -> ClientHello:
        inside = [(10, shorts(*change(groups))), (13, shorts(*change(algorithms))), versions(*change([0x0304]))]
        return parse_client_hello(hello(change(ciphers), [*more, *inside]))

    assert fingerprints(made(greased, (value, b"\x00"))) == fingerprints(made(list))
