"""Regular expressions that wait for a spelling which does not come."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from botproxy.config.lints.linted import Advice, Rule
from botproxy.config.lints.samples import PATHS, comparisons, reads
from botproxy.rules.tree import Access, Call, Field, Op, Pattern
from botproxy.rules.writing import expression_text

_LOWER: Final = frozenset(("http.host", "http.request.uri.path.extension", "raw.http.request.uri.path.extension"))
_USER_AGENT: Final = "http.user_agent"
# Names that clients write with capitals, and people in rules often without.
_SPELT: Final = (
    "bot", "crawl", "spider", "scrap", "headless", "phantom", "selenium", "puppeteer", "playwright", "wget",
    "java", "go-http-client", "scrapy", "mozilla", "chrome", "firefox", "safari", "windows", "android", "iphone",
)  # fmt: skip
_ESCAPE: Final = re.compile(r"\\(?:x\{[^}]*\}|x[0-9A-Fa-f]{2}|[pP]\{[^}]*\}|.)", re.DOTALL)
_FLAGS: Final = re.compile(r"\(\?[a-zA-Z]*(?:-[a-zA-Z]+)?[:)]|\(\?P?<[^>]*>")
_EITHER_CASE: Final = re.compile(r"\[([a-z])([A-Z])\]|\[([A-Z])([a-z])\]")
_DELIMITED: Final = re.compile(r"/.*/[gmsuy]*i[gmsuy]*\Z", re.DOTALL)
_CASELESS: Final = re.compile(r"\(\?[a-zA-Z]*i")


def case(rules: Sequence[Rule]) -> Iterator[Advice]:
    """A regular expression without `(?i)` that looks for letters in a case which they do not have."""
    for rule in rules:
        for each in dict.fromkeys(each for each, _ in comparisons(rule.expression.tree)):
            pattern = each.operand
            if each.op is not Op.MATCHES or not isinstance(pattern, Pattern):
                continue
            fault = _fault(each.subject, pattern.source)
            if fault is not None:
                yield Advice(rule, f"`{expression_text(each)[:200]}`: {fault[0]}", fault[1])


def _fault(subject: Access, source: str) -> tuple[str, str] | None:
    if _CASELESS.search(source):
        return None
    insensitive = f'`matches r"(?i){source[:200]}"`'
    if _DELIMITED.match(source) and not _is_path(subject):
        inner = source[1 : source.rindex("/")][:200]
        return "slashes and flags around a pattern are looked for as they stand", f'`matches r"(?i){inner}"`'
    if any((found[1] or found[3]).lower() == (found[2] or found[4]).lower() for found in _EITHER_CASE.finditer(source)):
        return "letters in both cases are spelt out one by one", insensitive
    words = _FLAGS.sub("", _ESCAPE.sub(" ", source))
    if _is_lower(subject):
        if any(character.isupper() for character in words):
            return "the value is in lower case, so a capital never matches", insensitive
        return None
    if _is_user_agent(subject) and not any(character.isupper() for character in words):
        spelt = next((word for word in _SPELT if word in words), "")
        if spelt:
            return f"clients write `{spelt}` with and without capitals, and case counts", insensitive
    return None


def _is_path(subject: Access) -> bool:
    return any(name in PATHS for name, _ in reads(subject))


def _is_lower(subject: Access) -> bool:
    base = subject.base
    if isinstance(base, Call):
        return base.function == "lower"
    return base.name in _LOWER


def _is_user_agent(subject: Access) -> bool:
    base = subject.base
    if not isinstance(base, Field):
        return False
    return base.name == _USER_AGENT or (base.name == "http.request.headers" and subject.path[:1] == (b"user-agent",))
