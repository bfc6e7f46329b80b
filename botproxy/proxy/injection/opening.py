"""The opening of a page: everything before the first thing in its head, which is where our script goes.

Only the opening is read, and nothing of it is visible: to wait for the rest of it delays nothing that anybody sees, and
what stands further down (a `</body>` in a script, a comment that never ends) cannot mislead whoever never looks there.
The tokens are those of the HTML standard, section 13.2.5, as far as an opening has them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MOST: Final = 16 * 1024
"""Bytes in which the opening has to end; a longer one is nobody's page."""

_SPACE: Final = re.compile(rb"[\t\n\f\r ]*")
_NAME_ENDS: Final = b"\t\n\f\r />"
_ATTRIBUTE: Final = (
    rb"[^\t\n\f\r />][^\t\n\f\r />=]*+"
    rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r >\"'][^\t\n\f\r >]*+|(?=>))|(?![\t\n\f\r ]*+=))"
)
_TAG_REST: Final = re.compile(rb"(?:[\t\n\f\r /]++|" + _ATTRIBUTE + rb")*+>")
_PAIRS: Final = re.compile(
    rb"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+))?)?"
)
_COMMENT_END: Final = re.compile(rb"--!?>")
_NOTEWORTHY: Final = re.compile(
    rb"<(?:(!--)|(meta)(?=[\t\n\f\r />])|((?:no)?script|style|title|template)(?=[\t\n\f\r />])|/head|body)",
    re.IGNORECASE,
)
_ESCAPE: Final = b"\x1b"
_DOUBLE_BYTE: Final = re.compile(rb"\x1b\$[^\x1b]*")


class Opening(NamedTuple):
    """What was found. `place` is the offset of the script; the tags are whole, or empty where the page has none."""

    place: int
    plain: bool  # nothing stands before `place` but white space, comments, a doctype and the two tags
    doctype: bytes
    html: bytes
    head: bytes


UNFINISHED: Final = Opening(-1, False, b"", b"", b"")
"""The opening goes on behind what was read so far."""

NO_PAGE: Final = Opening(-2, False, b"", b"", b"")
"""A piece of a page, or none: no doctype, no `<html>` and no `<head>` where they belong."""


def find(data: bytes, whole: bool) -> Opening:
    """Read the beginning of a page, whose letters are ASCII and whose byte order mark is not in `data`.

    `whole` is whether nothing comes after `data`.
    """
    size = len(data)
    at = 0
    doctype = html = head = b""
    while True:
        at = _SPACE.match(data, at).end()  # type: ignore[union-attr]
        if size - at < 2:
            return _found(at, doctype, html, head) if whole else UNFINISHED
        if data[at] != 0x3C:  # <
            return _found(at, doctype, html, head)
        kind = data[at + 1]
        if kind == 0x21 or kind == 0x3F:  # ! ?
            begin = data[at : at + 9].lower()
            if len(begin) < 9 and not whole and (b"<!--".startswith(begin) or b"<!doctype".startswith(begin)):
                return UNFINISHED
            end = _comment_end(data, at) if begin.startswith(b"<!--") else data.find(b">", at) + 1
            if end <= 0:
                return NO_PAGE if whole else UNFINISHED
            if begin == b"<!doctype" and not doctype:
                doctype = data[at:end]
            at = end
            continue
        name = data[at + 1 : at + 6].lower()
        if name[:4] in (b"html", b"head") and len(name) == 5 and name[4] in _NAME_ENDS:
            rest = _TAG_REST.match(data, at + 5)
            if rest is None:
                return NO_PAGE if whole else UNFINISHED
            end = rest.end()
            if name[0:2] == b"he":
                return _found(end, doctype, html, data[at:end])
            if not html:
                html = data[at:end]
            at = end
            continue
        if len(name) < 5 and not whole and (b"html".startswith(name[:4]) or b"head".startswith(name[:4])):
            return UNFINISHED
        return _found(at, doctype, html, head)


def _comment_end(data: bytes, at: int) -> int:
    """Where the comment that begins at `at` ends; 0 when it does not."""
    if data.startswith((b">", b"->"), at + 4):
        return data.find(b">", at + 4) + 1
    end = _COMMENT_END.search(data, at + 4)
    return 0 if end is None else end.end()


def _found(at: int, doctype: bytes, html: bytes, head: bytes) -> Opening:
    if not doctype and not html and not head:
        return NO_PAGE
    return Opening(at, True, doctype, html, head)


class Metas(NamedTuple):
    """What the `<meta>` elements of a head say that bears on a script, as far as the head was read."""

    charset: bytes  # lower case; empty without one
    policy: bool  # a Content-Security-Policy


def metas(data: bytes, at: int) -> Metas:
    """Read the head of a page from `at` on, to its end or the end of `data`."""
    charset = b""
    policy = False
    lower = b""
    while True:
        found = _NOTEWORTHY.search(data, at)
        if found is None:
            return Metas(charset, policy)
        at = found.end()
        if found[1]:
            at = _comment_end(data, found.start())
            if at == 0:
                return Metas(charset, policy)
        elif found[2]:
            named = _attributes(data, at)
            said = named.get(b"http-equiv", b"").strip().lower()
            if said == b"content-security-policy":
                policy = True
            elif not charset:
                charset = named.get(b"charset", b"").strip(b"\t\n\f\r ").lower()
                if not charset and said == b"content-type":
                    charset = charset_of(named.get(b"content", b""))
        elif found[3]:
            if not lower:
                lower = data.lower()
            at = lower.find(b"</" + found[3].lower(), at)
            if at < 0:
                return Metas(charset, policy)
        else:
            return Metas(charset, policy)


_CHARSET: Final = re.compile(
    rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r ;\"']+))", re.IGNORECASE
)


def charset_of(content_type: bytes) -> bytes:
    """The charset that a content type names, in lower case; empty without one."""
    found = _CHARSET.search(content_type)
    return b"" if found is None else (found[1] or found[2] or found[3] or b"").strip().lower()


def _attributes(data: bytes, at: int) -> dict[bytes, bytes]:
    """Those of the tag whose name ends at `at`; the first of each name counts. No more than 32 are read."""
    rest = _TAG_REST.match(data, at)
    named: dict[bytes, bytes] = {}
    if rest is None:
        return named
    end = rest.end() - 1
    while at < end and len(named) < 32:
        pair = _PAIRS.match(data, at, end)
        if pair is None:
            break
        named.setdefault(pair[1].lower(), pair[2] or pair[3] or pair[4] or b"")
        at = pair.end()
    return named


def without_double_bytes(data: bytes) -> bytes:
    """The same number of bytes, with those blanked that ISO-2022-JP reads as halves of characters."""
    if _ESCAPE not in data:
        return data
    return _DOUBLE_BYTE.sub(lambda found: b"?" * len(found[0]), data)
