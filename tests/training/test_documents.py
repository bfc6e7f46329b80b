"""What is said of the model is what the model and its features are."""

from __future__ import annotations

from pathlib import Path

from botproxy.scoring import MachineLearningSettings, load_model
from botproxy.training.report import catalogue

DOCS = Path(__file__).parents[2] / "docs"


def test_every_feature_stands_in_the_documentation() -> None:
    """Otherwise: the table in docs/detection.md is that of `botproxy.training.report.catalogue`."""
    assert catalogue() in (DOCS / "detection.md").read_text("utf-8")


def test_the_report_is_that_of_the_shipped_model() -> None:
    """Otherwise: make model."""
    model = load_model(MachineLearningSettings(enabled=True))
    assert model is not None
    assert (DOCS / "model.md").read_text("utf-8").startswith(f"# Model {model.version}\n")
