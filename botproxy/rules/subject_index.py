"""All atoms of one subject answered by one reading: dictionary, intervals, or one automaton for all patterns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Final

from botproxy.model import Facts
from botproxy.remembered import Remembered
from botproxy.rules import byteset
from botproxy.rules.lists import NamedList
from botproxy.rules.networks import IpSet
from botproxy.rules.numbers import IntSet
from botproxy.rules.patterns import many
from botproxy.rules.tree import Compare, Op, Pattern, Truth
from botproxy.rules.types import BYTES, INT, Reader

SubjectIndex = Callable[[Facts], int]
"""Gives the set of expressions, one bit for each, of which an atom on this subject holds."""

Lookup = Callable[[Any], int]
Uses = Sequence[tuple[int, Compare | Truth]]


_FEW = 3
"""Up to so many literals are looked for one by one; a search by automaton costs about as much as ten of these."""

REMEMBERED = 256
LONGEST = 128
"""Values of one subject whose answers a generation of the memory holds, and bytes of such a value."""


def index_subject(read: Reader, uses: Uses, remember: bool = False) -> SubjectIndex:
    """Build the index of one subject from (position of the expression, atom) pairs.

    `remember` is whether its values repeat from request to request, and nothing else keeps what they answer.
    """
    lookups = _lookups(uses, remember)
    if uses[0][1].subject.each:
        return _each(read, lookups)
    if len(lookups) == 1:
        return _single(read, lookups[0])

    def index(facts: Facts) -> int:
        value = read(facts)
        result = 0
        if value is not None:
            for lookup in lookups:
                result |= lookup(value)
        return result

    return index


def _single(read: Reader, lookup: Lookup) -> SubjectIndex:
    def index(facts: Facts) -> int:
        value = read(facts)
        return 0 if value is None else lookup(value)

    return index


def _each(read: Reader, lookups: list[Lookup]) -> SubjectIndex:
    def index(facts: Facts) -> int:
        result = 0
        for value in read(facts) or ():
            for lookup in lookups:
                result |= lookup(value)
        return result

    return index


def _lookups(uses: Uses, remember: bool) -> list[Lookup]:
    truths = 0
    comparisons: list[tuple[int, Compare]] = []
    for position, atom in uses:
        if isinstance(atom, Truth):
            truths |= 1 << position
        else:
            comparisons.append((position, atom))
    if truths:
        return [lambda value: truths if value is True else 0]
    named: dict[NamedList, int] = {}
    for position, atom in comparisons:
        if isinstance(atom.operand, NamedList):
            named[atom.operand] = named.get(atom.operand, 0) | 1 << position
    lookups = [_in_list(found, mask) for found, mask in named.items()]
    comparisons = [use for use in comparisons if not isinstance(use[1].operand, NamedList)]
    if not comparisons:
        return lookups
    kind = comparisons[0][1].subject.type
    if kind == BYTES:
        lookups += _bytes_lookups(comparisons, remember)
    elif kind == INT:
        lookups.append(_intervals([(position, _int_ranges(atom)) for position, atom in comparisons]))
    else:
        lookups.append(_addresses(comparisons))
    return lookups


def _in_list(found: NamedList, mask: int) -> Lookup:
    """A list may be long, so it is asked as a whole instead of being taken apart into what others hold too."""
    members = found.members
    return lambda value: mask if value in members else 0


def _bytes_lookups(uses: list[tuple[int, Compare]], remember: bool) -> list[Lookup]:
    exact: dict[bytes, int] = {}
    parts: dict[bytes, int] = {}
    patterns: dict[str, int] = {}
    for position, atom in uses:
        wanted = atom.operand
        if isinstance(wanted, Pattern):
            patterns[wanted.regex] = patterns.get(wanted.regex, 0) | 1 << position
        elif isinstance(wanted, bytes) and atom.op is Op.CONTAINS:
            parts[wanted] = parts.get(wanted, 0) | 1 << position
        else:
            for member in wanted if isinstance(wanted, frozenset) else (wanted,):
                assert isinstance(member, bytes)
                exact[member] = exact.get(member, 0) | 1 << position
    lookups: list[Lookup] = []
    if exact:
        lookups.append(lambda value: exact.get(value, 0))
    if len(parts) <= _FEW and not patterns:
        lookups.extend(_containing(part, mask) for part, mask in parts.items())
    else:
        for part, mask in parts.items():
            regex = byteset.literal_regex(part, False)
            patterns[regex] = patterns.get(regex, 0) | mask
    masks = list(patterns.values())
    kind = _remembering if remember else _matching
    lookups.extend(kind(match, masks) for match in (many(list(patterns)) if patterns else ()))
    return lookups


def _containing(part: bytes, mask: int) -> Lookup:
    return lambda value: mask if part in value else 0


def _matching(match: Callable[[bytes], list[int] | None], masks: list[int]) -> Lookup:
    def lookup(value: bytes) -> int:
        found = match(value)
        result = 0
        if found is not None:
            for at in found:
                result |= masks[at]
        return result

    return lookup


def _remembering(match: Callable[[bytes], list[int] | None], masks: list[int]) -> Lookup:
    """An automaton costs as much as twenty look-ups, and most requests are for paths that others were for as well."""
    lookup = _matching(match, masks)
    kept: Final[Remembered[int]] = Remembered(REMEMBERED, REMEMBERED * LONGEST, LONGEST)

    def remembered(value: bytes) -> int:
        known = kept.get(value)
        if known is None:
            known = lookup(value)
            kept.offer(value, known)
        return known

    return remembered


def _int_ranges(atom: Compare) -> Sequence[tuple[int, int]]:
    wanted, lowest, highest = atom.operand, -(2**63), 2**63 - 1
    if isinstance(wanted, IntSet):
        return wanted.ranges
    assert isinstance(wanted, int)
    if atom.op is Op.EQ:
        return [(wanted, wanted)]
    if atom.op is Op.LT:
        return [(lowest, wanted - 1)]
    if atom.op is Op.LE:
        return [(lowest, wanted)]
    return [(wanted + 1 if atom.op is Op.GT else wanted, highest)]


def _intervals(uses: Sequence[tuple[int, Sequence[tuple[int, int]]]]) -> Lookup:
    """Between two neighbouring bounds the answer is the same, so it is worked out once for every piece."""
    wanted: dict[int, list[tuple[int, int]]] = {}
    for position, ranges in uses:
        wanted.setdefault(position, []).extend(bounds for bounds in ranges if bounds[0] <= bounds[1])
    changes: dict[int, int] = {}
    for position, members in wanted.items():
        # Ranges of one set never touch, so a bit is never set and cleared at one place.
        for first, last in IntSet(members).ranges:
            changes[first] = changes.get(first, 0) ^ 1 << position
            changes[last + 1] = changes.get(last + 1, 0) ^ 1 << position
    bounds = sorted(changes)
    masks = [0]
    for bound in bounds:
        masks.append(masks[-1] ^ changes[bound])
    return lambda value: masks[bisect_right(bounds, value)]


def _addresses(uses: list[tuple[int, Compare]]) -> Lookup:
    v4: list[tuple[int, Sequence[tuple[int, int]]]] = []
    v6: list[tuple[int, Sequence[tuple[int, int]]]] = []
    for position, atom in uses:
        wanted: Any = atom.operand
        if isinstance(wanted, IpSet):
            v4.append((position, wanted.v4.ranges))
            v6.append((position, wanted.v6.ranges))
        else:
            (v4 if wanted.version == 4 else v6).append((position, [(int(wanted), int(wanted))]))
    lookup4, lookup6 = _intervals(v4), _intervals(v6)
    return lambda address: lookup4(int(address)) if address.version == 4 else lookup6(int(address))
