"""Why a request has its score, in words and in points that add up. For people: not on the way of a request."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from botproxy.scoring.asked import read

if TYPE_CHECKING:
    from pathlib import Path

    from botproxy.scoring.ml import Feature, Model

LIKELY_HUMAN: Final = 30
_FAMILIES: Final = {3: "anomaly detection", 4: "JavaScript detections", 12: "anomaly detection"}


class Scored(NamedTuple):
    """What an event says of a score."""

    ray: str
    score: int
    source: str  # of `model.ScoreSource`
    lift: int
    reasons: tuple[str, ...]  # of fingerprints and detections
    features: str  # as `scoring.asked` writes it
    ids: tuple[int, ...] = ()  # of the detections, aligned with the reasons


class Word(NamedTuple):
    """What one engine said."""

    engine: str
    said: str


class Contribution(NamedTuple):
    """What one fact added to the learned score."""

    feature: str
    value: float  # NaN where it was missing
    points: float
    meaning: str


class Explained(NamedTuple):
    """An explanation. `base`, all `contributions`, and `rounding` add up to the learned score."""

    words: tuple[Word, ...]
    base: float
    contributions: tuple[Contribution, ...]
    rounding: float
    changes: tuple[str, ...]  # what would have made it a likely human, fewest first
    sentence: str  # that an operator can send to a customer
    note: str  # why something is not told; "" when all is


def explain(scored: Scored, model: Model | None) -> Explained:
    """Explain a score by the model that made it; without it, or where nothing was kept, engines' words alone."""
    ids = (*scored.ids, *[0] * len(scored.reasons))
    words = [Word(_engine(number), reason) for number, reason in zip(ids, scored.reasons, strict=False)]
    asked = read(scored.features) if scored.features else None
    if asked is None:
        note = "what the model was asked was not kept with this request" if not scored.reasons else ""
        return Explained(tuple(words), 0.0, (), 0.0, (), _sentence(scored, ()), note)
    if model is None or model.version != asked.model:
        note = f"the model that was asked, {asked.model}, is not here any more"
        return Explained(tuple(words), 0.0, (), 0.0, (), _sentence(scored, ()), note)
    import numpy as np

    from botproxy.scoring.ml import FEATURES, NAMES
    from botproxy.scoring.ml import explain as explain_vector

    described = {feature.name: feature for feature in FEATURES}
    if len(asked.vector) != 4 * len(NAMES):
        return Explained(
            tuple(words), 0.0, (), 0.0, (), _sentence(scored, ()), "what was kept is of another version of the program"
        )
    whole = np.frombuffer(asked.vector, "<f4")
    vector = whole[[NAMES.index(name) for name in model.features]].astype(np.float32)
    told = explain_vector(model, vector)
    values = dict(zip(model.features, vector.tolist(), strict=True))
    contributions = tuple(
        Contribution(name, values[name], points, _meaning(described[name], values[name]))
        for name, points in told.points
    )
    learned = model.score(vector)
    words.append(Word("machine learning", f"{learned}, by model {model.version}"))
    if scored.lift:
        words.append(Word("session", f"lends {scored.lift} points: its earlier requests scored higher"))
    rounding = learned - told.base - sum(points for _, points in told.points)
    changes = _changes(learned + scored.lift, contributions) if scored.source == "Machine Learning" else ()
    return Explained(tuple(words), told.base, contributions, rounding, changes, _sentence(scored, contributions), "")


def asked_model(scored: Scored, data: Path, named: Path | None = None) -> Model | None:
    """The model that made this score: the one that an operator named, the shipped one, or one of the registry of a data
    directory; None when nothing was kept of it, or it is not here any more. Blocks. Raises `OperatorError` for the file
    that is named."""
    asked = read(scored.features) if scored.features else None
    if asked is None:
        return None
    from botproxy.scoring.ml.registry import Registry
    from botproxy.scoring.settings import MachineLearningSettings
    from botproxy.scoring.shipped import load_model

    for file in dict.fromkeys((named, None)):
        model = load_model(MachineLearningSettings(enabled=True, model=file))
        if model is not None and model.version == asked.model:
            return model
    return Registry(data).find(asked.model)


def _engine(number: int) -> str:
    """By the first byte of a detection's id, which is a family."""
    return _FAMILIES.get(number >> 24, "heuristics")


def _meaning(feature: Feature, value: float) -> str:
    if math.isnan(value):
        return f"{feature.meaning}: not known ({feature.missing})"
    return f"{feature.meaning}: {value:g}" + ("" if feature.unit.startswith("0 ") else f" {feature.unit}")


def _changes(score: int, contributions: Sequence[Contribution]) -> tuple[str, ...]:
    """The facts that spoke most against the visitor, as many as it takes to reach a likely human without them."""
    if score >= LIKELY_HUMAN:
        return ()
    missing = float(LIKELY_HUMAN - score)
    named: list[str] = []
    for each in sorted(contributions, key=lambda one: one.points):
        if each.points >= 0 or missing <= 0:
            break
        named.append(each.meaning)
        missing += each.points
    return tuple(named) if missing <= 0 else ()


def _sentence(scored: Scored, contributions: Sequence[Contribution]) -> str:
    score = f"The request {scored.ray} was given a bot score of {scored.score} of 99"
    if scored.score <= 0:
        return f"The request {scored.ray} was given no bot score."
    if scored.reasons:
        return f"{score}: {'; '.join(reason.rstrip('.') for reason in scored.reasons[:3])}."
    against = [each for each in contributions if each.points < -1][:3]
    if scored.score >= LIKELY_HUMAN:
        return f"{score}, which stands for a likely human."
    if against:
        return f"{score}, mainly because of these facts: {'; '.join(each.meaning for each in against)}."
    return f"{score}."
