"""Bots with the headers and the TLS of a browser, made of bots without and people with them.

Impersonators get better with every release, and none of tomorrow's is in a data set. What they cannot copy is how
people go through a site. So some of the bots that were seen before get all facts of a browser that asked for the same
kind of thing, and keep what they did: the trees have to learn that from what a caller did.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from botproxy.scoring.ml import FEATURES, NAMES, Group
from botproxy.training.samples import LEAST_PAST, PAST, Matrix, Truths

_OWN: Final = ("session", "session_age", "method", "body", "referer", "static_resource")
"""Facts that belong to what a caller does, beside those of the group `caller`."""

_COPIED: Final = np.array([feature.group is not Group.CALLER and feature.name not in _OWN for feature in FEATURES])
_ACCEPT: Final = NAMES.index("accept")
_METHOD: Final = NAMES.index("method")


def impersonated(vectors: Matrix, human: Truths, share: float, random: np.random.Generator) -> tuple[Matrix, Truths]:
    """The vectors, with a share of the bots that have a past made to look like people who asked alike; and which."""
    asked = np.nan_to_num(vectors[:, _ACCEPT], nan=-1.0) * 10 + vectors[:, _METHOD]
    past = vectors[:, PAST] > LEAST_PAST
    chosen = np.flatnonzero(~human & past & (random.random(len(vectors)) < share))
    changed = vectors.copy()
    for kind in np.unique(asked[chosen]):
        people = np.flatnonzero(human & (asked == kind))
        if len(people):
            bots = chosen[asked[chosen] == kind]
            copied = vectors[random.choice(people, len(bots))]
            changed[bots] = np.where(_COPIED, copied, vectors[bots])
    made: Truths = np.zeros(len(vectors), np.bool_)
    made[chosen] = True
    return changed, made
