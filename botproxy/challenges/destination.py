"""Where a visitor may be sent once a challenge is solved: a path of the same site, read as a browser would read it.

A browser strips tab, line feed and carriage return from an address, takes `\\` for `/`, and reads `//name` as another
host (WHATWG URL, "basic URL parser"). Servers between us and it may decode escapes once more, so what hides two slashes
behind escapes or dot segments at the start is refused as well. What is refused leads to `/`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

LONGEST: Final = 2048
"""Characters. A longer address is not carried; the browser stays where it is and asks again."""

_SAFE: Final = "/?:@!$&'()*+,;=-._~%[]|^"
_STRIPPED: Final = re.compile(rb"[\x00-\x20\x7f]")
_SEPARATORS: Final = re.compile(rb"[/\\]")
_DECODINGS: Final = 3


def destination(path: bytes, query: bytes | None) -> str:
    """The address to return to, as ASCII text without a fragment; "" when it is too long to carry."""
    whole = path if query is None else path + b"?" + query
    if len(whole) > LONGEST:
        return ""
    if not is_local(whole):
        return "/"
    text = quote_from_bytes(whole, safe=_SAFE)
    return text if len(text) <= LONGEST else ""


def is_local(target: bytes) -> bool:
    """Whether every reader takes `target` for a path (and a query) of this same site, and not one of our own."""
    if not target.startswith(b"/") or b"#" in target or _STRIPPED.search(target) is not None:
        return False
    path = target.split(b"?", 1)[0]
    for _ in range(_DECODINGS):
        if not _stays(path):
            return False
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return True
        path = decoded
    return _stays(path)


def _stays(path: bytes) -> bool:
    """Whether the path, with dot segments resolved and stripped bytes gone, starts with one slash of either kind."""
    if _SEPARATORS.match(_STRIPPED.sub(b"", path), 1) is not None:
        return False
    resolved: list[bytes] = []
    for segment in _SEPARATORS.split(_STRIPPED.sub(b"", path))[1:]:
        if segment == b"..":
            del resolved[-1:]
        elif segment != b".":
            resolved.append(segment)
    return not (len(resolved) > 1 and resolved[0].lower() in (b"", b"cdn-cgi"))
