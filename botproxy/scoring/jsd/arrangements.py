"""More questions of programs: lines that wrap, grids that fill, what sticks, tables, depth, pictures and time.

Each needs a part of a browser that libraries seldom have. All of it is in browsers since 2019.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, hypot, radians, sin
from typing import Final

from botproxy.scoring.jsd.asking import Kind, Names, Ranges, px, styles
from botproxy.scoring.jsd.sealing import Draws

# Items in lines that wrap, and what is left of a line


_JUSTIFIED: Final = ("flex-end", "center", "space-between", "space-around")


def _wrap_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    items = draw(4, 7)
    return (items, draw(1, items - 1), draw(0, 3), draw(0, 2)), [(150, 260), (12, 30), *((30, 110),) * items]


def _wrap_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    _, asked, justified, down = picks
    lines: list[list[int]] = [[]]
    for width in n[2:]:
        if lines[-1] and sum(lines[-1]) + width > n[0]:
            lines.append([])
        lines[-1].append(width)
    before = 0
    for number, line in enumerate(lines):
        if asked < before + len(line):
            if not down:
                return number * n[1]
            free, at = n[0] - sum(line), asked - before
            starts = (free, free / 2, 0, free / len(line) / 2)
            gaps = (0, 0, free / max(len(line) - 1, 1), free / len(line))
            return starts[justified] + sum(line[:at]) + gaps[justified] * at
        before += len(line)
    return 0


def _wrap_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    _, asked, justified, down = picks
    box = styles(
        t, ("display", "'flex'"), ("flex-wrap", "'wrap'"), ("justify-content", f"'{_JUSTIFIED[justified]}'"),
        ("align-content", "'flex-start'"), ("position", "'absolute'"), ("width", px(n[0])),
    )  # fmt: skip
    made = [f"e(x,{styles(t, ('flex', _NONE), ('height', px(n[1])), ('width', px(width)))})" for width in n[2:]]
    return f"x=e(c,{box});y=[{','.join(made)}][{asked}]", "r(y).left-r(x).left" if down else "r(y).top-r(x).top"


_NONE: Final = "'none'"


# Where items of several cells find room in a grid


def _fill_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    items = draw(6, 9)
    return (items, draw(3, items - 1), draw(4, 5), draw(0, 1), draw(0, 1)), [(1, 3), (1, 2)] * items


def _fill_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    _, asked, columns, dense, down = picks
    taken: set[tuple[int, int]] = set()
    row = column = 0
    for item in range(asked + 1):
        wide, high = n[2 * item], n[2 * item + 1]
        if dense:
            row = column = 0
        while True:
            if column + wide > columns:
                row, column = row + 1, 0
            cells = {(row + y, column + x) for y in range(high) for x in range(wide)}
            if not cells & taken:
                break
            column += 1
        taken |= cells
    return row * 16 if down else column * 20


def _fill_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    items, asked, columns, dense, down = picks
    box = styles(
        t, ("display", "'grid'"), ("grid-template-columns", f"'repeat({columns},20px)'"), ("position", "'absolute'"),
        ("grid-auto-rows", "'16px'"), ("grid-auto-flow", "'row dense'" if dense else "'row'"),
    )  # fmt: skip
    span = t("span ")
    made = [
        f"e(x,{styles(t, ('grid-column', f'{span}+{n[2 * at]}'), ('grid-row', f'{span}+{n[2 * at + 1]}'))})"
        for at in range(items)
    ]
    return f"x=e(c,{box});y=[{','.join(made)}][{asked}]", "r(y).top-r(x).top" if down else "r(y).left-r(x).left"


# What sticks to the edge of a box that is scrolled, as long as the section that it is in


def _stick_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(15, 25),), [(10, 60), (100, 240), (0, 50), (0, 30), (0, 300)]


def _stick_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    before, section, inside, edge, scrolled = n
    return max(before + inside, min(edge + scrolled, before + section - picks[0])) - scrolled


def _stick_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    def block(where: str, height: str, *more: tuple[str, str]) -> str:
        return f"e({where},{styles(t, ('height', height), *more)})"

    box = styles(t, ("overflow", "'hidden'"), ("position", "'absolute'"), ("width", "'50px'"), ("height", "'100px'"))
    sticky = (("position", "'-webkit-sticky'"), ("position", "'sticky'"), ("top", px(n[3])))
    return (
        f"x=e(c,{box});{block('x', px(n[0]))};z={block('x', px(n[1]))};{block('z', px(n[2]))};"
        f"y={block('z', f'{chr(39)}{picks[0]}px{chr(39)}', *sticky)};{block('x', _LONG)};x.scrollTop={n[4]}",
        "r(y).top-r(x).top",
    )


_LONG: Final = "'420px'"


# Columns of a table


def _table_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    kinds = tuple(draw(0, 2) for _ in range(draw(2, 3)))
    ranges = [(200, 340), *((15, 45) if kind == 0 else (5, 15) for kind in kinds)]
    return (*kinds, draw(0, len(kinds)), draw(0, 1)), ranges


def _table_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    *kinds, asked, wide = picks
    widths = [
        float(size) if kind == 0 else n[0] * size / 100 if kind == 1 else None
        for kind, size in zip(kinds, n[1:], strict=True)
    ] + [None]
    share = (n[0] - sum(width or 0 for width in widths)) / widths.count(None)
    columns = [share if width is None else width for width in widths]
    return columns[asked] if wide else sum(columns[:asked])


def _table_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    *kinds, asked, wide = picks
    box = styles(
        t, ("display", "'table'"), ("table-layout", "'fixed'"), ("border-spacing", "'0px'"), ("width", px(n[0])),
    )  # fmt: skip
    row = styles(t, ("display", "'table-row'"))
    sizes = [px(size) if kind == 0 else f"{size}+{{%}}" for kind, size in zip(kinds, n[1:], strict=True)]
    made = [
        f"e(z,{styles(t, ('display', _CELL), ('height', _LOW), *([] if kind == 2 else [('width', size)]))})"
        for kind, size in zip((*kinds, 2), (*sizes, ""), strict=True)
    ]
    shown = "r(y).width" if wide else "r(y).left-r(x).left"
    return f"x=e(c,{box});z=e(x,{row});y=[{','.join(made)}][{asked}]", shown


_CELL: Final = "'table-cell'"
_LOW: Final = "'10px'"


# What a turned box in depth takes up


def _depth_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(0, 1), draw(0, 1)), [(200, 600), (0, 80), (40, 110), (10, 70)]


def _depth_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    depth, aside, wide, degrees = n
    turn = radians(degrees)
    found = []
    for edge in (-wide / 2, wide / 2):
        across, near = aside + wide / 2 - 100 + edge * cos(turn), -edge * sin(turn)
        found.append(across * depth / (depth - near))
    return max(found) - min(found) if picks[0] else 100 + min(found)


def _depth_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    sides, turn = (("left", "width"), "rotateY(") if picks[1] else (("top", "height"), "rotateX(-")
    box = styles(t, ("position", "'absolute'"), ("width", "'200px'"), ("height", "'200px'"), ("perspective", px(n[0])))
    item = styles(
        t, ("position", "'absolute'"), ("left", "'60px'"), ("top", "'60px'"), ("width", "'80px'"), ("height", "'80px'"),
        (sides[0], px(n[1])), (sides[1], px(n[2])), ("transform", f"{t(turn)}+{n[3]}+{t('deg)')}"),
    )  # fmt: skip
    return (
        f"x=e(c,{box});y=e(x,{item})",
        f"r(y)[{t(sides[1])}]" if picks[0] else f"r(y)[{t(sides[0])}]-r(x)[{t(sides[0])}]",
    )


# A picture with its own measure, fitted into a box


_SPACE: Final = "http://www.w3.org/2000/svg"


def _fit_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(0, 2), draw(0, 1), draw(0, 1)), [(80, 300), (80, 300), (40, 400), (40, 400), (0, 40), (10, 40)]


def _fit_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    align, slices, wide = picks
    scales = n[0] / n[2], n[1] / n[3]
    scale = max(scales) if slices else min(scales)
    return n[5] * scale if wide else (n[0] - n[2] * scale) * align / 2 + n[4] * scale


def _fit_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    align, slices, wide = picks
    fitted = f"x{('Min', 'Mid', 'Max')[align]}YMid {'slice' if slices else 'meet'}"
    sizes = "".join(
        f"y.setAttribute({t(name)},{size});"
        for name, size in (("x", n[4]), ("width", n[5]), ("y", '"0"'), ("height", '"9"'))
    )
    return (
        f"z=v=>d.createElementNS({t(_SPACE)},v);x=z({t('svg')});y=z({t('rect')});c.appendChild(x).appendChild(y);"
        f"x.style.setProperty({t('display')},{t('block')});x.setAttribute({t('width')},{n[0]});"
        f"x.setAttribute({t('height')},{n[1]});x.setAttribute({t('viewBox')},{t('0 0 ')}+{n[2]}+{t(' ')}+{n[3]});"
        f"x.setAttribute({t('preserveAspectRatio')},{t(fitted)});{sizes}w=c",
        "r(y).width" if wide else "r(y).left-r(w).left",
    )


# How long a curve is


def _bend_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    return (draw(0, 150), draw(0, 150)), [(0, 200)] * 6


def _bend_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    points = (picks, n[0:2], n[2:4], n[4:6])
    steps = 48
    length = 0.0
    last: tuple[float, ...] = tuple(map(float, picks))
    for at in range(1, steps + 1):
        t = at / steps
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        now = tuple(sum(w * point[i] for w, point in zip(weights, points, strict=True)) for i in (0, 1))
        length += hypot(now[0] - last[0], now[1] - last[1])
        last = now
    return length


def _bend_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    space = f"+{t(' ')}+"
    return (
        f"z=v=>d.createElementNS({t(_SPACE)},v);x=z({t('svg')});y=z({t('path')});c.appendChild(x).appendChild(y);"
        f"y.setAttribute({t('d')},{t(f'M{picks[0]} {picks[1]}C')}+{space.join(n)})",
        "y.getTotalLength()",
    )


# What an animation shows at some moment


_DIRECTIONS: Final = ("normal", "reverse", "alternate", "alternate-reverse")
_ROUND: Final = 100


def _moment_choose(draw: Draws) -> tuple[tuple[int, ...], Ranges]:
    rounds = draw(2, 5)
    # Never after the end: WebKit takes the last step back then.
    return (draw(0, 3), rounds, (0, 3, 7)[draw(0, 2)]), [(10, 90), (150, 340), (0, 9), (0, 10 * rounds - 1)]


def _moment_answer(picks: Sequence[int], n: Sequence[int]) -> float:
    direction, _, steps = picks
    # Tens of milliseconds, and five more: never at the edge of a round or of a step.
    time = max(10 * n[3] + 5 - 10 * n[2], 0)
    number = time // _ROUND
    part = (time - number * _ROUND) / _ROUND
    if direction == 1 or (direction > 1 and number % 2 == direction - 2 ^ 1):
        part = 1 - part
    if steps:
        part = int(part * steps + 1e-9) / steps
    return n[0] + (n[1] - n[0]) * part


def _moment_script(picks: Sequence[int], n: Sequence[str], t: Names) -> tuple[str, str]:
    direction, rounds, steps = picks
    width = t("width")
    easing = t(f"steps({steps})" if steps else "linear")
    frames = f"[{{[{width}]:{n[0]}+{t('px')}}},{{[{width}]:{n[1]}+{t('px')}}}]"
    timing = (
        f"{{duration:{_ROUND},iterations:{rounds},delay:10*{n[2]},fill:{t('both')},"
        f"direction:{t(_DIRECTIONS[direction])},easing:{easing}}}"
    )
    return (
        f"x=e(c,{styles(t, ('height', _LOW))});y=x.animate({frames},{timing});y.pause();y.currentTime=10*{n[3]}+5",
        "(w=r(x).width,y.cancel(),w)",
    )


ARRANGEMENTS: Final = (
    Kind(_wrap_choose, _wrap_answer, _wrap_script),
    Kind(_fill_choose, _fill_answer, _fill_script),
    Kind(_stick_choose, _stick_answer, _stick_script),
    Kind(_table_choose, _table_answer, _table_script),
    Kind(_depth_choose, _depth_answer, _depth_script),
    Kind(_fit_choose, _fit_answer, _fit_script),
    Kind(_bend_choose, _bend_answer, _bend_script),
    Kind(_moment_choose, _moment_answer, _moment_script),
)
