from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.cookies.session import binding, decode, encode, renewed, started

CHROMIUM = "t13d1516h2_8daaf6152771_e5627efa2ab1"
WHOSE = binding(ip_address("192.0.2.1"), CHROMIUM, b"agent")


@given(st.binary(min_size=16, max_size=16), st.integers(0, 99), st.sampled_from([b"", WHOSE]))
def test_what_is_written_is_read_again(identity: bytes, score: int, bound: bytes) -> None:
    session = started(1_000.5, identity, score, bound)
    assert decode(encode(session)) == session


@given(st.binary(max_size=60))
def test_other_bytes_are_no_session_or_one_in_bounds(payload: bytes) -> None:
    session = decode(payload)
    assert session is None or (0 <= session.highest <= 99 and session.issued <= session.seen)


def test_a_cookie_of_the_release_before_is_read_and_lends_nothing() -> None:
    session = decode(struct.pack(">B16sQQB", 1, bytes(16), 1_000, 2_000, 80))
    assert session is not None
    assert (session.highest, session.bound) == (80, b"")


@pytest.mark.parametrize(
    ("address", "ja4", "agent", "same"),
    [
        ("192.0.2.200", CHROMIUM, b"agent", True),
        ("192.0.2.1", "t13d1517h2_8daaf6152771_b6f405a00624", b"agent", True),  # a resumed connection
        ("192.0.3.1", CHROMIUM, b"agent", False),
        ("192.0.2.1", "t13d1715h2_5b57614c22b0_3d5424432f57", b"agent", False),
        ("192.0.2.1", "", b"agent", False),
        ("192.0.2.1", CHROMIUM, b"agent2", False),
    ],
)
def test_a_session_is_of_a_network_a_tls_stack_and_a_user_agent(
    address: str, ja4: str, agent: bytes, same: bool
) -> None:
    assert (binding(ip_address(address), ja4, agent) == WHOSE) is same


def test_somebody_else_with_the_cookie_starts_anew() -> None:
    session = started(0.0, bytes(16), 90, WHOSE)
    assert renewed(session, 100.0, 40, WHOSE).highest == 90
    other = renewed(session, 100.0, 40, b"somebody")
    assert (other.highest, other.bound, other.id) == (40, b"somebody", session.id)
