"""The engine that learned: a score from 2 to 99 for every request it is asked about."""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np

from botproxy.model import Facts, Finding, ScoreSource
from botproxy.scoring.asked import Asked, keep, keep_shadow
from botproxy.scoring.ml.model import Model
from botproxy.scoring.ml.vector import Vectors, chosen
from botproxy.tls import KnownClients


@final
class MachineLearning:
    """Assesses requests by one model. Holds nothing that a request changes, but for what `Vectors` remembers."""

    __slots__ = ("_chosen", "_record", "_tried", "_tried_below", "_vectors", "model", "trial")

    reads_profile: ClassVar[bool] = True
    """It looks at `Facts.profile`."""

    def __init__(
        self,
        model: Model,
        clients: KnownClients,
        record: bool = False,
        trial: Model | None = None,
        share: int = 1,
    ) -> None:
        """`record` is whether what the model was asked is kept for the event; `trial` a model that is asked about one
        of `share` requests as well, and that decides nothing.
        """
        self.model: Final = model
        self.trial: Final = trial
        self._tried_below: Final = "" if trial is None else _ray_below(share)
        tried = None if trial is None else chosen(trial.features)
        self._tried: Final = None if tried is None else np.array(tried, np.intp)
        self._record: Final = record
        self._vectors: Final = Vectors(clients)
        places = chosen(model.features)
        self._chosen: Final = None if places is None else np.array(places, np.intp)

    def assess(self, facts: Facts) -> Finding:
        """The model's word. It always has one."""
        vector = self._vectors.of(facts)
        if self._record:
            keep(facts, Asked(self.model.version, vector.tobytes()))
        trial = self.trial
        if trial is not None and facts.request.ray < self._tried_below:
            keep_shadow(facts, trial.score(vector if self._tried is None else vector.take(self._tried)))
        if self._chosen is not None:
            vector = vector.take(self._chosen)
        return Finding(ScoreSource.MACHINE_LEARNING, self.model.score(vector))


def _ray_below(share: int) -> str:
    """What one of `share` rays is below: they are random, and begin with any hexadecimal digits. "g" is above all."""
    return "g" if share <= 1 else f"{max(1, 0x10000 // share):04x}"
