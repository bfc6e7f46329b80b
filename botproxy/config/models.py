"""The operator's own model, read as a worker will read it: what is wrong with it is told before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from botproxy.config.problems import Said
from botproxy.config.tree import Config


def model(config: Config) -> Iterator[Said]:
    """A model that is named is there and can be used."""
    settings = config.scoring.machine_learning
    if settings.model is None or not settings.enabled:
        return
    from botproxy.scoring import load_model
    from botproxy.scoring.ml import ModelError

    try:
        load_model(settings)
    except ModelError as problem:
        yield Said(("scoring", "machine_learning", "model"), str(problem), "a file that `botproxy train` wrote")
