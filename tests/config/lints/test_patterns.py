"""Regular expressions that want `(?i)`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Advised = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('http.user_agent matches "bot|crawler"', "clients write `bot` with and without capitals"),
        ('any(http.request.headers["user-agent"][*] matches "^wget/")', "clients write `wget` with and without"),
        ('http.host matches r"^Shop\\."', "the value is in lower case"),
        ('lower(http.user_agent) matches "Googlebot"', "the value is in lower case"),
        ('any(lower(http.request.headers["x"][*])[*] matches "[A-Z]")', "the value is in lower case"),
        ('http.user_agent matches "[Bb]ot"', "letters in both cases are spelt out"),
        ('http.referer matches "/casino/i"', "slashes and flags around a pattern are looked for"),
    ],
)
def test_a_pattern_that_waits_for_a_spelling_which_does_not_come_is_told(
    advised: Advised, text: str, said: str
) -> None:
    (told,) = advised("regex-case", ("block", text))
    assert said in told
    assert '`matches r"(?i)' in told


@pytest.mark.parametrize(
    "text",
    [
        'http.user_agent matches "(?i)bot|crawler"',
        'http.user_agent matches "(?is)bot"',
        'http.user_agent matches "^curl/[0-9]"',
        'http.user_agent matches "^python-requests/"',
        'http.user_agent matches "Googlebot|bot"',
        r'http.host matches r"^\w+\.\D\x41[[:alpha:]]"',
        'http.request.uri.path matches "^/Bot"',
        'http.request.uri.path matches "/users/i"',
        'http.user_agent contains "bot"',
        'lower(http.user_agent) matches "(?P<Name>bot)"',
    ],
)
def test_other_patterns_are_not(advised: Advised, text: str) -> None:
    assert advised("regex-case", ("block", text)) == []
