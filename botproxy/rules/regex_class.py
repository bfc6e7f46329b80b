"""Bracketed classes of regular expressions, with nesting and the set operators `&&`, `--` and `~~`."""

from __future__ import annotations

from typing import Final

from botproxy.rules import byteset
from botproxy.rules.regex_alphabet import Alphabet
from botproxy.rules.regex_escape import read_escape
from botproxy.rules.regex_fault import RegexFault

_MAX_DEPTH: Final = 20
_OPERATORS: Final = ("&&", "--", "~~")


class ClassReader:
    """Reads one class, from its `[` at `at` to behind its `]`, into a set; when `verbose`, blanks say nothing."""

    def __init__(self, source: str, at: int, alphabet: Alphabet, ignore_case: bool, verbose: bool) -> None:
        self.source: Final = source
        self.at = at
        self._alphabet: Final = alphabet
        self._fold: Final = ignore_case
        self._verbose: Final = verbose

    def read(self, depth: int = 0) -> int:
        """The set that the class stands for."""
        source = self.source
        start = self.at
        if depth > _MAX_DEPTH:
            raise RegexFault(f"classes are nested deeper than {_MAX_DEPTH}", start)
        self._advance(1)
        negated = self._take("^")
        union = 0
        first = True
        while self._take("-"):
            union |= byteset.of(b"-")
            first = False
        if first and self._take("]"):
            union = byteset.of(b"]")
        left: int | None = None
        operator = ""
        while True:
            self.at = skip_space(source, self.at, self._verbose)
            if self.at >= len(source):
                raise RegexFault("unclosed character class", start)
            pair = source[self.at : self.at + 2]
            if pair[0] == "[":
                union |= self._posix() or self.read(depth + 1)
            elif pair[0] == "]":
                self.at += 1
                return self._finish(self._combine(left, operator, union), negated)
            elif pair in _OPERATORS:
                self.at += 2
                left = self._combine(left, operator, union)
                operator = pair
                union = 0
            else:
                union |= self._range()

    def _advance(self, count: int) -> None:
        self.at = skip_space(self.source, self.at + count, self._verbose)

    def _take(self, character: str) -> bool:
        if self.source.startswith(character, self.at):
            self._advance(1)
            return True
        return False

    def _combine(self, left: int | None, operator: str, right: int) -> int:
        if left is None:
            return right
        if self._fold:
            left, right = self._alphabet.fold(left), self._alphabet.fold(right)
        if operator == "&&":
            return left & right
        return left & ~right if operator == "--" else left ^ right

    def _finish(self, members: int, negated: bool) -> int:
        if self._fold:
            members = self._alphabet.fold(members)
        return self._alphabet.all & ~members if negated else members

    def _posix(self) -> int:
        """The set of a class such as `[:alpha:]`; 0, with nothing taken, when that is not what comes."""
        if not self.source.startswith("[:", self.at):
            return 0
        end = self.source.find(":]", self.at + 2)
        name = self.source[self.at + 2 : end] if end >= 0 else ""
        members = byteset.POSIX.get(name.removeprefix("^"), 0)
        if members:
            self.at = end + 2
            return self._finish(members, name.startswith("^"))
        return 0

    def _range(self) -> int:
        start = self.at
        first = self._item()
        self._advance(0)
        if not self.source.startswith("-", self.at):
            return self._set(first, start)
        behind = skip_space(self.source, self.at + 1, self._verbose)
        if behind >= len(self.source) or self.source[behind] == "]" or self.source.startswith("--", self.at):
            return self._set(first, start)
        self.at = behind
        last = self._item()
        if isinstance(first, int) or isinstance(last, int):
            raise RegexFault("invalid range boundary, must be a literal", start)
        low, high = self._number(first, start), self._number(last, start)
        if low > high:
            raise RegexFault("invalid character class range, the start must be <= the end", start)
        return byteset.span(low, high) & self._alphabet.all

    def _item(self) -> bytes | int:
        source = self.source
        if source.startswith("\\", self.at):
            if source[self.at + 1 : self.at + 2] in ("b", "B", "A", "z", "<", ">"):
                raise RegexFault("invalid escape sequence found in character class", self.at)
            self.at, what = read_escape(source, self.at, self._alphabet)
            return what
        if self.at >= len(source):
            raise RegexFault("unclosed character class", self.at)
        self.at += 1
        return source[self.at - 1].encode()

    def _set(self, item: bytes | int, start: int) -> int:
        return item if isinstance(item, int) else 1 << self._number(item, start)

    def _number(self, item: bytes, start: int) -> int:
        if self._alphabet.unicode:
            return ord(item.decode())
        if len(item) > 1:
            raise RegexFault("Unicode not allowed here", start)
        return item[0]


def skip_space(source: str, at: int, verbose: bool) -> int:
    """The offset behind blanks and comments, which say nothing in verbose mode."""
    while verbose and at < len(source):
        if source[at].isspace():
            at += 1
        elif source[at] == "#":
            end = source.find("\n", at)
            at = len(source) if end < 0 else end + 1
        else:
            break
    return at
