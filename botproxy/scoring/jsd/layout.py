"""Boxes in boxes as browsers lay them out (CSS Flexbox, Grid, Positioned Layout, 2.2, Writing Modes, Web Animations).

What `web/jsd/work.ts` builds for a seed is computed here, draw for draw: the two files change together. Only what
needs no font and no border is used, so that every browser agrees within the rounding of its device pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import Final, NamedTuple

from botproxy.scoring.jsd.geometry import IDENTITY, Map, around, rotation, scaling, skewing, translation
from botproxy.scoring.jsd.sealing import Draws


class Box(NamedTuple):
    """A rectangle in the coordinates of the one it lies in. CSS pixels."""

    x: float
    y: float
    width: float
    height: float


class Leaf(NamedTuple):
    """Where the last box of a chain is on the screen."""

    bounds: tuple[float, float, float, float]  # left, top, width, height
    clear: bool  # False when a hair's breadth decides about the place


def chain(draw: Draws) -> Leaf:
    """Where the last box of a chain ends up."""
    x, y = draw(0, 80), draw(0, 60)
    item = Box(x, y, draw(400, 760), draw(300, 560))
    place = translation(item.x, item.y)
    clear = True
    for _ in range(draw(3, 5)):
        left = draw(-10, 60) / 100 * item.width + draw(0, 60) - 20
        top = draw(-10, 60) / 100 * item.height + draw(0, 60) - 20
        width, height = draw(200, 400), draw(200, 400)
        place = place.after(translation(left, top))
        item, sure = _LEVELS[draw(0, 6)](draw, width, height)
        clear = clear and sure
        place = place.after(translation(item.x, item.y)).after(_transform(draw, item))
    return Leaf(place.bounds(item.width, item.height), clear)


def _transform(draw: Draws, item: Box) -> Map:
    if not draw(0, 1):
        return IDENTITY
    inner = IDENTITY
    for _ in range(draw(1, 2)):
        kind = draw(0, 3)
        if kind == 0:
            across = draw(-40, 40)
            step = translation(across, draw(-30, 30) / 100 * item.height)
        elif kind == 1:
            step = rotation(draw(-80, 80))
        elif kind == 2:
            across = draw(60, 140)
            step = scaling(across / 100, draw(60, 140) / 100)
        else:
            step = skewing(draw(-30, 30))
        inner = inner.after(step)
    x, y = draw(0, 100) / 100 * item.width, draw(0, 100) / 100 * item.height
    return around(x, y, inner)


def _flex(draw: Draws, width: float, height: float) -> tuple[Box, bool]:
    column = draw(0, 1) == 1
    reverse = draw(0, 1) == 1
    rtl = draw(0, 1) == 1
    items = []
    for number in range(draw(3, 5)):
        basis, grow, margin, order = draw(20, 120), draw(0, 3), draw(0, 8), draw(0, 2)
        items.append((order, number, basis, grow, margin))
    picked = draw(0, len(items) - 1)
    main, cross = (height, width) if column else (width, height)
    from_end = reverse if column else reverse != rtl
    free = main - sum(basis + 2 * margin for _, _, basis, _, margin in items)
    grows = sum(grow for _, _, _, grow, _ in items)
    bases = sum(basis for _, _, basis, _, _ in items)
    at = 0.0
    for _, number, basis, grow, margin in sorted(items):
        size = float(basis)
        if free < 0:
            size += free * basis / bases
        elif grows:
            size += free * grow / grows
        if number == picked:
            start = main - at - margin - size if from_end else at + margin
            across = max(0.0, cross - 2 * margin)
            return (Box(margin, start, across, size) if column else Box(start, margin, size, across)), True
        at += size + 2 * margin
    raise AssertionError("one of them was picked")


def _tracks(draw: Draws) -> list[tuple[bool, int]]:
    return [(True, draw(1, 3)) if draw(0, 1) else (False, draw(20, 90)) for _ in range(draw(2, 4))]


def _spread(tracks: list[tuple[bool, int]], space: float, gap: int) -> list[float]:
    left = space - gap * (len(tracks) - 1) - sum(size for flexible, size in tracks if not flexible)
    parts = sum(size for flexible, size in tracks if flexible)
    return [max(0.0, left) * size / parts if flexible else float(size) for flexible, size in tracks]


def _grid(draw: Draws, width: float, height: float) -> tuple[Box, bool]:
    columns, rows = _tracks(draw), _tracks(draw)
    gap = draw(0, 12)
    rtl = draw(0, 1) == 1
    column, row = draw(1, len(columns)), draw(1, len(rows))
    column_span = draw(1, len(columns) - column + 1)
    row_span = draw(1, len(rows) - row + 1)
    across, down = _spread(columns, width, gap), _spread(rows, height, gap)
    x = sum(across[: column - 1]) + gap * (column - 1)
    y = sum(down[: row - 1]) + gap * (row - 1)
    wide = sum(across[column - 1 : column - 1 + column_span]) + gap * (column_span - 1)
    high = sum(down[row - 1 : row - 1 + row_span]) + gap * (row_span - 1)
    return Box(width - x - wide if rtl else x, y, wide, high), True


def _placed(draw: Draws, width: float, height: float) -> tuple[Box, bool]:
    share, shift = draw(-20, 60), draw(-30, 60)
    left = draw(0, 1) == 1
    wide = max(draw(10, 60) / 100 * width, float(draw(30, 160)))
    top = draw(0, 1) == 1
    y = draw(0, 50) / 100 * height - draw(0, 40) * 1.5
    high = min(draw(30, 120) / 100 * height, float(draw(40, 200)))
    x = share / 100 * width + shift
    return Box(x if left else width - x - wide, y if top else height - y - high, wide, high), True


def _flow(draw: Draws, width: float, height: float) -> tuple[Box, bool]:
    mode = draw(0, 2)
    rtl = draw(0, 1) == 1
    items = [(draw(20, 90), draw(40, 150), draw(-10, 25), draw(-10, 25)) for _ in range(draw(2, 4))]
    picked = draw(0, len(items) - 1)
    at = 0.0
    after: int | None = None
    for block, _, before, behind in items[:picked]:
        at += before if after is None else _collapsed(after, before)
        at += block
        after = behind
    block, inline, before, _ = items[picked]
    at += before if after is None else _collapsed(after, before)
    if mode == 0:
        return Box(width - inline if rtl else 0.0, at, inline, block), True
    y = height - inline if rtl else 0.0
    return Box(width - at - block if mode == 1 else at, y, block, inline), True


def _collapsed(first: int, second: int) -> int:
    """Two margins that meet (CSS 2.2, 8.3.1)."""
    return max(first, second, 0) + min(first, second, 0)


def _scrolled(draw: Draws, width: float, height: float) -> tuple[Box, bool]:
    across, down = draw(420, 900), draw(420, 900)
    left = draw(0, across - 420)
    top = draw(0, down - 420)
    x, y = draw(0, 300), draw(0, 300)
    return Box(x - left, y - top, draw(60, 200), draw(60, 200)), True


def _animated(draw: Draws, width: float, height: float) -> tuple[Box, bool]:
    left, wide = draw(0, 100), draw(40, 100)
    to_left, to_wide = draw(0, 300), draw(60, 250)
    if draw(0, 1):
        x1, y1, x2, y2 = draw(0, 100), draw(-50, 150), draw(0, 100), draw(-50, 150)
        progress = _bezier(x1 / 100, y1 / 100, x2 / 100, y2 / 100, draw(50, 950) / 1000)
    else:
        steps = (3, 7, 9)[draw(0, 2)]
        start = draw(0, 1) == 1
        time = draw(50, 950) * steps / 1000
        progress = (ceil(time) if start else floor(time)) / steps
    y = draw(0, 100)
    high = draw(50, 200)
    return Box(left + (to_left - left) * progress, y, max(0.0, wide + (to_wide - wide) * progress), high), True


def _bezier(x1: float, y1: float, x2: float, y2: float, x: float) -> float:
    """The value of CSS `cubic-bezier()` at x, found by halving: x grows with the parameter."""
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if _cubic(x1, x2, middle) < x:
            low = middle
        else:
            high = middle
    return _cubic(y1, y2, (low + high) / 2)


def _cubic(first: float, second: float, t: float) -> float:
    return 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t * t * second + t**3


def _floating(draw: Draws, width: float, height: float) -> tuple[Box, bool]:
    left = draw(0, 1) == 1
    high = draw(20, 50)
    widths = [draw(40, 150) for _ in range(draw(3, 6))]
    picked = draw(0, len(widths) - 1)
    x = y = 0.0
    clear = True
    for number, wide in enumerate(widths):
        if x and abs(x + wide - width) < 1:
            clear = False
        if x and x + wide > width:
            x, y = 0.0, y + high
        if number == picked:
            break
        x += wide
    wide = widths[picked]
    return Box(x if left else width - x - wide, y, wide, high), clear


_LEVELS: Final[tuple[Callable[[Draws, float, float], tuple[Box, bool]], ...]] = (
    _flex,
    _grid,
    _placed,
    _flow,
    _scrolled,
    _animated,
    _floating,
)
