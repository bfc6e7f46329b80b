"""What a visitor posted when the challenge came between: sealed into the page, and sent again once it is solved.

The page sends it with a form of its own, so only what such a form says byte for byte alike is taken: urlencoded bodies
and plain text as browsers write them (WHATWG HTML, "form submission"), at most 64 KB. Only for a page of the same site:
what another site had a browser post would come back as if this site had.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from botproxy.challenges.ticket import Ticket
from botproxy.cookies import pack_fields
from botproxy.model import Request

REPLAY_PURPOSE: Final = "replay"
"""Purpose of the `Sealer` that seals bodies."""

LARGEST: Final = 64 * 1024
"""Bytes of a body."""

LONGEST_TEXT: Final = 90_112
"""Characters of a sealed body."""

MAX_FIELDS: Final = 1_000

_TYPES: Final = ("application/x-www-form-urlencoded", "text/plain")
_NEWLINES: Final = re.compile(rb"\r\n|\r|\n")
_UNRESERVED: Final = frozenset(b"*-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_ESCAPED: Final = [chr(byte) if byte in _UNRESERVED else "+" if byte == 0x20 else f"%{byte:02X}" for byte in range(256)]

# windows-1252 as browsers read it: each byte is one character, those that the encoding leaves open included.
_CHARACTERS: Final = [bytes((byte,)).decode("cp1252", "replace") for byte in range(256)]
for _open in (0x81, 0x8D, 0x8F, 0x90, 0x9D):
    _CHARACTERS[_open] = chr(_open)


class Form(NamedTuple):
    """A body as a form says it. Names and values are bytes written as windows-1252."""

    type: str
    fields: list[tuple[str, str]]


def form_type(request: Request) -> str:
    """The type under which a body may be sent again; "" for one that may not, judged before a byte of it is read.

    Whether the request came from a page of this site is for the caller to know.
    """
    length = request.body_length
    if request.method != b"POST" or length is None or not 0 < length <= LARGEST:
        return ""
    headers = request.headers
    if b"content-encoding" in headers.index:
        return ""
    kind = (headers.first(b"content-type") or b"")[:200].decode("latin-1").partition(";")[0].strip().lower()
    return kind if kind in _TYPES else ""


def read_form(kind: str, body: bytes) -> Form | None:
    """The form that sends exactly this body, or None when no form does."""
    if not body or len(body) > LARGEST:
        return None
    fields = _urlencoded(body) if kind == _TYPES[0] else _plain(body) if kind == _TYPES[1] else None
    if fields is None:
        return None
    return Form(kind, [(_text(name), _text(value)) for name, value in fields])


def sealed_payload(kind: str, body: bytes) -> bytes:
    """What is sealed; `opened_payload` undoes it."""
    return bytes((_TYPES.index(kind),)) + body


def opened_payload(payload: bytes) -> Form | None:
    """The form inside, or None."""
    if not payload or payload[0] >= len(_TYPES):
        return None
    return read_form(_TYPES[payload[0]], payload[1:])


def bound(ticket: Ticket) -> bytes:
    """What a sealed body is bound to: the challenged request and its browser."""
    return pack_fields(ticket.ray.encode(), ticket.agent)


def _text(value: bytes) -> str:
    return "".join([_CHARACTERS[byte] for byte in value])


def _normal(value: bytes) -> bytes:
    return _NEWLINES.sub(b"\r\n", value)


def _urlencoded(body: bytes) -> list[tuple[bytes, bytes]] | None:
    pairs = body.split(b"&")
    if len(pairs) > MAX_FIELDS:
        return None
    fields: list[tuple[bytes, bytes]] = []
    for pair in pairs:
        name, mark, value = pair.partition(b"=")
        if not mark or not name:  # a form names each field, and skips those without a name
            return None
        fields.append((unquote_to_bytes(name.replace(b"+", b" ")), unquote_to_bytes(value.replace(b"+", b" "))))
    again = "&".join([_escaped(_normal(name)) + "=" + _escaped(_normal(value)) for name, value in fields])
    return fields if again.encode() == body else None


def _escaped(value: bytes) -> str:
    return "".join([_ESCAPED[byte] for byte in value])


def _plain(body: bytes) -> list[tuple[bytes, bytes]] | None:
    if not body.endswith(b"\r\n"):
        return None
    lines = body.removesuffix(b"\r\n").split(b"\r\n")
    if len(lines) > MAX_FIELDS:
        return None
    fields: list[tuple[bytes, bytes]] = []
    for line in lines:
        name, mark, value = line.partition(b"=")
        if not mark or not name:
            return None
        fields.append((name, value))
    again = b"".join([_normal(name) + b"=" + _normal(value) + b"\r\n" for name, value in fields])
    return fields if again == body else None
