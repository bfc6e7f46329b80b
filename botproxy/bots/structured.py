"""Structured fields (RFC 9651) as far as signatures need them: dictionaries of items and inner lists, and back to text.

Strict and bounded: whatever is not exactly in order is no field at all.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final, NamedTuple

MAX_FIELD: Final = 8192
MAX_MEMBERS: Final = 16
MAX_ITEMS: Final = 32
MAX_PARAMETERS: Final = 16

_KEY: Final = re.compile(r"[a-z*][a-z0-9_.*-]{0,63}")
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*")
_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,3})?")
_BYTES: Final = re.compile(r":([A-Za-z0-9+/=]*):")
_ESCAPE: Final = re.compile(r"\\(.)")
_STRING: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')


class FieldError(Exception):
    """The text is no structured field. Never leaves this room."""


class Bare(NamedTuple):
    """A value without its parameters. `kind` is "string", "token", "integer", "decimal", "bytes" or "boolean"."""

    kind: str
    text: str  # of a string without quotes and escapes, of bytes in base64, of a boolean "1" or "0"

    def serialised(self) -> str:
        """The value in its one canonical spelling."""
        if self.kind == "string":
            return '"' + self.text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if self.kind == "bytes":
            return f":{self.text}:"
        return f"?{self.text}" if self.kind == "boolean" else self.text

    def integer(self) -> int | None:
        """The number, if it is a whole one."""
        return int(self.text) if self.kind == "integer" else None

    def raw(self) -> bytes | None:
        """The bytes, if it is some."""
        return base64.b64decode(self.text) if self.kind == "bytes" else None


Parameters = tuple[tuple[str, Bare], ...]


class Item(NamedTuple):
    """A value and its parameters."""

    value: Bare
    parameters: Parameters = ()

    def parameter(self, name: str) -> Bare | None:
        """The parameter with this name, or None."""
        return _find(self.parameters, name)

    def serialised(self) -> str:
        """The item in its one canonical spelling."""
        return self.value.serialised() + _parameters(self.parameters)


class InnerList(NamedTuple):
    """A list of items, and its parameters."""

    items: tuple[Item, ...]
    parameters: Parameters = ()

    def parameter(self, name: str) -> Bare | None:
        """The parameter with this name, or None."""
        return _find(self.parameters, name)

    def serialised(self) -> str:
        """The list in its one canonical spelling."""
        return "(" + " ".join([item.serialised() for item in self.items]) + ")" + _parameters(self.parameters)


Member = Item | InnerList


def parse_dictionary(text: str) -> dict[str, Member]:
    """A dictionary; the last of equal keys counts (RFC 9651, 4.2.2). Raises `FieldError`."""
    reader = _Reader(text)
    members: dict[str, Member] = {}
    reader.skip(" ")
    while not reader.ended:
        key = reader.key()
        if reader.take("="):
            member: Member = reader.inner_list() if reader.peek == "(" else reader.item()
        else:
            member = Item(Bare("boolean", "1"), reader.parameters())
        members.pop(key, None)
        members[key] = member
        if len(members) > MAX_MEMBERS:
            raise FieldError("too many members")
        reader.skip(" \t")
        if reader.ended:
            break
        if not reader.take(","):
            raise FieldError("a comma was expected")
        reader.skip(" \t")
        if reader.ended:
            raise FieldError("a comma at the end")
    return members


def parse_item(text: str) -> Item:
    """One item. Raises `FieldError`."""
    reader = _Reader(text)
    reader.skip(" ")
    item = reader.item()
    reader.skip(" ")
    if not reader.ended:
        raise FieldError("more than one item")
    return item


def joined(values: tuple[bytes, ...]) -> str:
    """The lines of one field as one text (RFC 9110, 5.3). Raises `FieldError` when it is too long or not ASCII."""
    raw = b", ".join([value.strip(b" \t") for value in values]) if len(values) > 1 else values[0].strip(b" \t")
    if len(raw) > MAX_FIELD:
        raise FieldError("too long")
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError:
        raise FieldError("not ASCII") from None


class _Reader:
    """A position in a text; every method takes what it names or raises."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_FIELD:
            raise FieldError("too long")
        self.text = text
        self.at = 0

    @property
    def ended(self) -> bool:
        return self.at >= len(self.text)

    @property
    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += len(character)
            return True
        return False

    def skip(self, characters: str) -> None:
        while not self.ended and self.text[self.at] in characters:
            self.at += 1

    def key(self) -> str:
        return self._match(_KEY, "a key")[0]

    def inner_list(self) -> InnerList:
        self.take("(")
        items: list[Item] = []
        while True:
            self.skip(" ")
            if self.take(")"):
                return InnerList(tuple(items), self.parameters())
            if len(items) == MAX_ITEMS:
                raise FieldError("too many items")
            items.append(self.item())
            if self.peek not in (" ", ")"):
                raise FieldError("a space or a bracket was expected")

    def item(self) -> Item:
        value = self.bare()
        return Item(value, self.parameters())

    def parameters(self) -> Parameters:
        found: dict[str, Bare] = {}
        while self.take(";"):
            self.skip(" ")
            key = self.key()
            value = self.bare() if self.take("=") else Bare("boolean", "1")
            found.pop(key, None)
            found[key] = value
            if len(found) > MAX_PARAMETERS:
                raise FieldError("too many parameters")
        return tuple(found.items())

    def bare(self) -> Bare:
        first = self.peek
        if first == '"':
            return Bare("string", _ESCAPE.sub(r"\1", self._match(_STRING, "a string")[1]))
        if first == ":":
            text = self._match(_BYTES, "bytes")[1]
            try:
                return Bare("bytes", base64.b64encode(base64.b64decode(text, validate=True)).decode("ascii"))
            except (binascii.Error, ValueError):
                raise FieldError("no base64") from None
        if first == "?":
            if self.take("?1"):
                return Bare("boolean", "1")
            if self.take("?0"):
                return Bare("boolean", "0")
            raise FieldError("no boolean")
        if first and (first in "-" or first.isdigit()):
            found = self._match(_NUMBER, "a number")
            return _number(found[0], found[1])
        return Bare("token", self._match(_TOKEN, "a value")[0])

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise FieldError(f"{what} was expected")
        self.at = found.end()
        return found


def _number(text: str, fraction: str | None) -> Bare:
    if fraction is None:
        return Bare("integer", str(int(text)))
    whole = text.partition(".")[0]
    if len(whole.lstrip("-")) > 12:
        raise FieldError("a decimal with too many digits")
    sign = "-" if whole.startswith("-") and (whole.strip("-0") or fraction.strip(".0")) else ""
    return Bare("decimal", f"{sign}{int(whole.lstrip('-'))}.{fraction[1:].rstrip('0') or '0'}")


def _find(parameters: Parameters, name: str) -> Bare | None:
    for key, value in parameters:
        if key == name:
            return value
    return None


def _parameters(parameters: Parameters) -> str:
    said = ""
    for key, value in parameters:
        said += f";{key}" if value.kind == "boolean" and value.text == "1" else f";{key}={value.serialised()}"
    return said
