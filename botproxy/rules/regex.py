r"""Regular expressions of operators: read by the grammar of Rust's `regex` in byte mode, written out for RE2.

The original hands expressions to Rust's engine with Unicode off. RE2 speaks nearly the same language, and "nearly"
is where a rule silently stops matching: `\s` without the vertical tab, Latin-1 letters folded by `(?i)`, classes in
classes, `a**`. So the text is parsed here, completely, and RE2 gets a plain spelling that means the same: flags
resolved, classes as sets of bytes, characters as the bytes of their encoding. What cannot be said to RE2 is refused.
"""

from __future__ import annotations

from typing import Final

from botproxy.rules import byteset, utf8
from botproxy.rules.regex_alphabet import BYTES, CHARACTERS, Alphabet
from botproxy.rules.regex_class import ClassReader, skip_space
from botproxy.rules.regex_escape import read_escape
from botproxy.rules.regex_fault import RegexFault
from botproxy.rules.regex_flags import Flags, read_flags
from botproxy.rules.regex_pieces import LONGEST, Piece, choice, repeated, sequence, text_of

_MAX_DEPTH: Final = 100
_MOST: Final = 2**32 - 1
_NAME_START: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_NAME: Final = _NAME_START | frozenset("0123456789.[]")
_ASSERTIONS: Final = {"A": r"\A", "z": r"\z", "b": r"\b", "B": r"\B"}
_EDGES: Final = frozenset(("start", "end", "start-half", "end-half"))
_UNSIGNED: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


class _Group:
    """A group that is being read: its branches, the pieces of the last one, and the flags to go back to behind it."""

    __slots__ = ("branches", "captures", "outer", "pieces", "repeatable", "start")

    def __init__(self, outer: Flags, start: int, captures: bool) -> None:
        self.outer = outer
        self.start = start
        self.captures = captures
        self.branches: list[Piece] = []
        self.pieces: list[Piece] = []
        self.repeatable = False  # whether the last piece can take a repetition operator

    def finished(self) -> Piece:
        self.branches.append(sequence(self.pieces))
        return choice(self.branches)


def to_re2(source: str, groups: bool = False) -> str:
    """Translate an expression; `RegexFault` says what is wrong and at which offset.

    With `groups`, what captures there does so here; otherwise nothing does, which is faster.
    """
    return _Translator(source, groups).run()


