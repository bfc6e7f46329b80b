"""The engine that learned: a score from 2 to 99 for every request it is asked about."""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np

from botproxy.model import Facts, Finding, ScoreSource
from botproxy.scoring.asked import Asked, keep
from botproxy.scoring.ml.model import Model
from botproxy.scoring.ml.vector import Vectors, chosen
from botproxy.tls import KnownClients


@final
class MachineLearning:
    """Assesses requests by one model. Holds nothing that a request changes, but for what `Vectors` remembers."""

    __slots__ = ("_chosen", "_record", "_vectors", "model")

    reads_profile: ClassVar[bool] = True
    """It looks at `Facts.profile`."""

    def __init__(self, model: Model, clients: KnownClients, record: bool = False) -> None:
        """`record` is whether what the model was asked is kept for the event."""
        self.model: Final = model
        self._record: Final = record
        self._vectors: Final = Vectors(clients)
        places = chosen(model.features)
        self._chosen: Final = None if places is None else np.array(places, np.intp)

    def assess(self, facts: Facts) -> Finding:
        """The model's word. It always has one."""
        vector = self._vectors.of(facts)
        if self._record:
            keep(facts, Asked(self.model.version, vector.tobytes()))
        if self._chosen is not None:
            vector = vector.take(self._chosen)
        return Finding(ScoreSource.MACHINE_LEARNING, self.model.score(vector))
