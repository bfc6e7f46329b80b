"""A bound on how many people a model takes for bots at their first request, where it knows least.

A first request over HTTP/1.1 with all headers of a browser may be a person's or a program's that copies them: nothing
in it tells. Trees that were fitted where such programs are frequent say "rather a bot", and people pay for that. So
requests without a past are moved towards a person, by as many log-odds as it takes for no more than a stated share of
people's to score below 30, measured on clients that the trees judging them have not seen. It is one more tree, so that
models, their files and explanations stay what they are.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from botproxy.scoring.ml import NAMES, Calibration, Trees
from botproxy.training.samples import Matrix, Numbers, Truths

PAST: Final = NAMES.index("address_pace")
TLS: Final = NAMES.index("tls_ciphers")
CLAIMED: Final = NAMES.index("claimed_browser")

LEAST_PAST: Final = 1e-3
"""Requests a second: less is nobody who was here lately."""

_THRESHOLD: Final = 0.295
"""Probability that rounds to the score 30."""

MOST: Final = 5.0
"""Log-odds, calibrated: more would say that nothing can be told of a first request."""

_FEWEST: Final = 100


def shifts(
    vectors: Matrix, unseen: Numbers, human: Truths, calibration: Calibration, share: float
) -> tuple[float, float]:
    """Log-odds of the trees to add without a past: without TLS facts, and with them. Never negative.

    `unseen` is what trees say that have not seen these clients. People count who use one of the browsers that claim to
    be one: text browsers and the like are few, and would decide for all.
    """
    wanted = (math.log(_THRESHOLD / (1 - _THRESHOLD)) - calibration.offset) / calibration.slope
    people = human & (vectors[:, CLAIMED] > 0) & ~_past(vectors)
    told = ~np.isnan(vectors[:, TLS])
    result = []
    for chosen in (people & ~told, people & told):
        said = np.sort(unseen[chosen])
        if len(said) < _FEWEST:
            result.append(0.0)
            continue
        lowest = float(said[int(share * len(said))])
        result.append(min(MOST / calibration.slope, max(0.0, wanted - lowest)))
    return result[0], result[1]


def guarded(trees: Trees, weights: Matrix, vectors: Matrix, added: tuple[float, float]) -> tuple[Trees, Matrix]:
    """The trees and one more that adds so many log-odds; `vectors` are those that the trees were fitted on."""
    if not any(added):
        return trees, weights
    features, borders = trees.splits
    depth = features.shape[1]
    feature = np.zeros((1, depth), np.intp)
    border = np.full((1, depth), np.inf, np.float32)
    feature[0, :2] = PAST, TLS
    border[0, :2] = LEAST_PAST, 0.0
    leaves = np.zeros((1, 1 << depth), np.float64)
    leaves[0, 0], leaves[0, 2] = np.array(added) / trees.scale
    share: Matrix = np.zeros((1, 1 << depth), np.float32)
    place = _past(vectors).astype(np.intp) + 2 * (vectors[:, TLS] > 0)
    share[0, :4] = np.bincount(place, minlength=4)
    made = Trees(
        np.vstack([features, feature]),
        np.vstack([borders, border]).astype(np.float32),
        np.vstack([trees.leaves, leaves]),
        trees.scale,
        trees.bias,
    )
    return made, np.vstack([weights, share]).astype(np.float32)


def _past(vectors: Matrix) -> Truths:
    return np.asarray(vectors[:, PAST] > LEAST_PAST, np.bool_)
