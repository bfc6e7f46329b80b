"""Sets of characters, and how they are spelt as sequences of bytes (RFC 3629).

A set is an integer with one bit for each code point. The tables of Unicode are those of RE2: it is asked, once a name,
for the members of a property among all characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Final

import re2

from botproxy.rules import byteset
from botproxy.rules.regex_pieces import Piece

_LAST: Final = 0x10FFFF
_SURROGATES: Final = (1 << 0xE000) - (1 << 0xD800)
ALL: Final = ((1 << (_LAST + 1)) - 1) & ~_SURROGATES
_LAST_CASED: Final = 0x1F000
_RUN: Final = re.compile("1+")  # over digits that are made here

_CATEGORIES: Final = {
    "other": "C", "control": "Cc", "format": "Cf", "privateuse": "Co", "surrogate": "Cs",
    "letter": "L", "casedletter": "LC", "lowercaseletter": "Ll", "modifierletter": "Lm", "otherletter": "Lo",
    "titlecaseletter": "Lt", "uppercaseletter": "Lu", "mark": "M", "spacingmark": "Mc", "enclosingmark": "Me",
    "nonspacingmark": "Mn", "number": "N", "decimalnumber": "Nd", "digit": "Nd", "letternumber": "Nl",
    "othernumber": "No", "punctuation": "P", "punct": "P", "connectorpunctuation": "Pc", "dashpunctuation": "Pd",
    "closepunctuation": "Pe", "finalpunctuation": "Pf", "initialpunctuation": "Pi", "otherpunctuation": "Po",
    "openpunctuation": "Ps", "symbol": "S", "currencysymbol": "Sc", "modifiersymbol": "Sk", "mathsymbol": "Sm",
    "othersymbol": "So", "separator": "Z", "lineseparator": "Zl", "paragraphseparator": "Zp", "spaceseparator": "Zs",
}  # fmt: skip
_SHORT: Final = {short.lower(): short for short in _CATEGORIES.values()}
# Alphabetic, marks, decimal digits, connectors and the two joiners (UTS 18, annex C). What is alphabetic and neither
# letter, letter number nor mark: circled and squared letters.
_WORD: Final = r"\pL\pM\p{Nd}\p{Nl}\p{Pc}\x{200c}\x{200d}\x{24b6}-\x{24e9}" + "".join(
    rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in ((0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
)
_WHITE: Final = r"\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"


class UnknownProperty(Exception):  # noqa: N818  it is a finding, not a failure
    """No table for this name. Never leaves this room."""


def span(first: int, last: int) -> int:
    """The set of the characters from `first` to `last`, both included."""
    return ((1 << (last + 1)) - (1 << first)) & ~_SURROGATES


def word() -> int:
    r"""What `\w` is."""
    return _scan(f"[{_WORD}]")


def digit() -> int:
    r"""What `\d` is."""
    return _scan(r"\p{Nd}")


def space() -> int:
    r"""What `\s` is."""
    return _scan(f"[{_WHITE}]")


def fold(members: int) -> int:
    """The set with every other case of its members in it (simple case folding)."""
    size = (_LAST >> 3) + 1
    bits = members.to_bytes(size, "little")
    folded = bytearray(bits)
    for alike in _alike():
        if any(bits[number >> 3] >> (number & 7) & 1 for number in alike):
            for number in alike:
                folded[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(folded, "little")


@lru_cache(1)
def _alike() -> tuple[tuple[int, ...], ...]:
    """Characters that differ in nothing but their case."""
    found: dict[str, list[int]] = {}
    for number in range(_LAST_CASED):
        character = chr(number)
        for form in (character.casefold(), character.lower()):
            if len(form) == 1:  # the full foldings, which are longer, are not the simple ones
                found.setdefault(form, []).append(number)
                break
        else:
            found.setdefault(character, []).append(number)
    return tuple(tuple(numbers) for numbers in found.values() if len(numbers) > 1)


def named(text: str) -> int:
    """The members of a property: a general category, a script, or one of few others; raises `UnknownProperty`."""
    name, equals, value = text.partition("=")
    if equals:
        if _loose(name) not in ("gc", "generalcategory", "sc", "script"):
            raise UnknownProperty
        text = value
    loose = _loose(text)
    if loose == "any":
        return ALL
    if loose == "ascii":
        return byteset.span(0, 0x7F)
    if loose in ("whitespace", "wspace", "space"):
        return space()
    short = _CATEGORIES.get(loose) or _SHORT.get(loose)
    if short == "C":
        return ALL & ~_scan(r"[\pL\pM\pN\pP\pS\pZ]")  # what is not assigned is among the others
    if short == "Cs":
        return 0
    if short is not None:
        return _scan(r"[\p{Lu}\p{Ll}\p{Lt}]" if short == "LC" else rf"\p{{{short}}}")
    words = text.replace("-", "_").replace(" ", "_").split("_")
    if not all(part.isascii() and part.isalnum() for part in words):
        raise UnknownProperty
    script = "_".join(part.capitalize() for part in words)
    return _scan(rf"\p{{{script}}}")


def ranges(members: int) -> Iterator[tuple[int, int]]:
    """The runs of a set, in order."""
    for run in _RUN.finditer(f"{members:b}"[::-1]):
        yield run.start(), run.end() - 1


@lru_cache(16)
def piece(members: int) -> Piece:
    """One character out of a set, as the bytes of its encoding."""
    single = 0
    longer: dict[str, int] = {}
    first = last = 0
    for low, high in ranges(members):
        for start, end in _of_one_length(low, high):
            for bytes_ in _sequences(start, end):
                first |= bytes_[0]
                last |= bytes_[-1]
                if len(bytes_) == 1:
                    single |= bytes_[0]
                else:
                    # Sequences that differ in their last byte alone are one.
                    head = "".join(map(byteset.to_regex, bytes_[:-1]))
                    longer[head] = longer.get(head, 0) | bytes_[-1]
    branches = [byteset.to_regex(single)] if single or not longer else []
    branches += [head + byteset.to_regex(tail) for head, tail in longer.items()]
    return Piece(branches[0] if len(branches) == 1 and single else f"(?:{'|'.join(branches)})", first, last, False)


_LENGTHS: Final = (0, 0x80, 0x800, 0x10000, _LAST + 1)


def _of_one_length(low: int, high: int) -> Iterator[tuple[int, int]]:
    for begin, end in pairwise(_LENGTHS):
        if low < end and high >= begin:
            yield max(low, begin), min(high, end - 1)


def _sequences(low: int, high: int) -> Iterator[list[int]]:
    """Sets of bytes, position by position, for characters whose encodings are equally long."""
    length = len(chr(low).encode("utf-8", "surrogatepass"))
    for position in range(1, length):
        mask = (1 << 6 * (length - position)) - 1
        # Both ends must share what stands before, or stand at the borders of what follows.
        if low & ~mask != high & ~mask:
            if low & mask:
                yield from _sequences(low, low | mask)
                yield from _sequences((low | mask) + 1, high)
                return
            if high & mask != mask:
                yield from _sequences(low, (high & ~mask) - 1)
                yield from _sequences(high & ~mask, high)
                return
    first, last = (chr(end).encode("utf-8", "surrogatepass") for end in (low, high))
    yield [byteset.span(start, end) for start, end in zip(first, last, strict=True)]


def _loose(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


@lru_cache(32)
def _scan(regex: str) -> int:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 26
    try:
        compiled = re2.compile(f"(?:{regex})+".encode(), options)
    except re2.error:
        raise UnknownProperty from None
    result = 0
    for match in compiled.finditer(_everything()):
        start, end = match.span()
        result |= span(_character(start), _character(end - 1))
    return result


@lru_cache(1)
def _everything() -> bytes:
    """All characters in order."""
    return "".join(map(chr, (*range(0xD800), *range(0xE000, _LAST + 1)))).encode()


_TWO: Final = 0x80
_THREE: Final = _TWO + 0x780 * 2
_FOUR: Final = _THREE + (0x10000 - 0x800 - 0x800) * 3


def _character(offset: int) -> int:
    """The character whose bytes stand at this offset among all."""
    if offset < _TWO:
        return offset
    if offset < _THREE:
        return 0x80 + (offset - _TWO) // 2
    if offset < _FOUR:
        number = 0x800 + (offset - _THREE) // 3
        return number if number < 0xD800 else number + 0x800
    return 0x10000 + (offset - _FOUR) // 4
