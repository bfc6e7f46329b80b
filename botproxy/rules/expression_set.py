"""Many expressions at once: each hangs under a necessary atom, and only those whose atom holds are evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Final, final

from botproxy.model import Facts
from botproxy.remembered import Remembered
from botproxy.rules.body_needs import bytes_needed, joined_needs
from botproxy.rules.expression import Expression
from botproxy.rules.index_plan import Sieve, plan_indexes, sift
from botproxy.rules.repeating import LONGEST, key_of

KINDS: Final = 2_048
"""Kinds of clients that a generation of a set's memory holds; there are two."""

KIND_BYTES: Final = 2 * 1024 * 1024
"""Bytes of their keys, again for each of two generations."""

_numbers = count()


@final
class ExpressionSet:
    """Expressions in order. Sets of expressions are integers here, one bit for each.

    What follows from scheme and header block is kept with the block, and what follows from the part of it that many
    visitors share is kept with that part, so that a new block of a known kind of client costs a look-up.
    `unindexed` lists the positions of those without a necessary atom: they are evaluated for every request.
    """

    __slots__ = (
        "_from_block", "_from_kind", "_indexes", "_keys", "_kind_keys", "_kinds", "_matchers", "_of_block", "_of_kind",
        "_start", "body_need", "needs_crowds", "needs_profile", "unindexed",
    )  # fmt: skip

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._matchers: Final[list[Callable[[Facts], bool]]] = [item.matches for item in expressions]
        self.needs_profile: Final = any(item.needs_profile for item in expressions)
        """Whether any of them looks at what callers did lately."""
        self.needs_crowds: Final = any(item.needs_crowds for item in expressions)
        """Whether any looks at what others did with the same JA4, headers or path."""
        self.body_need: Final = joined_needs([item.body_need for item in expressions])
        number = next(_numbers)
        self._keys: Final = {True: f"rules.set.{number}.https", False: f"rules.set.{number}.http"}
        self._kind_keys: Final = {True: f"rules.set.{number}.kind.https", False: f"rules.set.{number}.kind.http"}
        self._of_kind: Final = sum(1 << at for at, item in enumerate(expressions) if item.repeats)
        self._of_block: Final = sum(
            1 << at for at, item in enumerate(expressions) if item.headers_only and not item.repeats
        )
        plan = plan_indexes(expressions)
        self._start: Final = (1 << len(expressions)) - 1 & ~plan.alternative
        self.unindexed: Final = plan.unindexed
        self._from_kind: Final[list[Sieve]] = []
        self._from_block: Final[list[Sieve]] = []
        self._indexes: Final[list[Sieve]] = []
        for reach, sieve in plan.sieves:
            (self._from_kind, self._from_block, self._indexes)[reach].append(sieve)
        self._kinds: Final[Remembered[int]] = Remembered(KINDS, KIND_BYTES, LONGEST)

    @property
    def remembered(self) -> int:
        """How many kinds of clients this set remembers now; at most twice `KINDS`."""
        return len(self._kinds)

    def body_needed(self, length: int | None) -> int:
        """How many bytes from the beginning of a body of this length (None: not known) these expressions must see."""
        return bytes_needed(self.body_need, length)

    def matching(self, facts: Facts) -> Iterator[int]:
        """Positions of the expressions that are true of these facts, in ascending order, found when asked for."""
        return self.true_of(self.candidates(facts), facts)

    def candidates(self, facts: Facts) -> int:
        """The expressions that may be true of these facts, for `true_of`; 0 for most requests."""
        request = facts.request
        memo = request.headers.memo
        name = self._keys[request.secure]
        known = memo.get(name)
        if not isinstance(known, int):
            known = memo[name] = self._of_this_block(facts)
        return sift(self._indexes, known, facts)

    def true_of(self, candidates: int, facts: Facts) -> Iterator[int]:
        """Those of the candidates that are true, as `matching` gives them."""
        settled = self._of_kind | self._of_block
        matchers = self._matchers
        while candidates:
            lowest = candidates & -candidates
            candidates ^= lowest
            if lowest & settled or matchers[lowest.bit_length() - 1](facts):
                yield lowest.bit_length() - 1

    def _of_this_block(self, facts: Facts) -> int:
        """What header block and scheme say: expressions on them that are true, and candidates among the others."""
        result = self._start
        if self._from_kind or result & self._of_kind:
            result = self._of_this_kind(facts)
        return self._without_false(sift(self._from_block, result, facts), self._of_block, facts)

    def _of_this_kind(self, facts: Facts) -> int:
        """The same of what repeats, from memory where this kind of client was seen before."""
        request = facts.request
        shared = request.headers.kind
        name = self._kind_keys[request.secure]
        known = shared.get(name)
        if isinstance(known, int):
            return known
        key = key_of(facts)
        if key:
            found = self._kinds.get(key)
            if found is not None:
                shared[name] = found
                return found
        result = self._without_false(sift(self._from_kind, self._start, facts), self._of_kind, facts)
        if key:
            self._kinds.offer(key, result)
            shared[name] = result
        return result

    def _without_false(self, candidates: int, decidable: int, facts: Facts) -> int:
        undecided = candidates & decidable
        while undecided:
            lowest = undecided & -undecided
            undecided ^= lowest
            if not self._matchers[lowest.bit_length() - 1](facts):
                candidates ^= lowest
        return candidates
