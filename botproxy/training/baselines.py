"""What a model has to be better than: a logistic regression on the same features."""

from __future__ import annotations

from typing import Final

import numpy as np

from botproxy.training.calibration import probability
from botproxy.training.samples import Matrix, Numbers, Truths

_STEPS: Final = 30
_RIDGE: Final = 1.0


class LogisticRegression:
    """Standardised features; a missing value is the mean, and has a column of its own that says so."""

    def __init__(self, vectors: Matrix, human: Truths, weight: Numbers) -> None:
        with np.errstate(all="ignore"):
            counted = np.maximum((~np.isnan(vectors)).sum(axis=0), 1)
            self._mean = np.nansum(vectors, axis=0) / counted
            self._deviation = np.sqrt(np.nansum((vectors - self._mean) ** 2, axis=0) / counted) + 1e-6
        design = self._design(vectors)
        target = human.astype(np.float64)
        self._coefficients: Numbers = np.zeros(design.shape[1], np.float64)
        for _ in range(_STEPS):
            said = probability(design @ self._coefficients)
            spread = weight * said * (1 - said) + 1e-6
            gradient = design.T @ (weight * (said - target)) + _RIDGE * self._coefficients
            curvature = (design.T * spread) @ design + _RIDGE * np.eye(design.shape[1])
            step = np.linalg.solve(curvature, gradient)
            self._coefficients = self._coefficients - step
            if float(np.abs(step).max()) < 1e-6:
                break

    def probabilities(self, vectors: Matrix) -> Numbers:
        """That people sent them."""
        return probability(self._design(vectors) @ self._coefficients)

    def _design(self, vectors: Matrix) -> Numbers:
        absent = np.isnan(vectors)
        scaled = np.clip((np.where(absent, self._mean, vectors) - self._mean) / self._deviation, -8, 8)
        return np.hstack([scaled, absent, np.ones((len(vectors), 1))]).astype(np.float64)
