"""Whether what a model is asked, and what it says, is still what it was when it was judged.

The figure is the population stability index: over bins of equal mass at first, the sum of (now - then) · ln(now/then).
Below 0.1 nothing moved; above 0.25 what is there now is another population.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from botproxy.scoring.ml import NAMES, Model
from botproxy.scoring.ml.vector import chosen
from botproxy.training.samples import Matrix, Numbers

MOVED: Final = 0.25
"""Index above which a population is another one."""

WATCHED: Final = (
    "headers", "fetch_headers", "client_hints", "encodings", "claimed_browser", "http_version", "tls_ciphers",
    "session", "visitor_pace",
)  # fmt: skip
"""Features whose shares are followed."""

FEWEST: Final = 500
"""Requests below which nothing is said."""

_BINS: Final = 10
_LEAST: Final = 1e-3


class Reference(NamedTuple):
    """A population as it was: borders of bins, and the share of requests in each. The last bin of a feature is that
    of missing values.
    """

    scores: tuple[tuple[float, ...], tuple[float, ...]]
    features: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]


class Moved(NamedTuple):
    """How far a population is from what it was."""

    scores: float
    features: Mapping[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """The name and index of what moved most: `scores`, or a feature."""
        return max([("scores", self.scores), *self.features.items()], key=lambda each: each[1])


def scores_of(model: Model, vectors: Matrix) -> Numbers:
    """Scores of vectors in the order of `NAMES`."""
    places = chosen(model.features)
    asked = vectors if places is None else vectors[:, places]
    return np.array([model.score(row) for row in np.ascontiguousarray(asked)], np.float64)


def reference(model: Model, vectors: Matrix) -> Reference:
    """The population that these vectors are of."""
    return Reference(
        _binned(scores_of(model, vectors)),
        {name: _binned(vectors[:, NAMES.index(name)].astype(np.float64)) for name in WATCHED},
    )


def moved(then: Reference, model: Model, vectors: Matrix) -> Moved:
    """How far these vectors are from that population."""
    return Moved(
        _index(then.scores, scores_of(model, vectors)),
        {
            name: _index(bins, vectors[:, NAMES.index(name)].astype(np.float64))
            for name, bins in then.features.items()
            if name in NAMES
        },
    )


def read_reference(said: Any) -> Reference | None:
    """As a card holds it; None for anything else."""
    try:
        scores, features = said["scores"], said["features"]
        return Reference(_bins(scores), {str(name): _bins(bins) for name, bins in features.items()})
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _bins(said: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    borders, shares = said
    return tuple(map(float, borders)), tuple(map(float, shares))


def _binned(values: Numbers) -> tuple[tuple[float, ...], tuple[float, ...]]:
    known = values[~np.isnan(values)]
    borders: tuple[float, ...] = ()
    if len(known):
        borders = tuple(sorted({float(each) for each in np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])}))
    return borders, _shares(borders, values)


def _shares(borders: Sequence[float], values: Numbers) -> tuple[float, ...]:
    missing = np.isnan(values)
    place = np.where(missing, len(borders) + 1, np.searchsorted(np.array(borders), values, "left"))
    counted = np.bincount(place.astype(np.intp), minlength=len(borders) + 2)
    return tuple(float(each) for each in counted / max(1, len(values)))


def _index(then: tuple[tuple[float, ...], tuple[float, ...]], values: Numbers) -> float:
    borders, before = then
    old = np.maximum(np.array(before), _LEAST)
    new = np.maximum(np.array(_shares(borders, values)), _LEAST)
    return float(((new - old) * np.log(new / old)).sum()) if len(old) == len(new) else float("inf")
