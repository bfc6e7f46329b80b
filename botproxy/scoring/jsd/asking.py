"""What the questions of programs are made of: numbers out of the state, and kinds, each script and arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from botproxy.scoring.jsd.sealing import Draws


class Number(NamedTuple):
    """A whole number taken from the state: `low + (state[word] >> shift) % modulus`."""

    word: int
    shift: int
    modulus: int
    low: int

    def of(self, state: Sequence[int]) -> int:
        """Its value."""
        return self.low + (state[self.word] >> self.shift) % self.modulus

    def script(self) -> str:
        """The same in the script, where `s` is the state."""
        return f"({self.low}+(s[{self.word}]>>>{self.shift})%{self.modulus})"


Names = Callable[[str], str]
"""Gives the expression by which the script names a text."""

Ranges = list[tuple[int, int]]
"""Of the numbers of a question, both ends included."""

WIDTH: Final = 360
"""CSS pixels of the box that each question gets, `c` in the script; `e(parent,name,value,…)` makes an element there,
`r(element)` is its rectangle, `d` the document, and `x`, `y`, `z` and `w` are free."""


class Kind(NamedTuple):
    """A kind of question."""

    choose: Callable[[Draws], tuple[tuple[int, ...], Ranges]]  # picks, and ranges of the numbers
    answer: Callable[[Sequence[int], Sequence[int]], float]  # of picks and numbers
    script: Callable[[Sequence[int], Sequence[str], Names], tuple[str, str]]  # statements, expression of the answer
    near: float = 4.0  # CSS pixels that an answer may be off


def px(number: str) -> str:
    """A length for `styles`."""
    return f"{number}+{{px}}"


def styles(t: Names, *pairs: tuple[str, str]) -> str:
    """Arguments for `e`; a value in quotes is a text, anything else an expression."""
    found = []
    for name, value in pairs:
        shown = t(value[1:-1]) if value.startswith("'") else value.replace("{px}", t("px")).replace("{%}", t("%"))
        found.append(f"{t(name)},{shown}")
    return ",".join(found)
