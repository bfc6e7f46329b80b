"""The typed syntax tree. Nodes are hashable by structure, so that equal parts of many rules can be answered once."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from botproxy.model import Address
from botproxy.rules.lists import NamedList
from botproxy.rules.networks import IpSet
from botproxy.rules.numbers import IntSet
from botproxy.rules.types import ARRAY_BOOL, BOOL, Type


class Each(Enum):
    """The index `[*]`."""

    EACH = "*"


EACH = Each.EACH
Key = bytes | int | Each


class Field(NamedTuple):
    """A field of the scheme, by its canonical name."""

    name: str
    type: Type


class Literal(NamedTuple):
    """A literal argument of a function."""

    value: bytes | int | Address
    type: Type


class Call(NamedTuple):
    """A function call. `mapped`: the first argument holds `[*]`, and the call gives an array."""

    function: str
    arguments: tuple[Argument, ...]
    type: Type
    mapped: bool


class Access(NamedTuple):
    """A field or call, and the indexes behind it. `type` is that of one value; `each` counts the `[*]` passed."""

    base: Field | Call
    path: tuple[Key, ...]
    type: Type
    each: int


class Op(Enum):
    """Comparison operators; the value is the English spelling."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    CONTAINS = "contains"
    MATCHES = "matches"
    WILDCARD = "wildcard"
    STRICT_WILDCARD = "strict wildcard"
    IN = "in"
    BITWISE_AND = "bitwise_and"


RELATIONS: Final = frozenset(op.value for op in (Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE, Op.BITWISE_AND))
"""Operators that compare two values of a request as well: such a comparison is a call, named like its operator."""


class Pattern(NamedTuple):
    """A regular expression or wildcard: as written, and as handed to RE2 (byte mode)."""

    source: str
    regex: str


Operand = bytes | int | Address | Pattern | frozenset[bytes] | IntSet | IpSet | NamedList


class Compare(NamedTuple):
    """`subject op operand`; an array of results when the subject holds `[*]`."""

    subject: Access
    op: Op
    operand: Operand


class Truth(NamedTuple):
    """A Bool, or an array of Bool, standing alone."""

    subject: Access


class Not(NamedTuple):
    """Negation; of an array, element by element."""

    item: Node


class LogicOp(Enum):
    """Logical operators; the value is their precedence."""

    OR = 1
    XOR = 2
    AND = 3


class Logic(NamedTuple):
    """A chain of one logical operator; of arrays, element by element up to the shortest."""

    op: LogicOp
    items: tuple[Node, ...]


class Quantified(NamedTuple):
    """`any(…)` or, when `every`, `all(…)`."""

    every: bool
    item: Node


Node = Compare | Truth | Not | Logic | Quantified
Argument = Access | Literal | Compare | Truth | Not | Logic | Quantified


def type_of(node: Node) -> Type:
    """Bool, or Array<Bool> for a node that holds `[*]` outside of a quantifier."""
    while isinstance(node, Not | Logic):
        node = node.item if isinstance(node, Not) else node.items[0]
    if isinstance(node, Compare):
        return ARRAY_BOOL if node.subject.each else BOOL
    if isinstance(node, Truth):
        return ARRAY_BOOL if node.subject.each else node.subject.type
    return BOOL
