"""Where in a page our script goes, and what goes there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, final

from botproxy.proxy.injection import opening as openings
from botproxy.proxy.injection.charsets import NARROW, Width, Writing, letters, offset, spelled, writing

MOST: Final = openings.MOST
"""Bytes of a page that are waited for until its opening is whole."""

_CHARSET: Final = re.compile(rb"[a-z0-9_.:-]{1,40}\Z")
_HEAD: Final = 4 * 1024
"""Bytes behind the opening in which `<meta>` elements are looked for."""

INJECTED: Final = "injected"
FRAGMENT: Final = "fragment"
CHARSET: Final = "charset"
META_POLICY: Final = "meta_policy"


class Placed(NamedTuple):
    """What became of the question. `result` is `INJECTED`, or why not; empty while more of the page is needed."""

    result: str
    at: int = 0  # offset in the page
    text: bytes = b""  # as the page writes it
    before: bytes = (
        b""  # what a copy of this text at the very beginning needs before it to mean the same, if that can be
    )
    copyable: bool = False  # whether it can


class Spot(NamedTuple):
    """The same before there is a script: what depends on the page alone."""

    result: str
    written: Writing = NARROW
    place: int = 0  # in letters
    charset: bytes = b""  # an element that has to go along with the script, or nothing
    before: bytes = b""
    copyable: bool = False


_MORE: Final = Spot("")
_FRAGMENT: Final = Spot(FRAGMENT)
_FOREIGN: Final = Spot(CHARSET)
_META: Final = Spot(META_POLICY)


def locate(data: bytes, charset: bytes, whole: bool) -> Spot:
    """Look at the beginning of a page. `charset` is what its header says, `whole` that nothing comes after `data`."""
    written = writing(data, charset, whole)
    if written is None:
        return _FOREIGN
    if written.mark < 0:
        return _MORE
    if len(data) > MOST + _HEAD:
        data = data[: MOST + _HEAD]
    text = letters(data, written)
    found = openings.find(text, whole)
    if found is openings.UNFINISHED:
        return _FRAGMENT if len(text) >= MOST else _MORE
    if found is openings.NO_PAGE:
        return _FRAGMENT
    said = openings.metas(text[: found.place + _HEAD], found.place)
    if said.policy:
        return _META
    named = b""
    if not written.told and _CHARSET.match(said.charset) is not None:
        # Browsers look for it in the first 1,024 bytes, from which our script may push it out.
        named = b'<meta charset="%b">' % said.charset
    copyable = written.width is Width.ONE and not written.mark and b"\x1b" not in data[: found.place]
    return Spot(
        INJECTED,
        written,
        found.place,
        named,
        found.doctype + found.html + found.head if copyable else b"",
        copyable,
    )


def fill(spot: Spot, script: bytes) -> Placed:
    """Put the script, in ASCII, into a place that was found (`INJECTED`)."""
    _, written, place, charset, before, copyable = spot
    return Placed(INJECTED, offset(place, written), spelled(charset + script, written), before, copyable)


def place(data: bytes, charset: bytes, whole: bool, snippet: Callable[[], bytes]) -> Placed:
    """Both at once; `snippet` makes the script, and is called once the place is known."""
    spot = locate(data, charset, whole)
    return fill(spot, snippet()) if spot.result == INJECTED else Placed(spot.result)


@final
class Inserter:
    """Puts the script into a page that comes in pieces, none of them coded."""

    __slots__ = ("_charset", "_held", "_snippet", "result")

    def __init__(self, charset: bytes, snippet: Callable[[], bytes]) -> None:
        self._charset: Final = charset
        self._snippet: Final = snippet
        self._held = b""
        self.result = ""  # see `Placed`

    def feed(self, data: bytes, whole: bool = False) -> bytes:
        """What goes on now. Until the place is found that is nothing, and nothing of it would be seen."""
        if self.result:
            return data
        held = self._held + data if self._held else data
        placed = place(held, self._charset, whole, self._snippet)
        if not placed.result and not whole:
            self._held = held
            return b""
        self.result = placed.result or FRAGMENT
        self._held = b""
        if placed.result != INJECTED:
            return held
        return b"%b%b%b" % (held[: placed.at], placed.text, held[placed.at :])
