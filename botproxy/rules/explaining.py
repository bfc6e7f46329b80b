"""What every part of an expression comes to for one request: for people, not for the way of a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from botproxy.model import Facts
from botproxy.rules.evaluation import elements, matcher, reader
from botproxy.rules.expression import Expression
from botproxy.rules.scheme import Scheme
from botproxy.rules.tree import Access, Argument, Call, Field, Literal, Logic, Node, Not, Quantified, type_of
from botproxy.rules.types import BOOL
from botproxy.rules.writing import expression_text


class Part(NamedTuple):
    """A part of an expression with its value, and the parts that the value was made of.

    The value of a condition is a bool, or a list of them where the condition holds `[*]`. That of a field or function
    is what it reads: bytes, int, bool, address, list or mapping. None means missing.
    """

    text: str
    value: Any
    condition: bool
    parts: tuple[Part, ...]


def explain(expression: Expression, facts: Facts) -> Part:
    """The whole expression, taken apart. Every part is evaluated, also where the others decided already."""
    return _condition(expression.tree, expression.scheme, facts)


def _condition(node: Node, scheme: Scheme, facts: Facts) -> Part:
    value: Any = matcher(node, scheme)(facts) if type_of(node) == BOOL else elements(node, scheme)(facts)
    if isinstance(node, Logic):
        parts = tuple(_condition(item, scheme, facts) for item in node.items)
    elif isinstance(node, Not | Quantified):
        parts = (_condition(node.item, scheme, facts),)
    else:
        read = _access(node.subject, scheme, facts)
        # A function that stands alone would be shown twice.
        again = read.text == expression_text(node) and read.parts and read.value is not None
        parts = read.parts if again else (read,)
    return Part(expression_text(node), value, True, parts)


def _access(access: Access, scheme: Scheme, facts: Facts) -> Part:
    parts = tuple(_arguments(access.base, scheme, facts)) if isinstance(access.base, Call) else ()
    return Part(expression_text(access), reader(access, scheme)(facts), False, parts)


def _arguments(call: Call, scheme: Scheme, facts: Facts) -> Iterator[Part]:
    for argument in call.arguments:
        if not isinstance(argument, Literal):
            yield _argument(argument, scheme, facts)


def _argument(argument: Argument, scheme: Scheme, facts: Facts) -> Part:
    if isinstance(argument, Access):
        return _access(argument, scheme, facts)
    assert not isinstance(argument, Literal | Field)
    return _condition(argument, scheme, facts)
