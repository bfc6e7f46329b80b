"""What a page is given to begin with, and to whom it belongs."""

from __future__ import annotations

from ipaddress import ip_address
from os import urandom

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.cookies import KeyRing, Sealer
from botproxy.model import Headers
from botproxy.proxy.jsd import bootstrap as bootstraps
from botproxy.proxy.jsd import paths

RING = KeyRing((b"k" * 32,))
SEALER = Sealer(RING, bootstraps.PURPOSE, "example", urandom)
FIREFOX = Headers(((b"User-Agent", b"Mozilla/5.0 Firefox"),))
HERE = ip_address("192.0.2.7")
NOW = 1_760_600_862.0
SESSION = "ab" * 16


def made(session: str = SESSION) -> bytes:
    bootstrap = bootstraps.started(NOW, "8f3c0123456789ab", FIREFOX, HERE, "exact", session, urandom)
    return bootstraps.seal(SEALER, bootstrap).encode()


def word(text: bytes, **other: object) -> str:
    given = {"now": NOW + 5, "headers": FIREFOX, "address": HERE, "session_id": SESSION, "sealer": SEALER, **other}
    sealer = given.pop("sealer")
    return bootstraps.judge_binding(sealer, text, strictness="exact", **given).word  # type: ignore[arg-type]


def test_it_counts_for_the_visitor_who_was_given_it() -> None:
    assert word(made()) == "fresh"


@pytest.mark.parametrize(
    ("expected", "other"),
    [
        ("expired", {"now": NOW + bootstraps.LIFETIME}),
        ("expired", {"now": NOW - 61}),
        ("visitor", {"address": ip_address("192.0.2.8")}),
        ("visitor", {"headers": Headers(((b"User-Agent", b"curl"),))}),
        ("session", {"session_id": "cd" * 16}),
        ("session", {"session_id": ""}),
        ("forged", {"sealer": Sealer(RING, bootstraps.PURPOSE, "another zone", urandom)}),
        ("forged", {"sealer": Sealer(RING, "challenge", "example", urandom)}),
    ],
)
def test_it_counts_for_nobody_else_and_at_no_other_time(expected: str, other: dict[str, object]) -> None:
    assert word(made(), **other) == expected


def test_without_a_session_it_is_bound_to_none() -> None:
    assert word(made(session=""), session_id=SESSION) == "fresh"


@given(st.binary(max_size=300))
def test_what_was_not_sealed_here_is_forged(text: bytes) -> None:
    assert word(text) == "forged"


def test_what_the_script_reads_needs_no_escape_in_html() -> None:
    bootstrap = bootstraps.started(NOW, "8f3c0123456789ab", FIREFOX, HERE, "exact", SESSION, urandom)
    text = bootstraps.parameters(bootstrap, bootstraps.seal(SEALER, bootstrap), paths.BASE, "consent-given")
    assert not set(text) & set(b"<>&'\\")
    fields = orjson.loads(text)
    assert fields["r"] == "8f3c0123456789ab"
    assert fields["c"] == "consent-given"
    assert set(fields) == {"r", "t", "m", "s", "b", "c"}


@pytest.mark.parametrize(
    ("path", "what"),
    [
        (b"/cdn-cgi/challenge-platform/scripts/jsd/main.js", "main"),
        (b"/cdn-cgi/challenge-platform/scripts/jsd/api.js", "api"),
        (b"/cdn-cgi/challenge-platform/h/b/scripts/jsd/0123456789ab/main.js", "script"),
        (b"/cdn-cgi/challenge-platform/h/b/jsd/b", "fresh"),
        (b"/cdn-cgi/challenge-platform/h/b/jsd/r/0123456789ab/8f3c0123456789ab", "report"),
    ],
)
def test_our_addresses_are_those_of_the_original(path: bytes, what: str) -> None:
    found = paths.route(path)
    assert found is not None
    assert found.what == what


@pytest.mark.parametrize(
    "path", [b"/cdn-cgi/challenge-platform/h/b/jsd/r/", b"/cdn-cgi/challenge-platform/h/b/jsd/r/x/8f3c0123456789ab"]
)
def test_other_addresses_are_none_of_these(path: bytes) -> None:
    assert paths.route(path) is None
