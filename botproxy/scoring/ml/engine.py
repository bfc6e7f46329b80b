"""The engine that learned: a score from 2 to 99 for every request it is asked about."""

from __future__ import annotations

from typing import ClassVar, Final, final

from botproxy.model import Facts, Finding, ScoreSource
from botproxy.scoring.asked import Asked, Asker, keep, keep_shadow
from botproxy.scoring.ml.lookup import Lookup
from botproxy.scoring.ml.model import Model
from botproxy.scoring.ml.vector import Vectors
from botproxy.tls import KnownClients

_FINDINGS: Final = tuple([Finding(ScoreSource.MACHINE_LEARNING, score) for score in range(100)])


@final
class MachineLearning(Asker):
    """Assesses requests by one model. Holds nothing that a request changes, but for what `Vectors` and `Lookup` keep
    of what repeats.
    """

    __slots__ = ("_lookup", "_record", "_tried", "_tried_below", "_vectors", "model", "trial")

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
        """`record` is whether events may hold what the model was asked; `trial` a model that is asked about one of
        `share` requests as well, and that decides nothing.
        """
        self.model: Final = model
        self.trial: Final = trial
        self._lookup: Final = Lookup(model)
        self._tried: Final = None if trial is None else Lookup(trial)
        self._tried_below: Final = "" if trial is None else _ray_below(share)
        self._record: Final = record
        self._vectors: Final = Vectors(clients)

    def assess(self, facts: Facts) -> Finding:
        """The model's word. It always has one."""
        if self._record:
            keep(facts, self)
        moments = self._vectors.moments
        tried = self._tried
        if tried is not None and facts.request.ray < self._tried_below:
            keep_shadow(facts, tried.score(facts, moments))
        return _FINDINGS[self._lookup.score(facts, moments)]

    def asked(self, facts: Facts) -> Asked:
        """See `Asker`: everything that the vector is made of is still in the facts."""
        return Asked(self.model.version, self._vectors.packed(facts))


def _ray_below(share: int) -> str:
    """What one of `share` rays is below: they are random, and begin with any hexadecimal digits. "g" is above all."""
    return "g" if share <= 1 else f"{max(1, 0x10000 // share):04x}"
