"""Rules on the bot score: whom they reach without being meant to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Advised = Callable[..., list[str]]

LOW = "cf.bot_management.score lt 30"
VERIFIED = "not cf.bot_management.verified_bot"
STATIC = "not cf.bot_management.static_resource"


def test_the_exemption_of_apis_as_the_original_prints_it_is_told(advised: Advised) -> None:
    printed = f'({LOW} and {VERIFIED} and not\nstarts_with(http.request.uri.path, "/api"))'
    assert advised("low-score-exempted", ("skip", printed)) == [
        '1: it spares likely bots everywhere but where starts_with(http.request.uri.path, "/api") — '
        '`starts_with(http.request.uri.path, "/api")` alone exempts that traffic; or `block` instead of `skip`'
    ]


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("block", f'{LOW} and {VERIFIED} and not starts_with(http.request.uri.path, "/api")'),
        ("skip", 'starts_with(http.request.uri.path, "/api")'),
        ("skip", f'{LOW} and starts_with(http.request.uri.path, "/api") and not http.request.uri.path eq "/api/login"'),
        ("skip", f'{LOW} and ip.src in {{192.0.2.0/24}} and not http.request.uri.path contains "admin"'),
        ("skip", 'cf.bot_management.score ge 30 and not starts_with(http.request.uri.path, "/api")'),
        ("skip", 'cf.bot_management.ja3_hash eq "df669e7ea913f1ac0c0cce9a201a2ec1"'),
    ],
)
def test_other_exemptions_are_not(advised: Advised, action: str, text: str) -> None:
    assert advised("low-score-exempted", (action, text)) == []


@pytest.mark.parametrize(
    "text",
    [
        f"{LOW} and {VERIFIED}",
        f"not cf.bot_management.score ge 30 and {VERIFIED}",
        f'{LOW} and starts_with(http.request.uri.path, "/shop")',
        f'{LOW} or http.host eq "a"',
        "cf.bot_management.score in {1..29}",
        f'{LOW} and http.request.uri.path wildcard "/*"',
    ],
)
def test_a_block_that_reaches_images_is_told(advised: Advised, text: str) -> None:
    (said,) = advised("low-score-static-resources", ("block", text))
    assert said.endswith("— `and not cf.bot_management.static_resource`")


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("block", f"{LOW} and {VERIFIED} and {STATIC}"),
        ("block", f'{LOW} and http.request.uri.path in {{"/login" "/signup"}}'),
        ("block", f'{LOW} and http.request.method eq "POST"'),
        ("block", f'{LOW} and http.request.uri.path.extension eq ""'),
        ("managed_challenge", f"{LOW} and {VERIFIED}"),
        ("block", "cf.bot_management.score gt 30"),
        ("block", 'http.host eq "a"'),
        ("block", "cf.bot_management.score lt 100"),
    ],
)
def test_a_block_that_does_not_reach_images_is_not(advised: Advised, action: str, text: str) -> None:
    assert advised("low-score-static-resources", (action, text)) == []


def test_whoever_stops_low_scores_without_exempting_verified_bots_is_told(advised: Advised) -> None:
    for action, does in (("block", "blocks"), ("managed_challenge", "challenges"), ("js_challenge", "challenges")):
        (said,) = advised("low-score-verified-bots", (action, f"{LOW} and {STATIC}"))
        assert said.startswith(f"1: it {does} search engines")
        assert said.endswith("— `and not cf.bot_management.verified_bot`")


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("block", f"{LOW} and {VERIFIED}"),
        ("block", f"{LOW} and not cf.client.bot"),
        ("block", f'{LOW} and not cf.verified_bot_category in {{"Search Engine Crawler"}}'),
        ("block", f'{LOW} and http.request.method eq "POST"'),
        ("block", 'cf.bot_management.score lt 2 and http.user_agent contains "App_Name 2.0"'),
        ("log", LOW),
        ("skip", LOW),
    ],
)
def test_whoever_exempts_them_or_means_others_is_not(advised: Advised, action: str, text: str) -> None:
    assert advised("low-score-verified-bots", (action, text)) == []


def test_any_use_of_the_threat_score_is_told(advised: Advised) -> None:
    (said,) = advised("threat-score", ("log", "cf.threat_score gt 10"), ("log", LOW))
    assert said.startswith("1: cf.threat_score is 0 for every request")
