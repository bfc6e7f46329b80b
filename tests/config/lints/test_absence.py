"""Conditions on what is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Advised = Callable[..., list[str]]

ALL = 'all(http.request.headers["x"][*] eq "y")'


@pytest.mark.parametrize(
    "text",
    [
        ALL,
        f"ssl and {ALL}",
        f'http.request.headers["z"][0] eq "a" and {ALL}',
        f'len(http.request.headers["x"]) ge 0 and {ALL}',
        f'not (ssl or not {ALL})',
        'all(lower(http.request.headers["x"][*])[*] eq "y")',
        'all(not http.request.headers["x"][*] eq "y")',
    ],
)  # fmt: skip
def test_all_over_a_header_that_may_be_absent_is_told(advised: Advised, text: str) -> None:
    assert advised("all-over-nothing", ("block", text)) == [
        '1: `all()` is true of requests without this header, http.request.headers["x"] — '
        '`and len(http.request.headers["x"]) > 0`, or `any()`'
    ]


@pytest.mark.parametrize(
    "text",
    [
        f'len(http.request.headers["x"]) > 0 and {ALL}',
        f'has_key(http.request.headers, "x") and (ssl or {ALL})',
        f'any(http.request.headers["x"][*] contains "y") and {ALL}',
        f'http.request.headers["x"][0] ne "" and {ALL}',
        f"not {ALL}",
        'any(http.request.headers["x"][*] eq "y")',
        'all(http.request.headers["host"][*] eq "y")',
        'all(http.request.headers.names[*] ne "y")',
    ],
)
def test_all_over_what_is_there_is_not(advised: Advised, text: str) -> None:
    assert advised("all-over-nothing", ("block", text)) == []


def test_cookies_and_arguments_are_told_as_such(advised: Advised) -> None:
    (said,) = advised("all-over-nothing", ("log", 'all(http.request.uri.args["q"][*] contains "a")'))
    assert 'without this argument, http.request.uri.args["q"]' in said


def test_fields_that_never_have_a_value_are_told(advised: Advised) -> None:
    said = advised("field-always-missing", ("block", "cf.waf.score lt 20 or cf.waf.score.xss lt 20"), ("log", "ssl"))
    assert [each.split(" — ")[0] for each in said] == [
        "1: cf.waf.score is always missing here: a comparison with it is never true",
        "1: cf.waf.score.xss is always missing here: a comparison with it is never true",
    ]
