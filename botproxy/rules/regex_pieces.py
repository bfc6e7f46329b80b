r"""Parts of a translated regular expression: their spelling for RE2, and what is known of the bytes at their edges.

The edges are there for `\b{start}` and its like, which RE2 has not: where it is known whether the byte before or behind
is one of a word, they mean the same as `\b` or `\B`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from botproxy.rules import byteset
from botproxy.rules.regex_fault import RegexFault

MOST_REPEATS: Final = 1000
"""How often RE2 repeats a part, nested repetitions multiplied; what is more is written out."""

LONGEST: Final = 1 << 18
"""Characters of the longest spelling that is handed to RE2."""

_NO_WORD: Final = byteset.ALL & ~byteset.WORD
_NOTHING: Final = byteset.to_regex(0)


class Piece(NamedTuple):
    """`first` and `last` are the sets of bytes that a match can begin and end with, `nullable` is whether it can be
    empty, `repeats` how often repetitions in it repeat something. An `edge` is a word assertion that is not spelt yet.
    """

    text: str
    first: int = 0
    last: int = 0
    nullable: bool = True
    repeats: int = 1
    edge: str = ""
    at: int = 0


EMPTY: Final = Piece("")


def one_byte(members: int) -> Piece:
    """A byte out of a set."""
    return Piece(byteset.to_regex(members), members, members, False)


def text_of(value: bytes, ignore_case: bool) -> Piece:
    """These bytes; the letters of ASCII in either case when `ignore_case`."""
    regex = byteset.literal_regex(value, ignore_case)
    first, last = 1 << value[0], 1 << value[-1]
    if ignore_case:
        first, last = byteset.fold(first), byteset.fold(last)
    # A character outside of ASCII is several bytes, and an operator behind it means all of them.
    return Piece(regex if len(value) == 1 else f"(?:{regex})", first, last, False)


def sequence(pieces: Sequence[Piece]) -> Piece:
    """One behind the other."""
    first = last = 0
    nullable = True
    for piece in pieces:
        if nullable:
            first |= piece.first
        nullable = nullable and piece.nullable
    before_nullable = True
    for piece in reversed(pieces):
        if before_nullable:
            last |= piece.last
        before_nullable = before_nullable and piece.nullable
    text = "".join([piece.text if not piece.edge else _edge(pieces, at) for at, piece in enumerate(pieces)])
    return Piece(text, first, last, nullable, max((piece.repeats for piece in pieces), default=1))


def choice(branches: Sequence[Piece]) -> Piece:
    """One or another."""
    if len(branches) == 1:
        return branches[0]
    first = last = 0
    for branch in branches:
        first |= branch.first
        last |= branch.last
    return Piece(
        "|".join([branch.text for branch in branches]),
        first,
        last,
        any(branch.nullable for branch in branches),
        max(branch.repeats for branch in branches),
    )


def repeated(piece: Piece, low: int, high: int | None, lazy: bool) -> Piece:
    """A part from `low` to `high` times; None is no limit. Raises RegexFault where the spelling becomes too long."""
    if piece.edge:
        raise RegexFault(r"a repeated assertion of this kind is not supported; use \b", piece.at)
    mark = "?" if lazy else ""
    # Always in a group: RE2 refuses `a**`, which the original reads as `(?:a*)*`.
    inner = f"(?:{piece.text})"
    counted = low if high is None else high
    nullable = piece.nullable or low == 0
    first, last = (0, 0) if high == 0 else (piece.first, piece.last)
    if (low, high) in _SIGNS:
        return Piece(inner + _SIGNS[low, high] + mark, first, last, nullable, piece.repeats)
    if counted * piece.repeats <= MOST_REPEATS:
        count = f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"
        return Piece(inner + count + mark, first, last, nullable, max(counted, 1) * piece.repeats)
    block = MOST_REPEATS // piece.repeats
    rest = "*" + mark if high is None else ""
    parts = [(low, ""), (0 if high is None else high - low, "0,")]
    length = sum(len(inner) + 12 for count, _ in parts for _ in range(-(-count // block)))
    if length > LONGEST:
        raise RegexFault("with its repetitions written out, the expression is too long", piece.at)
    text = "".join([_blocks(inner, count, block, kind, mark) for count, kind in parts])
    return Piece(f"(?:{text}{inner + rest if rest else ''})", first, last, nullable, MOST_REPEATS)


_SIGNS: Final[dict[tuple[int, int | None], str]] = {(0, None): "*", (1, None): "+", (0, 1): "?"}


def _blocks(inner: str, count: int, block: int, kind: str, mark: str) -> str:
    whole, rest = divmod(count, block)
    return f"{inner}{{{kind}{block}}}{mark}" * whole + (f"{inner}{{{kind}{rest}}}{mark}" if rest else "")


def _edge(pieces: Sequence[Piece], at: int) -> str:
    edge = pieces[at].edge
    members = 0
    nullable = True
    for piece in pieces[at + 1 :] if edge.startswith("start") else reversed(pieces[:at]):
        members |= piece.first if edge.startswith("start") else piece.last
        if not piece.nullable:
            nullable = False
            break
    half = edge.endswith("-half")
    if not nullable and not members & _NO_WORD:
        return r"\b"
    if not nullable and not members & byteset.WORD:
        return r"\B" if half else _NOTHING
    beside = "behind" if edge.startswith("start") else "before"
    raise RegexFault(
        rf"\b{{{edge}}} is only supported where what stands {beside} it is always, or never, part of a word; use \b",
        pieces[at].at,
    )
