"""Every part of an expression is shown with what it comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botproxy.model import Facts
from botproxy.rules import compile_expression
from botproxy.rules.explaining import Part, explain


def shown(part: Part) -> Any:
    return (part.text, part.value, *map(shown, part.parts))


def test_conditions_fields_and_functions_are_taken_apart(make_facts: Callable[..., Facts]) -> None:
    facts = make_facts(headers=((b"User-Agent", b"Curl/8"),))
    expression = compile_expression('lower(http.user_agent) contains "curl" and not cf.bot_management.score lt 30')
    assert shown(explain(expression, facts)) == (
        'lower(http.user_agent) contains "curl" and not cf.bot_management.score lt 30',
        True,
        (
            'lower(http.user_agent) contains "curl"',
            True,
            ("lower(http.user_agent)", b"curl/8", ("http.user_agent", b"Curl/8")),
        ),
        (
            "not cf.bot_management.score lt 30",
            True,
            ("cf.bot_management.score lt 30", False, ("cf.bot_management.score", None)),
        ),
    )


def test_conditions_on_every_value_show_each(make_facts: Callable[..., Facts]) -> None:
    facts = make_facts(headers=((b"X", b"a"), (b"X", b"b")))
    expression = compile_expression('any(http.request.headers["x"][*] eq "b")')
    assert shown(explain(expression, facts)) == (
        'any(http.request.headers["x"][*] eq "b")',
        True,
        (
            'http.request.headers["x"][*] eq "b"',
            [False, True],
            ('http.request.headers["x"][*]', (b"a", b"b")),
        ),
    )


def test_parts_that_others_decided_already_are_shown_too(make_facts: Callable[..., Facts]) -> None:
    part = explain(compile_expression('ssl or http.host eq "example.com"'), make_facts())
    assert [each.value for each in part.parts] == [True, True]
