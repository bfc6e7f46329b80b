"""Comparison operators and what stands behind them: always a literal, read by the type in front."""

from __future__ import annotations

import difflib
from typing import Final

from botproxy.rules.cursor import Cursor
from botproxy.rules.lists import HOLDS, Lists, NamedList
from botproxy.rules.networks import IpSet, ip_item, ip_literal
from botproxy.rules.numbers import IntSet, int_item, int_literal
from botproxy.rules.patterns import PatternTooLarge, searcher, wildcard_regex
from botproxy.rules.regex import to_re2
from botproxy.rules.regex_fault import RegexFault
from botproxy.rules.strings import bytes_literal, regex_literal, text_literal
from botproxy.rules.tree import Op, Operand, Pattern
from botproxy.rules.types import BYTES, INT, Kind, Type

# In the order in which they are tried: there is no word boundary behind an operator, so longer spellings come first.
_OPERATORS: Final = (
    ("eq", Op.EQ),
    ("==", Op.EQ),
    ("ne", Op.NE),
    ("!=", Op.NE),
    ("ge", Op.GE),
    (">=", Op.GE),
    ("le", Op.LE),
    ("<=", Op.LE),
    ("gt", Op.GT),
    (">", Op.GT),
    ("lt", Op.LT),
    ("<", Op.LT),
    ("bitwise_and", Op.BITWISE_AND),
    ("&", Op.BITWISE_AND),
    ("contains", Op.CONTAINS),
    ("matches", Op.MATCHES),
    ("~", Op.MATCHES),
    ("wildcard", Op.WILDCARD),
    ("strict wildcard", Op.STRICT_WILDCARD),
    ("in", Op.IN),
)
_ORDERING: Final = frozenset({Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE})
_ALLOWED: Final = {
    Kind.BYTES: _ORDERING | {Op.CONTAINS, Op.MATCHES, Op.WILDCARD, Op.STRICT_WILDCARD, Op.IN},
    Kind.INT: _ORDERING | {Op.BITWISE_AND, Op.IN},
    Kind.IP: _ORDERING | {Op.IN},
}
_LIST_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_.")


def operator(cursor: Cursor) -> Op | None:
    """Take a comparison operator if one comes next."""
    for token, op in _OPERATORS:
        if cursor.take(token):
            return op
    return None


def operators_of(subject: Type) -> frozenset[Op]:
    """The comparison operators that values of this type have."""
    return _ALLOWED.get(subject.kind, frozenset())


def operand(cursor: Cursor, subject: Type, op: Op, start: int, lists: Lists) -> Operand:
    """Read what stands behind `op`, which stood at `start`; refuse an operator that the subject's type has not."""
    if op not in operators_of(subject):
        cursor.fail(f"cannot perform this operation on type {subject}", start, cursor.at)
    cursor.skip_space()
    if op is Op.IN:
        return _members(cursor, subject, lists)
    if op is Op.MATCHES:
        return _regex(cursor)
    if op in (Op.WILDCARD, Op.STRICT_WILDCARD):
        return _wildcard(cursor, op is Op.WILDCARD)
    return _scalar(cursor, subject)


def _scalar(cursor: Cursor, subject: Type) -> Operand:
    if subject == BYTES:
        return bytes_literal(cursor)
    return int_literal(cursor) if subject == INT else ip_literal(cursor)


def _regex(cursor: Cursor) -> Pattern:
    start = cursor.at
    source = regex_literal(cursor)
    try:
        pattern = Pattern(source, to_re2(source))
        searcher(pattern.regex)
    except RegexFault as fault:
        cursor.fail(f"regex parse error: {fault} (at character {fault.at + 1} of the expression)", start, cursor.at)
    except PatternTooLarge:
        cursor.fail("this regular expression takes more memory than one may have", start, cursor.at)
    return pattern


def _wildcard(cursor: Cursor, ignore_case: bool) -> Pattern:
    start = cursor.at
    text = text_literal(cursor)
    try:
        pattern = Pattern(text.decode("utf-8", "backslashreplace"), wildcard_regex(text, ignore_case))
        searcher(pattern.regex)
    except ValueError as fault:
        cursor.fail(str(fault), start, cursor.at)
    except PatternTooLarge:
        cursor.fail("this wildcard takes more memory than one may have", start, cursor.at)
    return pattern


def _members(cursor: Cursor, subject: Type, lists: Lists) -> Operand:
    if cursor.ahead("$"):
        return _named_list(cursor, subject, lists)
    cursor.expect("{")
    texts: list[bytes] = []
    ints: list[tuple[int, int]] = []
    addresses: list[tuple[int, int, int]] = []
    while True:
        cursor.skip_space()
        if cursor.take("}"):
            break
        if subject == BYTES:
            texts.append(bytes_literal(cursor))
        elif subject == INT:
            ints.append(int_item(cursor))
        else:
            addresses.append(ip_item(cursor))
    if subject == BYTES:
        return frozenset(texts)
    return IntSet(ints) if subject == INT else IpSet(addresses)


def _named_list(cursor: Cursor, subject: Type, lists: Lists) -> NamedList:
    start = cursor.at
    cursor.at += 1
    name = cursor.take_while(_LIST_NAME)
    if not name or name.startswith(".") or name.endswith("."):
        cursor.fail(f'invalid list name "{name}"', start, max(cursor.at, start + 1))
    found = lists.get(name)
    if found is None:
        close = difflib.get_close_matches(name[:80], lists, 1)
        cursor.fail(f"unknown list ${name}" + (f", did you mean ${close[0]}?" if close else ""), start, cursor.at)
    if not found.fits(subject):
        holds = HOLDS[found.kind] if found.kind is not None else ""
        cursor.fail(f"the list ${name} holds {holds}, and what is looked for is of type {subject}", start, cursor.at)
    return found
