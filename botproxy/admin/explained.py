"""Why a stored request has its score, ready for JSON. For a thread: the first time it loads the model."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from botproxy.scoring.explaining import Scored
    from botproxy.scoring.ml import Model


def explained(event: Mapping[str, Any], data: Path | None = None, named: Path | None = None) -> dict[str, Any]:
    """The explanation of an event as the store has it: the words of engines, and points that add up to the score. The
    model is looked for in the data directory `data`; `named` is the file of one that the configuration names."""
    # Not before somebody asks: the supervisor does without.
    from botproxy.scoring.explaining import Scored, explain

    scored = Scored(
        str(event["ray"]),
        int(event["score"]),
        str(event["score_source"]),
        int(event["score_lift"]),
        tuple(event["reasons"]),
        str(event["features"]),
    )
    told = explain(scored, _model(scored, data or Path(), named))
    return {
        "ray": scored.ray,
        "score": scored.score,
        "source": scored.source,
        "sentence": told.sentence,
        "engines": [word._asdict() for word in told.words],
        "base": told.base,
        "contributions": [
            {**each._asdict(), "value": None if math.isnan(each.value) else each.value} for each in told.contributions
        ],
        "rounding": told.rounding,
        "changes": told.changes,
        "note": told.note,
    }


_models: Final[OrderedDict[str, Model]] = OrderedDict()
MAX_MODELS: Final = 2
"""That are kept, by their versions, so that one look after the other does not read them again."""


def _model(scored: Scored, data: Path, named: Path | None) -> Model | None:
    """What another one scored that is gone is answered with a note that says so."""
    from botproxy.errors import OperatorError
    from botproxy.scoring.asked import read
    from botproxy.scoring.explaining import asked_model

    asked = read(scored.features) if scored.features else None
    if asked is None:
        return None
    model = _models.get(asked.model)
    if model is None:
        try:
            model = asked_model(scored, data, named)
        except OperatorError:  # the file that is named is gone since
            model = asked_model(scored, data)
        if model is not None:
            _models[asked.model] = model
            while len(_models) > MAX_MODELS:
                _models.popitem(last=False)
    return model
