"""What visitors who do not get through say to the owner of the site.

A report is for one page that this site really gave somebody: the form carries the ray, sealed, and each ray is reported
once. Whatever a visitor writes is cut, freed of what a terminal or a reader of logs could obey, and never markup.
"""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from typing import Final, NamedTuple, final
from urllib.parse import parse_qsl

from botproxy.cookies import Sealer

REPORT_PURPOSE: Final = "report"
"""Purpose of the `Sealer` that seals rays of pages."""

NOTE_LENGTH: Final = 500
ADDRESS_LENGTH: Final = 200
BODY_LIMIT: Final = 16 * 1024
"""Bytes of a form: both fields at their longest, in UTF-8, percent-encoded, and the seal."""

LIFETIME: Final = 3600.0
"""Seconds after which a page can no longer be reported from."""

_VERSION: Final = 1
_LENGTH: Final = 1 + 1 + 8 + 16
_SKEW: Final = 60_000


class Seen(IntEnum):
    """What the visitor saw."""

    CHALLENGE = 1
    BLOCKED = 2
    LIMITED = 3
    DOWN = 4


class Sealed(NamedTuple):
    """What a seal says. `expires` is seconds since the epoch."""

    ray: str
    seen: Seen
    expires: float


class Said(NamedTuple):
    """What a visitor sent, cleaned. `address` is how to reach them, or ""."""

    seal: str
    note: str
    address: str


@final
class ReportSeals:
    """Seals rays of the pages of one site, and opens them."""

    __slots__ = ("_sealer",)

    def __init__(self, sealer: Sealer) -> None:
        """`sealer` has the purpose `REPORT_PURPOSE` and is that of the zone."""
        self._sealer: Final = sealer

    def seal(self, ray: str, seen: Seen, now: float) -> str:
        """Text of about 80 characters. `ray` may carry its location label; `now` is seconds since the epoch."""
        payload = bytes((_VERSION, seen)) + int(now * 1000).to_bytes(8, "big") + ray[:16].ljust(16).encode("ascii")
        return self._sealer.seal(payload)

    def open(self, text: str, now: float) -> Sealed | None:
        """What was sealed at most an hour ago, or None."""
        payload = self._sealer.open(text.encode("ascii")) if text.isascii() else None
        if payload is None or len(payload) != _LENGTH or payload[0] != _VERSION:
            return None
        issued = int.from_bytes(payload[2:10], "big")
        moment = int(now * 1000)
        expires = issued / 1000 + LIFETIME
        if issued > moment + _SKEW or now >= expires:
            return None
        try:
            return Sealed(payload[10:].decode("ascii"), Seen(payload[1]), expires)
        except ValueError:
            return None


def read_report(body: bytes) -> Said | None:
    """The form that a page sends (application/x-www-form-urlencoded); None when it is none, or nothing was written."""
    if len(body) > BODY_LIMIT:
        return None
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=8, errors="replace")
    except ValueError:
        return None
    found: dict[str, str] = {}
    for name, value in fields:
        if name in found:
            return None
        found[name] = value
    note = clean(found.get("note", ""), NOTE_LENGTH)
    seal = found.get("seal", "")
    if not note or not seal:
        return None
    return Said(seal, note, clean(found.get("address", ""), ADDRESS_LENGTH, lines=False))


def clean(text: str, longest: int, lines: bool = True) -> str:
    """At most `longest` characters of what people can read: line breaks become `\\n` or, without `lines`, spaces; what
    controls a terminal or turns the direction of text around is left out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept: list[str] = []
    for character in text[: longest * 4]:
        if character == "\n" or character == "\t":
            kept.append(character if lines and character == "\n" else " ")
        elif unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
            kept.append(character)
    return "".join(kept).strip()[:longest].rstrip()
