"""From log-odds as trees say them to log-odds that come true (J. Platt, 1999), and how true they came."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from botproxy.scoring.ml import Calibration
from botproxy.training.samples import Numbers, Truths

_STEPS: Final = 100
_LONGEST_STEP: Final = 0.2
_RIDGE: Final = 1e-4
_FAR: Final = 30.0
_SMALLEST: Final = 0.05
_CERTAIN: Final = 0.99


class Bin(NamedTuple):
    """One bar of a reliability curve."""

    low: float
    high: float
    said: float  # mean probability that was said
    came: float  # share of people among them
    weight: float


def calibrate(values: Numbers, human: Truths, weight: Numbers) -> Calibration:
    """Slope and offset of a weighted logistic fit by Newton's method.

    Labels count as certain to 99 %, and no more: where families that were held back are told apart without a mistake,
    the fit would else say so of everything to come. The slope stays from 0.05 to 1, so that nothing is made surer than
    the trees are.
    """
    target = np.where(human, _CERTAIN, 1 - _CERTAIN)
    share = weight / weight.sum()
    clipped = np.clip(values, -_FAR, _FAR)
    slope, offset = 1.0, 0.0
    for _ in range(_STEPS):
        said = probability(slope * clipped + offset)
        error = share * (said - target)
        spread = share * said * (1 - said)
        gradient = np.array([(error * clipped).sum() + _RIDGE * (slope - 1), error.sum() + _RIDGE * offset])
        mixed = (spread * clipped).sum()
        curvature = np.array([[(spread * clipped * clipped).sum() + _RIDGE, mixed], [mixed, spread.sum() + _RIDGE]])
        step = np.clip(np.linalg.solve(curvature, gradient), -_LONGEST_STEP, _LONGEST_STEP)
        slope = min(1.0, max(_SMALLEST, slope - float(step[0])))
        offset -= float(step[1])
    return Calibration(slope, offset)


def probability(log_odds: Numbers) -> Numbers:
    """Of log-odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -60, 60))), np.float64)


def reliability(said: Numbers, human: Truths, weight: Numbers, bins: int = 10) -> tuple[Bin, ...]:
    """Bars of equal width; those without rows are left out."""
    place = np.minimum((said * bins).astype(int), bins - 1)
    result: list[Bin] = []
    for number in range(bins):
        rows = place == number
        total = float(weight[rows].sum())
        if total > 0:
            result.append(
                Bin(
                    number / bins,
                    (number + 1) / bins,
                    float((said[rows] * weight[rows]).sum()) / total,
                    float(weight[rows & human].sum()) / total,
                    total,
                )
            )
    return tuple(result)
