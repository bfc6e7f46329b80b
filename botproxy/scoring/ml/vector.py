"""The vector of a request: what a model is asked about."""

from __future__ import annotations

from struct import Struct
from typing import Final, final

import numpy as np

from botproxy.model import Facts
from botproxy.scoring.ml import block, caller, moment
from botproxy.scoring.ml.feature import Feature
from botproxy.scoring.ml.trees import Floats
from botproxy.tls import KnownClients

FEATURES: Final[tuple[Feature, ...]] = (*block.FEATURES, *moment.FEATURES, *caller.FEATURES)
"""All features, in the order of a vector."""

NAMES: Final[tuple[str, ...]] = tuple(feature.name for feature in FEATURES)

_KINDS: Final = {False: "scoring.ml.http", True: "scoring.ml.https"}
_BLOCK: Final = Struct(f"<{block.COUNT}f")
_REST: Final = Struct(f"<{moment.COUNT + caller.COUNT}f")


@final
class Vectors:
    """Makes vectors. What follows from a kind of header block is kept with it."""

    __slots__ = ("moments",)

    def __init__(self, clients: KnownClients) -> None:
        self.moments: Final = moment.Moments(clients)

    def of(self, facts: Facts) -> Floats:
        """The vector of a request, in the order of `FEATURES`. Missing values are NaN."""
        vector: Floats = np.frombuffer(self.packed(facts), np.float32)
        return vector

    def packed(self, facts: Facts) -> bytes:
        """The same as bytes."""
        request = facts.request
        kind = request.headers.kind
        key = _KINDS[request.secure]
        base = kind.get(key)
        if not isinstance(base, bytes):
            base = kind[key] = _BLOCK.pack(*block.read(request.headers, request.secure))
        return base + _REST.pack(*self.moments.read(facts), *caller.read(facts))


def chosen(names: tuple[str, ...]) -> list[int] | None:
    """Where the features of a model stand in a vector; None when they are all of them in order."""
    if names == NAMES:
        return None
    return [NAMES.index(name) for name in names]
