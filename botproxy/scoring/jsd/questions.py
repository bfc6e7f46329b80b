"""Small questions about layout, each a few lines of script and the same in arithmetic.

What is asked is fixed when a program is made (`programs`); the numbers in it come out of the state that the script is
in then. No text, no border, no style sheet: every browser agrees within the rounding of its device pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin
from typing import Final, NamedTuple

from botproxy.scoring.jsd.arrangements import ARRANGEMENTS
from botproxy.scoring.jsd.asking import WIDTH, Kind, Names, Number, Ranges, px, styles
from botproxy.scoring.jsd.sealing import Draws


class Question(NamedTuple):
    """One question. `near` is by how many CSS pixels an answer may be off."""

    kind: int
    picks: tuple[int, ...]  # drawn when the program was made
    numbers: tuple[Number, ...]
    near: float

    def answer(self, state: Sequence[int]) -> float:
        """What browsers answer in this state."""
        return _KINDS[self.kind].answer(self.picks, [number.of(state) for number in self.numbers])

    def script(self, t: Names) -> tuple[str, str]:
        """Statements, and the expression of the answer."""
        return _KINDS[self.kind].script(self.picks, [number.script() for number in self.numbers], t)


def draw_question(draw: Draws) -> Question:
    """One, with everything about it drawn."""
    kind = draw(0, len(_KINDS) - 1)
    picks, ranges = _KINDS[kind].choose(draw)
    numbers = tuple(Number(draw(0, 7), draw(0, 12), high - low + 1, low) for low, high in ranges)
    return Question(kind, picks, numbers, _KINDS[kind].near)


# Items that share what is left of a row


def _flex_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    items = draw(3, 5)
    ranges = [(200, WIDTH), *((10, 38) for _ in range(items)), *((1, 4) for _ in range(items))]
    return (items, draw(0, items - 1), draw(0, 1), draw(0, 1)), ranges


def _flex_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    items, asked, reverse, wide = picks
    bases, grows = n[1 : items + 1], n[items + 1 :]
    free = n[0] - sum(bases)
    widths = [base + free * grow / sum(grows) for base, grow in zip(bases, grows, strict=True)]
    if wide:
        return widths[asked]
    return n[0] - sum(widths[: asked + 1]) if reverse else sum(widths[:asked])


def _flex_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    items, asked, reverse, wide = picks
    direction = "'row-reverse'" if reverse else "'row'"
    box = styles(t, ("display", "'flex'"), ("flex-direction", direction), ("width", px(n[0])), ("height", "'20px'"))
    made = [
        f"e(x,{styles(t, ('flex-basis', px(n[at + 1])), ('flex-grow', '{q}+' + n[items + 1 + at]))})".replace(
            "{q}", '""'
        )
        for at in range(items)
    ]
    return f"x=e(c,{box});y=[{','.join(made)}][{asked}]", "r(y).width" if wide else "r(y).left-r(x).left"


# Tracks of a grid


def _grid_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    columns = draw(3, 5)
    kinds = tuple(draw(0, 1) for _ in range(columns - 1))
    ranges = [(220, WIDTH), (0, 12), *((1, 3) if kind else (15, 45) for kind in (*kinds, 1))]
    return (*kinds, 1, draw(0, columns - 1), draw(0, 1)), ranges


def _grid_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    kinds, asked, wide = picks[:-2], picks[-2], picks[-1]
    sizes = n[2:]
    fixed = sum(size for size, kind in zip(sizes, kinds, strict=True) if not kind)
    shares = sum(size for size, kind in zip(sizes, kinds, strict=True) if kind)
    free = n[0] - n[1] * (len(sizes) - 1) - fixed
    tracks = [free * size / shares if kind else float(size) for size, kind in zip(sizes, kinds, strict=True)]
    return tracks[asked] if wide else sum(tracks[:asked]) + n[1] * asked


def _grid_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    kinds, asked, wide = picks[:-2], picks[-2], picks[-1]
    tracks = f"+{t(' ')}+".join(f"{n[at + 2]}+{t('fr' if kind else 'px')}" for at, kind in enumerate(kinds))
    box = styles(
        t, ("display", "'grid'"), ("width", px(n[0])), ("height", "'30px'"), ("grid-gap", px(n[1])),
        ("grid-template-columns", tracks),
    )  # fmt: skip
    item = styles(t, ("grid-column", f'"{asked + 1}"'), ("grid-row", '"1"'))
    return f"x=e(c,{box});y=e(x,{item})", "r(y).width" if wide else "r(y).left-r(x).left"


# Sizes that are computed, with properties that are inherited


def _calc_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(100, 999), draw(0, 1), draw(2, 4)), [(120, WIDTH), (10, 60), (20, 70), (30, 120), (5, 40), (5, 40)]


def _calc_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    size = max(n[1], min(n[2] * n[0] / 100, n[3]))
    return size + (n[5] if picks[1] else n[4]) * picks[2]


def _calc_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    name = f"--{'abcdefghij'[picks[0] % 10]}{picks[0]}"
    outer = styles(t, ("position", "'relative'"), ("width", px(n[0])), ("height", "'9px'"), (name, px(n[4])))
    middle = styles(t, ("width", "'100%'"), ("height", "'9px'"), *([(name, px(n[5]))] if picks[1] else []))
    pieces = [
        t("calc(max("), n[1], t("px,min("), n[2], t("%,"), n[3], t(f"px)) + var({name},{picks[0]}px)*{picks[2]})"),
    ]  # fmt: skip
    inner = styles(t, ("position", "'absolute'"), ("height", "'9px'"), ("width", "+".join(pieces)))
    return f"x=e(c,{outer});y=e(e(x,{middle}),{inner})", "r(y).width"


# Floats that find a line with room


def _float_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    items = draw(4, 7)
    return (items, draw(2, items - 1), draw(0, 1)), [(150, 220), (12, 30), *((30, 110) for _ in range(items))]


def _float_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    row = at = 0
    for width in n[2 : picks[1] + 3]:
        if at + width > n[0]:
            row, at = row + 1, 0
        at += width
    return row * n[1] if not picks[2] else at - n[picks[1] + 2]


def _float_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    box = styles(t, ("width", px(n[0])), ("position", "'absolute'"), ("top", "'0px'"), ("left", "'0px'"))
    made = [
        f"e(x,{styles(t, ('float', chr(39) + 'left' + chr(39)), ('height', px(n[1])), ('width', px(width)))})"
        for width in n[2:]
    ]
    return (
        f"x=e(c,{box});y=[{','.join(made)}][{picks[1]}]",
        "r(y).left-r(x).left" if picks[2] else "r(y).top-r(x).top",
    )


# How far a box can be scrolled


def _scroll_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(0, 1),), [(60, 150), (160, 400), (0, 340)]


def _scroll_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    return min(n[2], n[1] - n[0])


def _scroll_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    across = picks[0] == 1
    sides = ("width", "height") if across else ("height", "width")
    box = styles(t, ("overflow", "'hidden'"), ("position", "'absolute'"), (sides[0], px(n[0])), (sides[1], "'40px'"))
    inner = styles(t, (sides[0], px(n[1])), (sides[1], "'40px'"))
    name = t("scrollLeft" if across else "scrollTop")
    return f"x=e(c,{box});e(x,{inner});x[{name}]={n[2]}", f"x[{name}]"


# Margins that collapse, and padding in shares of the width


def _margin_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(0, 1), draw(0, 1)), [(20, 60), (5, 50), (5, 50), (100, 300), (4, 40)]


def _margin_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    margins = [-n[1] if picks[0] else n[1], -n[2] if picks[1] else n[2]]
    gap = max(0, *margins) + min(0, *margins)
    return n[0] + n[3] * n[4] / 100 + gap


def _margin_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    signs = [t("-") if pick else '""' for pick in picks]
    box = styles(t, ("position", "'absolute'"), ("top", "'0px'"), ("width", px(n[3])))
    first = styles(
        t, ("height", px(n[0])), ("padding-top", n[4] + "+{%}"), ("margin-bottom", f"{signs[0]}+" + px(n[1])),
        ("box-sizing", "'content-box'"),
    )  # fmt: skip
    second = styles(t, ("height", "'8px'"), ("margin-top", f"{signs[1]}+" + px(n[2])))
    return f"x=e(c,{box});e(x,{first});y=e(x,{second})", "r(y).top-r(x).top"


# What a turned box takes up


def _turn_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(0, 1),), [(30, 200), (30, 120), (5, 85)]


def _turn_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    angle = radians(n[2])
    first, second = (n[0], n[1]) if picks[0] else (n[1], n[0])
    return first * cos(angle) + second * sin(angle)


def _turn_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    turn = f"{t('rotate(')}+{n[2]}+{t('deg)')}"
    box = styles(t, ("width", px(n[0])), ("height", px(n[1])), ("transform", turn))
    return f"x=e(c,{box})", "r(x).width" if picks[0] else "r(x).height"


# Where a box goes that may be written from either side


def _side_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(0, 2),), [(200, WIDTH), (20, 150), (0, 1), (0, 40)]


def _side_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    if picks[0] == 2:
        return (n[0] - n[1]) / 2
    if picks[0] == 1:
        return n[0] - n[1] - n[3] if n[2] else n[3]
    return n[0] - n[1] if n[2] else 0


def _side_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    direction = f"[{t('ltr')},{t('rtl')}][{n[2]}]"
    box = styles(t, ("width", px(n[0])), ("direction", direction), ("height", "'9px'"))
    margins: list[tuple[str, str]] = []
    if picks[0] == 2:
        margins = [("margin-left", "'auto'"), ("margin-right", "'auto'")]
    elif picks[0] == 1:
        margins = [("margin-inline-start", px(n[3]))]
    item = styles(t, ("width", px(n[1])), ("height", "'9px'"), *margins)
    return f"x=e(c,{box});y=e(x,{item})", "r(y).left-r(x).left"


# Which elements a selector finds


def _select_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(2, 4), draw(0, 3), draw(0, 1)), [(9, 30), (2, 5)]


def _select_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    step, offset, of_last = picks
    found = 0
    for at in range(1, n[0] + 1):
        place = n[0] + 1 - at if of_last else at
        found += place >= offset and (place - offset) % step == 0 and at % n[1] != 0
    return found


def _select_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    step, offset, of_last = picks
    name = "klmnopqrst"[(step * 3 + offset) % 10] * 2
    selector = t(f":nth-{'last-' if of_last else ''}child({step}n+{offset}):not([{name}])")
    loop = f"for(y={n[0]},z={n[1]},w=1;w<=y;w++)e(x).toggleAttribute({t(name)},w%z<1)"
    return f"x=e(c);{loop}", f"x.querySelectorAll({selector}).length"


_KINDS: Final = (
    Kind(_flex_choose, _flex_answer, _flex_script),
    Kind(_grid_choose, _grid_answer, _grid_script),
    Kind(_calc_choose, _calc_answer, _calc_script),
    Kind(_float_choose, _float_answer, _float_script),
    Kind(_scroll_choose, _scroll_answer, _scroll_script),
    Kind(_margin_choose, _margin_answer, _margin_script),
    Kind(_turn_choose, _turn_answer, _turn_script),
    Kind(_side_choose, _side_answer, _side_script),
    Kind(_select_choose, _select_answer, _select_script, 0.0),
    *ARRANGEMENTS,
)
