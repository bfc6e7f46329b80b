"""How much of a body an expression has to see, so that no more of it is held back than that."""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

from botproxy.rules.media_type import EXAMINED
from botproxy.rules.tree import Access, Argument, Call, Compare, Field, Literal, Logic, Node, Not, Op, Quantified, Truth

WHOLE: Final = sys.maxsize
"""All of it, as far as the site allows."""

_PREFIX: Final = "http.request.body."
_RAW: Final = "http.request.body.raw"


class BodyNeed(NamedTuple):
    """`bytes`: how many from the beginning; `size`: the length matters, so all of it where no header tells that."""

    bytes: int
    size: bool


_NOTHING: Final = BodyNeed(0, False)


def need_of(node: Node | Argument) -> BodyNeed:
    """What a part of an expression has to see."""
    if isinstance(node, Literal):
        return _NOTHING
    if isinstance(node, Access):
        return _of_field(node.base) if isinstance(node.base, Field) else _of_call(node.base)
    if isinstance(node, Compare):
        if node.op is Op.EQ and isinstance(node.operand, bytes) and _is_raw(node.subject):
            return BodyNeed(len(node.operand) + 1, False)
        return need_of(node.subject)
    if isinstance(node, Truth):
        return need_of(node.subject)
    if isinstance(node, Not | Quantified):
        return need_of(node.item)
    assert isinstance(node, Logic)
    return joined_needs([need_of(item) for item in node.items])


def joined_needs(needs: list[BodyNeed]) -> BodyNeed:
    """What is enough for all of them."""
    return BodyNeed(max((need.bytes for need in needs), default=0), any(need.size for need in needs))


def bytes_needed(need: BodyNeed, length: int | None) -> int:
    """Bytes from the beginning of a body of this length; None is a length that no header told."""
    if length is None:
        return WHOLE if need.size else need.bytes
    return min(need.bytes, length)


def _of_field(field: Field) -> BodyNeed:
    if not field.name.startswith(_PREFIX):
        return _NOTHING
    if field.name == "http.request.body.size":
        return BodyNeed(0, True)
    return BodyNeed(EXAMINED if field.name == "http.request.body.mime" else WHOLE, False)


def _of_call(call: Call) -> BodyNeed:
    first, *others = call.arguments
    if isinstance(first, Access) and _is_raw(first):
        literals = [other.value for other in others if isinstance(other, Literal)]
        if call.function == "starts_with" and literals and isinstance(literals[0], bytes):
            return BodyNeed(len(literals[0]), False)
        if call.function == "substring" and len(literals) == 2:
            start, end = literals
            if isinstance(start, int) and isinstance(end, int) and start >= 0 and end >= 0:
                return BodyNeed(end, False)
    return joined_needs([need_of(argument) for argument in call.arguments])


def _is_raw(access: Access) -> bool:
    return isinstance(access.base, Field) and access.base.name == _RAW