class _Translator:
    def __init__(self, source: str, groups: bool) -> None:
        self.source = source
        self.groups = groups
        self.at = 0
        self.length = 0  # of all pieces so far, those in groups counted again with their groups
        self.flags = Flags()
        self.names: set[str] = set()
        self.stack: list[_Group] = [_Group(self.flags, 0, False)]

    def run(self) -> str:
        source = self.source
        while True:
            self.at = skip_space(source, self.at, self.flags.verbose)
            if self.at >= len(source):
                break
            character = source[self.at]
            if character == "(":
                self._open()
            elif character == ")":
                self._close()
            elif character == "|":
                self.at += 1
                group = self.stack[-1]
                group.branches.append(sequence(group.pieces))
                group.pieces = []
                group.repeatable = False
            elif character in "*+?":
                self.at += 1
                self._repeat(*_UNSIGNED[character], self.at - 1)
            elif character == "{":
                self._counted()
            elif character == "[":
                flags = self.flags
                reader = ClassReader(source, self.at, self._alphabet(), flags.ignore_case, flags.verbose)
                members = reader.read()
                self.at = reader.at
                self._piece(self._alphabet().piece(members))
            elif character == "\\":
                self._escape()
            else:
                self.at += 1
                self._plain(character)
        if len(self.stack) > 1:
            raise RegexFault("unclosed group", self.stack[-1].start)
        return self.stack[0].finished().text

    def _alphabet(self) -> Alphabet:
        return CHARACTERS if self.flags.unicode else BYTES

    def _piece(self, piece: Piece) -> None:
        group = self.stack[-1]
        self.length += len(piece.text)
        if self.length > LONGEST:
            raise RegexFault("the expression is too long", self.at)
        group.pieces.append(piece)
        group.repeatable = True

    def _plain(self, character: str) -> None:
        flags = self.flags
        if character == ".":
            alphabet = self._alphabet()
            excluded = 0 if flags.dot_all else byteset.of(b"\r\n" if flags.crlf else b"\n")
            self._piece(alphabet.piece(alphabet.all & ~excluded))
        elif character in "^$":
            if flags.multi_line and flags.crlf:
                raise RegexFault("lines that end in CR LF are not supported together with the flag m", self.at - 1)
            anchors = ("(?m:^)", "(?m:$)") if flags.multi_line else (r"\A", r"\z")
            self._piece(Piece(anchors[character == "$"]))
        else:
            self._literal(character.encode())

    def _literal(self, text: bytes) -> None:
        flags = self.flags
        if flags.unicode and flags.ignore_case:
            self._piece(utf8.piece(utf8.fold(1 << ord(text.decode()))))
        else:
            self._piece(text_of(text, flags.ignore_case))

    def _escape(self) -> None:
        source = self.source
        start = self.at
        kind = source[start + 1 : start + 2]
        if kind in ("b", "B", "<", ">") and self.flags.unicode:
            raise RegexFault(rf"\{kind} over characters is not supported; write (?-u:\{kind}) for that of ASCII", start)
        if kind in ("<", ">"):
            self.at += 2
            self._piece(Piece("", edge="start" if kind == "<" else "end", at=start))
        elif kind in _ASSERTIONS and kind:
            self.at += 2
            self._piece(Piece(_ASSERTIONS[kind]))
            following = source[self.at + 1 : self.at + 2]
            if kind == "b" and source.startswith("{", self.at) and (following.isalpha() or following == "-"):
                self._edge(start)
        else:
            self.at, what = read_escape(source, start, self._alphabet())
            if isinstance(what, bytes):
                self._literal(what)
            else:
                self._piece(self._alphabet().piece(what))

    def _edge(self, start: int) -> None:
        end = self.source.find("}", self.at)
        edge = self.source[self.at + 1 : end] if end >= 0 else ""
        if edge not in _EDGES:
            raise RegexFault(r"unknown assertion; there are \b{start}, \b{end}, \b{start-half} and \b{end-half}", start)
        self.at = end + 1
        self.stack[-1].pieces[-1] = Piece("", edge=edge, at=start)

    def _repeat(self, low: int, high: int | None, start: int) -> None:
        group = self.stack[-1]
        if not group.repeatable:
            raise RegexFault("repetition operator missing expression", start)
        lazy = self.source.startswith("?", self.at)
        if lazy:
            self.at += 1
        group.pieces[-1] = repeated(group.pieces[-1]._replace(at=start), low, high, lazy != self.flags.swap_greed)

    def _counted(self) -> None:
        start = self.at
        if not self.stack[-1].repeatable:
            raise RegexFault("repetition operator missing expression", start)
        end = self.source.find("}", start)
        if end < 0:
            raise RegexFault("unclosed counted repetition", start)
        low_text, comma, high_text = self.source[start + 1 : end].partition(",")
        low = self._count(low_text, start)
        high = low if not comma else None if not high_text.strip() else self._count(high_text, start)
        if high is not None and low > high:
            raise RegexFault("invalid repetition count range, the start must be <= the end", start)
        self.at = skip_space(self.source, end + 1, self.flags.verbose)
        self._repeat(low, high, start)

    def _count(self, text: str, start: int) -> int:
        digits = text.strip()
        if not digits.isascii() or not digits.isdecimal() or len(digits) > 4096 or int(digits) > _MOST:
            raise RegexFault("repetition quantifier expects a valid decimal", start)
        return int(digits)

    def _open(self) -> None:
        source = self.source
        start = self.at
        if len(self.stack) > _MAX_DEPTH:
            raise RegexFault(f"groups are nested deeper than {_MAX_DEPTH}", start)
        outer = self.flags
        self.at = skip_space(source, start + 1, outer.verbose)
        captures = False
        if source.startswith(("?=", "?!", "?<=", "?<!"), self.at):
            raise RegexFault("look-around, including look-ahead and look-behind, is not supported", start)
        if source.startswith(("?P<", "?<"), self.at):
            self.at += 3 if source.startswith("?P<", self.at) else 2
            self._name()
            captures = True
        elif source.startswith("?", self.at):
            self.flags, self.at, group_follows = read_flags(source, self.at + 1, outer)
            if not group_follows:
                self.stack[-1].repeatable = False
                return
        else:
            captures = True
        self.stack.append(_Group(outer, start, captures))

    def _name(self) -> None:
        start = self.at
        end = self.source.find(">", start)
        if end < 0:
            raise RegexFault("unclosed capture group name", start)
        name = self.source[start:end]
        if not name:
            raise RegexFault("empty capture group name", start)
        if not (name[0] == "_" or name[0].isalpha()) or not all(c in "_.[]" or c.isalnum() for c in name):
            raise RegexFault("invalid capture group character", start)
        if name in self.names:
            raise RegexFault("duplicate capture group name", start)
        self.names.add(name)
        self.at = end + 1

    def _close(self) -> None:
        if len(self.stack) == 1:
            raise RegexFault("unopened group", self.at)
        group = self.stack.pop()
        self.flags = group.outer
        self.at += 1
        inner = group.finished()
        opening = "(" if group.captures and self.groups else "(?:"
        self._piece(inner._replace(text=f"{opening}{inner.text})", edge=""))
