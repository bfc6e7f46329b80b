"""Values of requests by which counting tells them apart."""

from __future__ import annotations

import pytest

from botproxy.model import Tls
from botproxy.rules import RuleError, compile_value

from .conftest import FactsMaker

JA4 = "t13d1516h2_8daaf6152771_02713d6af862"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("http.host", b"example.com"),
        ("http.request.uri.path", b"/a/b"),
        ('http.request.headers["x-api-key"]', (b"k1", b"k2")),
        ('http.request.headers["x-api-key"][0]', b"k1"),
        ('http.request.headers["missing"]', None),
        ('http.request.headers["empty"]', (b"",)),
        ('http.request.uri.args["q"]', [b"1"]),
        ("cf.bot_management.ja4", JA4.encode()),
        ("cf.bot_management.score", 7),
        ('lower(http.request.headers["x-api-key"][0])', b"k1"),
        ("substring(http.request.uri.path, 0, 2)", b"/a"),
        ('http.host eq "example.com"', True),
        ('(http.host eq "example.com" and ssl)', True),
        ("ip.src.asnum", None),
        (" http.request.method ", b"GET"),
    ],
)
def test_a_value_is_read_of_a_request(make_facts: FactsMaker, text: str, value: object) -> None:
    facts = make_facts(
        b"/a/b?q=1",
        ((b"X-Api-Key", b"k1"), (b"x-api-key", b"k2"), (b"Empty", b"")),
        score=7,
        tls=Tls("TLSv1.3", "x", "ja3", JA4),
    )
    assert compile_value(text).read(facts) == value


@pytest.mark.parametrize(
    "text", ["", "  ", '"text"', "12", "http.host http.host", "nothing.known", "len(", "192.0.2.1"]
)
def test_what_is_no_value_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(RuleError):
        compile_value(text)


def test_it_tells_what_it_needs() -> None:
    assert compile_value("http.response.code").needs_response
    assert compile_value("cf.bot_management.score").needs_score
    assert not compile_value("cf.bot_management.ja4").needs_score
    assert compile_value("http.request.body.raw").body_need.bytes > 0
