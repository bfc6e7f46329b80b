"""A bound on how many people a model takes for bots, above all at their first request, where it knows least.

A first request over HTTP/1.1 with all headers of a browser may be a person's or a program's that copies them: nothing
in it tells. Trees that were fitted where such programs are frequent say "rather a bot", and people pay for that. So
requests without a past are moved towards a person, by as many log-odds as it takes for no more than a stated share of
people's to score below 30, measured on clients that the trees judging them have not seen. It is one more tree, so that
models, their files and explanations stay what they are.

Workers, WebSockets and preflights are moved by themselves: browsers leave most headers out of them, so that they look
like programs to whoever saw few. Where too few were seen to measure it, they are moved as far as anything may be.

With a past those are moved who load the parts of their pages as browsers do, and those who had too few pages to tell: a
page that asks for much by script looks like a browser that somebody drives. Who loads no parts is not moved.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from botproxy.scoring.ml import NAMES, Calibration, Trees
from botproxy.training.samples import Matrix, Numbers, Truths

PAST: Final = NAMES.index("address_pace")
TLS: Final = NAMES.index("tls_ciphers")
CLAIMED: Final = NAMES.index("claimed_browser")
PURPOSE: Final = NAMES.index("purpose")
PARTS: Final = NAMES.index("address_parts")

BESIDE: Final = 3.5
"""Purposes above it: workers, WebSockets and preflights. Browsers leave most headers out of them."""

LEAST_PAST: Final = 1e-3
"""Requests a second: less is nobody who was here lately."""

_THRESHOLD: Final = 0.295
"""Probability that rounds to the score 30."""

MOST: Final = 5.0
"""Log-odds, calibrated: more would say that nothing can be told of a first request."""

_FEWEST: Final = 100


LOADS: Final = 0.5
"""Parts for each page, above which a caller loads them."""


class Shifts(NamedTuple):
    """Log-odds of the trees that are added to requests of each kind."""

    untold: float  # without a past and without TLS facts
    told: float  # without a past, with TLS facts
    beside_untold: float  # the same of workers, WebSockets and preflights
    beside_told: float
    loads: float  # with a past, and loads parts of pages
    few_pages: float  # with a past, in which were too few pages to tell


def shifts(
    vectors: Matrix, unseen: Numbers, human: Truths, calibration: Calibration, share: float, later: float
) -> Shifts:
    """What is to be added, so that no more than `share` of people's requests without a past, and `later` of those with
    one, score below 30. Never negative.

    `unseen` is what trees say that have not seen these clients. People count who use one of the browsers that claim to
    be one: text browsers and the like are few, and would decide for all.
    """
    wanted = (math.log(_THRESHOLD / (1 - _THRESHOLD)) - calibration.offset) / calibration.slope
    people = human & (vectors[:, CLAIMED] > 0)
    past, parts = _past(vectors), vectors[:, PARTS]
    told = ~np.isnan(vectors[:, TLS])
    beside = vectors[:, PURPOSE] > BESIDE
    most = MOST / calibration.slope

    def shift(chosen: Truths, most_below: float, unknown: float = 0.0) -> float:
        said = np.sort(unseen[people & chosen])
        if len(said) < _FEWEST:
            return unknown
        return min(most, max(0.0, wanted - float(said[int(most_below * len(said))])))

    return Shifts(
        shift(~past & ~told & ~beside, share),
        shift(~past & told & ~beside, share),
        shift(~past & ~told & beside, share, most),
        shift(~past & told & beside, share, most),
        shift(past & (parts > LOADS), later),
        shift(past & np.isnan(parts), later),
    )


def guarded(trees: Trees, weights: Matrix, vectors: Matrix, added: Shifts) -> tuple[Trees, Matrix]:
    """The trees and one more that adds so many log-odds; `vectors` are those that the trees were fitted on."""
    if not any(added):
        return trees, weights
    questions = ((PAST, LEAST_PAST), (TLS, 0.0), (PURPOSE, BESIDE), (PARTS, -1.0), (PARTS, LOADS))
    trees, weights = _deepened(trees, weights, len(questions))
    features, borders = trees.splits
    depth = features.shape[1]
    feature = np.zeros((1, depth), np.intp)
    border = np.full((1, depth), np.inf, np.float32)
    place = np.zeros(len(vectors), np.intp)
    for level, (which, least) in enumerate(questions):
        feature[0, level], border[0, level] = which, least
        place += (vectors[:, which] > least).astype(np.intp) << level
    leaves = np.zeros((1, 1 << depth), np.float64)
    for leaf in range(1 << len(questions)):
        past, told, beside, known, loads = (bool(leaf >> level & 1) for level in range(len(questions)))
        if past:
            value = added.few_pages if not known else added.loads if loads else 0.0
        elif beside:
            value = added.beside_told if told else added.beside_untold
        else:
            value = added.told if told else added.untold
        leaves[0, leaf] = value / trees.scale
    share: Matrix = np.zeros((1, 1 << depth), np.float32)
    share[0, : 1 << len(questions)] = np.bincount(place, minlength=1 << len(questions))
    made = Trees(
        np.vstack([features, feature]),
        np.vstack([borders, border]).astype(np.float32),
        np.vstack([trees.leaves, leaves]),
        trees.scale,
        trees.bias,
    )
    return made, np.vstack([weights, share]).astype(np.float32)


def _deepened(trees: Trees, weights: Matrix, depth: int) -> tuple[Trees, Matrix]:
    """The same trees, with questions that nothing answers until they are so deep."""
    features, borders = trees.splits
    number, missing = len(features), depth - features.shape[1]
    if missing <= 0:
        return trees, weights
    leaves = np.zeros((number, 1 << depth), np.float64)
    leaves[:, : trees.leaves.shape[1]] = trees.leaves
    widened: Matrix = np.zeros((number, 1 << depth), np.float32)
    widened[:, : weights.shape[1]] = weights
    made = Trees(
        np.hstack([features, np.zeros((number, missing), np.intp)]),
        np.hstack([borders, np.full((number, missing), np.inf, np.float32)]),
        leaves,
        trees.scale,
        trees.bias,
    )
    return made, widened


def _past(vectors: Matrix) -> Truths:
    return np.asarray(vectors[:, PAST] > LEAST_PAST, np.bool_)
