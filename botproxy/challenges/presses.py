"""Whether presses of the challenge's button look like those of a person.

The page tells of each press what the browser's own events said: pointer, keyboard, or a screen reader, which presses
without either. Where the button stands for the second press and how long it pauses before follow from the challenge's
nonce, so that nothing can be told in advance. All of it comes from a script of ours on a machine that is not ours: it
costs an imitation a model of a hand, and is no proof. What a browser's driver does without trying is refused: events
that the browser did not make, clicks that take no time, pointers that arrive without a way, presses without force, and
places between those that a pointing device has.
"""

from __future__ import annotations

from enum import Enum
from hashlib import sha256
from typing import Final, NamedTuple

from botproxy.challenges.ticket import PRESSES, Step

_FIELDS: Final = 18
_MOST: Final = 4
_LARGEST: Final = 1e7


class Kind(Enum):
    """By what a button was pressed."""

    MOUSE = "mouse"
    TOUCH = "touch"  # a pen too: it need not move before
    KEYBOARD = "keyboard"
    ASSISTED = "assisted"  # a click without pointer and key, as screen readers and voice control make


class Press(NamedTuple):
    """One press. Times in milliseconds since the page began, places in CSS pixels."""

    kind: Kind
    shown: float  # when the button could be pressed
    down: float
    up: float
    x: float  # of the press, in the page
    y: float
    left: float  # of the button
    top: float
    width: float
    height: float
    moves: float  # of the pointer, while the button was to be seen
    travel: float  # length of their way
    turns: float  # how many of them changed direction
    trusted: bool  # every event was the browser's own
    active: bool  # the browser itself says that a person did something with the page
    shift: float  # by which the button was moved aside
    forced: bool = True  # the button of a mouse was pressed with the force that browsers give it, one half
    between: float = 0  # moves of a mouse to places where no device puts it


class Place(NamedTuple):
    """Of the button: after which pause, and by how much of the room beside it, in per mille."""

    pause: int  # milliseconds
    aside: int


def places(nonce: bytes, step: Step) -> tuple[Place, ...]:
    """Pause and place before each press, as the page's script draws them for the same nonce."""
    drawn = sha256(b"presses\0" + nonce).digest()
    first = Place(0, 0)
    if PRESSES[step] == 0:
        return ()
    if PRESSES[step] == 1:
        return (first,)
    return first, Place(300 + (drawn[0] << 8 | drawn[1]) % 700, 250 + (drawn[2] << 8 | drawn[3]) % 751)


def read_presses(value: object) -> tuple[Press, ...] | None:
    """What the page sent, or None when the page would not have sent that."""
    if not isinstance(value, list) or not 0 < len(value) <= _MOST:
        return None
    found: list[Press] = []
    for each in value:
        if not isinstance(each, list) or len(each) != _FIELDS:
            return None
        kind, *numbers = each
        if not isinstance(kind, str) or kind not in _KINDS:
            return None
        for number in numbers:
            if type(number) not in (int, float) or not -_LARGEST < number < _LARGEST:
                return None
        n = [float(number) for number in numbers]
        found.append(
            Press(
                kind=_KINDS[kind],
                shown=n[0],
                down=n[1],
                up=n[2],
                x=n[3],
                y=n[4],
                left=n[5],
                top=n[6],
                width=n[7],
                height=n[8],
                moves=n[9],
                travel=n[10],
                turns=n[11],
                trusted=n[12] == 1,
                active=n[13] == 1,
                shift=n[14],
                forced=n[15] == 1,
                between=n[16],
            )
        )
    return tuple(found)


_KINDS: Final = {kind.value: kind for kind in Kind}


def doubt(presses: tuple[Press, ...], nonce: bytes, step: Step, elapsed: float) -> str:
    """Why these are not believed, in a word for metrics and tests; "" when they are.

    `elapsed` is milliseconds since the challenge was issued, by our clock.
    """
    wanted = places(nonce, step)
    if len(presses) != len(wanted):
        return "number"
    before = 0.0
    for number, (press, place) in enumerate(zip(presses, wanted, strict=True)):
        why = _doubt(press, place, number, before)
        if why:
            return why
        before = press.up
    if before > elapsed + 2000:
        return "clock"
    return ""


def _doubt(press: Press, place: Place, number: int, before: float) -> str:
    if not press.trusted or not press.active:
        return "synthetic"
    if not before <= press.shown <= press.down <= press.up:
        return "order"
    if number and press.shown - before < place.pause - 20:
        return "pause"
    reaction = press.down - press.shown
    if press.width <= 0 or press.height <= 0 or (place.aside and press.shift <= 0 and press.kind is Kind.MOUSE):
        return "place"
    if press.kind is Kind.ASSISTED:
        # Nothing else can be seen of it, but what is read out aloud takes a while to be heard.
        return "" if reaction >= 250 else "haste"
    if press.kind is Kind.KEYBOARD:
        if press.up - press.down < 8:
            return "haste"
        return "" if reaction >= 60 else "haste"
    inside = 0 <= press.x - press.left <= press.width and 0 <= press.y - press.top <= press.height
    if not inside:
        return "place"
    if reaction < 80 or (press.kind is Kind.MOUSE and press.up - press.down < 8):
        return "haste"
    if press.kind is Kind.MOUSE and (press.moves < (3 if number else 2) or press.travel <= 1):
        return "way"
    if press.kind is Kind.MOUSE and not press.forced:
        # Pointer Events 3, section 4: one half while pressed, for what has no pressure. Debuggers send none by default.
        return "force"
    if press.kind is Kind.MOUSE and press.between > 1:
        return "between"
    return ""
