"""One spelling of a request target, so that rules and the origin judge and serve the same thing."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from botproxy.errors import ClientError

# A segment that needs no look: not empty, no dot in front, nothing but characters that stay as they are.
_SEGMENT: Final = rb"[!\"$&-\-0->@-\[\]-~][!\"$&-.0->@-\[\]-~]*+"
_CLEAN: Final = re.compile(rb"(/(?:%b(?:/%b)*+/?)?+)(?:\?([!\"$-~\x80-\xff]*+))?+\Z" % (_SEGMENT, _SEGMENT))
_ATTENTION: Final = re.compile(rb"[%\\#\x00-\x20\x7f-\xff]|//|/\.")
_QUERY_REFUSED: Final = re.compile(rb"[\x00-\x20\x7f#]")
_PATH_REFUSED: Final = re.compile(rb"[\x00-\x20\x7f#\\]|%(?![0-9A-Fa-f]{2})|%00")
_ESCAPE: Final = re.compile(rb"%([0-9A-Fa-f]{2})|[\x80-\xff]")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SLASHES: Final = re.compile(rb"//+")
_HIDDEN_DOTS: Final = re.compile(rb"(?:/|%2F|%5C)\.\.?(?:%2F|%5C|;)|(?:%2F|%5C)\.\.?(?:/|\Z)")


class Target(NamedTuple):
    """What rules read and the origin is asked for."""

    path: bytes
    query: bytes | None  # without "?", byte for byte as received; None when there was no "?"


def normalise(target: bytes, merge_slashes: bool = True) -> Target:
    """Normalise an origin-form target once; the result is a fixed point. Raises `ClientError(400)`.

    Kept: `;`, `%2F`, `%5C` and every other escape of a reserved byte (its digits in upper case), the whole query.
    Decoded: escapes of unreserved characters (RFC 3986 section 6.2.2.2), `%2e` among them, before dot segments go.
    Encoded: bytes above 127. Merged: `//`, unless the zone asked to keep them. Removed: dot segments.
    Refused: `\\`, NUL and `%00`, control characters and spaces, `#`, `%` without two hex digits, `..` beyond the root,
    and dot segments that only some origins would see (`..%2f`, `%5c..`, `..;`).
    """
    clean = _CLEAN.match(target)
    if clean is not None:
        return Target(clean[1], clean[2])
    path, mark, query = target.partition(b"?")
    if mark and _QUERY_REFUSED.search(query) is not None:
        raise ClientError(400, "Bad request", "a control character or # in the query")
    if not path.startswith(b"/"):
        raise ClientError(400, "Bad request", "the path does not begin with a slash")
    if _ATTENTION.search(path) is not None:
        path = _normalised(path, merge_slashes)
    return Target(path, query if mark else None)


def _normalised(path: bytes, merge_slashes: bool) -> bytes:
    found = _PATH_REFUSED.search(path)
    if found is not None:
        raise ClientError(400, "Bad request", f"{found[0]!r} in the path")
    path = _ESCAPE.sub(_spell, path)
    if _HIDDEN_DOTS.search(path) is not None:
        raise ClientError(400, "Bad request", "a hidden dot segment")
    if merge_slashes:
        path = _SLASHES.sub(b"/", path)
    return _without_dots(path) if b"/." in path else path


def _spell(found: re.Match[bytes]) -> bytes:
    digits: bytes | None = found[1]
    if digits is None:
        return b"%%%02X" % found[0][0]
    byte = int(digits, 16)
    return bytes((byte,)) if byte in _UNRESERVED else b"%" + digits.upper()


def _without_dots(path: bytes) -> bytes:
    """RFC 3986 section 5.2.4, save that `..` at the root is refused and not swallowed."""
    kept: list[bytes] = []
    segments = path.split(b"/")
    last = len(segments) - 1
    for position, segment in enumerate(segments):
        if segment != b"." and segment != b"..":
            kept.append(segment)
            continue
        if segment == b"..":
            if len(kept) < 2:
                raise ClientError(400, "Bad request", ".. beyond the root")
            kept.pop()
        if position == last:
            kept.append(b"")
    return b"/".join(kept)
