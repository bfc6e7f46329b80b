"""A bound on how many people a model takes for bots, above all at their first request, where it knows least.

A first request over HTTP/1.1 with all headers of a browser may be a person's or a program's that copies them: nothing
in it tells. Trees that were fitted where such programs are frequent say "rather a bot", and people pay for that. So
requests without a past are moved towards a person, by as many log-odds as it takes for no more than a stated share of
people's to score too low, measured on clients that the trees judging them have not seen. It is three more trees, so
that models, their files and explanations stay what they are.

What visits begin with is moved by itself: a page that no page of the site led to. Most of the requests that are made to
have no past are others, which have a Referer and look much more like a person's. Workers, WebSockets and preflights are
moved further by themselves: browsers leave most headers out of them, so that they look like programs to whoever saw
few. Where too few were seen to measure it, they are moved as far as anything may be. Who names no language, or does not
begin its name as browsers do, is not moved.

With a past those are moved who load the parts of their pages as browsers do, and those who had too few pages to tell: a
page that asks for much by script looks like a browser that somebody drives. Who loads no parts is not moved. A request
without a session of somebody whose browser others at the address have as well is moved by itself: what is known is of
all of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np

from botproxy.scoring.ml import NAMES, Calibration, Trees
from botproxy.training.samples import LEAST_PAST, PAST, PURPOSE, REFERER, Matrix, Numbers, Truths

TLS: Final = NAMES.index("tls_ciphers")
CLAIMED: Final = NAMES.index("claimed_browser")
PARTS: Final = NAMES.index("visitor_parts")
IDLE: Final = NAMES.index("visitor_idle")
LANGUAGES: Final = NAMES.index("languages")
MOZILLA: Final = NAMES.index("agent_mozilla")

_OWN: Final = (0.5, 1.5)
"""A Referer between them is of this host."""

BESIDE: Final = 3.5
"""Purposes above it: workers, WebSockets and preflights. Browsers leave most headers out of them."""

_THRESHOLD: Final = 0.345
"""Probability that rounds to the score 35: five points above 30, for browsers that nobody has seen."""

MOST: Final = 5.0
"""Log-odds, calibrated: more would say that nothing can be told of a first request."""

_FEWEST: Final = 100


LOADS: Final = 0.5
"""Parts for each page, above which a caller loads them."""


class Shifts(NamedTuple):
    """Log-odds of the trees that are added to requests of each kind."""

    begin_untold: float  # without a past, a Referer of this host and TLS facts
    begin_told: float  # without a past and such a Referer, with TLS facts
    untold: float  # without a past and without TLS facts, led to by a page of this host
    told: float  # the same with TLS facts
    beside_untold: float  # beyond that, without a past, of workers, WebSockets and preflights
    beside_told: float
    loads: float  # with a past, and loads parts of pages
    few_pages: float  # with a past, in which were too few pages to tell
    several: float  # with a past that several share


def shifts(
    vectors: Matrix, unseen: Numbers, human: Truths, calibration: Calibration, share: float, later: float
) -> Shifts:
    """What is to be added, so that no more than `share` of people's requests without a past, and `later` of those with
    one, score below 35. Never negative.

    `unseen` is what trees say that have not seen these clients. People count who use one of the browsers that claim to
    be one: text browsers and the like are few, and would decide for all.
    """
    wanted = (math.log(_THRESHOLD / (1 - _THRESHOLD)) - calibration.offset) / calibration.slope
    people = human & (vectors[:, CLAIMED] > 0) & (vectors[:, LANGUAGES] > 0)
    past, parts = _past(vectors), vectors[:, PARTS]
    told = ~np.isnan(vectors[:, TLS])
    beside = vectors[:, PURPOSE] > BESIDE
    own = (vectors[:, REFERER] > _OWN[0]) & (vectors[:, REFERER] < _OWN[1])
    most = MOST / calibration.slope

    def shift(chosen: Truths, most_below: float, unknown: float = 0.0, moved: Numbers | float = 0.0) -> float:
        said = np.sort((unseen + moved)[people & chosen])
        if len(said) < _FEWEST:
            return unknown
        return min(most, max(0.0, wanted - float(said[int(most_below * len(said))])))

    begin_untold = shift(~past & ~told & ~beside & ~own, share)
    begin_told = shift(~past & told & ~beside & ~own, share)
    untold = shift(~past & ~told & ~beside & own, share)
    other = shift(~past & told & ~beside & own, share)
    moved = np.where(own, np.where(told, other, untold), np.where(told, begin_told, begin_untold))
    moved *= vectors[:, MOZILLA] > 0
    return Shifts(
        begin_untold,
        begin_told,
        untold,
        other,
        shift(~past & ~told & beside, share, most, moved),
        shift(~past & told & beside, share, most, moved),
        shift(past & (parts > LOADS), later),
        shift(past & np.isnan(parts), later),
        shift(past & np.isnan(vectors[:, IDLE]), later),
    )


def guarded(trees: Trees, weights: Matrix, vectors: Matrix, added: Shifts) -> tuple[Trees, Matrix]:
    """The trees and three more that add so many log-odds; `vectors` are those that the trees were fitted on."""
    if not any(added):
        return trees, weights

    def first(past: bool, told: bool, referred: bool, foreign: bool, speaks: bool, named: bool) -> float:
        if past or not speaks or not named:
            return 0.0
        if referred and not foreign:
            return added.told if told else added.untold
        return added.begin_told if told else added.begin_untold

    def beside(past: bool, told: bool, beside: bool, speaks: bool) -> float:
        if past or not beside or not speaks:
            return 0.0
        return added.beside_told if told else added.beside_untold

    def later(past: bool, known: bool, loads: bool, single: bool) -> float:
        if not past:
            return 0.0
        value = added.few_pages if not known else added.loads if loads else 0.0
        return value if single else max(value, added.several)

    speaks = (LANGUAGES, 0.0)
    for questions, value in (
        (((PAST, LEAST_PAST), (TLS, 0.0), (REFERER, _OWN[0]), (REFERER, _OWN[1]), speaks, (MOZILLA, 0.0)), first),
        (((PAST, LEAST_PAST), (TLS, 0.0), (PURPOSE, BESIDE), speaks), beside),
        (((PAST, LEAST_PAST), (PARTS, -1.0), (PARTS, LOADS), (IDLE, -1.0)), later),
    ):
        trees, weights = _with(trees, weights, vectors, questions, value)
    return trees, weights


def _with(
    trees: Trees,
    weights: Matrix,
    vectors: Matrix,
    questions: Sequence[tuple[int, float]],
    value: Callable[..., float],
) -> tuple[Trees, Matrix]:
    """The trees and one more; `value` gives log-odds for answers to all questions."""
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
        answers = [bool(leaf >> level & 1) for level in range(len(questions))]
        leaves[0, leaf] = value(*answers) / trees.scale
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
