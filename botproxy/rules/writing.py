"""Typed tree back to text, for people who ask what a part of an expression says. Reading the text gives the tree again.

Sets are written with their members joined and in order, and groups with the parentheses that they need.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from botproxy.rules.list_items import written
from botproxy.rules.lists import NamedList
from botproxy.rules.networks import IpSet
from botproxy.rules.numbers import IntSet
from botproxy.rules.tree import (
    EACH,
    RELATIONS,
    Access,
    Argument,
    Call,
    Compare,
    Field,
    Literal,
    Logic,
    LogicOp,
    Node,
    Not,
    Operand,
    Pattern,
    Quantified,
    Truth,
)

_WORDS: Final = {LogicOp.AND: " and ", LogicOp.OR: " or ", LogicOp.XOR: " xor "}


def expression_text(node: Node | Argument) -> str:
    """The text of a part of an expression."""
    if isinstance(node, Access):
        return _access(node)
    if isinstance(node, Literal):
        return _value(node.value)
    if isinstance(node, Truth):
        return _access(node.subject)
    if isinstance(node, Compare):
        return f"{_access(node.subject)} {node.op.value} {_operand(node.operand)}"
    if isinstance(node, Not):
        # Two negations in a row would be read as none.
        return f"not ({expression_text(node.item)})" if isinstance(node.item, Not) else f"not {_grouped(node.item)}"
    if isinstance(node, Quantified):
        return f"{'all' if node.every else 'any'}({_first_grouped(node.item)})"
    return _WORDS[node.op].join(map(_grouped, node.items))


def _grouped(node: Node) -> str:
    text = expression_text(node)
    return f"({text})" if isinstance(node, Logic) else text


def _first_grouped(node: Node) -> str:
    """As an argument: a chain of operators has to begin with a parenthesis or a negation there."""
    if not isinstance(node, Logic) or isinstance(node.items[0], Not):
        return expression_text(node)
    return f"({expression_text(node)})"


def _access(access: Access) -> str:
    base = access.base
    text = base.name if isinstance(base, Field) else _call(base)
    for key in access.path:
        text += "[*]" if key is EACH else f"[{_text(key)}]" if isinstance(key, bytes) else f"[{key}]"
    return text


def _call(call: Call) -> str:
    if call.function in RELATIONS:
        return f" {call.function} ".join(map(_argument, call.arguments))
    return f"{call.function}({', '.join(map(_argument, call.arguments))})"


def _argument(argument: Argument) -> str:
    return _first_grouped(argument) if isinstance(argument, Logic) else expression_text(argument)


def _operand(operand: Operand) -> str:
    if isinstance(operand, Pattern):
        return _raw(operand.source)
    if isinstance(operand, NamedList):
        return f"${operand.name}"
    if isinstance(operand, frozenset):
        return _set(map(_text, sorted(operand)))
    if isinstance(operand, IntSet):
        return _set(str(first) if first == last else f"{first}..{last}" for first, last in operand.ranges)
    if isinstance(operand, IpSet):
        v4 = [written(4, first, last) for first, last in operand.v4.ranges]
        return _set(v4 + [written(6, first, last) for first, last in operand.v6.ranges])
    return _value(operand)


def _set(members: Iterable[str]) -> str:
    return "{" + " ".join(members) + "}"


def _value(value: Any) -> str:
    return _text(value) if isinstance(value, bytes) else str(value)


def _text(value: bytes) -> str:
    text = ""
    for byte in value:
        if byte in b'"\\':
            text += "\\" + chr(byte)
        else:
            text += chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
    return f'"{text}"'


def _raw(source: str) -> str:
    hashes = ""
    while f'"{hashes}' in source:
        hashes += "#"
    return f'r{hashes}"{source}"{hashes}'
