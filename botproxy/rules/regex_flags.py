"""Flags of regular expressions, `(?flags)` and `(?flags:…)`."""

from __future__ import annotations

from typing import NamedTuple

from botproxy.rules.regex_fault import RegexFault


class Flags(NamedTuple):
    """The flags in force: i, m, s, U, u, R and x."""

    ignore_case: bool = False
    multi_line: bool = False
    dot_all: bool = False
    swap_greed: bool = False
    unicode: bool = False
    crlf: bool = False
    verbose: bool = False


def read_flags(source: str, at: int, was: Flags) -> tuple[Flags, int, bool]:
    """Read from behind `(?` to behind `)` or `:`: the flags then in force, the offset, and whether a group follows."""
    begin = at
    changes: dict[str, bool] = {}
    negated = dangling = False
    while True:
        character = source[at : at + 1]
        if not character:
            raise RegexFault("expected flag but got end of regex", begin)
        if character in ":)":
            break
        if character == "-":
            if negated:
                raise RegexFault("flag negation operator repeated", at)
            negated = dangling = True
        elif character not in "imsUuRx":
            raise RegexFault("unrecognized flag", at)
        elif character in changes:
            raise RegexFault("duplicate flag", at)
        else:
            changes[character] = not negated
            dangling = False
        at += 1
    if dangling:
        raise RegexFault("dangling flag negation operator", begin)
    group_follows = source[at] == ":"
    if not changes and not group_follows:
        raise RegexFault("repetition operator missing expression", begin - 1)
    flags = Flags(
        changes.get("i", was.ignore_case),
        changes.get("m", was.multi_line),
        changes.get("s", was.dot_all),
        changes.get("U", was.swap_greed),
        changes.get("u", was.unicode),
        changes.get("R", was.crlf),
        changes.get("x", was.verbose),
    )
    return flags, at + 1, group_follows
