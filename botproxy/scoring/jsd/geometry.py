"""Affine maps of the plane, as CSS transforms compose them."""

from __future__ import annotations

from math import cos, hypot, radians, sin, tan
from typing import Final, NamedTuple


class Map(NamedTuple):
    """x' = a x + c y + e, y' = b x + d y + f (the letters of CSS `matrix()`)."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def after(self, first: Map) -> Map:
        """The map that does `first` and then this one."""
        return Map(
            self.a * first.a + self.c * first.b,
            self.b * first.a + self.d * first.b,
            self.a * first.c + self.c * first.d,
            self.b * first.c + self.d * first.d,
            self.a * first.e + self.c * first.f + self.e,
            self.b * first.e + self.d * first.f + self.f,
        )

    def bounds(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Left, top, width and height of what becomes of the rectangle from (0, 0) to (width, height)."""
        xs = [self.a * x + self.c * y + self.e for x in (0.0, width) for y in (0.0, height)]
        ys = [self.b * x + self.d * y + self.f for x in (0.0, width) for y in (0.0, height)]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)

    def stretch(self) -> float:
        """At most so much longer does this make a line."""
        return hypot(self.a, self.b) + hypot(self.c, self.d)


IDENTITY: Final = Map(1, 0, 0, 1, 0, 0)


def translation(x: float, y: float) -> Map:
    return Map(1, 0, 0, 1, x, y)


def rotation(degrees: float) -> Map:
    angle = radians(degrees)
    return Map(cos(angle), sin(angle), -sin(angle), cos(angle), 0, 0)


def scaling(x: float, y: float) -> Map:
    return Map(x, 0, 0, y, 0, 0)


def skewing(degrees: float) -> Map:
    return Map(1, 0, tan(radians(degrees)), 1, 0, 0)


def around(x: float, y: float, inner: Map) -> Map:
    """The map as it is with (x, y) for its origin."""
    return translation(x, y).after(inner).after(translation(-x, -y))
