"""What each feature of a vector added to its score: Shapley values, exact, in points that add up.

A tree of depth d asks at most d features, so all of their subsets can be tried. What a subset is worth is the mean over
the leaves that remain when only its features are known, weighted by the training requests that ended in each. Not on
the way of a request: about 20 ms a vector.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from botproxy.scoring.ml.model import Model
from botproxy.scoring.ml.trees import Doubles, Floats


class Explanation(NamedTuple):
    """`base` + the sum of `points` is 100 times the probability. All in score points."""

    base: float  # what the model says without knowing anything of the request
    points: tuple[tuple[str, float], ...]  # by falling weight, whichever direction


def log_odds_contributions(model: Model, vector: Floats) -> tuple[float, Doubles]:
    """The expected log-odds, and what each feature adds to them for this vector; they add up to `model.log_odds`."""
    features, borders = model.trees.splits
    added: Doubles = np.zeros(len(model.features), np.float64)
    base = 0.0
    bits = vector[features] > borders
    for number in range(len(features)):
        base += _tree(
            features[number].tolist(), bits[number].tolist(), model.trees.leaves[number], model.weights[number], added
        )
    factor = model.calibration.slope * model.trees.scale
    offset = model.calibration.slope * model.trees.bias + model.calibration.offset
    return base * factor + offset, added * factor


def explain(model: Model, vector: Floats) -> Explanation:
    """Contributions in score points: log-odds, shared out in proportion over the way from the base to the score."""
    base, added = log_odds_contributions(model, vector)
    total = base + float(added.sum())
    low, high = _percent(base), _percent(total)
    way = total - base
    rate = (high - low) / way if abs(way) > 1e-9 else _slope(base)
    points = [(name, float(value) * rate) for name, value in zip(model.features, added, strict=True) if value]
    points.sort(key=lambda point: -abs(point[1]))
    return Explanation(low, tuple(points))


def _percent(log_odds: float) -> float:
    return 100 / (1 + math.exp(-max(-60.0, min(60.0, log_odds))))


def _slope(log_odds: float) -> float:
    share = _percent(log_odds) / 100
    return 100 * share * (1 - share)


_FACTORIALS: Final = [math.factorial(number) for number in range(9)]


def _tree(features: list[int], bits: list[bool], leaves: Doubles, weights: Floats, added: Doubles) -> float:
    """Adds the contributions of one tree to `added`; gives its expected value."""
    players = sorted(set(features))
    count = len(players)
    numbers = np.arange(len(leaves))
    agrees = [np.ones(len(leaves), np.bool_) for _ in players]
    for level, (feature, bit) in enumerate(zip(features, bits, strict=True)):
        agrees[players.index(feature)] &= ((numbers >> level) & 1) == bit
    mass = weights.astype(np.float64) + 1e-6  # a leaf without requests still has a place
    worth: list[float] = []
    for subset in range(1 << count):
        kept = np.ones(len(leaves), np.bool_)
        for player in range(count):
            if subset >> player & 1:
                kept &= agrees[player]
        share = mass * kept
        worth.append(float((share * leaves).sum() / share.sum()))
    for player, feature in enumerate(players):
        bit_of = 1 << player
        for subset in range(1 << count):
            if not subset & bit_of:
                size = subset.bit_count()
                factor = _FACTORIALS[size] * _FACTORIALS[count - size - 1] / _FACTORIALS[count]
                added[feature] += factor * (worth[subset | bit_of] - worth[subset])
    return worth[0]
