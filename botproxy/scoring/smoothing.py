"""What a session's earlier scores lend to this one, so that a visitor's score does not jump from request to request."""

from __future__ import annotations

from typing import Final

from botproxy.model import Score, ScoreSource

MOST: Final = 20
"""Points that are lent at most."""


def lent(score: int, highest: int) -> int:
    """Points that a session whose highest score was `highest` lends: at most `MOST`, and no more than the score is.

    The first page of a session has the benefit of the doubt. What it earned that way evens out a doubtful score later;
    it does not make doubtful what is hardly in doubt.
    """
    return max(0, min(MOST, score, highest - score))


def smoothed(score: Score, highest: int) -> Score:
    """The score, lifted towards the session's highest one. Only what was learned is lifted: an engine that is sure of
    a bot, or that found an anomaly, is not talked out of it by how things were before.
    """
    if score.source is not ScoreSource.MACHINE_LEARNING or highest <= score.value:
        return score
    lift = lent(score.value, highest)
    return Score(score.value + lift, score.source, score.findings, lift)
