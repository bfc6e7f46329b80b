"""Why a stored request has its score, ready for JSON. For a thread: the first time it loads the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botproxy.scoring.ml import Model


def explained(event: Mapping[str, Any]) -> dict[str, Any]:
    """The explanation of an event as the store has it: the words of engines, and points that add up to the score."""
    from botproxy.scoring.explaining import Scored, explain  # not before somebody asks: the supervisor does without

    scored = Scored(
        str(event["ray"]),
        int(event["score"]),
        str(event["score_source"]),
        int(event["score_lift"]),
        tuple(event["reasons"]),
        str(event["features"]),
    )
    told = explain(scored, _model() if scored.features else None)
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


@cache
def _model() -> Model | None:
    """The shipped model. What another one scored is answered with a note that says so."""
    from botproxy.scoring import MachineLearningSettings, load_model

    return load_model(MachineLearningSettings(enabled=True))
