"""Which conditions of many expressions are asked of an index before any expression is evaluated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from botproxy.model import Facts
from botproxy.rules.atoms import conjuncts, count_atoms, is_light, necessary
from botproxy.rules.evaluation import reader
from botproxy.rules.expression import Expression, fields_of
from botproxy.rules.presence import Presence, index_names, presence_of
from botproxy.rules.repeating import reads_only_repeating
from botproxy.rules.scheme import Scheme
from botproxy.rules.subject_index import SubjectIndex, index_subject
from botproxy.rules.tree import Access, Compare, Truth

KIND: Final = 0
BLOCK: Final = 1
FACTS: Final = 2
"""What an index depends on: on what a kind of client has in common, on the header block, or on more than that."""


class Sieve(NamedTuple):
    """One index. Those it gives stay, or come in if in `alternative`; of the rest only `others` stay."""

    holding: SubjectIndex
    others: int
    alternative: int


class Plan(NamedTuple):
    """Indexes with what they depend on.

    `alternative`: expressions of whose atoms, on several subjects, one must hold. `unindexed`: positions of those
    about which no index says anything.
    """

    sieves: list[tuple[int, Sieve]]
    alternative: int
    unindexed: tuple[int, ...]


def sift(sieves: Sequence[Sieve], candidates: int, facts: Facts) -> int:
    """The candidates that remain."""
    for holding, others, alternative in sieves:
        if alternative:
            found = holding(facts)
            candidates = candidates & (found | others) | found & alternative
        elif candidates & ~others:
            candidates &= holding(facts) | others
    return candidates


def plan_indexes(expressions: Sequence[Expression]) -> Plan:
    """Choose for each expression the atoms that it hangs under, and build the indexes that answer them."""
    popularity: Counter[Compare | Truth] = Counter()
    for expression in expressions:
        count_atoms(expression.tree, popularity)
    uses: dict[Access, list[tuple[int, Compare | Truth]]] = {}
    names: list[tuple[int, Presence]] = []
    alternative = indexed = 0
    schemes: dict[Access, Scheme] = {}
    for position, expression in enumerate(expressions):
        on_names = [found for item in conjuncts(expression.tree) if (found := presence_of(item)) is not None]
        atoms = necessary(expression.tree, popularity)
        if on_names and (atoms is None or any(isinstance(atom, Truth) for atom in atoms)):
            atoms = ()
        if on_names or atoms is not None:
            indexed |= 1 << position
        if len({atom.subject for atom in atoms or ()}) > 1:
            alternative |= 1 << position
        else:
            names.extend((position, found) for found in on_names)
        for atom in atoms or ():
            uses.setdefault(atom.subject, []).append((position, atom))
            schemes[atom.subject] = expression.scheme
    _ask_more(expressions, uses, alternative, popularity)
    # What is cheap comes first: an index of which no candidate is left is not asked.
    ordered = sorted(uses.items(), key=lambda use: not all(is_light((atom,)) for _, atom in use[1]))
    sieves = [_sieve(subject, found, schemes[subject], alternative) for subject, found in ordered]
    if names:
        sieves.insert(0, (KIND, Sieve(index_names(names), ~sum({1 << position for position, _ in names}), 0)))
    unindexed = tuple(position for position in range(len(expressions)) if not indexed >> position & 1)
    return Plan(sieves, alternative, unindexed)


def _ask_more(
    expressions: Sequence[Expression],
    uses: dict[Access, list[tuple[int, Compare | Truth]]],
    alternative: int,
    popularity: Counter[Compare | Truth],
) -> None:
    """Where a subject is read anyway, ask it for further light conditions, one of each expression."""
    asked = {(position, subject) for subject, found in uses.items() for position, _ in found}
    for position, expression in enumerate(expressions):
        for item in conjuncts(expression.tree):
            atoms = None if alternative >> position & 1 else necessary(item, popularity)
            if atoms is None or not is_light(atoms):
                continue
            subject = atoms[0].subject
            if subject in uses and (position, subject) not in asked:
                asked.add((position, subject))
                uses[subject].extend((position, atom) for atom in atoms)


def _sieve(
    subject: Access, uses: Sequence[tuple[int, Compare | Truth]], scheme: Scheme, alternative: int
) -> tuple[int, Sieve]:
    asked = sum({1 << position for position, _ in uses})
    reach = FACTS
    if reads_only_repeating(subject, scheme):
        reach = KIND
    elif all(scheme.fields[name].headers_only for name in fields_of(subject)):
        reach = BLOCK
    index = index_subject(reader(subject, scheme), uses, remember=reach == FACTS)
    return reach, Sieve(index, ~asked | alternative, asked & alternative)
