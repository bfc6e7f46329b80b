"""What is remembered of a kind of client never changes an answer, and has an end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Facts
from botproxy.rules import FINGERPRINT_FIELDS, ExpressionSet, compile_expression
from botproxy.rules.expression_set import KINDS
from botproxy.rules.repeating import HEADERS, LONGEST, key_of

TEXTS = [
    'http.user_agent contains "a"',
    'http.user_agent eq "" and not has_key(http.request.headers, "accept")',
    'botproxy.header_order eq "user-agent,accept"',
    'botproxy.browser eq "chrome" and ssl and not has_key(http.request.headers, "sec-fetch-site")',
    "botproxy.browser_major ge 9",
    'botproxy.platform eq "linux"',
    'any(http.request.headers["accept"][*] eq "a")',
    'all(http.request.headers["accept"][*] eq "a")',
    'not any(http.request.headers["sec-fetch-site"][*] in {"none" "a"})',
    'any(http.request.headers["x-token"][*] eq "a") and http.user_agent contains "a"',
    'len(http.request.headers["te"]) gt 0',
    'http.request.accepted_languages[0] eq "a"',
    'any(http.request.headers.names[*] eq "Accept")',
    'any(http.request.headers.values[*] contains "b")',
    'http.cookie contains "a" or http.referer contains "a"',
    'any(lower(http.request.headers["accept"][*])[*] contains "a")',
    'has_value(http.request.headers.values, "b")',
    "not ssl",
]
NAMES = [b"User-Agent", b"user-agent", b"Accept", b"ACCEPT", b"Sec-Fetch-Site", b"X-Token", b"Cookie", b"TE",
         b"Accept-Language", b"Accept\nTE", b"Referer", b"\n"]  # fmt: skip
VALUES = [b"", b"a", b"b", b"a\nb", b"\n", b"none", b"Mozilla/5.0 (X11; Linux) Chrome/9a", b"a" * LONGEST]
blocks = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=5)

Maker = Callable[..., Facts]


@pytest.fixture(scope="module")
def one_set() -> ExpressionSet:
    """One set for all examples, so that each meets what the ones before left in its memory."""
    return ExpressionSet([compile_expression(text, FINGERPRINT_FIELDS) for text in TEXTS])


@settings(max_examples=500, deadline=None)
@given(block=blocks, secure=st.booleans())
def test_memory_changes_no_answer(
    make_facts: Maker, one_set: ExpressionSet, block: list[tuple[bytes, bytes]], secure: bool
) -> None:
    single = [compile_expression(text, FINGERPRINT_FIELDS) for text in TEXTS]
    facts = make_facts(headers=tuple(block), secure=secure)
    expected = [at for at, item in enumerate(single) if item.matches(facts)]
    for _ in range(3):  # a kind is kept from its second sight on
        again = make_facts(headers=tuple(block), secure=secure)
        assert list(one_set.matching(again)) == expected
        other = again._replace(request=again.request._replace(secure=not secure))
        assert list(one_set.matching(other)) == [at for at, item in enumerate(single) if item.matches(other)]


@settings(max_examples=500, deadline=None)
@given(one=blocks, other=blocks)
def test_equal_keys_mean_equal_names_and_values(
    make_facts: Maker, one: list[tuple[bytes, bytes]], other: list[tuple[bytes, bytes]]
) -> None:
    first, second = make_facts(headers=tuple(one)), make_facts(headers=tuple(other))
    if key_of(first) and key_of(first) == key_of(second):
        told = [
            [(name.lower(), value if name.lower() in HEADERS else None) for name, value in block]
            for block in (one, other)
        ]
        assert told[0] == told[1]


@pytest.mark.parametrize(
    "headers",
    [
        ((b"Accept", b"a"), (b"Accept", b"b")),
        ((b"Accept", b"a\nb"),),
        ((b"Acc\nept", b"a"),),
        ((b"Accept", b"a" * LONGEST),),
    ],
    ids=["repeated name", "line feed in value", "line feed in name", "long"],
)
def test_an_unclear_or_long_block_has_no_key(make_facts: Maker, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    assert key_of(make_facts(headers=headers)) == b""


def test_visitors_of_one_kind_share_a_key_whatever_their_cookies(make_facts: Maker) -> None:
    keys = {key_of(make_facts(headers=((b"User-Agent", b"a"), (b"Cookie", b"id=%d" % number)))) for number in range(20)}
    assert len(keys) == 1


def test_the_memory_has_an_end(make_facts: Maker) -> None:
    small = ExpressionSet([compile_expression('http.user_agent contains "7"')])
    for number in range(3 * KINDS):
        for _ in range(2):
            facts = make_facts(headers=((b"User-Agent", b"%d" % number),))
            assert list(small.matching(facts)) == ([0] if "7" in str(number) else [])
    assert KINDS <= small.remembered <= 2 * KINDS
