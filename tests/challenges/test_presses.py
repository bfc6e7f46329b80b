"""Presses of a person count, by whatever they press; those that a script makes cheaply do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.challenges.presses import Kind, Press, doubt, places, read_presses
from botproxy.challenges.ticket import Step

NONCE = b"n" * 16
MOUSE = Press(Kind.MOUSE, 100, 900, 970, 130, 220, 100, 200, 120, 44, 12, 300, 2, True, True, 0)


def second(kind: Kind = Kind.MOUSE, **changes: Any) -> Press:
    """The press after `MOUSE`, at the place and after the pause that the nonce asks for."""
    shown = MOUSE.up + places(NONCE, Step.CONFIRM)[1].pause
    press = MOUSE._replace(kind=kind, shown=shown, down=shown + 600, up=shown + 660, x=330, left=300, shift=200)
    return press._replace(**changes)


@pytest.mark.parametrize(
    "press",
    [
        MOUSE,
        MOUSE._replace(kind=Kind.TOUCH, moves=0, travel=0, turns=0, up=900),
        MOUSE._replace(kind=Kind.KEYBOARD, x=0, y=0, moves=0, travel=0),
        MOUSE._replace(kind=Kind.ASSISTED, down=970, x=0, y=0, moves=0, travel=0),
    ],
    ids=lambda press: press.kind.value,
)
def test_people_press_in_four_ways(press: Press) -> None:
    assert doubt((press,), NONCE, Step.PRESS, 2000) == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"trusted": False}, "synthetic"),
        ({"active": False}, "synthetic"),
        ({"moves": 1, "travel": 0}, "way"),
        ({"forced": False}, "force"),
        ({"between": 2}, "between"),
        ({"up": 900}, "haste"),
        ({"down": 110, "up": 200}, "haste"),
        ({"x": 99}, "place"),
        ({"width": 0}, "place"),
        ({"down": 50}, "order"),
        ({"shown": 90_000, "down": 91_000, "up": 91_070}, "clock"),
    ],
    ids=str,
)
def test_what_a_driver_does_without_trying_is_doubted(changes: dict[str, Any], why: str) -> None:
    assert doubt((MOUSE._replace(**changes),), NONCE, Step.PRESS, 2000) == why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"kind": Kind.KEYBOARD, "shift": 0}, ""),
        ({"shown": MOUSE.up + 10}, "pause"),
        ({"shift": 0}, "place"),
        ({"moves": 2}, "way"),
    ],
    ids=str,
)
def test_the_second_press_is_where_and_when_nobody_could_know(changes: dict[str, Any], why: str) -> None:
    assert doubt((MOUSE, second(**changes)), NONCE, Step.CONFIRM, 10_000) == why


def test_one_press_is_not_two_and_two_are_not_one() -> None:
    assert doubt((MOUSE,), NONCE, Step.CONFIRM, 10_000) == "number"
    assert doubt((MOUSE, second()), NONCE, Step.PRESS, 10_000) == "number"
    assert len({places(bytes((number,)) * 16, Step.CONFIRM) for number in range(50)}) == 50


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=17),
    max_leaves=40,
)


@given(_VALUES)
def test_anything_is_presses_or_none(value: object) -> None:
    found = read_presses(value)
    if found is not None:
        doubt(found, NONCE, Step.CONFIRM, 1000)


def test_what_the_page_sends_is_read() -> None:
    row = ["mouse", 100, 900, 970, 130, 220, 100, 200, 120, 44, 12, 300, 2, 1, 1, 0, 1, 0]
    assert read_presses([row]) == (MOUSE,)
    for wrong in ([row[:-1]], [[*row, 1]], [["gamepad", *row[1:]]], [[*row[:-1], True]], [row] * 5, [], row):
        assert read_presses(wrong) is None
