"""Which header names there are: asked once a block for all expressions that want a name there, or not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from botproxy.model import Facts
from botproxy.rules.subject_index import SubjectIndex
from botproxy.rules.tree import Access, Call, Field, Literal, Node, Not, Truth


class Presence(NamedTuple):
    """A condition on the name of a header alone."""

    name: bytes
    wanted: bool


def presence_of(node: Node) -> Presence | None:
    """`has_key(http.request.headers, "name")` or its negation, as such; None for any other node."""
    if isinstance(node, Not):
        inner = presence_of(node.item)
        return None if inner is None else Presence(inner.name, not inner.wanted)
    if not isinstance(node, Truth) or not isinstance(node.subject.base, Call) or node.subject.path:
        return None
    call = node.subject.base
    if call.function != "has_key" or call.mapped:
        return None
    subject, key = call.arguments
    if not isinstance(subject, Access) or subject.path or not isinstance(subject.base, Field):
        return None
    if subject.base.name != "http.request.headers" or not isinstance(key, Literal) or not isinstance(key.value, bytes):
        return None
    return Presence(key.value, wanted=True)


def index_names(uses: Iterable[tuple[int, Presence]]) -> SubjectIndex:
    """Gives the expressions whose conditions hold: all unwanted names, and of the wanted ones the first."""
    covered = needy = 0
    table: dict[bytes, tuple[int, int]] = {}
    for position, (name, wanted) in uses:
        bit = 1 << position
        covered |= bit
        excluded, satisfied = table.get(name, (0, 0))
        if not wanted:
            table[name] = (excluded | bit, satisfied)
        elif not needy & bit:
            needy |= bit
            table[name] = (excluded, satisfied | bit)
    easy = covered & ~needy

    def index(facts: Facts) -> int:
        excluded, satisfied = 0, easy
        for name in facts.request.headers.index:
            entry = table.get(name)
            if entry is not None:
                excluded |= entry[0]
                satisfied |= entry[1]
        return satisfied & ~excluded

    return index
