"""Rules that never run."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

Advised = Callable[..., list[str]]

NAME = "rule-never-runs"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("block", "ssl"), ("log", "ssl")),
        (("block", 'http.host eq "a"'), ("block", 'http.host eq "a" and ssl')),
        (("block", "cf.bot_management.score lt 30"), ("block", "cf.bot_management.score eq 1")),
        (("skip", 'starts_with(http.request.uri.path, "/")'), ("block", "ssl")),
        (("allow", "ssl or not ssl"), ("block", "ip.src eq 192.0.2.1")),
        (("skip", 'http.request.uri.path contains "/"'), ("log", 'http.host eq "a"')),
        (("managed_challenge", "ssl"), ("js_challenge", "ssl")),
        (("block", "cf.threat_score lt 1"), ("block", "ssl")),
    ],
)
def test_a_rule_behind_one_that_ends_the_matter_for_all_of_it_is_told(
    advised: Advised, first: tuple[str, str], second: tuple[str, str]
) -> None:
    (said,) = advised(NAME, first, second)
    assert said.startswith("2: it never runs: the rule `1` before it ")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("log", "ssl"), ("block", "ssl")),
        (("block", 'ssl and http.request.uri.path eq "/a"'), ("block", "ssl")),
        (("js_challenge", "ssl"), ("managed_challenge", "ssl")),
        (("managed_challenge", "ssl"), ("block", "ssl")),
        (("managed_challenge", "ssl"), ("log", "ssl")),
        (("block", "not ssl"), ("block", "ssl")),
        (("block", "cf.bot_management.score eq 1"), ("block", "cf.bot_management.score lt 30")),
        (("block", "not cf.bot_management.score ge 30"), ("block", "cf.bot_management.score lt 30 and ssl")),
        (("block", "ip.src in {10.0.0.0/8}"), ("block", "ip.src in {10.0.0.0/8 11.0.0.0/8}")),
    ],
)
def test_a_rule_that_has_something_left_to_do_is_not(
    advised: Advised, first: tuple[str, str], second: tuple[str, str]
) -> None:
    assert advised(NAME, first, second) == []


def test_a_rule_in_shadow_ends_nothing(advised: Advised) -> None:
    assert advised(NAME, ("block", "ssl"), ("block", "ssl"), shadow=True) == []


def test_what_excludes_itself_is_told(advised: Advised) -> None:
    assert advised("expression-never-true", ("block", "ssl and not ssl"))[0].startswith(
        "1: its expression is never true"
    )
    assert (
        advised("expression-never-true", ("block", "ssl and not cf.client.bot"), ("log", "cf.threat_score gt 1")) == []
    )


def test_thousands_of_rules_take_no_minutes(advised: Advised) -> None:
    rules = [("block", f'http.request.uri.path eq "/{n}" and (ssl or http.host eq "{n}")') for n in range(3000)]
    begun = time.monotonic()
    assert advised(NAME, *rules) == []
    assert time.monotonic() - begun < 30
