"""What an operator may set about scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from botproxy.schema import Seconds, Section


class HeuristicsSettings(Section):
    """The heuristics engine."""

    enabled: bool = True
    """Whether fingerprints are matched at all."""

    files: tuple[Path, ...] = ()
    """More files of fingerprints, in the form of those that come with the product."""

    tls_clients: tuple[Path, ...] = ()
    """Files of clients that are known by their JA4, as `botproxy clients` writes them, beside those that come with the
    product."""

    disabled: tuple[int, ...] = ()
    """Detection ids of fingerprints to leave out."""


class ZoneHeuristicsSettings(Section):
    """Fingerprints of one site, shipped ones and your own alike."""

    disabled: Annotated[tuple[int, ...], Field(max_length=1_000)] = ()
    """Detection ids of fingerprints that are left out for this site."""

    shadowed: Annotated[tuple[int, ...], Field(max_length=1_000)] = ()
    """Detection ids of fingerprints that decide nothing for this site: events say what they would have found, as
    `BotproxyShadowDetectionIDs`."""


class TrainingSettings(Section):
    """Constant training: models from this site's own events, tried beside the one in use before they take its place."""

    enabled: bool = False
    """Whether models are fitted anew. Needs the extra `train`: `pip install 'botproxy[train]'`."""

    hours: Annotated[tuple[Annotated[int, Field(ge=0, le=23)], ...], Field(min_length=1, max_length=24)] = (3,)
    """Hours of the day in UTC at which a new one is fitted, at the lowest priority, in a process of its own."""

    since: Annotated[Seconds, Field(ge=86400, le=366 * 86400)] = 14 * 86400.0
    """How old events may be that it is fitted on."""

    trial: Annotated[Seconds, Field(ge=3600, le=30 * 86400)] = 86400.0
    """How long a new model is asked beside the one in use, without deciding anything."""

    share: Annotated[int, Field(ge=1, le=1000)] = 8
    """It is asked about one of so many requests."""

    data: Annotated[tuple[Path, ...], Field(max_length=10)] = ()
    """Data sets of labelled requests to fit on as well, such as the laboratory's."""

    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Threads that fit."""


class MachineLearningSettings(Section):
    """The engine that learned from labelled requests."""

    enabled: bool = True
    """Whether a model is asked at all: how good it is, and what it costs, stands in docs/detection.md."""

    model: Path | None = None
    """File of a model, as `botproxy train` writes it, in place of the one that comes with the product."""

    training: TrainingSettings = Field(default=TrainingSettings())
    """Constant training; off by default."""

    record_features: bool = True
    """Whether events hold what the model was asked, so that a score can be explained and learned from: those of
    requests that a rule matched or that scored below 30, and one in 32 of the others."""


class Settings(Section):
    """How the bot score is made."""

    heuristics: HeuristicsSettings = Field(default=HeuristicsSettings())
    """Fingerprints of automated clients; what matches one has score 1."""

    machine_learning: MachineLearningSettings = Field(default=MachineLearningSettings())
    """A model that gives scores from 2 to 99."""
