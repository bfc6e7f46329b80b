"""RE2, the only engine that ever sees what a client sent: compiled patterns, wildcards, and sets of patterns.

`re` is not used on client input anywhere: it backtracks, and its time is the client's to choose.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import re2

from botproxy.rules import byteset

# A pattern alone gets the least memory in which it compiles, because its cache of states may grow up to that for
# every pattern. RE2 checks when compiling that the automaton can run in what is left of it.
_MEMORY: Final = (1 << 20, 1 << 23, 1 << 26)
_SET_MEMORY: Final = 1 << 26


class PatternTooLarge(Exception):  # noqa: N818  it says what the pattern is
    """No automaton for the pattern fits into the memory that one may have. Never leaves this room."""


def searcher(regex: str) -> Callable[[bytes], bool]:
    """A test whether `regex`, in the spelling of `regex.to_re2`, occurs in a value."""
    for memory in _MEMORY:
        compiled = _compile([regex], memory)
        if compiled is not None:
            return _occurs(compiled.Match)
    raise PatternTooLarge


def _occurs(match: Callable[[bytes], list[int] | None]) -> Callable[[bytes], bool]:
    return lambda value: match(value) is not None


def many(regexes: list[str]) -> list[Callable[[bytes], list[int] | None]]:
    """Matchers that give the positions in `regexes` of those that occur in a value, in any order; None for none.

    One matcher for all when that fits into memory, otherwise as many as it takes.
    """
    return _split(regexes, 0)


def _split(regexes: list[str], first: int) -> list[Callable[[bytes], list[int] | None]]:
    compiled = _compile(regexes, _SET_MEMORY)
    if compiled is None:
        if len(regexes) == 1:
            raise PatternTooLarge
        middle = len(regexes) // 2
        return _split(regexes[:middle], first) + _split(regexes[middle:], first + middle)
    match: Callable[[bytes], list[int] | None] = compiled.Match
    if first == 0:
        return [match]

    def shifted(value: bytes) -> list[int] | None:
        found = match(value)
        return None if found is None else [first + position for position in found]

    return [shifted]


def _compile(regexes: list[str], memory: int) -> re2.Set | None:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = memory
    options.log_errors = False
    patterns = re2.Set.SearchSet(options)
    try:
        for regex in regexes:
            patterns.Add(regex.encode("ascii"))
        patterns.Compile()
    except re2.error:
        return None
    return patterns


class Replacer(NamedTuple):
    """A pattern that says where it matched: `first` gives (start, end) of the first match and of each of its `groups`,
    (-1, -1) for a group that took no part; None when there is no match.
    """

    first: Callable[[bytes], list[tuple[int, int]] | None]
    groups: int


def replacer(regex: str) -> Replacer:
    """A pattern for replacing, from the spelling of `regex.to_re2` with groups."""
    for memory in _MEMORY:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = memory
        options.log_errors = False
        try:
            compiled = re2.compile(regex.encode("ascii"), options)
        except re2.error:
            continue
        return Replacer(_first(compiled), int(compiled.groups))
    raise PatternTooLarge


def _first(compiled: Any) -> Callable[[bytes], list[tuple[int, int]] | None]:
    groups = range(compiled.groups + 1)

    def first(value: bytes) -> list[tuple[int, int]] | None:
        match = compiled.search(value)
        return None if match is None else [match.span(group) for group in groups]

    return first


def wildcard_regex(pattern: bytes, ignore_case: bool, groups: bool = False) -> str:
    """The regular expression of a wildcard literal: `*` is any run of bytes, backslash escapes `*` and itself.

    With `groups`, each `*` is a group and the shortest run. Raises ValueError with the reason when the literal is none.
    """
    pieces = [r"\A"]
    at = 0
    while at < len(pattern):
        byte = pattern[at : at + 1]
        if byte == b"*":
            if pattern[at + 1 : at + 2] == b"*":
                raise ValueError("wildcard contains a double star")
            pieces.append(r"([\x00-\xff]*?)" if groups else r"[\x00-\xff]*")
        elif byte == b"\\":
            at += 1
            byte = pattern[at : at + 1]
            if not byte:
                raise ValueError(
                    f"invalid wildcard: wildcard syntax error at position {at - 1}: "
                    "incomplete escape sequence at the end of the wildcard"
                )
            if byte not in (b"*", b"\\"):
                raise ValueError(
                    f"invalid wildcard: wildcard syntax error at position {at - 1}: invalid escape sequence"
                )
            pieces.append(byteset.literal_regex(byte, False))
        else:
            pieces.append(byteset.literal_regex(byte, ignore_case))
        at += 1
    pieces.append(r"\z")
    return "".join(pieces)
