"""Labelled vectors: what a model is fitted on and judged by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from botproxy.scoring.ml import FEATURES, NAMES, Group

Matrix = NDArray[np.float32]
Numbers = NDArray[np.float64]
Truths = NDArray[np.bool_]

MOST_OF_ONE: Final = 0.25
"""Share of the weight of one label that a single family of clients may have: bots that solve challenges would else
become the picture of a human."""

PAST: Final = NAMES.index("visitor_pace")
REFERER: Final = NAMES.index("referer")
PURPOSE: Final = NAMES.index("purpose")
LEAST_PAST: Final = 1e-3
"""Requests a second: less is nobody who was here lately."""


class Sample(NamedTuple):
    """One request with its label."""

    vector: NDArray[np.float32]  # as `scoring.ml.Vectors` makes it
    human: bool
    family: str  # of the client: "curl", "firefox"; splits never part one
    client: str  # family and version, or what else tells clients of a family apart
    behaviour: str
    session: str
    step: int  # which request of its session it was, from 0
    heuristics: bool = False  # a fingerprint of the heuristics matched


class Table(NamedTuple):
    """Many samples, a row each."""

    vectors: Matrix
    human: Truths
    families: NDArray[np.str_]
    clients: NDArray[np.str_]
    behaviours: NDArray[np.str_]
    sessions: NDArray[np.str_]
    steps: NDArray[np.int64]
    heuristics: Truths

    def __len__(self) -> int:
        return len(self.human)

    def where(self, chosen: Truths) -> Table:
        """The rows that are chosen."""
        return Table(
            self.vectors[chosen],
            self.human[chosen],
            self.families[chosen],
            self.clients[chosen],
            self.behaviours[chosen],
            self.sessions[chosen],
            self.steps[chosen],
            self.heuristics[chosen],
        )


def table(samples: Iterable[Sample]) -> Table:
    """Columns of samples."""
    rows = list(samples)
    vectors: Matrix = (
        np.stack([row.vector for row in rows]).astype(np.float32) if rows else np.zeros((0, len(NAMES)), np.float32)
    )
    return Table(
        vectors,
        np.array([row.human for row in rows], np.bool_),
        np.array([row.family for row in rows], np.str_),
        np.array([row.client for row in rows], np.str_),
        np.array([row.behaviour for row in rows], np.str_),
        np.array([row.session for row in rows], np.str_),
        np.array([row.step for row in rows], np.int64),
        np.array([row.heuristics for row in rows], np.bool_),
    )


def weights(rows: Table, prior: float, most_of_one: float = MOST_OF_ONE) -> Numbers:
    """A weight a row: people together have `prior` of all, bots the rest, and no family more than `most_of_one` of its
    label, as far as there are enough families for that. They add up to the number of rows.
    """
    given: Numbers = np.zeros(len(rows), np.float64)
    for label, share in ((True, prior), (False, 1 - prior)):
        chosen = rows.human == label
        names, place, count = np.unique(rows.families[chosen], return_inverse=True, return_counts=True)
        if len(names):
            each = _capped(count / count.sum(), max(most_of_one, 1 / len(names)))
            given[chosen] = (share * each / count)[place]
    return given * (len(rows) / given.sum()) if given.sum() else given


def evened(given: Numbers, rows: Matrix, human: Truths, returning: float) -> Numbers:
    """The weights with `returning` as the share of people among later requests for a page that no page of ours sent.

    A visit has one or two of them and any number of others, which say by their Referer that they belong to a page. By
    numbers alone a later request without one would be a bot's, and everybody who types an address, takes a bookmark or
    opens a link of a mail in the middle of a visit would pay for that. Where people have a greater share, nothing
    changes.
    """
    chosen = (rows[:, PAST] > LEAST_PAST) & (rows[:, REFERER] != 1.0) & (rows[:, PURPOSE] <= 1.0)
    every, people = given[chosen].sum(), given[chosen & human].sum()
    changed = given.copy()
    if 0 < people < returning * every:
        changed[chosen & human] *= returning * every / people
        changed[chosen & ~human] *= (1 - returning) * every / (every - people)
    return changed


def _capped(shares: Numbers, most: float) -> Numbers:
    """Shares that add up to 1, none above `most`; what is cut off goes to the others in proportion."""
    free = np.ones(len(shares), np.bool_)
    result = shares.astype(np.float64)
    while True:
        over = free & (result > most + 1e-12)
        if not over.any():
            return result
        free &= ~over
        result[~free] = most
        rest = result[free].sum()
        left = 1 - most * (~free).sum()
        if rest <= 0 or left <= 0:
            return np.asarray(result / result.sum(), np.float64)
        result[free] *= left / rest


def without(vectors: Matrix, groups: Sequence[Group]) -> Matrix:
    """The vectors with the features of these groups missing."""
    taken = np.array([feature.group in groups for feature in FEATURES])
    changed = vectors.copy()
    changed[:, taken] = np.nan
    return changed


def as_first(vectors: Matrix) -> Matrix:
    """The vectors as they would be at the first request of a caller: no session, and no past."""
    changed = without(vectors, (Group.CALLER,))
    changed[:, NAMES.index("session")] = 0.0
    return changed


def untold(vectors: Matrix) -> Matrix:
    """The vectors as they would be where nobody tells of TLS. The version of HTTP is always known."""
    changed = without(vectors, (Group.CONNECTION,))
    changed[:, NAMES.index("http_version")] = vectors[:, NAMES.index("http_version")]
    return changed


def folds(rows: Table, number: int, seed: int) -> NDArray[np.int64]:
    """A fold from 0 for each row, both labels spread evenly, larger groups first.

    Bots are kept together by family, because new families of them come every day. People have three engines, and what
    comes is a new version or another way to set one up: they are kept together by client.
    """
    random = np.random.default_rng(seed)
    group = np.where(rows.human, rows.clients, rows.families)
    result = np.zeros(len(rows), np.int64)
    for label in (True, False):
        names, count = np.unique(group[rows.human == label], return_counts=True)
        order = sorted(range(len(names)), key=lambda at: (-count[at], random.random()))
        filled = [0] * number
        for at in order:
            fold = min(range(number), key=lambda each: filled[each])
            filled[fold] += int(count[at])
            result[(group == names[at]) & (rows.human == label)] = fold
    return result
