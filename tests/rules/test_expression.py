"""What expressions mean: a table of evaluation, missing values, error texts, and robustness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Facts, Place
from botproxy.rules import FIELDS, FINGERPRINT_FIELDS, ExpressionSet, RuleError, compile_expression, named_list

UA = (b"User-Agent", b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36")
TABLE: list[tuple[str, dict[str, Any], bool]] = [
    ('http.host eq "example.com"', {}, True),
    ("ssl", {"secure": False}, False),
    ("not not ssl", {}, True),
    ("ssl or ssl and not ssl", {}, True),
    ("ssl xor ssl and not ssl", {}, True),
    ("not ssl and not ssl", {}, False),
    ('not http.host eq "b" and ssl', {}, True),
    ('http.request.uri.path.extension eq "bz2"', {"target": b"/foo.tar.BZ2"}, True),
    ('http.request.uri.path.extension eq ""', {"target": b"/.mp3"}, True),
    ('http.request.uri.query eq ""', {"target": b"/"}, True),
    ('http.request.uri.args["a"][1] eq "%32"', {"target": b"/?a=1&b=&a=%32"}, True),
    ('http.request.uri.args["a"][2] ne "x"', {"target": b"/?a=1"}, False),
    ('not http.request.uri.args["a"][2] eq "x"', {"target": b"/?a=1"}, True),
    ('any(http.request.headers["x"][*] == "y")', {}, False),
    ('all(http.request.headers["x"][*] == "y")', {}, True),
    ('all(starts_with(http.request.headers["x"][*], "y"))', {}, False),
    ('all(http.request.headers["x"][*] == "y")', {"headers": ((b"X", b"y"), (b"x", b"z"))}, False),
    ('len(http.request.headers["x"]) > 1', {"headers": ((b"X", b"y"), (b"x", b"z"))}, True),
    ('not len(http.request.uri.args["filter"]) >= 0', {}, True),
    ('has_key(http.request.headers, "x")', {"headers": ((b"X", b"y"),)}, True),
    ('has_value(http.request.headers.names, "X")', {"headers": ((b"X", b"y"),)}, True),
    ('any(http.request.headers[*][*] contains "y")', {"headers": ((b"X", b"ayb"),)}, True),
    (
        'any((http.request.headers.names[*] == "A" and http.request.headers.values[*] == "1"))',
        {"headers": ((b"A", b"2"), (b"B", b"1"))},
        False,
    ),
    ('http.request.cookies["a b"][0] == "1"', {"headers": ((b"Cookie", b"x=2; a%20b=1"),)}, True),
    ('http.user_agent eq ""', {}, True),
    ('join(http.request.headers["x"], ",") == "y,z"', {"headers": ((b"X", b"y"), (b"x", b"z"))}, True),
    ('http.request.accepted_languages[0] eq "de"', {"headers": ((b"Accept-Language", b"en;q=0.5, *, de"),)}, True),
    ("ip.src in {192.0.2.0/24}", {}, True),
    ("ip.src in {192.0.2.5..192.0.2.9}", {}, False),
    ("ip.src != ::1", {}, True),
    ("ip.src lt ::1", {}, False),
    ("cidr(ip.src, 24, 48) eq 192.0.2.0", {}, True),
    ("cidr6(ip.src, 48) eq 2001:db8::", {"address": "2001:db8::9"}, True),
    ("ip.src.asnum in {64500..64510}", {"place": Place(asn=64501)}, True),
    ('ip.geoip.country ne "DE"', {}, False),
    ("cf.bot_management.score lt 30", {"score": 1}, True),
    ("cf.bot_management.score lt 30", {}, False),
    ("cf.bot_management.score & 2", {"score": 3}, True),
    ("any(cf.bot_management.detection_ids[*] in {3..5})", {"score": 1, "detections": (1, 4)}, True),
    ("not cf.bot_management.js_detection.passed", {"score": 1}, True),
    ('http.user_agent matches "(?i)chrome/1\\d\\d"', {"headers": (UA,)}, True),
    ('http.user_agent wildcard "MOZILLA*safari/*"', {"headers": (UA,)}, True),
    ('http.user_agent strict wildcard "MOZILLA*"', {"headers": (UA,)}, False),
    ('http.request.full_uri eq "https://example.com/a?b"', {"target": b"/a?b"}, True),
    ('concat(http.request.headers["x"][0], "a") eq "a"', {}, True),
    ('coalesce(http.request.headers["x"][0], "a") eq "a"', {}, True),
    ('url_decode(http.request.uri.query, "r") eq "a b"', {"target": b"/?a%2520b"}, True),
    ('substring(http.host, -3) eq "com"', {}, True),
    ('remove_bytes(http.host, "e.") eq "xamplcom"', {}, True),
    ('lookup_json_string(http.request.uri.query, "a", 1) eq "x"', {"target": b'/?{"a":[0,"x"]}'}, True),
    ('lookup_json_integer(http.request.uri.query, "a") eq 42', {"target": b'/?{"a":42.0}'}, False),
    ('decode_base64(http.request.uri.query) eq "hi"', {"target": b"/?aGk"}, True),
    ("http.host eq 65:78:61:6d:70:6c:65:2e:63:6f:6d", {}, True),
    ('http.host eq r#"example.com"#', {}, True),
    ('http.host eq "\\145xample\\x2ecom"', {}, True),
    ("cf.threat_score eq 0", {}, True),
    ("http.request.timestamp.sec eq 1700000000", {}, True),
]


@pytest.mark.parametrize(("text", "words", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_an_expression_means(
    text: str, words: dict[str, Any], expected: bool, make_facts: Callable[..., Facts]
) -> None:
    assert compile_expression(text).matches(make_facts(**words)) is expected


def test_a_claimed_browser_is_read_from_the_user_agent(make_facts: Callable[..., Facts]) -> None:
    text = (
        'botproxy.browser eq "chrome" and botproxy.browser_major eq 131 '
        'and botproxy.platform eq "windows" and botproxy.header_order eq "host,user-agent"'
    )
    facts = make_facts(headers=((b"Host", b"a"), UA))
    assert compile_expression(text, FINGERPRINT_FIELDS).matches(facts)
    with pytest.raises(RuleError):
        compile_expression(text)


def test_an_error_shows_the_line_and_carets() -> None:
    with pytest.raises(RuleError) as caught:
        compile_expression('ssl and\nhttp.host like "a"')
    assert str(caught.value) == (
        'Filter parsing error (2:11):\nhttp.host like "a"\n          ^^^^^^^^ expected ComparisonOp'
    )


def test_lists_are_resolved_and_an_unknown_one_is_refused(make_facts: Callable[..., Facts]) -> None:
    lists = {
        "office": named_list("office", "ip", ["192.0.2.0/24", "2001:db8::1"]),
        "words": named_list("words", "string", ["x y"]),
    }
    assert compile_expression("ip.src in $office", lists=lists).matches(make_facts())
    for text in ("ip.src in $other", "ip.src in $words", "cf.threat_score in $words"):
        with pytest.raises(RuleError):
            compile_expression(text, lists=lists)


def test_nesting_and_length_are_limited() -> None:
    compile_expression("(" * 128 + "ssl" + ")" * 128)
    for text in ("(" * 129 + "ssl" + ")" * 129, "!" * 4000 + "ssl", "ssl or " * 700 + "ssl", "lower(" * 500):
        with pytest.raises(RuleError):
            compile_expression(text)


def test_what_uses_bot_management_is_known() -> None:
    assert compile_expression("not cf.bot_management.verified_bot").uses_bot_management
    assert compile_expression("cf.client.bot or ssl").uses_bot_management
    assert not compile_expression(
        'cf.bot_management.ja4 eq "a" and not cf.bot_management.static_resource'
    ).uses_bot_management
    assert not compile_expression("ssl").uses_bot_management
    assert compile_expression('ip.src.country eq "A"').uses("ip.geoip.country")


words = st.sampled_from(
    [*FIELDS.fields, "lower(", "any(", ")", "(", " ", "eq", "~", '"a"', "1", "{", "}", "[*]", "and", "not"]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(), st.lists(words, max_size=12).map(" ".join), st.lists(words, max_size=12).map("".join)))
def test_any_text_is_an_expression_or_a_rule_error(text: str) -> None:
    message = "^"
    try:
        compile_expression(text)
    except RuleError as error:
        message = str(error)
    assert "^" in message


TAILS = {
    "Bytes": ' matches "a"',
    "Int": " >= 1",
    "Ip": " in {::1}",
    "Bool": "",
}


@settings(max_examples=60, deadline=None)
@given(
    target=st.binary(max_size=40).map(lambda tail: b"/" + tail),
    headers=st.lists(
        st.tuples(st.sampled_from([b"Cookie", b"Accept-Language", b"User-Agent", b"X"]), st.binary(max_size=60)),
        max_size=6,
    ).map(tuple),
)
def test_no_field_fails_on_any_request(make_facts: Callable[..., Facts], target: bytes, headers: Any) -> None:
    facts = make_facts(target=target, headers=headers)
    for name, expression in EVERY_FIELD.items():
        assert expression.matches(facts) in (True, False), name


def _touching(name: str) -> str:
    kind, text = FIELDS.fields[name].type, name
    each = kind.item is not None
    while kind.item is not None:
        kind, text = kind.item, text + "[*]"
    text += TAILS[str(kind)]
    return f"any({text})" if each else text


EVERY_FIELD = {name: compile_expression(_touching(name)) for name in FIELDS.fields}


RELATIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("http.referer eq http.user_agent", {}, True),
    ('http.request.headers["a"][0] eq http.request.headers["b"][0]', {}, False),
    ('http.request.headers["a"][0] ne http.request.headers["b"][0]', {}, False),
    ('http.request.headers["a"][0] ne http.request.headers["b"][0]', {"headers": ((b"a", b"1"), (b"b", b"2"))}, True),
    ('http.request.headers["a"][0] lt http.request.headers["b"][0]', {"headers": ((b"a", b"1"), (b"b", b"2"))}, True),
    ('http.host eq lower(http.request.headers["h"][0])', {"headers": ((b"H", b"EXAMPLE.com"),)}, True),
    ('any(http.request.headers["h"][*] eq http.host)', {"headers": ((b"H", b"x"), (b"h", b"example.com"))}, True),
    ('all(http.request.headers["h"][*] eq http.host)', {"headers": ((b"H", b"x"), (b"h", b"example.com"))}, False),
    ('all(http.request.headers["h"][*] eq http.host)', {}, True),
    ('all(http.request.headers["h"][*] eq http.request.headers["i"][0])', {"headers": ((b"H", b"x"),)}, False),
    ('any(not http.request.headers["h"][*] eq http.request.headers["i"][0])', {"headers": ((b"H", b"x"),)}, True),
    ("ip.src.asnum gt cf.bot_management.score", {"score": 3, "place": Place(asn=4)}, True),
    ("ip.src.asnum gt cf.bot_management.score", {"place": Place(asn=4)}, False),
    ("ip.src.asnum & cf.bot_management.score", {"score": 3, "place": Place(asn=4)}, False),
    ("ip.src eq cidr(ip.src, 24, 48)", {"address": "192.0.2.0"}, True),
    ("ip.src lt cidr(ip.src, 24, 48)", {"address": "192.0.2.9"}, False),
    ("len(http.host) eq len(http.host) and not http.host ne http.host", {}, True),
]


@pytest.mark.parametrize(("text", "words", "expected"), RELATIONS, ids=[row[0] for row in RELATIONS])
def test_two_values_of_a_request_are_compared(
    text: str, words: dict[str, Any], expected: bool, make_facts: Callable[..., Facts]
) -> None:
    expression = compile_expression(text)
    assert expression.matches(make_facts(**words)) is expected
    assert list(ExpressionSet([expression, expression]).matching(make_facts(**words))) == ([0, 1] if expected else [])


@pytest.mark.parametrize(
    "text",
    [
        "http.host eq ip.src",
        "http.host contains http.referer",
        "http.host in http.referer",
        "http.host matches http.referer",
        "http.host eq http.request.headers.names[*]",
        "any(http.request.headers.names[*] eq http.request.headers.values[*])",
        "ssl eq ssl",
        "http.request.headers eq http.request.headers",
        "http.host eq any(ssl)",
        "http.host eq (http.host)",
    ],
)
def test_other_pairs_cannot_be_compared(text: str) -> None:
    with pytest.raises(RuleError):
        compile_expression(text)


def test_what_a_relation_reads_is_known() -> None:
    expression = compile_expression("http.host eq http.request.body.raw")
    assert expression.uses("http.request.body.raw")
    assert expression.needs_body
    assert not expression.headers_only


@pytest.mark.parametrize(
    ("target", "field", "expected"),
    [
        (b"/a/../b%41.PHP?q=%41&q=2", "http.request.uri.path", b"/bA.PHP"),
        (b"/a/../b%41.PHP?q=%41&q=2", "http.request.uri.path.extension", b"php"),
        (b"/a/../b%41.PHP?q=%41&q=2", "http.request.uri", b"/bA.PHP?q=%41&q=2"),
        (b"/a/../b%41.PHP?q=%41&q=2", "http.request.full_uri", b"https://example.com/bA.PHP?q=%41&q=2"),
        (b"/a/../b%41.PHP?q=%41&q=2", "raw.http.request.uri.path", b"/a/../b%41.PHP"),
        (b"/a/../b%41.PHP?q=%41&q=2", "raw.http.request.uri.path.extension", b"php"),
        (b"/a/../b%41.PHP?q=%41&q=2", "raw.http.request.uri", b"/a/../b%41.PHP?q=%41&q=2"),
        (b"/a/../b%41.PHP?q=%41&q=2", "raw.http.request.uri.query", b"q=%41&q=2"),
        (b"/a/../b%41.PHP?q=%41&q=2", 'raw.http.request.uri.args["q"][0]', b"%41"),
        (b"/a/../b%41.PHP", "raw.http.request.full_uri", b"https://Example.com:8443/a/../b%41.PHP"),
        (b"http://Example.com/a%41?x", "raw.http.request.full_uri", b"http://Example.com/a%41?x"),
        (b"http://Example.com/a%41?x", "raw.http.request.uri", b"/a%41?x"),
        (b"http://Example.com", "raw.http.request.uri", b"/"),
        (b"http://Example.com?x", "raw.http.request.uri", b"/?x"),
        (b"*", "raw.http.request.uri", b"*"),
    ],
)
def test_raw_fields_have_what_was_sent_and_the_others_what_the_origin_gets(
    make_facts: Callable[..., Facts], target: bytes, field: str, expected: bytes
) -> None:
    facts = make_facts(target=target)
    facts = facts._replace(request=facts.request._replace(path=b"/bA.PHP"))
    literal = "".join(f"\\x{byte:02x}" for byte in expected)
    assert compile_expression(f'{field} eq "{literal}"').matches(facts)
