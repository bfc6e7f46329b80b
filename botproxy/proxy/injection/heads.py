"""Which answers are pages that a script may be put into, and what their heads say once it is in there.

An entity tag names the page as the origin made it; with the script in it the page has another, from which the first can
be told again: browsers ask for what they have, and the origin is asked for what it made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from botproxy.proxy.injection.codings import KNOWN
from botproxy.proxy.injection.opening import charset_of
from botproxy.proxy.records import ResponseHead

_STRONG: Final = b"~jsd"
_WEAK: Final = b"~jsdw"
_TAG: Final = re.compile(rb'(W/)?"([^"]*)"')
_MARKED: Final = re.compile(rb'W/"([^"]*)~jsd(w?)"')
_TAG_LINE: Final = re.compile(rb"\r\nETag:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHANGED: Final = re.compile(
    rb"\r\n(?:Content-Length|Content-Encoding|Content-MD5|Content-Digest|Repr-Digest|Unencoded-Digest|Digest|ETag"
    rb"|Accept-Ranges):[^\r\n]*",
    re.IGNORECASE,
)
"""What is said of the bytes of a page, and is not true of them any more."""


_LOOKED_AT: Final = frozenset(
    (
        *(b"cache-control", b"content-disposition", b"content-encoding", b"content-range", b"content-security-policy"),
        *(b"content-type", b"signature"),
    )
)


class Candidate(NamedTuple):
    """A response that may be a page. `reason` says why it is left alone all the same; empty when it is not."""

    reason: str
    coding: bytes = b""  # lower case
    charset: bytes = b""  # lower case
    policies: tuple[bytes, ...] = ()  # values of Content-Security-Policy


NO_TRANSFORM: Final = "no_transform"
UNKNOWN_CODING: Final = "coding"
SIGNED: Final = "signed"


def candidate(head: ResponseHead) -> Candidate | None:
    """What the final head of an answer to GET or POST says; None for what is no page by its status or type."""
    status = head.status
    if status != 200 and (status < 200 or status in (204, 205, 206) or 300 <= status < 400):
        return None
    if head.body_length == 0:
        return None
    kind = b""
    coding = b""
    reason = ""
    policies: list[bytes] = []
    for name, value in head.headers:
        key = name.lower()
        if key not in _LOOKED_AT:
            continue
        if key == b"content-type":
            kind = value
        elif key == b"content-encoding":
            coding = coding + b"," + value.lower().strip() if coding else value.lower().strip()
        elif key == b"cache-control":
            if b"no-transform" in value.lower():
                reason = NO_TRANSFORM
        elif key == b"content-security-policy":
            policies.append(value)
        elif key == b"content-disposition":
            if value.lower().lstrip().startswith(b"attachment"):
                return None
        elif key == b"content-range":
            return None
        elif key == b"signature":
            reason = reason or SIGNED
    charset = _CHARSETS.get(kind, b"?")
    if charset == b"?":
        charset = _charset_of_page(kind)
    if charset is None:
        return None
    if coding == b"identity":
        coding = b""
    if coding and coding not in KNOWN:
        reason = reason or UNKNOWN_CODING
    return Candidate(reason, coding, charset, tuple(policies))


_CHARSETS: Final[dict[bytes, bytes | None]] = {}
_MOST_TYPES: Final = 256
_LONGEST_TYPE: Final = 256
"""Values of Content-Type whose meaning is remembered, and bytes of one; an origin has a few."""


def _charset_of_page(kind: bytes) -> bytes | None:
    """The charset, empty where none is told, of a page of this Content-Type; None for what is no page."""
    media, _, parameters = kind.partition(b";")
    charset = None
    if media.strip(b" \t").lower() == b"text/html":
        charset = charset_of(parameters) if parameters else b""
    if len(_CHARSETS) < _MOST_TYPES and len(kind) <= _LONGEST_TYPE:
        _CHARSETS[kind] = charset
    return charset


def with_script(lines: bytes, coding: bytes) -> bytes:
    """A status line and header lines, each with its line end, of a page that has the script in it and this coding."""
    found = _TAG_LINE.search(lines)
    kept = _CHANGED.sub(b"", lines)
    if found is not None:
        tag = marked(found[1])
        if tag:
            kept += b"ETag: %b\r\n" % tag
    return kept + b"Content-Encoding: %b\r\n" % coding if coding else kept


def with_marked_tag(lines: bytes) -> bytes:
    """The lines of an answer that a page is as it was: what the browser has is the page with the script."""
    found = _TAG_LINE.search(lines)
    if found is None:
        return lines
    return lines[: found.start()] + lines[found.end() :] + b"ETag: %b\r\n" % (marked(found[1]) or found[1])


def marked(tag: bytes) -> bytes:
    """The entity tag of a page with the script, always a weak one; empty for what is no entity tag."""
    found = _TAG.fullmatch(tag.strip(b" \t"))
    if found is None:
        return b""
    return b'W/"%b%b"' % (found[2], _WEAK if found[1] else _STRONG)


def tells_marked(values: Sequence[bytes]) -> bool:
    """Whether an If-None-Match names a page with the script."""
    return any(_STRONG in value for value in values)


def unmarked(values: Sequence[bytes], only: bool) -> bytes:
    """An If-None-Match as the origin understands it; with `only`, without the tags of pages that have no script."""
    tags: list[bytes] = []
    for found in _TAG.finditer(b", ".join(values)[:8192]):
        ours = _MARKED.fullmatch(found[0])
        if ours is not None:
            tags.append(b'%b"%b"' % (b"W/" if ours[2] else b"", ours[1]))
        elif not only:
            tags.append(found[0])
    return b", ".join(tags)


_GZIP: Final = re.compile(
    rb"(?:^|,)[ \t]*(?:x-)?gzip[ \t]*(?:;[ \t]*q[ \t]*=[ \t]*([0-9.]+)[ \t]*)?(?=,|\Z)", re.IGNORECASE
)


def reads_gzip(accept_encoding: Sequence[bytes]) -> bool:
    """Whether a visitor says that it reads gzip."""
    for value in accept_encoding:
        found = _GZIP.search(value[:1024])
        if found is not None:
            return found[1] is None or found[1].strip(b"0.") != b""
    return False
