"""Sealed cookies: what opens, what does not, and that nothing a client sends raises."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.cookies import (
    Jar,
    KeyRing,
    Sealer,
    Settings,
    check_cookie_domain,
    new_secret,
    pack_fields,
    read_cookie,
    started,
    unpack_fields,
    with_js,
    with_level,
)
from botproxy.errors import OperatorError
from botproxy.model import ClearanceLevel, Headers

RING = KeyRing([b"k" * 32])
HERE = ip_address("192.0.2.1")
AGENT = (b"User-Agent", b"Mozilla/5.0")
NOW = 1_800_000_000.0


def carrying(cookie: bytes, agent: tuple[bytes, bytes] = AGENT) -> Headers:
    return Headers((agent, (b"Cookie", b"a=b; " + cookie.split(b";")[0])))


def test_a_session_lives_as_long_as_half_an_hour_of_silence_does_not_pass() -> None:
    jar = Jar(RING, "z", Settings())
    headers = carrying(jar.session_cookie(started(NOW, bytes(16)), True))
    assert jar.session(headers, NOW + 1799) is not None
    assert jar.session(headers, NOW + 1800) is None
    assert Jar(RING, "other", Settings()).session(headers, NOW) is None


def test_a_clearance_is_bound_to_address_user_agent_and_zone() -> None:
    jar = Jar(RING, "z", Settings())
    held = with_level(None, ClearanceLevel.JS, NOW + 1800, "ab" * 8, NOW)
    cookie = jar.clearance_cookie(held, Headers((AGENT,)), HERE, NOW, True)
    assert jar.clearance(carrying(cookie), HERE, NOW) == held._replace(homes=(HERE.packed,))
    assert jar.clearance(carrying(cookie), ip_address("192.0.2.2"), NOW) is None
    assert jar.clearance(carrying(cookie, (b"User-Agent", b"curl")), HERE, NOW) is None
    assert Jar(RING, "y", Settings()).clearance(carrying(cookie), HERE, NOW) is None
    assert jar.clearance(carrying(cookie), HERE, NOW + 3000) is None
    assert jar.clearance(carrying(cookie), HERE, NOW + 3000, script=True) is not None


def test_a_cookie_that_opened_before_is_judged_anew_each_time() -> None:
    """Opening is remembered; age, address, user agent and zone are asked about every time."""
    jar = Jar(RING, "z", Settings())
    session = jar.session_cookie(started(NOW, bytes(16)), True)
    held = with_level(None, ClearanceLevel.JS, NOW + 1800, "ab" * 8, NOW)
    clearance = jar.clearance_cookie(held, Headers((AGENT,)), HERE, NOW, True)
    for _ in range(4):
        assert jar.session(carrying(session), NOW) is not None
        assert jar.clearance(carrying(clearance), HERE, NOW) == held._replace(homes=(HERE.packed,))
    assert jar.session(carrying(session), NOW + 1800) is None
    assert jar.clearance(carrying(clearance), ip_address("192.0.2.2"), NOW) is None
    assert jar.clearance(carrying(clearance, (b"User-Agent", b"curl")), HERE, NOW) is None
    assert jar.clearance(carrying(clearance), HERE, NOW + 3000) is None
    assert Jar(RING, "y", Settings()).session(carrying(session), NOW) is None


def test_a_planted_cookie_in_front_locks_nobody_out() -> None:
    jar = Jar(RING, "z", Settings())
    cookie = jar.session_cookie(started(NOW, bytes(16)), True).split(b";")[0]
    assert jar.session(Headers(((b"Cookie", b"__cf_bm=planted; " + cookie),)), NOW) is not None


def test_writing_one_part_leaves_the_other() -> None:
    held = with_level(None, ClearanceLevel.INTERACTIVE, NOW + 100, "ab" * 8, NOW)
    both = with_js(held, True, NOW + 900, "cd" * 8)
    assert (both.level, both.expires) == (held.level, held.expires)
    lower = with_level(both, ClearanceLevel.JS, NOW + 9, "ef" * 8, NOW)
    assert lower == both


def test_rotated_out_secrets_still_open_and_strangers_do_not() -> None:
    old = Sealer(KeyRing([b"a" * 32]), "p", "z").seal(b"x").encode()
    assert Sealer(KeyRing([b"b" * 32, b"a" * 32]), "p", "z").open(old) == b"x"
    assert Sealer(KeyRing([b"b" * 32]), "p", "z").open(old) is None
    assert Sealer(KeyRing([b"a" * 32]), "q", "z").open(old) is None


@given(st.binary(max_size=80), st.integers(0, 10_000), st.integers(1, 255))
def test_a_sealed_text_has_one_spelling_and_no_byte_can_change(payload: bytes, at: int, flip: int) -> None:
    sealer = Sealer(RING, "p", "z")
    text = bytearray(sealer.seal(payload).encode())
    assert sealer.open(bytes(text)) == payload
    text[at % len(text)] ^= flip
    assert sealer.open(bytes(text)) is None


@given(st.binary(max_size=200))
def test_any_cookie_header_is_as_good_as_none(line: bytes) -> None:
    jar = Jar(RING, "z", Settings())
    for value in (line, b"__cf_bm=" + line, b"cf_clearance=" + line):
        headers = Headers(((b"Cookie", value),))
        assert jar.session(headers, NOW) is None
        assert jar.clearance(headers, HERE, NOW) is None


@given(st.lists(st.binary(max_size=20), max_size=4))
def test_fields_come_back_and_never_run_together(fields: list[bytes]) -> None:
    packed = pack_fields(*fields)
    assert unpack_fields(packed, len(fields)) == tuple(fields)
    assert unpack_fields(packed + b"0", len(fields)) is None


def test_short_missing_and_repeated_secrets_are_refused() -> None:
    for secrets in ([], [b"short"], [b"k" * 32, b"k" * 32]):
        with pytest.raises(OperatorError):
            KeyRing(secrets)
    KeyRing.from_text(new_secret())


def test_cookie_names_match_whole_and_exactly() -> None:
    headers = Headers(((b"Cookie", b"x__cf_bm=1;__cf_bm=2; __CF_BM=3; __cf_bm = 4"),))
    assert read_cookie(headers, b"__cf_bm") == [b"2"]


def test_attributes_follow_the_scheme() -> None:
    jar = Jar(RING, "z", Settings())
    held = with_js(None, True, NOW + 900, "ab" * 8)
    https = jar.clearance_cookie(held, Headers((AGENT,)), HERE, NOW, True)
    http = jar.clearance_cookie(held, Headers((AGENT,)), HERE, NOW, False)
    assert https.endswith(b"HttpOnly; Secure; SameSite=None; Partitioned")
    assert http.endswith(b"HttpOnly; SameSite=Lax")
    assert b"Domain" not in https


def test_public_suffixes_and_domains_that_miss_a_host_are_refused() -> None:
    for domain in ("com", "co.uk", "github.io", "192.0.2.1", "a b"):
        with pytest.raises(ValueError, match=r"\w"):
            Settings(cookie_domain=domain)
    with pytest.raises(OperatorError):
        check_cookie_domain("example.com", ["example.org"])
    check_cookie_domain("example.com", ["*.example.com", "www.example.com"])
