"""How good a model is: shares with 95 % intervals, and figures that do not depend on a threshold."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from botproxy.training.samples import Numbers, Truths

THRESHOLD: Final = 30
"""Scores below it are likely automated."""


class Share(NamedTuple):
    """`part` of `whole`, with Wilson's 95 % interval."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """NaN of nothing."""
        return self.part / self.whole if self.whole else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """From 0 to 1 of nothing."""
        if not self.whole:
            return 0.0, 1.0
        z, n, p = 1.96, self.whole, self.part / self.whole
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        if not self.whole:
            return "none"
        low, high = self.interval
        return f"{100 * self.value:.1f} % ({100 * low:.1f} to {100 * high:.1f}, n = {self.whole})"


def below(scores: Numbers, threshold: int = THRESHOLD) -> Share:
    """How many scores are below the threshold."""
    return Share(int((scores < threshold).sum()), len(scores))


def area(said: Numbers, human: Truths) -> float:
    """Area under the ROC curve: how often, of a person and a bot, the person has the higher value; ties count half."""
    people, bots = np.sort(said[human]), np.sort(said[~human])
    if not len(people) or not len(bots):
        return math.nan
    lower = np.searchsorted(bots, people, "left").sum()
    equal = np.searchsorted(bots, people, "right").sum() - lower
    return float((lower + equal / 2) / (len(people) * len(bots)))


def log_loss(said: Numbers, human: Truths, weight: Numbers) -> float:
    """Weighted mean of the logarithmic loss, in nats."""
    kept = np.clip(said, 1e-6, 1 - 1e-6)
    loss = -np.where(human, np.log(kept), np.log(1 - kept))
    return float((loss * weight).sum() / weight.sum())
