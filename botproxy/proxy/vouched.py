"""What listed peers in front say of a visitor in headers whose names the operator set: TLS fingerprints, a bot score.

These headers are set aside before anything reads a request, whoever sent it: from a listed peer they are believed, from
anyone else they are gone, and the origin never gets them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple, final

from botproxy.addresses.settings import VouchedSettings
from botproxy.model import Headers
from botproxy.proxy.forwarding import FOLD

_MEMO: Final = "proxy.vouched"
_JA3: Final = re.compile(rb"[0-9a-f]{32}\Z")
_JA4: Final = re.compile(rb"[tqd][0-9a-z]{2}[di][0-9]{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}\Z")
_SCORE: Final = re.compile(rb"[1-9][0-9]?\Z")

Items = Collection[tuple[bytes, bytes]]


class Vouched(NamedTuple):
    """What a header block says; empty and 0 for what it does not, or what is no such thing."""

    ja3: str = ""
    ja4: str = ""
    bot_score: int = 0


NOTHING: Final = Vouched()


@final
class VouchedHeaders:
    """The names, in lower case; without any nothing is ever looked for."""

    __slots__ = ("_bot_score", "_ja3", "_ja4", "_names")

    def __init__(self, settings: VouchedSettings) -> None:
        self._ja3: Final = _lower(settings.ja3)
        self._ja4: Final = _lower(settings.ja4)
        self._bot_score: Final = _lower(settings.bot_score)
        self._names: Final = frozenset((self._ja3, self._ja4, self._bot_score)) - {b""}

    def __bool__(self) -> bool:
        return bool(self._names)

    def among(self, items: Items) -> list[tuple[bytes, bytes]]:
        """Those of these headers that are ours to read, or that a server could take for one of them; usually none."""
        names = self._names
        return [item for item in items if item[0].translate(FOLD) in names]

    def read(self, found: list[tuple[bytes, bytes]]) -> Vouched:
        """What these say. One that stands twice says nothing."""
        values = {name.lower(): value.strip(b" \t") for name, value in found}
        if len(values) != len(found):
            return NOTHING
        ja3 = values.get(self._ja3, b"").lower()
        ja4 = values.get(self._ja4, b"")
        score = values.get(self._bot_score, b"")
        return Vouched(
            ja3.decode("ascii") if _JA3.match(ja3) else "",
            ja4.decode("ascii") if _JA4.match(ja4) else "",
            int(score) if _SCORE.match(score) else 0,
        )


def _lower(name: str | None) -> bytes:
    return b"" if name is None else name.lower().encode("ascii")


def note(headers: Headers, said: Vouched) -> None:
    """Keep with a header block what was set aside of it. None of these names differs within a kind of blocks."""
    headers.kind[_MEMO] = said


def vouched(headers: Headers) -> Vouched:
    """What was set aside of this block."""
    said = headers.kind.get(_MEMO)
    return said if isinstance(said, Vouched) else NOTHING
