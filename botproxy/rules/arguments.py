"""Arguments of functions: literals among them, and what a function's parameters refuse."""

from __future__ import annotations

from typing import NamedTuple

from botproxy.rules.cursor import HEX_DIGITS, Cursor
from botproxy.rules.errors import RuleError
from botproxy.rules.functions import Function, Parameter, Takes
from botproxy.rules.networks import ip_literal, is_address
from botproxy.rules.numbers import int_literal
from botproxy.rules.strings import bytes_literal, raw_ahead
from botproxy.rules.tree import Argument, Literal
from botproxy.rules.types import BYTES, INT, IP, Type


class Parsed(NamedTuple):
    """An argument with its type; `literal` decides its kind, `each` whether it holds `[*]`."""

    node: Argument
    type: Type
    literal: bool
    each: bool


def literal_argument(cursor: Cursor) -> Literal | None:
    """Read a literal where any argument may stand; None, and nothing taken, when none comes next."""
    text, at = cursor.text, cursor.at
    if cursor.ahead('"') or raw_ahead(cursor):
        return Literal(bytes_literal(cursor), BYTES)
    run = at
    while run < len(text) and (text[run] in HEX_DIGITS or text[run] in ":."):
        run += 1
    word = text[at:run]
    if is_address(word):
        return Literal(ip_literal(cursor), IP)
    if cursor.peek() and cursor.peek() in "-0123456789":
        if word == "0" and text[run : run + 1] == "x":
            cursor.fail("a number in this place is decimal or octal", at, run + 1)
        try:
            return Literal(int_literal(cursor), INT)
        except RuleError:
            if word[2:3] != ":":
                raise
            cursor.at = at
    if len(word) >= 5 and word[2] == ":":
        return Literal(bytes_literal(cursor), BYTES)
    return None


def check_argument(
    cursor: Cursor, parsed: Parsed, parameter: Parameter, position: int, like: Parsed | None, start: int
) -> None:
    """Refuse an argument, which ends here, that its parameter does not take; `like` is one whose type it must have."""
    if parsed.each and position:
        cursor.fail("invalid use of map each access operator", start, cursor.at)
    given = Takes.LITERAL if parsed.literal else Takes.FIELD
    if parameter.takes not in (Takes.ANY, given):
        cursor.fail(
            f"invalid kind of argument #{position}: expected argument of kind {parameter.takes.value}, "
            f"but got {given.value}",
            start,
            cursor.at,
        )
    expected = ""
    if not parameter.accepts(parsed.type):
        expected = parameter.expected()
    elif like is not None and like.type != parsed.type:
        expected = str(like.type)
    if expected:
        cursor.fail(
            f"invalid type of argument #{position}: expected value of type {expected}, but got {parsed.type}",
            start,
            cursor.at,
        )


def check_values(
    cursor: Cursor, name: str, function: Function, arguments: list[Parsed], spans: list[tuple[int, int]]
) -> None:
    """Refuse a call whose arguments are right one by one but not together, or whose literals cannot be."""
    if name == "has_value" and arguments[0].type.item != arguments[1].type:
        cursor.fail(
            f"invalid type of argument #1: expected value of type {arguments[0].type.item}, "
            f"but got {arguments[1].type}",
            *spans[1],
        )
    if function.check is not None:
        fault = function.check([p.node.value if isinstance(p.node, Literal) else None for p in arguments])
        if fault is not None:
            cursor.fail(f"invalid argument #{fault[0]}: {fault[1]}", *spans[fault[0]])
