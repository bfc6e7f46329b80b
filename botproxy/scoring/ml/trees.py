"""Oblivious decision trees with numpy alone: every node of a level asks the same question.

The value of a tree is the leaf whose number has a bit for each level, lowest level first, set where the feature is
greater than the border; a missing value (NaN) is greater than nothing. So CatBoost numbers leaves as well, and the sum
over all trees equals its own.
"""

from __future__ import annotations

from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@final
class Trees:
    """Trees of one depth. Immutable."""

    __slots__ = ("_borders", "_features", "_flat", "_offsets", "bias", "leaves", "scale", "splits")

    def __init__(
        self, features: NDArray[np.intp], borders: Floats, leaves: Doubles, scale: float = 1.0, bias: float = 0.0
    ) -> None:
        """`features` and `borders` are trees × depth, `leaves` trees × 2**depth; a depth is at most 8."""
        self.leaves: Final = leaves
        self.scale: Final = scale
        self.bias: Final = bias
        self.splits: Final = (features, borders)
        # Eight questions a tree, so that its answers are one byte; those beyond its depth are never true.
        number, depth = features.shape
        asked = np.zeros((number, 8), np.intp)
        asked[:, :depth] = features
        above = np.full((number, 8), np.inf, np.float32)
        above[:, :depth] = borders
        self._features: Final = asked.reshape(-1)
        self._borders: Final = above.reshape(-1)
        self._flat: Final = np.ascontiguousarray(leaves).reshape(-1)
        self._offsets: Final = np.arange(len(leaves), dtype=np.intp) * leaves.shape[1]

    def value(self, vector: Floats) -> float:
        """Log-odds of one vector."""
        bits = vector.take(self._features) > self._borders
        numbers: Any = np.packbits(bits, bitorder="little") + self._offsets
        return float(self._flat.take(numbers).sum()) * self.scale + self.bias

    def values(self, vectors: Floats) -> Doubles:
        """Log-odds of many vectors, a row each."""
        return np.array([self.value(vector) for vector in np.ascontiguousarray(vectors)], np.float64)
