"""Which box a point hits, where a path leads, which media queries match: the rest of what `web/jsd/work.ts` asks."""

from __future__ import annotations

from math import cos, hypot, pi, radians, sin
from typing import Final, NamedTuple

from botproxy.scoring.jsd.sealing import Draws

_HAIR: Final = 2.5
"""CSS pixels within which rounding may decide what a point hits."""


def hits(draw: Draws, width: int, height: int) -> list[int | None]:
    """The box under each point, -1 for none of them; None where a hair's breadth decides."""
    boxes = [_box(draw, width, height, number) for number in range(draw(6, 9))]
    boxes.sort(key=lambda box: (-box.layer, -box.number))
    found: list[int | None] = []
    for _ in range(10):
        x = draw(5, width - 5)
        y = draw(5, height - 5)
        here = {_top(boxes, x + right * _HAIR, y + down * _HAIR) for right in (-1, 0, 1) for down in (-1, 0, 1)}
        found.append(here.pop() if len(here) == 1 else None)
    return found


class _Shape(NamedTuple):
    number: int
    left: float
    top: float
    width: float
    height: float
    layer: int
    shape: int  # 0 rectangle, 1 ellipse, 2 triangle, 3 turned rectangle
    more: int  # percent along the upper edge of the triangle's tip, or degrees
    hidden: bool

    def holds(self, x: float, y: float) -> bool:
        x, y = x - self.left, y - self.top
        width, height = self.width, self.height
        if self.shape == 3:
            angle = -radians(self.more)
            right, down = x - width / 2, y - height / 2
            x = cos(angle) * right - sin(angle) * down + width / 2
            y = sin(angle) * right + cos(angle) * down + height / 2
        if not (0 <= x < width and 0 <= y < height):
            return False
        if self.shape == 1:
            return (2 * x / width - 1) ** 2 + (2 * y / height - 1) ** 2 <= 1
        if self.shape == 2:
            tip = self.more / 100 * width
            along = y / height
            return tip * along <= x <= width + (tip - width) * along
        return True


def _box(draw: Draws, width: int, height: int, number: int) -> _Shape:
    left, top = draw(0, width - 150), draw(0, height - 150)
    wide, high = draw(60, 220), draw(60, 200)
    layer = draw(-2, 4)
    shape = draw(0, 3)
    more = draw(0, 100) if shape == 2 else draw(10, 80) if shape == 3 else 0
    return _Shape(number, left, top, wide, high, layer, shape, more, draw(0, 7) < 2)


def _top(boxes: list[_Shape], x: float, y: float) -> int:
    for box in boxes:
        if not box.hidden and box.holds(x, y):
            return box.number
    return -1


class _Line(NamedTuple):
    x: float
    y: float
    to_x: float
    to_y: float

    @property
    def length(self) -> float:
        return hypot(self.to_x - self.x, self.to_y - self.y)

    def at(self, distance: float) -> tuple[float, float]:
        share = distance / self.length if self.length else 0.0
        return self.x + (self.to_x - self.x) * share, self.y + (self.to_y - self.y) * share


class _Arc(NamedTuple):
    """Half a circle between two points of one height."""

    x: float
    y: float
    across: float
    clockwise: bool

    @property
    def length(self) -> float:
        return pi * abs(self.across) / 2

    def at(self, distance: float) -> tuple[float, float]:
        radius = abs(self.across) / 2
        angle = pi if self.across > 0 else 0.0
        angle += distance / radius * (1 if self.clockwise else -1)
        return self.x + self.across / 2 + radius * cos(angle), self.y + radius * sin(angle)


def curve(draw: Draws) -> list[float]:
    """The length of a path, then three points (x, y) along it."""
    x, y = draw(0, 200), draw(0, 200)
    pieces: list[_Line | _Arc] = []
    for _ in range(draw(3, 6)):
        if draw(0, 1):
            across = draw(20, 120)
            across *= 1 if draw(0, 1) else -1
            pieces.append(_Arc(x, y, across, draw(0, 1) == 1))
            x += across
        else:
            to_x, to_y = draw(0, 300), draw(0, 300)
            pieces.append(_Line(x, y, to_x, to_y))
            x, y = to_x, to_y
    total = sum(piece.length for piece in pieces)
    found = [total]
    for _ in range(3):
        left = total * draw(50, 950) / 1000
        for piece in pieces:
            if left <= piece.length:
                break
            left -= piece.length
        found.extend(piece.at(left))
    return found


def media(draw: Draws, width: int, height: int) -> list[int | None]:
    """1 where a media query matches in the frame, 0 where not, None where rounding may decide."""
    found: list[int | None] = []
    for _ in range(10):
        kind = draw(0, 4)
        if kind == 4:
            first, second = draw(5, 25), draw(5, 25)
            margin = width * second - height * first
            clear = abs(margin) > 3 * (first + second)
        else:
            limit = draw(250, 950)
            margin = (width if kind < 2 else height) - limit
            if kind & 1:
                margin = -margin
            clear = abs(margin) > 3
        matches = margin >= 0
        if draw(0, 1):
            matches = not matches
        found.append(int(matches) if clear else None)
    return found
