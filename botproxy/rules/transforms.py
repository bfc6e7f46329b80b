"""The functions that make new text: what rewriting rules use most, of use in filters for comparing and counting too."""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from botproxy.rules.patterns import PatternTooLarge, Replacer, replacer, searcher, wildcard_regex
from botproxy.rules.regex import to_re2
from botproxy.rules.regex_fault import RegexFault

LONGEST: Final = 1 << 22
"""Bytes of the longest text that a function makes; what would be longer is missing."""

MOST_REFERENCES: Final = 8
_COMPILED: Final = 256

Piece = bytes | int
"""Text, or the number of a group."""


class ReplacementFault(Exception):  # noqa: N818  it is a finding, not a failure
    """What is wrong with the second or third argument of a replacement. Never leaves this room."""


def to_string(value: Any) -> bytes:
    """A number, truth or address as text."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()


def encode_base64(value: bytes, flags: bytes) -> bytes | None:
    """Base64: URL-safe with flag "u", padded with flag "p"."""
    if len(value) > LONGEST // 4 * 3:
        return None
    encoded = urlsafe_b64encode(value) if b"u" in flags else b64encode(value)
    return encoded if b"p" in flags else encoded.rstrip(b"=")


def sha256(value: bytes) -> bytes:
    """The digest itself, 32 bytes."""
    return hashlib.sha256(value).digest()


def sha512(value: bytes) -> bytes:
    """The digest itself, 64 bytes."""
    return hashlib.sha512(value).digest()


def uuidv4(value: bytes) -> bytes | None:
    """A random UUID (RFC 9562 section 5.4) from the first 16 bytes; missing when there are fewer."""
    return str(UUID(bytes=value[:16], version=4)).encode() if len(value) >= 16 else None


def split(value: bytes, separator: bytes, limit: int) -> list[bytes]:
    """At most `limit` parts; the last one holds the rest."""
    return value.split(separator, limit - 1)


def join(values: list[bytes], separator: bytes) -> bytes | None:
    """All values with the separator in between."""
    if sum(map(len, values)) + len(separator) * len(values) > LONGEST:
        return None
    return separator.join(values)


def concat(values: list[Any]) -> Any:
    """Texts or arrays, one behind the other; those that are missing leave nothing behind."""
    if sum(map(len, values)) > LONGEST:
        return None
    if values and not isinstance(values[0], bytes):
        return [item for value in values for item in value]
    return b"".join(values)


def remove_query_args(query: bytes, names: tuple[bytes, ...]) -> bytes:
    """The query without these arguments, however often they occur; the others stay in their order."""
    return b"&".join([part for part in query.split(b"&") if part.partition(b"=")[0] not in names])


def regex_replace(value: bytes, regex: bytes, replacement: bytes) -> bytes | None:
    """The value with the first match replaced."""
    return _replace(value, _regex(regex), _pieces(replacement))


def wildcard_replace(value: bytes, wildcard: bytes, replacement: bytes, flags: bytes) -> bytes | None:
    """The replacement, if the wildcard matches the whole value; otherwise the value."""
    return _replace(value, _wildcard(wildcard, b"s" not in flags), _pieces(replacement))


def check_regex_replace(regex: bytes, replacement: bytes) -> None:
    """Raises ReplacementFault when that cannot be done."""
    try:
        compiled = _regex(regex)
    except RegexFault as fault:
        raise ReplacementFault(f"regex parse error: {fault}") from None
    except PatternTooLarge:
        raise ReplacementFault("this regular expression takes more memory than one may have") from None
    _check_references(replacement, compiled.groups)


def check_wildcard_replace(wildcard: bytes, replacement: bytes) -> None:
    """Raises ReplacementFault when that cannot be done."""
    try:
        compiled = _wildcard(wildcard, True)
    except ValueError as fault:
        raise ReplacementFault(str(fault)) from None
    except PatternTooLarge:
        raise ReplacementFault("this wildcard takes more memory than one may have") from None
    _check_references(replacement, compiled.groups)


def _check_references(replacement: bytes, groups: int) -> None:
    references = [piece for piece in _pieces(replacement) if isinstance(piece, int)]
    if len(references) > MOST_REFERENCES:
        raise ReplacementFault(f"a replacement has at most {MOST_REFERENCES} references")
    for number in references:
        if number > groups:
            raise ReplacementFault(f"there is no group {number}")


@lru_cache(_COMPILED)
def _regex(regex: bytes) -> Replacer:
    try:
        source = regex.decode()
    except UnicodeDecodeError:
        raise RegexFault("a regular expression is text; write bytes as \\xHH in a raw string", 0) from None
    searcher(to_re2(source))  # what is too large for a comparison is too large here
    return replacer(to_re2(source, groups=True))


@lru_cache(_COMPILED)
def _wildcard(wildcard: bytes, ignore_case: bool) -> Replacer:
    return replacer(wildcard_regex(wildcard, ignore_case, groups=True))


@lru_cache(_COMPILED)
def _pieces(replacement: bytes) -> tuple[Piece, ...]:
    """Text and references: `${1}` is what a group matched, `${0}` the whole match, `$$` a dollar."""
    pieces: list[Piece] = []
    at = 0
    while True:
        dollar = replacement.find(b"$", at)
        if dollar < 0:
            pieces.append(replacement[at:])
            return tuple(pieces)
        pieces.append(replacement[at:dollar])
        end = replacement.find(b"}", dollar)
        number = replacement[dollar + 2 : end]
        if replacement[dollar + 1 : dollar + 2] == b"{" and number.isdigit() and len(number) <= 3:
            pieces.append(int(number))
            at = end + 1
        else:
            pieces.append(b"$")
            at = dollar + (2 if replacement[dollar + 1 : dollar + 2] == b"$" else 1)


def _replace(value: bytes, compiled: Replacer, pieces: tuple[Piece, ...]) -> bytes | None:
    spans = compiled.first(value)
    if spans is None:
        return value
    start, end = spans[0]
    made = [value[:start]]
    for piece in pieces:
        if isinstance(piece, bytes):
            made.append(piece)
        else:
            first, last = spans[piece]
            if first >= 0:
                made.append(value[first:last])
    made.append(value[end:])
    return b"".join(made) if sum(map(len, made)) <= LONGEST else None
