"""Whether the answers to the work that a seed chose are those of a browser."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from botproxy.scoring.jsd.layout import chain
from botproxy.scoring.jsd.pointing import curve, hits, media
from botproxy.scoring.jsd.programs import QUESTIONS, Program
from botproxy.scoring.jsd.sealing import Draws

CHAINS: Final = 4
_NEAR: Final = 4.0
"""CSS pixels that zoom may take away or add: device pixels are that large when a page is zoomed out to 30 %."""


class Answers(NamedTuple):
    """What the script answered; None where the browser could not do it."""

    chains: tuple[tuple[float, ...] | None, ...]
    hits: tuple[float, ...] | None
    curve: tuple[float, ...] | None
    media: tuple[float, ...] | None


class Evidence(Enum):
    """What the answers show."""

    BROWSER = "browser"  # something that lays out and hits as browsers do answered for this very seed
    NONE = "none"  # too little was answered to tell
    CONTRADICTED = "contradicted"  # the answers are made up, or of another seed


def expected(seed: bytes, key: bytes) -> Answers:
    """The answers, with NaN where rounding decides. `key` is what the program made of the seed."""
    draw = Draws(seed, "frame")
    width, height = draw(500, 900), draw(400, 700)
    leaves = [chain(Draws(key, f"chain{at}")) for at in range(CHAINS)]
    return Answers(
        tuple(leaf.bounds if leaf.clear else None for leaf in leaves),
        _floats(hits(Draws(key, "hits"), width, height)),
        tuple(curve(Draws(key, "curve"))),
        _floats(media(Draws(key, "media"), width, height)),
    )


def examine(answers: Answers, seen: Sequence[int], seed: bytes, program: Program | None) -> Evidence:
    """Compare with what browsers answer for this seed, and saw in its program.

    Laid-out boxes carry the weight: no library outside of a browser lays out all of it. One box of four may be off,
    for the one fault that some browser has; the rest then has to be right. So may one of the program's questions.
    """
    if program is None or len(seen) != QUESTIONS:
        return Evidence.NONE
    run = program.run(seed, seen)
    if run.wrong > 1:
        return Evidence.CONTRADICTED if run.wrong > run.right else Evidence.NONE
    right = expected(seed, run.key)
    verdicts = [
        _all_near(given, wanted)
        for given, wanted in zip(answers.chains, right.chains, strict=True)
        if given is not None and wanted is not None
    ]
    good, bad = verdicts.count(True), verdicts.count(False)
    others = [
        _share(answers.hits, right.hits, 0.0) >= 0.8 if answers.hits is not None else None,
        _all_near(answers.curve, right.curve or ()) if answers.curve is not None else None,
        _share(answers.media, right.media, 0.0) >= 0.8 if answers.media is not None else None,
    ]
    # Where a blocker hides frames, points and media are not asked for, and every box has to be right.
    framed = answers.hits is not None
    others_right = others.count(True) >= (2 if framed else 1) and others.count(False) <= 1 - bad
    if good >= (2 if framed else 3) and bad <= framed and others_right:
        return Evidence.BROWSER
    nothing = not good and all(not any(chain) for chain in answers.chains if chain is not None)
    if (bad > good and bad >= 2) or (bad and nothing):
        return Evidence.CONTRADICTED
    return Evidence.NONE


def _floats(values: Sequence[int | None]) -> tuple[float, ...]:
    return tuple(float("nan") if value is None else float(value) for value in values)


def _all_near(given: Sequence[float], wanted: Sequence[float]) -> bool:
    return len(given) == len(wanted) and all(
        abs(one - other) <= _NEAR for one, other in zip(given, wanted, strict=True)
    )


def _share(given: Sequence[float], wanted: Sequence[float] | None, near: float) -> float:
    """The part of those that can be told which is right; 0 when the number of answers is not."""
    if wanted is None or len(given) != len(wanted):
        return 0.0
    told = [abs(one - other) <= near for one, other in zip(given, wanted, strict=True) if other == other]
    return sum(told) / len(told) if told else 0.0
