"""Regular expressions mean what they mean to the original's engine in byte mode, or they are refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.rules.patterns import PatternTooLarge, searcher
from botproxy.rules.regex import to_re2
from botproxy.rules.regex_fault import RegexFault

TABLE = [
    (r"\s", b"\v", True),
    (r"(?i)\xe9", b"\xc9", False),
    (r"(?i)k", b"K", True),
    (r"é+$", "éé".encode(), True),
    (r"\xe9", "é".encode(), False),
    (r"^.$", b"\xff", True),
    (r".", b"\n", False),
    (r"(?s).", b"\n", True),
    (r"a$", b"a\n", False),
    (r"(?m)a$", b"a\nb", True),
    (r"[a-z&&[^aeiou]]", b"e", False),
    (r"[a-z&&[^aeiou]]", b"f", True),
    (r"[a-z--m]", b"m", False),
    (r"[a~~b]", b"a", True),
    (r"[[:alpha:]-z]", b"-", True),
    (r"[]-a]", b"^", False),
    (r"[^]a]", b"]", False),
    (r"[a&&b]", b"ab", False),
    (r"^(?:a**)b", b"aab", True),
    (r"^a{2}{3}$", b"aaaaaa", True),
    (r"^a{ 2 , 3 }$", b"aa", True),
    (r"a(?i)b|c", b"C", True),
    (r"(?i:a)b", b"AB", False),
    (r"\x{e9}", b"\xc3\xa9", True),
    (r"\W", b"\xe9", True),
    (r"(?<n>a)(?P<m>b)", b"ab", True),
    (r"", b"", True),
    (r"\bfoo\b", b"a foo.", True),
    (r"[a-c[x-z]]", b"y", True),
    (r"[[a-c]x]", b"x", True),
    (r"[[a-c]x]", b"x]"[1:], False),
    (r"[^a[b]]", b"b", False),
    (r"[a-z&&b-d&&[^c]]", b"c", False),
    (r"[\w--\d]", b"1", False),
    (r"[\w--\d]", b"a", True),
    (r"[\d~~5-z]", b"5", False),
    (r"[^\n]", b"\xff", True),
    (r"\D", b"\x00", True),
    (r"(?i)[^k]", b"K", False),
    (r"(?i)[^k]", "\u212a".encode(), True),
    (r"(?m)^b$", b"a\nb\nc", True),
    (r"(?m)^b$", b"a\r\nb\r\n", False),
    (r"(?s-m:^.b$)", b"\nb", True),
    (r"(?R).", b"\r", False),
    (r"(?-R:.)", b"\r", True),
    (r"(?x) a b # c", b"ab", True),
    (r"(?x) a b # c", b"a b", False),
    ("(?x)\ta\n#x\n[ b #c\n]{ 2 } ?", b"abb", True),
    (r"(?x)a\ b", b"a b", True),
    (r"(?x:a b)c d", b"abc d", True),
    (r"(?x)a(?-x)b c", b"ab c", True),
    (r"^a{1001}$", b"a" * 1001, True),
    (r"^a{1001}$", b"a" * 1000, False),
    (r"^a{1500,}$", b"a" * 1700, True),
    (r"^a{1500,}$", b"a" * 1499, False),
    (r"^a{3,2500}$", b"a" * 2500, True),
    (r"^a{3,2500}$", b"a" * 2501, False),
    (r"^(?:a{40}){60}b$", b"a" * 2400 + b"b", True),
    (r"^(?:a{40}){60}b$", b"a" * 2399 + b"b", False),
    (r"^(?:a{0,40}){60}$", b"a" * 2400, True),
    (r"^(?:a{0,40}){60}$", b"a" * 2401, False),
    (r"^(?:(?:a{7}){11}){13}$", b"a" * 1001, True),
    (r"a{0}b", b"b", True),
    (r"\b{start}foo\b{end}", b"a foo.", True),
    (r"\b{start}foo\b{end}", b"a food", False),
    (r"\<\w+\>", b"..a..", True),
    (r"\b{start-half}-", b"a-", False),
    (r"\b{start-half}-", b"--", True),
    (r"-\b{end-half}", b"-a", False),
    (r"-\b{end-half}", b"-", True),
    (r"\b{start}-", b"a-b", False),
    (r"(?:a|bc)\b{end}", b"abc.", True),
    (r"a\b{end}b?", b"ab", False),
    (r"(?u)^.$", "é".encode(), True),
    (r"(?u)^.$", b"\xe9", False),
    (r"(?u)^[^a]$", b"\xff", False),
    (r"(?u)^[^a]$", "\U0001f600".encode(), True),
    (r"(?u)\p{Hangul}+", "/한글".encode(), True),
    (r"(?u)\p{Hangul}+", b"/hangul", False),
    (r"(?u)^\p{L}\pN\p{Greek}\p{sc=Cyrillic}$", "é²αж".encode(), True),
    (r"(?u)\P{L}", "é".encode(), False),
    (r"(?u)^\w\d\s$", "ⓐ٣\u2003".encode(), True),
    (r"(?u)[é-ü--è-ê]", "é".encode(), False),
    (r"(?u)[é-ü--è-ê]", "ü".encode(), True),
    (r"(?iu)straße", "STRAẞE".encode(), True),
    (r"(?iu)k", "\u212a".encode(), True),
    (r"(?iu)[^σ]", "ς".encode(), False),
    (r"(?u)\xe9", "é".encode(), True),
    (r"(?u)\xe9", b"\xe9", False),
    (r"(?u:é).", "é\xff".encode("latin-1")[1:] + "é".encode() + b"\xff", True),
    (r"a|b*?c|", b"", True),
    (r"(?U)a+?b", b"aab", True),
    (r"x*", b"\xff\xfe", True),
    (r"[\x00-\x1f]", b"a\x00", True),
    (r"\Aa\z", b"a\n", False),
    (r"a\Bb", b"ab", True),
    (r"\u{e9}\U000000e9\u00e9", "ééé".encode(), True),
    (r"[\]\[\-]", b"-", True),
    (r"]}", b"]}", True),
    (r"(?:)", b"", True),
]


@pytest.mark.parametrize(("source", "value", "expected"), TABLE)
def test_an_expression_matches(source: str, value: bytes, expected: bool) -> None:
    assert searcher(to_re2(source))(value) is expected


@pytest.mark.parametrize(
    "source",
    [r"\b{start}", r"\<", r"\>a", r"\b{start}a?", r"\b{end-half}", r"\b{start}.", r"\<*a", r"\b{middle}", r"\b{",
     r"(?=a)", r"(?!a)", r"(?<=a)", r"(?<!a)", r"\1", r"\pL", r"(?u)\p{Klingon}", r"(?u)\p{L", r"(?u)\p{zz}",
     r"(?u)\ba", r"(?u)a\B", r"(?mR)^a", "[é]", "(", ")", "*", "a{", "a{}", "a{,3}", "a{3,2}", "a{-1}", "a{1",
     "a{4294967296}", "(?:a{1000}){1000}", "((((a{99}){99}){99}){99})", "[z-a]", r"[a-\d]", r"[\b]", r"\Q", r"\Z",
     r"\C", r"\e", r"\é", "(?<n>a)(?<n>b)", "(?<1>a)", "(?<>a)", "[", "[a", "[]", "[a-", "(?", "(?P<", "(?P=n)", "(?z)",
     "(?i-)", "(?ii)", "(?)", "(?i", "(?#a)", "(?>a)", "\\", r"\x", r"\x{}", r"\xg1", r"\x{110000}", r"\x{d800}",
     "a|*", "(?i)*", "(" * 200, "[" * 200],
)  # fmt: skip
def test_what_cannot_be_said_to_re2_is_refused(source: str) -> None:
    with pytest.raises((RegexFault, PatternTooLarge)):
        searcher(to_re2(source))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab[]^-&~|()?*+{}\\dswxbé1,:imsUuRp<>P$.#L ", max_size=16))
def test_any_text_is_translated_or_refused(source: str) -> None:
    try:
        regex = to_re2(source)
        matches = searcher(regex)
    except (RegexFault, PatternTooLarge):
        return
    assert matches(b"ab") in (True, False)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abc|*+?.()[]", max_size=10), st.text(alphabet="abc", max_size=8))
def test_plain_expressions_agree_with_another_engine(source: str, value: str) -> None:
    try:
        expected = re.search(source.encode(), value.encode()) is not None
        regex = to_re2(source)
    except (re.error, RegexFault, FutureWarning):
        return
    if not re.search(r"[*+?]{2}|\[[^\]]*\[|\(\?", source):
        assert searcher(regex)(value.encode()) is expected
