"""A position in the text of a rule, and the words with which parsing fails."""

from __future__ import annotations

from typing import Final, NoReturn

from botproxy.rules.errors import RuleError

# A tab is no whitespace between tokens in the original; a rule that holds one is refused there too.
_SPACE: Final = " \r\n"
# Around an expression the original takes away what Unicode calls white space; within it, tabs and the like are none.
_SURROUNDINGS: Final = (
    _SPACE + "\t\v\f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
)
HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


class Cursor:
    """Reads forward through one expression."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text: Final = text
        self.at = 0

    def peek(self) -> str:
        """The next character, or an empty string at the end."""
        return self.text[self.at : self.at + 1]

    def ahead(self, token: str) -> bool:
        """Whether `token` comes next; nothing is taken."""
        return self.text.startswith(token, self.at)

    def take(self, token: str) -> bool:
        """Take `token` if it comes next."""
        if self.text.startswith(token, self.at):
            self.at += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        """Take `token` or fail."""
        if not self.take(token):
            self.fail(f'expected literal "{token}"')

    def skip_space(self) -> None:
        """Skip what may stand between two tokens."""
        self._skip(_SPACE)

    def skip_surroundings(self) -> None:
        """Skip what may stand around an expression."""
        self._skip(_SURROUNDINGS)

    def _skip(self, characters: str) -> None:
        text = self.text
        at = self.at
        while at < len(text) and text[at] in characters:
            at += 1
        self.at = at

    def take_while(self, allowed: frozenset[str]) -> str:
        """Take the longest run of `allowed` characters, possibly empty."""
        text = self.text
        start = at = self.at
        while at < len(text) and text[at] in allowed:
            at += 1
        self.at = at
        return text[start:at]

    def fail(self, message: str, start: int | None = None, end: int | None = None) -> NoReturn:
        """Refuse the rule; the span is `start` (default: here) to `end` (default: the end of the text)."""
        begin = self.at if start is None else start
        raise RuleError(message, self.text, begin, len(self.text) if end is None else end)
