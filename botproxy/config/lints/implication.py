"""Whether one condition being true makes another one true, as far as that can be told from the two alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botproxy.rules.evaluation import test_of
from botproxy.rules.networks import IpSet
from botproxy.rules.numbers import LARGEST, SMALLEST, IntSet
from botproxy.rules.tree import Call, Compare, Field, Literal, Logic, LogicOp, Node, Not, Op, Truth
from botproxy.rules.types import INT, IP

_ROOTED: Final = frozenset(("http.request.uri", "http.request.uri.path"))
_ATTEMPTS: Final = 400
"""Pairs of conditions that are compared before two expressions are too large to tell."""


def implies(one: Node, other: Node) -> bool:
    """Whether `other` is true whenever `one` is. False also means that it cannot be told."""
    return _Comparison().implies(one, other) or always_true(other) or never_true(one)


def always_true(node: Node) -> bool:
    """Whether a condition is true of every request."""
    if isinstance(node, Not):
        return never_true(node.item)
    if isinstance(node, Logic):
        return _settled(node, LogicOp.AND, always_true)
    if isinstance(node, Compare):
        name = node.subject.base.name if isinstance(node.subject.base, Field) and not node.subject.path else ""
        if name == "cf.threat_score":
            return test_of(node)(0)
        if name in _ROOTED:
            return node.op is Op.CONTAINS and node.operand in (b"", b"/")
        return False
    if isinstance(node, Truth):
        call = node.subject.base
        if isinstance(call, Call) and call.function == "starts_with" and not call.mapped:
            return _begins(call)[0] in _ROOTED and _begins(call)[1] in (b"", b"/")
        return isinstance(call, Field) and call.name == "cf.edge.client_tcp"
    return False


def never_true(node: Node) -> bool:
    """Whether a condition is false of every request."""
    if isinstance(node, Not):
        return always_true(node.item)
    if isinstance(node, Logic):
        return _settled(node, LogicOp.OR, never_true)
    if isinstance(node, Compare) and isinstance(node.subject.base, Field):
        return node.subject.base.name == "cf.threat_score" and not test_of(node)(0)
    return False


def _settled(node: Logic, needs_all: LogicOp, always: Callable[[Node], bool]) -> bool:
    """Whether the parts settle the whole: under `needs_all` each has to, under its dual one, or two that deny each
    other. `xor` is settled by nothing.
    """
    if node.op is needs_all:
        return all(map(always, node.items))
    if node.op is LogicOp.XOR:
        return False
    return any(map(always, node.items)) or any(_negated(item) in node.items for item in node.items)


def _negated(node: Node) -> Node:
    return node.item if isinstance(node, Not) else Not(node)


class _Comparison:
    def __init__(self) -> None:
        self.left = _ATTEMPTS

    def implies(self, one: Node, other: Node) -> bool:
        self.left -= 1
        if self.left < 0:
            return False
        if one == other:
            return True
        # A choice on the left, or a demand on the right, has to hold in each of its parts.
        if isinstance(one, Logic) and one.op is LogicOp.OR:
            return all(self.implies(item, other) for item in one.items)
        if isinstance(other, Logic) and other.op is LogicOp.AND:
            return all(self.implies(one, item) for item in other.items)
        if isinstance(one, Logic) and one.op is LogicOp.AND and any(self.implies(item, other) for item in one.items):
            return True
        if isinstance(other, Logic) and other.op is LogicOp.OR:
            return any(self.implies(one, item) for item in other.items)
        if isinstance(one, Not) and isinstance(other, Not):
            return self.implies(other.item, one.item)
        if isinstance(one, Compare | Truth) and isinstance(other, Compare | Truth):
            return _simple(one, other) or always_true(other)
        return False


def _simple(one: Compare | Truth, other: Compare | Truth) -> bool:
    if isinstance(one, Compare) and isinstance(other, Compare):
        if one.subject != other.subject or one.subject.each:
            return False
        if one.op is Op.EQ:
            return test_of(other)(one.operand)
        if one.subject.type == INT:
            return _within(_numbers(one), _numbers(other))
        if one.subject.type == IP:
            return _addresses_within(one, other)
        if one.op is Op.IN and isinstance(one.operand, frozenset):
            return all(map(test_of(other), one.operand))
        if one.op is Op.CONTAINS and other.op is Op.CONTAINS:
            wanted: Any = other.operand
            return wanted in one.operand  # type: ignore[operator]
        return False
    if isinstance(other, Truth) and isinstance(other.subject.base, Call):
        return _affixed(one, other.subject.base)
    if isinstance(one, Truth) and isinstance(other, Compare) and isinstance(one.subject.base, Call):
        call, part = one.subject.base, other.operand
        if call.function not in ("starts_with", "ends_with") or call.mapped or other.op is not Op.CONTAINS:
            return False
        return call.arguments[0] == other.subject and isinstance(part, bytes) and part in _begins(call)[1]
    return False


def _affixed(one: Compare | Truth, wanted: Call) -> bool:
    """Whether `one` makes `starts_with(x, "…")` or `ends_with(x, "…")` true."""
    if wanted.function not in ("starts_with", "ends_with") or wanted.mapped:
        return False
    subject, (_, affix) = wanted.arguments[0], _begins(wanted)
    if not affix:
        return False
    check = bytes.startswith if wanted.function == "starts_with" else bytes.endswith
    if isinstance(one, Compare):
        values = one.operand if isinstance(one.operand, frozenset) else (one.operand,)
        exact = one.op in (Op.EQ, Op.IN) and one.subject == subject
        return exact and all(isinstance(value, bytes) and check(value, affix) for value in values)
    call = one.subject.base
    if not isinstance(call, Call) or call.function != wanted.function or call.mapped or call.arguments[0] != subject:
        return False
    return check(_begins(call)[1], affix)


def _begins(call: Call) -> tuple[str, bytes]:
    """Field and literal of `starts_with` and `ends_with`; empty where they are something else."""
    if call.function not in ("starts_with", "ends_with"):
        return "", b""
    subject, literal = call.arguments
    base = getattr(subject, "base", None)
    name = base.name if isinstance(base, Field) and not getattr(subject, "path", ()) else ""
    value = literal.value if isinstance(literal, Literal) else b""
    return name, value if isinstance(value, bytes) else b""


def _numbers(node: Compare) -> IntSet | None:
    value = node.operand
    if isinstance(value, IntSet):
        return value
    if not isinstance(value, int):
        return None
    match node.op:
        case Op.EQ:
            return IntSet([(value, value)])
        case Op.NE:
            return _set((SMALLEST, value - 1), (value + 1, LARGEST))
        case Op.LT:
            return _set((SMALLEST, value - 1))
        case Op.LE:
            return _set((SMALLEST, value))
        case Op.GT:
            return _set((value + 1, LARGEST))
        case Op.GE:
            return _set((value, LARGEST))
    return None


def _within(one: IntSet | None, other: IntSet | None) -> bool:
    if one is None or other is None:
        return False
    return all(any(start <= first and last <= end for start, end in other.ranges) for first, last in one.ranges)


def _set(*ranges: tuple[int, int]) -> IntSet:
    return IntSet([(first, last) for first, last in ranges if first <= last])


def _addresses_within(one: Compare, other: Compare) -> bool:
    a, b = one.operand, other.operand
    if not isinstance(a, IpSet) or not isinstance(b, IpSet):
        return False
    return _within(a.v4, b.v4) and _within(a.v6, b.v6)
