"""Sets of bytes as 256-bit integers: what a character class is in byte mode, and how RE2 is told about it."""

from __future__ import annotations

from typing import Final

ALL: Final = (1 << 256) - 1


def span(first: int, last: int) -> int:
    """The set of the bytes from `first` to `last`, both included."""
    return (1 << (last + 1)) - (1 << first)


def of(members: bytes) -> int:
    """The set of these bytes."""
    result = 0
    for member in members:
        result |= 1 << member
    return result


_UPPER: Final = span(0x41, 0x5A)
_LOWER: Final = span(0x61, 0x7A)
DIGIT: Final = span(0x30, 0x39)
SPACE: Final = of(b"\t\n\v\f\r ")
WORD: Final = _UPPER | _LOWER | DIGIT | of(b"_")
NEWLINE: Final = of(b"\n")

POSIX: Final = {
    "alnum": _UPPER | _LOWER | DIGIT,
    "alpha": _UPPER | _LOWER,
    "ascii": span(0, 0x7F),
    "blank": of(b"\t "),
    "cntrl": span(0, 0x1F) | of(b"\x7f"),
    "digit": DIGIT,
    "graph": span(0x21, 0x7E),
    "lower": _LOWER,
    "print": span(0x20, 0x7E),
    "punct": span(0x21, 0x2F) | span(0x3A, 0x40) | span(0x5B, 0x60) | span(0x7B, 0x7E),
    "space": SPACE,
    "upper": _UPPER,
    "word": WORD,
    "xdigit": DIGIT | span(0x41, 0x46) | span(0x61, 0x66),
}


def fold(members: int) -> int:
    """The set with both cases of every ASCII letter in it. Bytes above 0x7F have no case in byte mode."""
    return members | (members & _UPPER) << 32 | (members & _LOWER) >> 32


def to_regex(members: int) -> str:
    """RE2 source, in Latin-1, that matches one byte of the set; nothing at all when the set is empty."""
    if members == ALL:
        return r"[\x00-\xff]"
    if members == 0:
        return r"[^\x00-\xff]"
    pieces: list[str] = []
    at = 0
    while members >> at:
        if not members >> at & 1:
            at += 1
            continue
        first = at
        while members >> at & 1:
            at += 1
        last = at - 1
        if first == last:
            pieces.append(rf"\x{first:02x}")
        else:
            pieces.append(rf"\x{first:02x}-\x{last:02x}")
    if len(pieces) == 1 and "-" not in pieces[0]:
        return pieces[0]
    return f"[{''.join(pieces)}]"


def literal_regex(text: bytes, ignore_case: bool) -> str:
    """RE2 source that matches exactly these bytes, ASCII letters in either case when `ignore_case`."""
    return "".join(to_regex(fold(1 << byte)) if ignore_case else rf"\x{byte:02x}" for byte in text)
