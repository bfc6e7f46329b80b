"""The body of a page on its way, and the script put into it.

What was read goes on at once, but for the opening of the page, of which nobody sees anything. gzip is not unpacked
beyond that where it need not be (`splicing`); anything else that is coded comes out as gzip, or plain for those who do
not read that. A body that is not coded as its header says passes as it came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from botproxy.proxy.injection import splicing
from botproxy.proxy.injection.codings import CodingError, Decoder, GzipEncoder, beginning, decoder
from botproxy.proxy.injection.placing import FRAGMENT, INJECTED, MOST, Inserter, Placed, Spot, fill, locate
from botproxy.proxy.injection.splicing import Part
from botproxy.remembered import Remembered

CODING: Final = "coding"
"""The result for a body that is not coded as its header says."""

KEY_BYTES: Final = 1536
"""Coded bytes by which an opening is known again."""

_PEEK: Final = 2 * 1024
_LONG_PEEK: Final = MOST + 4 * 1024
_MOST_HELD: Final = 64 * 1024
_PIECE: Final = 64 * 1024
_AT_ONCE: Final = 512 * 1024
"""Bytes unpacked in one turn; with more to come, everybody else has a turn before."""

_OPENING: Final = 0
_THROUGH: Final = 1
_SPLICED: Final = 2
_RECODED: Final = 3


@final
class PageBody:
    """One body. `feed` takes what arrives and gives what goes on; then `more` while `waiting`; `end` is last.

    The head goes out after the first `feed`, and `settle` is called before: from then on `coding` and `grown` hold.
    """

    __slots__ = (
        *("_at", "_charset", "_decoder", "_encoder", "_fed", "_from", "_held", "_inserter", "_openings"),
        "_recoded",
        *("_snippet", "_splice", "_state", "_text", "coding", "grown", "result"),
    )

    def __init__(
        self,
        coding: bytes,
        charset: bytes,
        recoded: bytes,
        snippet: Callable[[], bytes],
        openings: Remembered[Spot] | None = None,
    ) -> None:
        """`coding` and `charset` are what the head says, in lower case; `recoded` is gzip, or empty for visitors who do
        not read it; `snippet` makes the script, once, when it is known that there is a place for it; `openings`
        remembers what coded pages begin like (keys of somewhat more than `KEY_BYTES`).
        """
        self._openings: Final = openings
        self._from: Final = coding
        self._charset: Final = charset
        self._recoded: Final = recoded
        self._snippet: Final = snippet
        self._state = _OPENING
        self._held = b""
        self._splice: splicing.Splice | None = None
        self._decoder: Decoder | None = None
        self._encoder: GzipEncoder | None = None
        self._inserter: Inserter | None = None
        self._fed = False  # the decoder
        self._at = -1  # where in the unpacked page the text goes; -1 when that is done, or the inserter's affair
        self._text = b""
        self.coding = coding
        self.grown: int | None = 0  # bytes by which it grows; None when that is not known
        self.result = ""  # `INJECTED`, or why not; empty while it is not known

    @property
    def waiting(self) -> bool:
        """Whether `more` has something to give."""
        return self._decoder is not None and self._decoder.waiting

    @property
    def changed(self) -> bool:
        """Whether the head has to say so: the script is in the page, or may still come."""
        return self.grown is None or self.grown > 0

    def settle(self) -> None:
        """The head goes out now, whatever the body will be."""
        if self._state != _OPENING:
            return
        self.grown = None
        if self._from not in (b"", b"gzip", b"x-gzip"):
            # Whether it will be unpacked has to be said now.
            held = self._held
            self._held = b""
            self._inserter = Inserter(self._charset, self._snippet)
            self._begin_recoding(held)

    def feed(self, data: bytes) -> list[Part]:
        """A piece of the body, or nothing, and what goes on, one after the other: what is large is not copied.

        Raises CodingError, once the head is out, for what cannot be unpacked.
        """
        state = self._state
        if state == _THROUGH:
            return [data]
        if state == _SPLICED and self._splice is not None:
            return self._splice.feed(data)
        if state == _RECODED and self._decoder is not None:
            self._fed = self._fed or data != b""
            self._decoder.give(data)
            return [self.more()]
        if not data:
            return []
        self._held = self._held + data if self._held else data
        return self._open(False)

    def more(self) -> bytes:
        """What goes on of what was fed before."""
        undo = self._decoder
        if undo is None:
            return b""
        pieces: list[bytes] = []
        budget = _AT_ONCE
        idle = 0
        while undo.waiting and budget > 0 and idle < 2:
            plain = undo.take(min(budget, _PIECE))
            idle = 0 if plain else idle + 1
            budget -= len(plain)
            if plain:
                plain = self._inserted(plain)
            if plain:
                pieces.append(plain if self._encoder is None else self._encoder.add(plain))
        if not pieces:
            return b""
        if self._encoder is not None:
            pieces.append(self._encoder.flush())
        return b"".join(pieces)

    def end(self) -> bytes:
        """The body is over and nothing is `waiting`: the last of what goes on."""
        if self._state == _OPENING:
            data = b"".join(self._open(True))
            if self._state == _OPENING:
                data = self._give_up(FRAGMENT)
            return data if self.waiting else data + self.end()
        if self._splice is not None:
            return self._splice.end()
        undo = self._decoder
        if undo is None or not self._fed:
            return b""
        last = b""
        if self._inserter is not None:
            last = self._inserter.feed(b"", True)
            self.result = self._inserter.result
        encoder = self._encoder
        if encoder is None:
            return last
        # A body that was cut short stays one.
        return (encoder.add(last) if last else b"") + (encoder.end() if undo.complete else encoder.flush())

    def _open(self, whole: bool) -> list[Part]:
        """Look for the place in what is held."""
        held = self._held
        try:
            spot = self._located(held, whole)
        except CodingError:
            return [self._give_up(CODING)]
        if not spot.result:
            return [] if len(held) < _MOST_HELD else [self._give_up(FRAGMENT)]
        if spot.result != INJECTED:
            return [self._give_up(spot.result)]
        placed = fill(spot, self._snippet())
        self.result = INJECTED
        self._held = b""
        if not self._from:
            self._state = _THROUGH
            self._grow(len(placed.text))
            return [held[: placed.at] + placed.text, memoryview(held)[placed.at :]]
        if placed.copyable and self._from != b"deflate":
            spliced = self._spliced(held, placed)
            if spliced:
                return spliced
        self.grown = None
        self._at = placed.at
        self._text = placed.text
        self._begin_recoding(held)
        return [self.more()]

    def _located(self, held: bytes, whole: bool) -> Spot:
        coding = self._from
        charset = self._charset
        openings = self._openings
        key = b""
        if openings is not None and coding and len(held) > KEY_BYTES:
            # Pages of one site begin alike, coded too; what follows from the first bytes alone is not worked out twice.
            first = held[:KEY_BYTES]
            key = b"%b %b %b" % (coding, charset, first)
            known = openings.get(key)
            if known is not None:
                return known
            plain = beginning(coding, first, _PEEK)
            if len(plain) >= _PEEK:
                spot = locate(plain, charset, False)
                if spot.result:
                    openings.offer(key, spot)
                    return spot
        plain = beginning(coding, held, _PEEK)
        spot = locate(plain, charset, whole and len(plain) < _PEEK)
        if not spot.result and len(plain) >= _PEEK:
            plain = beginning(coding, held, _LONG_PEEK)
            spot = locate(plain, charset, whole and len(plain) < _LONG_PEEK)
        return spot

    def _spliced(self, held: bytes, placed: Placed) -> list[Part]:
        if self._from not in (b"gzip", b"x-gzip"):
            return []
        header = splicing.header_size(held)
        text = placed.before + placed.text
        if not header or len(text) > splicing.MOST_TEXT:
            return []
        self._state = _SPLICED
        self._grow(splicing.OVERHEAD + len(text))
        self._splice = splice = splicing.Splice()
        return splice.begin(held, header, text)

    def _grow(self, size: int) -> None:
        if self.grown is not None:
            self.grown = size

    def _give_up(self, result: str) -> bytes:
        held = self._held
        self._held = b""
        self._state = _THROUGH
        self.result = result
        return held

    def _begin_recoding(self, held: bytes) -> None:
        self._state = _RECODED
        # Once the head is out, only gzip can have been announced: what was gzip stays it.
        self.coding = self._from if self._from in (b"gzip", b"x-gzip") else self._recoded
        if self.coding:
            self._encoder = GzipEncoder()
        self._decoder = undo = decoder(self._from)
        undo.give(held)
        self._fed = held != b""

    def _inserted(self, plain: bytes) -> bytes:
        inserter = self._inserter
        if inserter is not None:
            plain = inserter.feed(plain)
            self.result = inserter.result
            return plain
        at = self._at
        if at < 0:
            return plain
        if len(plain) < at:
            self._at = at - len(plain)
            return plain
        self._at = -1
        return plain[:at] + self._text + plain[at:]
