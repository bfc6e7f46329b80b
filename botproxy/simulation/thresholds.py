"""How many requests a threshold would catch, and how many of those show signs of a person; for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

LOWEST: Final = 2
HIGHEST: Final = 99

EXPRESSION: Final = (
    "cf.bot_management.score lt {} and not cf.bot_management.verified_bot and not cf.bot_management.static_resource"
)
"""Of the rule that a threshold stands for."""

COLUMNS: Final = ("threshold", "matched", "good", "js_detection", "solved_challenge")


def sliding(
    scores: Iterable[tuple[int, int]], passed: Iterable[tuple[int, int]], solved: Iterable[tuple[int, int, bool]]
) -> list[tuple[int, ...]]:
    """A row of `COLUMNS` for every threshold.

    All three are counts of requests that are no verified bot's and for no static resource, by score: of everybody, of
    those that passed JavaScript detections, and of those whose visitor solved a challenge, with whether they passed
    JavaScript detections as well. `good` counts who has either sign, once.
    """
    matched, js, challenge, both = ([0] * (HIGHEST + 1) for _ in range(4))
    for score, number in scores:
        matched[score] += number
    for score, number in passed:
        js[score] += number
    for score, number, also in solved:
        challenge[score] += number
        if also:
            both[score] += number
    rows: list[tuple[int, ...]] = []
    sums = [0, 0, 0, 0]
    for threshold in range(LOWEST, HIGHEST + 1):
        at = threshold - 1
        for nth, counts in enumerate((matched, js, challenge, both)):
            sums[nth] += counts[at]
        every, by_js, by_challenge, twice = sums
        rows.append((threshold, every, by_js + by_challenge - twice, by_js, by_challenge))
    return rows


def records(rows: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """The rows under their names."""
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]
