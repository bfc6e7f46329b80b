"""What a regular expression is about: bytes, or with the flag `u` characters in UTF-8. Sets of either are integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from botproxy.rules import byteset, utf8
from botproxy.rules.regex_pieces import Piece, one_byte
from botproxy.rules.utf8 import UnknownProperty

__all__ = ["BYTES", "CHARACTERS", "Alphabet", "UnknownProperty"]


class Alphabet(NamedTuple):
    """`all` is the set of everything, `perl` gives the set of `d`, `s` or `w`, `fold` adds the other case, `named`
    gives a Unicode property, and `piece` spells a set for RE2.
    """

    unicode: bool
    all: int
    perl: Callable[[str], int]
    fold: Callable[[int], int]
    named: Callable[[str], int]
    piece: Callable[[int], Piece]


def _no_property(name: str) -> int:
    raise UnknownProperty


def _byte_class(kind: str) -> int:
    return {"d": byteset.DIGIT, "s": byteset.SPACE, "w": byteset.WORD}[kind]


def _character_class(kind: str) -> int:
    return {"d": utf8.digit, "s": utf8.space, "w": utf8.word}[kind]()


BYTES: Final = Alphabet(False, byteset.ALL, _byte_class, byteset.fold, _no_property, one_byte)
CHARACTERS: Final = Alphabet(True, utf8.ALL, _character_class, utf8.fold, utf8.named, utf8.piece)
