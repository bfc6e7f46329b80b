"""Which character of a YAML text stands where in the file, so that a fault inside a rule is shown at its very place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """From `offset` in the value on, characters stand from this line and column on, counted from 1."""

    offset: int
    line: int
    column: int


def spans(
    value: str, style: str, lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]
) -> tuple[Span, ...]:
    """Where the pieces of a scalar stand; nothing where it does not read as it stands, because of escapes, for one.

    `style` is the quote, `|`, `>` or ""; `start` and `end` are line and column, counted from 1, of the scalar with its
    quotes. Blocks, and plain texts over several lines, are followed line by line.
    """
    if style in ("'", '"'):
        plain = start[0] == end[0] and end[1] - start[1] == len(value) + 2
        return (Span(0, start[0], start[1] + 1),) if plain else ()
    if style == "" and start[0] == end[0]:
        return (Span(0, *start),) if end[1] - start[1] == len(value) else ()
    first = start[0] if style == "" else start[0] + 1
    found: list[Span] = []
    offset = 0
    for number in range(first, min(end[0], len(lines)) + 1):
        line = lines[number - 1]
        column = start[1] if number == start[0] else len(line) - len(line.lstrip(" \t")) + 1
        piece = line[column - 1 : end[1] - 1 if style == "" and number == end[0] else None]
        if style == "" or number == end[0]:
            piece = piece.rstrip(" \t")
        if not piece or not value.startswith(piece, offset):
            break
        found.append(Span(offset, number, column))
        offset += len(piece) + 1  # the line break, or the space that it was folded into
    # A remark after a plain text, or anything else that was not expected: then none of it is sure.
    return tuple(found) if offset > len(value.rstrip("\n")) else ()


def locate(found: Sequence[Span], offset: int) -> tuple[int, int] | None:
    """Line and column of this character of the value; None when that is not known."""
    within = [span for span in found if span.offset <= offset]
    return (within[-1].line, within[-1].column + offset - within[-1].offset) if within else None
