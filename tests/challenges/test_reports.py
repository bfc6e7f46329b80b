"""A report is about a page that was really given, and what a stranger writes obeys nobody's terminal."""

from __future__ import annotations

import unicodedata
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.challenges.reports import (
    ADDRESS_LENGTH,
    BODY_LIMIT,
    LIFETIME,
    NOTE_LENGTH,
    REPORT_PURPOSE,
    ReportSeals,
    Seen,
    clean,
    read_report,
)
from botproxy.cookies import KeyRing, Sealer

RING = KeyRing([bytes(range(32))])
SEALS = ReportSeals(Sealer(RING, REPORT_PURPOSE, "shop"))
RAY = "0123456789abcdef"
NOW = 1_800_000_000.0


@pytest.mark.parametrize("seen", list(Seen))
def test_a_seal_says_which_page_it_was_for_an_hour(seen: Seen) -> None:
    text = SEALS.seal(RAY + "-BOT", seen, NOW)
    sealed = SEALS.open(text, NOW + 60)
    assert sealed is not None
    assert (sealed.ray, sealed.seen) == (RAY, seen)
    assert SEALS.open(text, NOW + LIFETIME) is None
    assert SEALS.open(text, NOW - 3600) is None


def test_nobody_else_can_make_one() -> None:
    text = SEALS.seal(RAY, Seen.BLOCKED, NOW)
    for other in (Sealer(RING, REPORT_PURPOSE, "blog"), Sealer(RING, "challenge", "shop")):
        assert ReportSeals(other).open(text, NOW) is None
    for at in range(0, len(text), 7):
        assert SEALS.open(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :], NOW) is None


@given(st.text(max_size=200))
def test_what_is_no_seal_is_none(text: str) -> None:
    assert SEALS.open(text, NOW) is None


def test_a_form_is_read_and_cut() -> None:
    said = read_report(urlencode({"seal": "s", "note": " a\r\nb\x1b[31m\u202e ", "address": "me@x\ny"}).encode())
    assert said is not None
    assert said.note == "a\nb[31m"
    assert said.address == "me@x y"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"note=a",
        b"seal=s",
        b"seal=s&note=%20",
        b"seal=s&note=a&note=b",
        b"\xff",
        b"a=1&" * 20,
        b"x" * (BODY_LIMIT + 1),
    ],
)
def test_what_is_no_report_is_refused(body: bytes) -> None:
    assert read_report(body) is None


@given(st.binary(max_size=300))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    said = read_report(body)
    assert said is None or (0 < len(said.note) <= NOTE_LENGTH and len(said.address) <= ADDRESS_LENGTH)


@given(st.text(max_size=1200))
def test_nothing_is_left_that_a_terminal_obeys_or_turns_around(text: str) -> None:
    kept = clean(text, NOTE_LENGTH)
    assert len(kept) <= NOTE_LENGTH
    assert all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in kept)
    assert "\n" not in clean(text, NOTE_LENGTH, lines=False)
    kept.encode()
