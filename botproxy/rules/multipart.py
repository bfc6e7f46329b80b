"""Bodies in several parts (RFC 2046 section 5.1, RFC 7578), read leniently and within bounds."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

MOST_PARTS: Final = 1_000
"""Parts that are read; what follows is not looked at, and the body counts as truncated."""

_LONGEST_HEAD: Final = 8_192
_LONGEST_BOUNDARY: Final = 256  # RFC 2046 allows 70; servers take more
_BLANK: Final = b" \t"


class Part(NamedTuple):
    """One part. What a header or parameter says is a list, because a part may say it more than once."""

    names: tuple[bytes, ...]
    filenames: tuple[bytes, ...]
    content_types: tuple[bytes, ...]
    content_dispositions: tuple[bytes, ...]
    content_transfer_encodings: tuple[bytes, ...]
    value: bytes


def boundary_of(content_type: bytes) -> bytes | None:
    """The boundary that a Content-Type of several parts names; None for any other."""
    kind, _, rest = content_type.partition(b";")
    if not kind.strip(_BLANK).lower().startswith(b"multipart/"):
        return None
    for name, value in parameters(rest):
        if name == b"boundary" and 0 < len(value) <= _LONGEST_BOUNDARY:
            return value
    return None


def parts(body: bytes, boundary: bytes) -> list[Part]:
    """The parts of a body, which may end anywhere; what stands before the first and behind the last is none.

    A delimiter stands at the beginning of a line, which may end in a line feed alone.
    """
    found: list[Part] = []
    delimiter = b"\n--" + boundary
    # The first delimiter may be the first thing in the body, where no line feed stands before it.
    pieces = (b"\n" + body).split(delimiter, MOST_PARTS + 1)
    for piece in pieces[1 : MOST_PARTS + 1]:
        if piece.startswith(b"--"):
            break
        padding, line_end, content = piece.partition(b"\n")
        if padding.strip(b" \t\r"):
            continue  # a longer text that begins like the boundary
        if line_end:
            found.append(_part(content.removesuffix(b"\r")))
    return found


def too_many(body: bytes, boundary: bytes) -> bool:
    """Whether there may be more parts than are read."""
    return body.count(b"--" + boundary) > MOST_PARTS


def _part(content: bytes) -> Part:
    head, value = _split(content)
    headers: dict[bytes, list[bytes]] = {}
    for line in head.replace(b"\r", b"").replace(b"\n ", b" ").replace(b"\n\t", b" ").split(b"\n"):
        name, colon, text = line.partition(b":")
        if colon:
            headers.setdefault(name.strip(_BLANK).lower(), []).append(text.strip(_BLANK))
    dispositions = tuple(headers.get(b"content-disposition", ()))
    names: list[bytes] = []
    filenames: list[bytes] = []
    for disposition in dispositions:
        for name, text in parameters(disposition.partition(b";")[2]):
            if name == b"name":
                names.append(text)
            elif name == b"filename":
                filenames.append(text)
            elif name == b"filename*":
                # RFC 5987: charset'language'percent-encoded. Not allowed here, but some origins read it.
                filenames.append(unquote_to_bytes(text.split(b"'", 2)[-1]))
    return Part(
        tuple(names),
        tuple(filenames),
        tuple(headers.get(b"content-type", ())),
        dispositions,
        tuple(headers.get(b"content-transfer-encoding", ())),
        value,
    )


def _split(content: bytes) -> tuple[bytes, bytes]:
    if content.startswith(b"\r\n"):
        return b"", content[2:]
    if content.startswith(b"\n"):
        return b"", content[1:]
    near = content[:_LONGEST_HEAD]
    ends = [(at, len(mark)) for mark in (b"\n\r\n", b"\n\n") if (at := near.find(mark)) >= 0]
    if not ends:
        return near, b""
    at, length = min(ends)
    return content[:at], content[at + length :]


def parameters(text: bytes) -> list[tuple[bytes, bytes]]:
    """`name=value` and `name="quoted"` between semicolons: lower-case names, values without their quotes."""
    result: list[tuple[bytes, bytes]] = []
    at = 0
    while at < len(text) and len(result) < 64:
        equals = text.find(b"=", at)
        semicolon = text.find(b";", at)
        if equals < 0:
            break
        if 0 <= semicolon < equals:
            at = semicolon + 1
            continue
        name = text[at:equals].strip(_BLANK).lower()
        at = equals + 1
        while text[at : at + 1] in (b" ", b"\t"):
            at += 1
        if text[at : at + 1] == b'"':
            value, at = _quoted(text, at + 1)
            semicolon = text.find(b";", at)
        else:
            semicolon = text.find(b";", at)
            value = text[at : semicolon if semicolon >= 0 else len(text)].strip(_BLANK)
        result.append((name, value))
        if semicolon < 0:
            break
        at = semicolon + 1
    return result


def _quoted(text: bytes, at: int) -> tuple[bytes, int]:
    value = bytearray()
    while at < len(text):
        character = text[at : at + 1]
        if character == b'"':
            return bytes(value), at + 1
        # A backslash before anything but these two is part of a path that an old browser sent.
        if character == b"\\" and text[at + 1 : at + 2] in (b'"', b"\\") and text[at + 1 : at + 2]:
            at += 1
            character = text[at : at + 1]
        value += character
        at += 1
    return bytes(value), at
