"""Necessary atoms: comparisons of which at least one must hold, or the whole expression cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from botproxy.rules.tree import (
    Access,
    Call,
    Compare,
    Field,
    Literal,
    Logic,
    LogicOp,
    Node,
    Op,
    Pattern,
    Quantified,
    Truth,
)
from botproxy.rules.types import BYTES, INT, IP

Atoms = tuple[Compare | Truth, ...]

# The smaller, the fewer requests an atom is thought to let through, and the cheaper its answer.
_WEIGHTS: Final = {Op.EQ: 1, Op.IN: 2, Op.CONTAINS: 4, Op.STRICT_WILDCARD: 5, Op.WILDCARD: 5, Op.MATCHES: 6}
_HEAVY: Final = 100
# What many requests of a zone have in common says little of any of them, however few rules ask it.
_COMMON: Final = frozenset(
    ("http.host", "http.request.method", "http.request.version", "botproxy.browser", "botproxy.platform")
)
_COMMON_FACTOR: Final = 8


def count_atoms(node: Node, counts: Counter[Compare | Truth]) -> None:
    """Count the atoms that could be chosen for an expression; over all expressions, that is their popularity."""
    if isinstance(node, Compare | Truth):
        counts.update(necessary(node, counts) or ())
    elif isinstance(node, Logic):
        for item in node.items:
            count_atoms(item, counts)
    elif isinstance(node, Quantified):
        count_atoms(node.item, counts)


def necessary(node: Node, popularity: Counter[Compare | Truth]) -> Atoms | None:
    """Atoms of which one at least holds whenever the node is true; None when there are none to be had.

    Of several choices the lightest is taken. What many expressions share, such as the host of the zone, says little
    of each of them, so the popular weigh more.
    """
    if isinstance(node, Compare):
        return (node,) if _usable(node) else None
    if isinstance(node, Truth):
        return (_as_comparison(node),) if not node.subject.each else None
    if isinstance(node, Logic) and node.op is LogicOp.AND:
        found = [necessary(item, popularity) for item in node.items]
        usable = [atoms for atoms in found if atoms is not None]
        return min(usable, key=lambda atoms: _weight(atoms, popularity)) if usable else None
    if isinstance(node, Logic) and node.op is LogicOp.OR:
        parts = [necessary(item, popularity) for item in node.items]
        joined: list[Compare | Truth] = []
        for atoms in parts:
            if atoms is None:
                return None
            joined.extend(atoms)
        return tuple(joined)
    if isinstance(node, Quantified) and not node.every and isinstance(node.item, Compare):
        return necessary(node.item, popularity)
    return None


def conjuncts(node: Node) -> Iterator[Node]:
    """The conditions that must all hold."""
    if isinstance(node, Logic) and node.op is LogicOp.AND:
        for item in node.items:
            yield from conjuncts(item)
    else:
        yield node


def is_light(atoms: Atoms) -> bool:
    """Whether all atoms are on one subject and answered by a look-up, so that asking them too costs next to nothing."""
    return len({atom.subject for atom in atoms}) == 1 and all(
        isinstance(atom, Compare)
        and (atom.subject.type == INT or (atom.subject.type == BYTES and atom.op in (Op.EQ, Op.IN)))
        for atom in atoms
    )


def _usable(node: Compare) -> bool:
    if node.subject.type == INT:
        return node.op is not Op.NE and node.op is not Op.BITWISE_AND
    if node.subject.type == IP:
        return node.op in (Op.EQ, Op.IN)
    return node.op in _WEIGHTS


def _as_comparison(node: Truth) -> Compare | Truth:
    """`starts_with(x, "a")` and `ends_with(x, "a")` as patterns on `x`, so that many of them are answered together."""
    call = node.subject.base
    if not isinstance(call, Call) or call.mapped or call.function not in ("starts_with", "ends_with"):
        return node
    subject, wanted = call.arguments
    if not isinstance(subject, Access) or not isinstance(wanted, Literal) or not isinstance(wanted.value, bytes):
        return node
    if subject.type != BYTES or subject.each:
        return node
    literal = "".join(rf"\x{byte:02x}" for byte in wanted.value)
    regex = rf"\A{literal}" if call.function == "starts_with" else rf"{literal}\z"
    return Compare(subject, Op.MATCHES, Pattern(regex, regex))


def _weight(atoms: Atoms, popularity: Counter[Compare | Truth]) -> int:
    total = 0
    for atom in atoms:
        if isinstance(atom, Truth):
            weight = _HEAVY
        elif atom.subject.type == BYTES:
            weight = _WEIGHTS[atom.op] * 2
        else:
            weight = 3 if atom.op is Op.EQ else 20
        if isinstance(atom.subject.base, Field) and atom.subject.base.name in _COMMON:
            weight *= _COMMON_FACTOR
        total += weight * max(1, popularity[atom]) ** 2
    return total
