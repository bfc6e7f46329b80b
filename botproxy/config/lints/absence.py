"""Conditions on what is not there: `all()` over nothing is true, and some fields have no value here at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from botproxy.config.lints.linted import Advice, Rule
from botproxy.config.lints.samples import accesses
from botproxy.rules import UNKNOWABLE
from botproxy.rules.evaluation import test_of
from botproxy.rules.tree import (
    EACH,
    Access,
    Call,
    Compare,
    Field,
    Key,
    Literal,
    Logic,
    LogicOp,
    Node,
    Not,
    Quantified,
    Truth,
)

_MAPS: Final = {
    "http.request.headers": "header",
    "http.request.cookies": "cookie",
    "http.request.uri.args": "argument",
}
_ALWAYS_THERE: Final = frozenset((("http.request.headers", b"host"),))

_Place = tuple[str, Key]


def all_over_nothing(rules: Sequence[Rule]) -> Iterator[Advice]:
    """`all()` on a header that may be absent, where nothing else demands the header: it is true without it."""
    for rule in rules:
        for name, key in dict.fromkeys(_unguarded(rule.expression.tree, frozenset(_ALWAYS_THERE), True)):
            text = f'{name}["{key.decode()}"]' if isinstance(key, bytes) else name
            yield Advice(
                rule,
                f"`all()` is true of requests without this {_MAPS[name]}, {text}",
                f"`and len({text}) > 0`, or `any()`",
            )


def always_missing(rules: Sequence[Rule]) -> Iterator[Advice]:
    """Fields that only the original can know: comparisons with them are false, and `not` of them true."""
    for rule in rules:
        for name in sorted(rule.expression.fields & UNKNOWABLE):
            yield Advice(
                rule,
                f"{name} is always missing here: a comparison with it is never true",
                "a rule without it; docs/rules.md has the fields that have values",
            )


def _unguarded(node: Node, there: frozenset[_Place], positive: bool) -> Iterator[_Place]:
    """Entries of maps over which an `all` helps the whole to be true, although they may be absent."""
    if isinstance(node, Not):
        yield from _unguarded(node.item, there, not positive)
    elif isinstance(node, Logic):
        if node.op is LogicOp.AND and positive:
            there |= {place for item in node.items for place in _demanded(item)}
        for item in node.items:
            yield from _unguarded(item, there, positive)
    elif isinstance(node, Quantified) and node.every and positive and not isinstance(node.item, Truth):
        for place in _entries(node.item):
            if place not in there:
                yield place


def _demanded(node: Node) -> Iterator[_Place]:
    """Entries that are there whenever the condition is true."""
    if isinstance(node, Quantified):
        if not node.every:
            yield from _entries(node.item)
    elif isinstance(node, Truth):
        call = node.subject.base
        if isinstance(call, Call) and call.function == "has_key":
            holder, key = call.arguments
            held = holder.base if isinstance(holder, Access) and not holder.path else None
            if isinstance(held, Field) and isinstance(key, Literal) and isinstance(key.value, bytes):
                yield held.name, key.value
        elif isinstance(call, Call):
            yield from _entries(node)
    elif isinstance(node, Compare):
        base = node.subject.base
        if isinstance(base, Call) and base.function == "len" and test_of(node)(0):
            return  # an empty array would do
        yield from _entries(node)


def _entries(node: Node) -> Iterator[_Place]:
    for access in accesses(node):
        if isinstance(access.base, Field) and access.base.name in _MAPS and access.path and access.path[0] is not EACH:
            yield access.base.name, access.path[0]
