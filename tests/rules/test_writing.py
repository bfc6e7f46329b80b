"""What is written of a tree reads as the same tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.rules import RuleError, compile_expression, named_list
from botproxy.rules.writing import expression_text

CASES = Path(__file__).resolve().parents[3] / "shared" / "data" / "expressions_accept_reject.jsonl"
LISTS = {
    "office": named_list("office", "ip", ["192.0.2.0/24"]),
    "words": named_list("words", "string", ["a"]),
    "cf.asns": named_list("cf.asns", "asn", [64512]),
}
TEXTS = [
    "ssl",
    "not ssl",
    'http.host eq "a\\"b\\\\c\\x00\\xff"',
    r'http.user_agent matches r#"^"x".*[a-z"]\.$"#',
    r'http.user_agent ~ "a\"b[\"c]\d"',
    r'http.request.uri.path wildcard "/a\\*\\\\/*"',
    'http.request.uri.path strict wildcard r"/*.PHP"',
    "cf.bot_management.score in {1..5 7 0x20 9 10}",
    "ip.src in {10/8 192.0.2.1 192.0.2.5..192.0.2.6 192.0.2.9..192.0.2.20 2001:db8::/32 ::1}",
    "ip.src in $office and http.host in $words or ip.src.asnum in $cf.asns",
    "(ssl or ssl) and not (ssl xor ssl or ssl) and ip.src ne 2001:db8::1",
    'any(lower(http.request.headers["x\\"y"][*])[*] contains "a")',
    'all(not http.request.headers.names[*] eq "a")',
    'any((http.request.headers.names[*] eq "a" or http.request.headers.values[*] eq "b"))',
    'lookup_json_integer(http.request.headers["x"][0], "a", 3, "b") & 4',
    'starts_with(concat(http.host, "/", http.request.uri.path), "x")',
    'cidr(ip.src, 24, 64) in {192.0.2.0/24} or cf.bot_management.detection_ids[2] eq -5',
    'has_value(http.request.uri.args.values, "x")',
]  # fmt: skip

leaf = st.sampled_from([text for text in TEXTS if " and " not in text])
expressions = st.recursive(
    leaf,
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or", "xor"]), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.sampled_from(TEXTS), expressions))
def test_what_is_written_reads_as_the_same_tree(text: str) -> None:
    tree = compile_expression(text, lists=LISTS).tree
    assert compile_expression(expression_text(tree), lists=LISTS).tree == tree, expression_text(tree)


@pytest.mark.skipif(not CASES.exists(), reason="the recorded cases are not here")
def test_every_recorded_expression_that_can_be_read_can_be_written() -> None:
    for row in CASES.read_text().splitlines():
        text = json.loads(row)["expression"]
        try:
            tree = compile_expression(text, lists=LISTS).tree
        except RuleError:
            continue
        assert compile_expression(expression_text(tree), lists=LISTS).tree == tree, text


def test_an_expression_is_written_as_people_write_it() -> None:
    text = '(ssl or cf.bot_management.score lt 30) and not http.host in {"a" "b"} and ip.src in {10.0.0.0/8}'
    assert expression_text(compile_expression(text).tree) == text
