"""When one condition makes another one true: never wrongly said, and said where people would."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.config.lints.implication import always_true, implies, never_true
from botproxy.config.lints.samples import sample
from botproxy.model import Facts
from botproxy.rules import compile_expression

LEAVES = [
    "ssl",
    "cf.bot_management.score lt 30",
    "cf.bot_management.score le 1",
    "cf.bot_management.score eq 1",
    "cf.bot_management.score ne 1",
    "cf.bot_management.score in {1..5 50}",
    "cf.bot_management.score gt 40",
    "ip.src eq 192.0.2.1",
    "ip.src in {192.0.2.0/30}",
    "ip.src in {192.0.2.0/24 ::1}",
    'http.request.uri.path eq "/api"',
    'http.request.uri.path in {"/api" "/api/x"}',
    'http.request.uri.path contains "api"',
    'http.request.uri.path contains "pi"',
    'http.request.uri.path matches "^/api"',
    'http.request.uri.path wildcard "/a*"',
    'starts_with(http.request.uri.path, "/api")',
    'starts_with(http.request.uri.path, "/a")',
    'starts_with(http.request.uri.path, "/")',
    'ends_with(http.request.uri.path, "/x")',
    'any(http.request.headers["x"][*] eq "a")',
    'all(http.request.headers["x"][*] eq "a")',
]
expressions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or", "xor"]), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
    ),
    max_leaves=4,
)


def requests() -> list[Facts]:
    made = []
    for path in (b"/", b"/api", b"/api/x", b"/app", b"/x/pi"):
        for score in (None, 1, 3, 29, 50):
            for address, header in (("192.0.2.1", b"a"), ("192.0.2.2", b""), ("192.0.2.9", b"b"), ("::1", b"a")):
                headers = ((b"X", header),) if header else ()
                facts = sample(frozenset(), path=path, headers=headers, score=score or 1).facts
                client = facts.client._replace(address=ip_address(address))
                bots = facts.bot_management if score is not None else None
                made.append(facts._replace(client=client, bot_management=bots))
    return made


REQUESTS = requests()


@settings(max_examples=400, deadline=None)
@given(expressions, expressions)
def test_what_is_said_to_follow_does(one: str, other: str) -> None:
    a, b = compile_expression(one), compile_expression(other)
    if implies(a.tree, b.tree):
        assert [facts for facts in REQUESTS if a.matches(facts) and not b.matches(facts)] == []
    if always_true(a.tree):
        assert all(map(a.matches, REQUESTS))
    if never_true(a.tree):
        assert not any(map(a.matches, REQUESTS))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cf.bot_management.score eq 1", "cf.bot_management.score in {1..5}"),
        ("cf.bot_management.score le 1", "cf.bot_management.score lt 30"),
        ("cf.bot_management.score in {1..5}", "cf.bot_management.score lt 6"),
        ("ip.src eq 192.0.2.1", "ip.src in {192.0.2.0/24}"),
        ("ip.src in {192.0.2.0/30}", "ip.src in {192.0.2.0/24 ::1}"),
        ('http.request.uri.path eq "/api/x"', 'starts_with(http.request.uri.path, "/api")'),
        ('http.request.uri.path in {"/a" "/b"}', 'http.request.uri.path in {"/a" "/b" "/c"}'),
        ('starts_with(http.request.uri.path, "/api")', 'starts_with(http.request.uri.path, "/a")'),
        ('starts_with(http.request.uri.path, "/api")', 'http.request.uri.path contains "pi"'),
        ('http.user_agent contains "Scrapy"', 'http.user_agent contains "Scra"'),
        ('http.user_agent eq "Bot"', 'http.user_agent matches "(?i)bot"'),
        ('not http.user_agent contains "b"', 'not http.user_agent eq "abc"'),
        ("ssl and cf.client.bot", "cf.client.bot or ip.src eq 192.0.2.1"),
        ('http.host eq "a" or http.host eq "b"', 'http.host in {"a" "b"}'),
    ],
)
def test_what_people_would_say_is_said(one: str, other: str) -> None:
    a, b = compile_expression(one).tree, compile_expression(other).tree
    assert implies(a, b)
    assert not implies(b, a) or one.startswith("http.host eq")


def test_expressions_that_are_too_large_cannot_be_told() -> None:
    many = " or ".join(f'(ssl and http.host eq "{n}")' for n in range(90))
    assert not implies(
        compile_expression(f"cf.client.bot and ({many})").tree, compile_expression(f"{many} or ssl xor ssl").tree
    )
