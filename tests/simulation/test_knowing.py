"""What a record does not tell is neither true nor false, and what follows all the same is found."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Client, Facts, Headers, Request
from botproxy.rules import FIELDS, compile_expression
from botproxy.simulation.knowing import ALWAYS, UNLOGGED, WORDS, Gap, field_gap, gap_of, known

HIDDEN = (
    'http.cookie contains "a"',
    'has_key(http.request.headers, "x-a")',
    'any(http.request.headers["x-b"][*] eq "1")',
)
SEEN = ('http.request.uri.path eq "/a"', 'http.user_agent contains "curl"', 'has_key(http.request.headers, "referer")')


def facts(headers: tuple[tuple[bytes, bytes], ...], path: bytes = b"/a") -> Facts:
    request = Request("0" * 16, 1.8e9, b"GET", path, path, None, "HTTP/1.1", True, b"a", "a", Headers(headers), 0)
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 0, "192.0.2.1")
    return Facts(request, client, "shop", False, None, None, {})


def _expressions() -> Any:
    atoms = st.sampled_from(HIDDEN + SEEN)
    return st.recursive(
        atoms,
        lambda parts: st.one_of(
            parts.map(lambda part: f"not ({part})"),
            st.tuples(st.sampled_from(("and", "or", "xor")), parts, parts).map(lambda t: f"({t[1]}) {t[0]} ({t[2]})"),
        ),
        max_leaves=6,
    )


_WAYS = [
    tuple(pair for at, pair in enumerate(((b"Cookie", b"a"), (b"X-A", b"1"), (b"X-B", b"1"))) if chosen >> at & 1)
    for chosen in range(8)
]


@settings(max_examples=120, deadline=None)
@given(_expressions(), st.booleans(), st.booleans(), st.booleans())
def test_it_is_known_when_whatever_is_hidden_makes_no_difference(
    text: str, path: bool, agent: bool, referer: bool
) -> None:
    expression = compile_expression(text)
    told: tuple[tuple[bytes, bytes], ...] = ((b"User-Agent", b"curl"),) if agent else ()
    told += ((b"Referer", b"x"),) if referer else ()
    where = b"/a" if path else b"/b"
    really = {expression.matches(facts((*told, *hidden), where)) for hidden in _WAYS}
    variant = known(expression, ALWAYS)
    recorded = facts(told, where)
    if variant.surely.matches(recorded):
        assert really == {True}
    if not variant.possibly.matches(recorded):
        assert really == {False}
    assert not variant.surely.matches(recorded) or variant.possibly.matches(recorded)


def test_one_part_that_is_known_can_decide() -> None:
    variant = known(compile_expression('http.cookie contains "a" and http.request.uri.path eq "/a"'), ALWAYS)
    assert not variant.possibly.matches(facts((), b"/b"))
    assert variant.possibly.matches(facts(()))
    assert not variant.surely.matches(facts(()))
    either = known(compile_expression('not (http.cookie contains "a" and http.request.uri.path eq "/a")'), ALWAYS)
    assert either.surely.matches(facts((), b"/b"))


@pytest.mark.parametrize(
    ("expression", "gap"),
    [
        ("cf.bot_management.score lt 30", 0),
        ('http.request.headers["user-agent"][0] eq "a"', Gap.AGENT),
        ('http.request.headers["accept"][0] eq "a"', Gap.HEADERS),
        ('lower(http.cookie) eq "a"', Gap.HEADERS),
        ("len(http.request.body.raw) gt 5", Gap.BODY),
        ('http.request.uri.query contains "a"', Gap.QUERY),
        ('http.request.uri.path.extension eq "a"', 0),
        ("botproxy.address.requests gt 5", Gap.CALLED),
        ("botproxy.session.requests gt 5", Gap.CALLERS),
        ('ip.src.city eq "a"', Gap.PLACE),
        ('ip.src.country eq "NL"', 0),
        ('ip.geoip.country eq "NL"', 0),
        ('raw.http.request.uri.path eq "/a"', Gap.RAW),
        ('botproxy.bot.name eq "a" and http.referer eq "b"', Gap.CLAIMS | Gap.REFERER),
    ],
)
def test_what_an_expression_needs(expression: str, gap: int) -> None:
    assert gap_of(compile_expression(expression).tree) == gap


def test_every_gap_has_words_and_no_field_is_forgotten() -> None:
    """A new field is either recorded, which this list says, or a gap."""
    bits = [value for name, value in vars(Gap).items() if name.isupper()]
    assert set(WORDS) == set(bits)
    logged = ~(UNLOGGED | Gap.AGENT | Gap.VERIFIED)  # an import alone lacks these
    recorded = {name for name, spec in FIELDS.fields.items() if not field_gap(spec.name) & logged}
    constant = {"cf.edge.client_tcp", "cf.threat_score", "cf.worker.upstream_zone", "cf.zone.plan",
                "http.request.headers.truncated", "cf.response.1xxx_code"}  # fmt: skip
    missing_anyway = {name for name in recorded if FIELDS.fields[name].read.__name__ == "missing"}
    certificates = {name for name in recorded if name.startswith("cf.tls_client_auth.")}
    assert recorded - constant - missing_anyway - certificates == {
        "botproxy.cloud", "botproxy.hosting", "cf.bot_management.detection_ids", "cf.bot_management.ja3_hash",
        "cf.bot_management.ja4", "cf.bot_management.js_detection.passed", "cf.bot_management.score",
        "cf.bot_management.static_resource", "cf.bot_management.verified_bot", "cf.client.bot", "cf.ray_id",
        "cf.tls_cipher", "cf.tls_version", "cf.verified_bot_category", "cf.zone.name", "http.host",
        "http.request.method", "http.request.timestamp.sec", "http.request.uri.path",
        "http.request.uri.path.extension", "http.request.version", "http.response.code",
        "http.response.content_type.media_type", "http.user_agent", "ip.geoip.asnum", "ip.geoip.country",
        "ip.src.asnum", "ip.src.country", "ssl", "botproxy.http2",
    }  # fmt: skip
