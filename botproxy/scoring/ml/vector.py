"""The vector of a request: what a model is asked about."""

from __future__ import annotations

from typing import Final, final

import numpy as np

from botproxy.model import Facts
from botproxy.scoring.ml import block, caller, moment
from botproxy.scoring.ml.feature import Feature
from botproxy.scoring.ml.trees import Floats
from botproxy.tls import KnownClients

FEATURES: Final[tuple[Feature, ...]] = (*block.FEATURES, *moment.FEATURES, *caller.FEATURES)
"""All features, in the order of a vector."""

NAMES: Final = tuple(feature.name for feature in FEATURES)

_BLOCK: Final = {False: "scoring.ml.http", True: "scoring.ml.https"}


@final
class Vectors:
    """Makes vectors. What follows from a kind of header block is kept with it."""

    __slots__ = ("_moments",)

    def __init__(self, clients: KnownClients) -> None:
        self._moments: Final = moment.Moments(clients)

    def of(self, facts: Facts) -> Floats:
        """The vector of a request, in the order of `FEATURES`. Missing values are NaN."""
        request = facts.request
        kind = request.headers.kind
        key = _BLOCK[request.secure]
        base = kind.get(key)
        if not isinstance(base, np.ndarray):
            base = np.zeros(len(FEATURES), np.float32)
            base[: block.COUNT] = block.read(request.headers, request.secure)
            kind[key] = base
        vector: Floats = base.copy()
        vector[block.COUNT :] = (*self._moments.read(facts), *caller.read(facts.profile))
        return vector


def chosen(names: tuple[str, ...]) -> list[int] | None:
    """Where the features of a model stand in a vector; None when they are all of them in order."""
    if names == NAMES:
        return None
    return [NAMES.index(name) for name in names]
