"""What the functions on text do. Values are bytes; nothing here fails on any input, and nothing grows beyond it."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from binascii import a2b_qp
from typing import Any, Final

import orjson

_MAX_JSON: Final = 1 << 20
_NO_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")  # of fixed length, so nothing can be made to backtrack
_DIGITS: Final = "0123456789abcdefABCDEF"
_HEX: Final = frozenset(_DIGITS.encode())
_BYTES: Final = {(high + low).encode(): bytes([int(high + low, 16)]) for high in _DIGITS for low in _DIGITS}


def substring(value: bytes, start: int, end: int | None) -> bytes:
    """Bytes from `start` to before `end`; negative positions count from the end of the value."""
    return value[start:end]


def remove_bytes(value: bytes, unwanted: bytes) -> bytes:
    """The value without any byte that occurs in `unwanted`."""
    return value.translate(None, unwanted)


def url_decode(value: bytes, recursive: bool, wide: bool) -> bytes:
    """Decode `%XX` and `+`; `%uXXXX` too when `wide`; again until nothing changes when `recursive`.

    An escape that is none stays as it is. Every round makes the value shorter, so recursion ends; ten rounds are
    enough for anything that is not itself an attack on this function.
    """
    for _ in range(10 if recursive else 1):
        decoded = _decode_once(value, wide)
        if decoded == value:
            break
        value = decoded
    return value


def _decode_once(value: bytes, wide: bool) -> bytes:
    value = value.replace(b"+", b" ")
    if b"%" not in value:
        return value
    if wide and (b"%u" in value or b"%U" in value):
        return _decode_wide(value)
    # Quoted-printable (RFC 2045 section 6.7) is the same code with another sign in front, and is decoded without a loop
    # here. Its sign must be escaped before, and so must be what is no escape, where that decoder has rules of its own.
    value = _NO_ESCAPE.sub(b"%25", value.replace(b"=", b"%3D"))
    return a2b_qp(value.replace(b"%", b"="))


def _decode_wide(value: bytes) -> bytes:
    first, *parts = value.split(b"%")
    pieces = [first]
    for part in parts:
        byte = _BYTES.get(part[:2])
        if byte is not None:
            pieces.append(byte)
            pieces.append(part[2:])
        elif part[:1] in (b"u", b"U") and len(part) >= 5 and all(digit in _HEX for digit in part[1:5]):
            pieces.append(chr(int(part[1:5], 16)).encode("utf-8", "replace"))
            pieces.append(part[5:])
        else:
            pieces.append(b"%" + part)
    return b"".join(pieces)


def decode_base64(value: bytes) -> bytes | None:
    """Decode either alphabet, padded or not; missing when the value is no base64."""
    text = value.translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
    try:
        return b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def parse_json(document: bytes) -> Any:
    """A JSON document (RFC 8259, UTF-8); None when it is none, or above a megabyte."""
    if len(document) > _MAX_JSON:
        return None
    try:
        return orjson.loads(document)
    except ValueError:
        return None


def look_up(value: Any, keys: tuple[bytes | int, ...]) -> Any:
    """What stands in a document behind these names and positions, or None."""
    for key in keys:
        if isinstance(key, int):
            if not isinstance(value, list) or not 0 <= key < len(value):
                return None
            value = value[key]
        else:
            if not isinstance(value, dict):
                return None
            value = value.get(key.decode("utf-8", "replace"))
    return value


def json_string(value: Any) -> bytes | None:
    """A string as bytes; missing when it is something else."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else None


def json_integer(value: Any) -> int | None:
    """A plain integer; `42.0` and booleans are none, nor is what does not fit into 64 bits."""
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63:
        return value
    return None
