"""Escapes of regular expressions that stand for a character or a class, inside and outside of brackets."""

from __future__ import annotations

from typing import Final

from botproxy.rules.cursor import HEX_DIGITS
from botproxy.rules.regex_alphabet import Alphabet, UnknownProperty
from botproxy.rules.regex_fault import RegexFault

_CONTROLS: Final = {"a": b"\a", "f": b"\f", "t": b"\t", "n": b"\n", "r": b"\r", "v": b"\v"}
_WIDTHS: Final = {"x": 2, "u": 4, "U": 8}


def read_escape(source: str, at: int, alphabet: Alphabet) -> tuple[int, bytes | int]:
    r"""Read the escape at `at`, where the backslash stands.

    Gives the offset behind it and what it means: literal bytes, or a class as a set. Without Unicode, `\xHH` is one
    byte; every other spelling of a character is that character in UTF-8.
    """
    kind = source[at + 1 : at + 2]
    if not kind:
        raise RegexFault("incomplete escape sequence, reached end of pattern prematurely", at)
    if kind in _CONTROLS:
        return at + 2, _CONTROLS[kind]
    if kind in "dsw":
        return at + 2, alphabet.perl(kind)
    if kind in "DSW":
        return at + 2, alphabet.all & ~alphabet.perl(kind.lower())
    if kind in _WIDTHS:
        return _read_hex(source, at, kind, alphabet.unicode)
    if kind in "pP":
        return _read_property(source, at, alphabet)
    if kind in "0123456789":
        raise RegexFault("backreferences are not supported", at)
    if kind.isascii() and not kind.isalnum() and kind not in "<>":
        return at + 2, kind.encode()
    raise RegexFault("unrecognized escape sequence", at)


def _read_property(source: str, at: int, alphabet: Alphabet) -> tuple[int, int]:
    if not alphabet.unicode:
        raise RegexFault("Unicode not allowed here", at)
    end = at + 3
    name = source[at + 2 : end]
    if name == "{":
        end = source.find("}", at) + 1
        if not end:
            raise RegexFault("incomplete escape sequence, reached end of pattern prematurely", at)
        name = source[at + 3 : end - 1]
    try:
        members = alphabet.named(name)
    except UnknownProperty:
        raise RegexFault(f"no Unicode property named {name} is known here", at) from None
    return end, alphabet.all & ~members if source[at + 1] == "P" else members


def _read_hex(source: str, at: int, kind: str, unicode: bool) -> tuple[int, bytes]:
    if source[at + 2 : at + 3] == "{":
        end = source.find("}", at)
        if end < 0:
            raise RegexFault("incomplete escape sequence, reached end of pattern prematurely", at)
        digits = source[at + 3 : end]
        if not digits:
            raise RegexFault("hexadecimal literal empty", at)
        behind = end + 1
    else:
        behind = at + 2 + _WIDTHS[kind]
        digits = source[at + 2 : behind]
        if len(digits) < _WIDTHS[kind] and set(digits) <= HEX_DIGITS:
            raise RegexFault("incomplete escape sequence, reached end of pattern prematurely", at)
    if not set(digits) <= HEX_DIGITS:
        raise RegexFault("invalid hexadecimal digit", at)
    value = int(digits, 16)
    if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        raise RegexFault("hexadecimal literal is not a Unicode scalar value", at)
    if kind == "x" and source[at + 2] != "{" and not unicode:
        return behind, bytes([value])
    return behind, chr(value).encode()
