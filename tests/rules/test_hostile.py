"""Rules and values that were made to do harm: nothing crashes, nothing stalls, and every way to an answer gives it."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import pytest
from grammar import Maker
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Body, Facts, Headers, Place, ResponseFacts, Tls
from botproxy.rules import Expression, ExpressionSet, RuleError, compile_expression
from botproxy.rules.lists import NamedList, unread

Make = Callable[..., Facts]

NASTY = [
    b"", b"\x00", b"\xff\xfe", b"a", b"%", b"%%%2", b"+" * 50, b"\\", b'"', b"{", b"[", b'{"a":{"a":1}}',
    b"a=1; a=2;;=;b", b"en;q=9e9,*;q=-1,;q=,x" * 20, b"&&=&a&=a", b"\r\n",
    "\u2028é\U0001f600".encode(), b"a" * 5000, b"AAAA" * 20 + b"=",
    b"1700000000-" + b"A" * 43, b"multipart/form-data; boundary=a", b"application/x-www-form-urlencoded",
    b"--a\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\na\r\n--a--",
]  # fmt: skip
NAMES = [b"A", b"x", b"Content-Type", b"Cookie", b"Accept-Language", b"User-Agent", b"V", b"Referer"]
facts_parts = st.fixed_dictionaries(
    {
        "target": st.sampled_from(NASTY).map(lambda value: b"/" + value.replace(b"\x00", b"")),
        "headers": st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NASTY)), max_size=5).map(tuple),
        "score": st.sampled_from([None, 0, 1, 99]),
        "detections": st.sampled_from([(), (1, 2**33)]),
        "address": st.sampled_from(["0.0.0.0", "255.255.255.255", "::", "2001:db8::1"]),
        "place": st.sampled_from([None, Place(), Place(asn=2**32 - 1, country="", city="é\ud800", is_eu=False)]),
        "tls": st.sampled_from([None, Tls("", ""), Tls("TLSv1.3", "x", "a" * 32, "t13d", 600)]),
    }
)


class AnyList(dict[str, NamedList]):
    def get(self, key: str, default: object = None) -> NamedList:
        return unread(key)


def compiled(seed: int, count: int) -> list[Expression]:
    maker = Maker(Random(seed), 0.01)
    found: list[Expression] = []
    for _ in range(count * 40):
        try:
            found.append(compile_expression(maker.expression(), lists=AnyList()))
        except RuleError:
            continue
        if len(found) == count:
            break
    return found


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**64), parts=facts_parts, raw=st.sampled_from([None, *NASTY]), answered=st.booleans())
def test_any_rules_judge_any_facts_and_a_set_judges_as_they_do(
    make_facts: Make, seed: int, parts: dict[str, object], raw: bytes | None, answered: bool
) -> None:
    expressions = compiled(seed, 12)
    facts = make_facts(**parts)
    if raw is not None:
        request = facts.request._replace(body_length=None)
        facts = facts._replace(request=request, body=Body(raw, False, len(raw)))
    if answered:
        facts = facts._replace(response=ResponseFacts(599, Headers(((b"A", b"\xff"),)), b"\xff;", "é", -1))
    expected = []
    for at, expression in enumerate(expressions):
        answer = expression.matches(facts)
        assert answer in (True, False)
        if answer:
            expected.append(at)
    assert list(ExpressionSet(expressions).matching(facts._replace(memo={}))) == expected


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**64), slips=st.sampled_from([0.02, 0.3, 0.9]))
def test_any_nearly_right_text_is_an_expression_or_a_rule_error(seed: int, slips: float) -> None:
    text = Maker(Random(seed), slips).expression()
    try:
        compile_expression(text)
    except RuleError as error:
        assert 0 <= error.start <= len(text)  # noqa: PT017
        assert error.line >= 1  # noqa: PT017
        assert "^" in str(error)  # noqa: PT017


DEEP = [
    "(" * 128 + "ssl" + ")" * 128,
    "not(" * 64 + "ssl" + ")" * 64,
    "lower(" * 127 + "http.host" + ")" * 127 + ' eq "a"',
    "any((not " * 40 + 'http.request.headers["a"][*] eq "a"' + "))" * 40,
    "coalesce((not " * 60 + "ssl" + "), ssl)" * 60,
    "(ssl and " * 126 + "ssl" + ")" * 126,
    "concat(" * 126 + "http.host" + ',"a")' * 126 + ' eq "a"',
    "any(starts_with(" + "lower(" * 120 + 'http.request.headers["a"][*]' + ")[*]" * 120 + ', "a"))',
    "http.host eq " * 200 + "http.host",
    "ssl xor " * 500 + "ssl",
    "[" * 4000,
    'http.host["a"' * 300,
    'http.host matches r"' + "(" * 3000 + '"',
    'http.host matches r"' + "[" * 3000 + '"',
    'http.host matches r"' + "(?:a{9}" * 90 + "){9}" * 90 + '"',
    'http.host matches r"' + r"(?u)\w" * 500 + '"',
    'http.host matches r"(?:(?:(?:a{1000}){1000}){1000}){1000}"',
    "http.host in {" + '"a" ' * 1000 + "}",
    "ip.src in {" + "::/0 " * 800 + "}",
]


def at_depth(depth: int, work: Callable[[], object]) -> object:
    return work() if depth == 0 else at_depth(depth - 1, work)


@pytest.mark.parametrize("text", DEEP, ids=[text[:30] for text in DEEP])
def test_a_deep_text_is_read_or_refused_wherever_that_is_asked(make_facts: Make, text: str) -> None:
    def work() -> bool:
        try:
            expression = compile_expression(text)
        except RuleError:
            return False
        return expression.matches(make_facts()) or True

    for depth in (0, 300, 600):
        at_depth(depth, work)


MEGABYTE = 1 << 20
SLOW = [
    ('http.request.body.raw matches r"(a|aa)+$"', b"a" * MEGABYTE + b"b"),
    ('http.request.body.raw matches r"(?i)(x+x+)+y"', b"x" * MEGABYTE),
    ('http.request.body.raw matches r"^(.*)*$"', b"\n" * MEGABYTE),
    ('http.request.body.raw matches r"(?:a?){50}a{50}"', b"a" * MEGABYTE),
    ('http.request.body.raw wildcard "*a*a*a*a*a*b"', b"a" * MEGABYTE),
    ('http.request.body.raw contains "' + "a" * 500 + 'b"', b"a" * MEGABYTE),
    ('url_decode(http.request.body.raw, "ur") contains "x"', b"%25" * (MEGABYTE // 3)),
    ('url_decode(http.request.body.raw, "ur") contains "x"', b"%" + b"25" * (MEGABYTE // 2)),
    ('regex_replace(http.request.body.raw, "(a*)*b", "${1}") eq "x"', b"a" * MEGABYTE),
    ('wildcard_replace(http.request.body.raw, "*a*a*a*b", "${1}") eq "x"', b"a" * MEGABYTE),
    ('lookup_json_string(http.request.body.raw, "a") eq "x"', b'{"a":' * (MEGABYTE // 5)),
    ('lookup_json_string(http.request.body.raw, "a") eq "x"', b"[" + b"[]," * (MEGABYTE // 3)),
    ('lookup_json_integer(http.request.body.raw, "a") eq 1', b'{"a":' + b"1" * (MEGABYTE - 6) + b"}"),
    ('decode_base64(http.request.body.raw) contains "x"', b"A" * MEGABYTE),
    ('any(http.request.body.form[*][*] eq "x")', b"a=b&" * (MEGABYTE // 4)),
    ('any(url_decode(http.request.body.form.values[*])[*] eq "x")', b"=%41&" * (MEGABYTE // 5)),
    ('any(http.request.body.multipart[*][*] eq "x")', b"\r\n--a\r\n" * (MEGABYTE // 7)),
    ('any(http.request.body.multipart[*][*] eq "x")', b'--a\r\ncontent-disposition: x; name="' + b"\\" * MEGABYTE),
    ('any(http.request.body.multipart[*][*] eq "x")', b"--a\r\ncontent-disposition: " + b"a=b;" * (MEGABYTE // 4)),
    ('remove_query_args(http.request.body.raw, "a") eq "x"', b"a&" * (MEGABYTE // 2)),
    ('join(split(http.request.body.raw, "a", 128), "b") eq "x"', b"a" * MEGABYTE),
    ('encode_base64(sha512(http.request.body.raw)) eq "x"', b"a" * MEGABYTE),
    ('is_timed_hmac_valid_v0("k", http.request.body.raw, 9, 1700000000)', b"1700000000-" * (MEGABYTE // 11)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "raw"), SLOW, ids=range(len(SLOW)))
def test_a_megabyte_takes_no_time_that_its_sender_chooses(make_facts: Make, text: str, raw: bytes) -> None:
    kind = b"multipart/form-data; boundary=a" if "multipart" in text else b"application/x-www-form-urlencoded"
    facts = make_facts(headers=((b"Content-Type", kind),))._replace(body=Body(raw, False, len(raw)))
    matches = compile_expression(text).matches
    best = min(_seconds(matches, facts._replace(memo={})) for _ in range(3))
    assert best < 1.0, "a stall; usual are a few milliseconds, and the worst of these is a tenth of a second"


def _seconds(matches: Callable[[Facts], bool], facts: Facts) -> float:
    start = time.process_time()
    assert matches(facts) is False or matches(facts) is True
    return time.process_time() - start
