"""A set answers exactly as its expressions do one by one."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Facts
from botproxy.rules import ExpressionSet, compile_expression
from botproxy.rules.patterns import many
from botproxy.rules.subject_index import REMEMBERED

LEAVES = [
    'http.user_agent contains "a"',
    'http.user_agent matches "^b.*c$"',
    'http.user_agent in {"a" "b"}',
    'http.user_agent wildcard "*B*"',
    'starts_with(http.user_agent, "a")',
    'ends_with(lower(http.user_agent), "c")',
    'any(http.request.headers["x"][*] eq "a")',
    'all(http.request.headers["x"][*] eq "a")',
    "cf.bot_management.score lt 30",
    "cf.bot_management.score in {1..5 7 40..50}",
    "cf.bot_management.score ne 3",
    "cf.bot_management.score gt 4",
    "ip.src in {192.0.2.0/25 ::1}",
    "ip.src eq 192.0.2.200",
    "ssl",
    'len(http.request.headers["x"]) gt 0',
    'has_key(http.request.headers, "x")',
    'http.request.uri.path ne "/b"',
    'has_key(http.request.headers, "user-agent")',
    'has_key(http.request.headers, "y")',
    'any(http.request.headers["y"][*] contains "a")',
    'http.cookie eq "a"',
]
expressions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "and", "or", "xor"]), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
    ),
    max_leaves=7,
)


@settings(max_examples=300, deadline=None)
@given(
    texts=st.lists(expressions, max_size=8),
    agent=st.text(alphabet="abcB", max_size=4),
    extra=st.lists(st.tuples(st.sampled_from([b"X", b"Y", b"Cookie"]), st.sampled_from([b"a", b"b"])), max_size=3),
    score=st.one_of(st.none(), st.integers(0, 99)),
    address=st.sampled_from(["192.0.2.1", "192.0.2.200", "::1", "::2"]),
    secure=st.booleans(),
)
def test_a_set_agrees_with_its_expressions(
    make_facts: Callable[..., Facts],
    texts: list[str],
    agent: str,
    extra: list[tuple[bytes, bytes]],
    score: int | None,
    address: str,
    secure: bool,
) -> None:
    headers = ((b"User-Agent", agent.encode()), *extra)
    facts = make_facts(headers=headers, score=score, address=address, secure=secure)
    compiled = [compile_expression(text) for text in texts]
    expected = [position for position, item in enumerate(compiled) if item.matches(facts)]
    both = ExpressionSet(compiled)
    assert list(both.matching(facts)) == expected
    assert list(both.matching(facts)) == expected, "from memory the answer is the same"


def test_expressions_without_a_necessary_atom_are_named() -> None:
    texts = ["ssl", "not ssl", 'http.host ne "a"']
    assert ExpressionSet([compile_expression(text) for text in texts]).unindexed == (1, 2)


def test_patterns_that_do_not_fit_together_are_split() -> None:
    regexes = [rf"[a-y]{{900}}[b-z]{{{100 + count}}}" for count in range(60)]
    matchers = many(regexes)
    found = sorted(position for match in matchers for position in match(b"m" * 1200) or ())
    assert found == list(range(60))


def test_paths_are_answered_alike_from_memory_and_once_it_was_emptied(
    make_facts: Callable[..., Facts],
) -> None:
    texts = [
        'http.request.uri.path contains "7"',
        'http.request.uri.path matches "^/9+$"',
        'ends_with(http.request.uri.path, "1")',
    ]
    texts += [f'http.request.uri.path contains "/none-{number}"' for number in range(4)]
    compiled = [compile_expression(text) for text in texts]
    kept = ExpressionSet(compiled)
    paths = [b"/%d" % number for number in range(REMEMBERED + 100)] + [b"/" + b"7" * 5_000]
    for path in (*paths, *paths, *paths[:50], paths[-1]):
        facts = make_facts(target=path)
        assert list(kept.matching(facts)) == [at for at, one in enumerate(compiled) if one.matches(facts)]
