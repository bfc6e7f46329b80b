"""String literals: quoted, raw, byte strings, and the two forms that patterns are written in. Values are bytes."""

from __future__ import annotations

from typing import Final

from botproxy.rules.cursor import HEX_DIGITS, Cursor

_SEPARATOR: Final = ":"
_OCTAL: Final = frozenset("01234567")


def bytes_literal(cursor: Cursor) -> bytes:
    """Read any string literal: `"…"`, `r"…"`, `r#"…"#` or hexadecimal bytes such as `01:2e:f3`."""
    if cursor.ahead('"'):
        return quoted(cursor)
    if raw_ahead(cursor):
        return raw(cursor).encode()
    return _byte_string(cursor)


def text_literal(cursor: Cursor) -> bytes:
    """Read a quoted or raw string."""
    if cursor.ahead('"'):
        return quoted(cursor)
    if raw_ahead(cursor):
        return raw(cursor).encode()
    return cursor.fail('expected " or r')


def quoted(cursor: Cursor) -> bytes:
    r"""Read `"…"`, in which `\"`, `\\`, `\xHH` and `\OOO` (three octal digits) are the only escapes."""
    text = cursor.text
    start = cursor.at
    value = bytearray()
    at = start + 1
    while True:
        stop = at
        while stop < len(text) and text[stop] not in '"\\':
            stop += 1
        if stop >= len(text):
            cursor.fail("could not find an ending quote", start)
        value += text[at:stop].encode()
        if text[stop] == '"':
            cursor.at = stop + 1
            return bytes(value)
        at = _escape(cursor, value, stop + 1)


def _escape(cursor: Cursor, value: bytearray, at: int) -> int:
    text = cursor.text
    kind = text[at : at + 1]
    if kind in ('"', "\\") and kind:
        value += kind.encode()
        return at + 1
    if kind == "x":
        digits = text[at + 1 : at + 3]
        if len(digits) < 2 or not set(digits) <= HEX_DIGITS:
            cursor.fail("invalid digit found in string while parsing with radix 16", at + 1, at + 3)
        value.append(int(digits, 16))
        return at + 3
    if kind in _OCTAL and kind:
        digits = text[at : at + 3]
        if len(digits) < 3 or not set(digits) <= _OCTAL:
            cursor.fail("invalid digit found in string while parsing with radix 8", at, at + 3)
        if int(digits, 8) > 255:
            cursor.fail("number too large to fit in target type while parsing with radix 8", at, at + 3)
        value.append(int(digits, 8))
        return at + 3
    return cursor.fail('expected ", xHH or OOO after \\', at, at + 1)


def raw_ahead(cursor: Cursor) -> bool:
    """Whether a raw string comes next."""
    return cursor.ahead('r"') or cursor.ahead("r#")


def raw(cursor: Cursor) -> str:
    """Read `r"…"` or `r#"…"#` with up to 255 `#`: no escapes at all."""
    text = cursor.text
    start = cursor.at
    at = start + 1
    while text[at : at + 1] == "#":
        at += 1
    hashes = at - start - 1
    if hashes > 255:
        cursor.fail("invalid raw string hash count, there can't be more than 255 #s", start, at)
    if text[at : at + 1] != '"':
        cursor.fail('expected "', at, at + 1)
    closing = '"' + "#" * hashes
    end = text.find(closing, at + 1)
    if end < 0:
        cursor.fail("could not find an ending quote", start)
    cursor.at = end + len(closing)
    return text[at + 1 : end]


def regex_literal(cursor: Cursor) -> str:
    """Read the text of a regular expression.

    Between quotes it has a rule of its own: a quote ends it unless it stands in a character class or behind a
    backslash, and every escape but that one belongs to the expression.
    """
    if raw_ahead(cursor):
        return raw(cursor)
    if not cursor.ahead('"'):
        cursor.fail('expected " or r')
    text = cursor.text
    start = cursor.at
    pieces: list[str] = []
    in_class = False
    at = start + 1
    while at < len(text):
        character = text[at]
        if character == "\\":
            pair = text[at : at + 2]
            pieces.append('"' if pair == '\\"' and not in_class else pair)
            at += 2
            continue
        if character == '"' and not in_class:
            cursor.at = at + 1
            return "".join(pieces)
        if character == "[":
            in_class = True
        elif character == "]":
            in_class = False
        pieces.append(character)
        at += 1
    return cursor.fail("could not find an ending quote", start)


def _byte_string(cursor: Cursor) -> bytes:
    start = cursor.at
    value = bytearray([_byte(cursor, start)])
    if not cursor.ahead(_SEPARATOR):
        cursor.fail("expected byte separator", cursor.at, cursor.at + 1)
    while cursor.take(_SEPARATOR):
        value.append(_byte(cursor, start))
    return bytes(value)


def _byte(cursor: Cursor, start: int) -> int:
    digits = cursor.text[cursor.at : cursor.at + 2]
    if not digits:
        cursor.fail("expected 2 characters, but found 0")
    if not set(digits) <= HEX_DIGITS:
        cursor.fail('expected a string: "…", r"…" or bytes such as 01:2e:f3', start)
    if len(digits) < 2:
        cursor.fail(f"expected 2 characters, but found {len(digits)}")
    cursor.at += 2
    return int(digits, 16)
