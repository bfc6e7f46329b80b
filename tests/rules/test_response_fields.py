"""Fields of the answer: there once it is, missing before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from botproxy.model import Facts, Headers, ResponseFacts
from botproxy.rules import compile_expression

ANSWER = ResponseFacts(
    403, Headers(((b"Server", b"x"), (b"X-A", b"1"), (b"x-a", b"2"))), b"Text/HTML ; charset=utf-8", "waf", 12
)


@pytest.mark.parametrize(
    "text",
    [
        "http.response.code in {400..499}",
        'http.response.content_type.media_type eq "text/html"',
        'http.response.headers["x-a"][1] eq "2"',
        'any(http.response.headers.names[*] eq "X-A")',
        'any(raw.http.response.headers.values[*] eq "2")',
        'cf.response.error_type eq "waf"',
        "cf.response.1xxx_code eq 0",
        "cf.timings.origin_ttfb_msec gt 10",
    ],
)
def test_a_field_of_the_answer(make_facts: Callable[..., Facts], text: str) -> None:
    expression = compile_expression(text)
    assert expression.needs_response
    assert expression.matches(make_facts()._replace(response=ANSWER))
    assert not expression.matches(make_facts())


def test_what_reads_no_answer_needs_none() -> None:
    assert not compile_expression("ssl").needs_response


def test_a_header_says_the_media_type(make_facts: Callable[..., Facts]) -> None:
    response = ResponseFacts(200, Headers(((b"Content-Type", b"application/JSON"),)))
    facts = make_facts()._replace(response=response)
    assert compile_expression('http.response.content_type.media_type eq "application/json"').matches(facts)
