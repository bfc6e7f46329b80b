"""Rules on JavaScript detections: who has no result, and who never gets one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Advised = Callable[..., list[str]]

FAILED = "not cf.bot_management.js_detection.passed"
LOGIN = 'http.request.method eq "POST" and http.request.uri.path in {"/login"}'


def test_a_block_of_whom_nothing_is_known_yet_is_told(advised: Advised) -> None:
    (said,) = advised("js-detection-blocked", ("block", f"{FAILED} and {LOGIN}"))
    assert said.startswith("1: it blocks new visitors")
    assert "`managed_challenge`" in said


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("managed_challenge", f"{FAILED} and {LOGIN}"),
        ("block", "cf.bot_management.js_detection.passed"),
        ("block", "ssl"),
    ],
)
def test_a_challenge_is_not(advised: Advised, action: str, text: str) -> None:
    assert advised("js-detection-blocked", (action, text)) == []


@pytest.mark.parametrize(
    ("text", "reached"),
    [
        (FAILED, "WebSockets, calls of an API, apps"),
        (f'{FAILED} and http.request.method eq "POST"', "calls of an API, apps"),
        (f'{FAILED} and not starts_with(http.request.uri.path, "/api/")', "WebSockets, apps"),
        (f'{FAILED} and starts_with(http.request.uri.path, "/api/")', "calls of an API"),
        (f'{FAILED} and not any(http.request.headers["upgrade"][*] eq "websocket")', "calls of an API, apps"),
        (f'{FAILED} and http.host eq "www.example.com"', "WebSockets, calls of an API, apps"),
    ],
)
def test_a_rule_that_reaches_what_runs_no_script_is_told(advised: Advised, text: str, reached: str) -> None:
    (said,) = advised("js-detection-beyond-pages", ("managed_challenge", text))
    assert said.startswith(f"1: it reaches {reached}, which run no script")


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("managed_challenge", f"{LOGIN} and (cf.bot_management.score lt 30 or {FAILED})"),
        ("managed_challenge", f'{FAILED} and http.request.full_uri wildcard "https://shop.example/checkout*"'),
        ("managed_challenge", f'{FAILED} and http.request.uri.path matches "^/account/"'),
        ("log", FAILED),
        ("managed_challenge", "cf.bot_management.js_detection.passed"),
    ],
)
def test_a_rule_for_pages_is_not(advised: Advised, action: str, text: str) -> None:
    assert advised("js-detection-beyond-pages", (action, text)) == []
