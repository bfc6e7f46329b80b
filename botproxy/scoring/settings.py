"""What an operator may set about scoring."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from botproxy.schema import Section


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


class MachineLearningSettings(Section):
    """The engine that learned from labelled requests."""

    enabled: bool = False
    """Whether a model is asked at all. Its scores are compared with the heuristics' first, in docs/detection.md."""

    model: Path | None = None
    """File of a model, as `botproxy train` writes it, in place of the one that comes with the product."""

    record_features: bool = True
    """Whether events hold what the model was asked, so that a score can be explained and learned from: those of
    requests that a rule matched or that scored below 30, and one in 32 of the others."""


class Settings(Section):
    """How the bot score is made."""

    heuristics: HeuristicsSettings = Field(default=HeuristicsSettings())
    """Fingerprints of automated clients; what matches one has score 1."""

    machine_learning: MachineLearningSettings = Field(default=MachineLearningSettings())
    """A model that gives scores from 2 to 99."""
