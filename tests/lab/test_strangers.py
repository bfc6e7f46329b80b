"""Browsers that nothing is fitted on, and that the laboratory does not have, are no bots to the shipped model."""

from __future__ import annotations

from pathlib import Path

import pytest

from botproxy.scoring.ml import NAMES, decode
from lab import strangers

LAB = Path(strangers.__file__).parent


@pytest.fixture(scope="module")
def scores() -> dict[tuple[str, str], int]:
    model = decode((LAB.parent / "botproxy/scoring/ml/default.model").read_bytes(), NAMES)
    return {(name, way): score for name, given in strangers.judged(model) for way, score in given.items()}


def test_their_first_page_is_hardly_ever_taken_for_a_bots(scores: dict[tuple[str, str], int]) -> None:
    low = {what: score for what, score in scores.items() if score < 30}
    assert len(scores) > 100
    assert len(low) <= 0.02 * len(scores), low
    assert min(scores.values()) >= 20, low


def test_most_are_clearly_people(scores: dict[tuple[str, str], int]) -> None:
    assert sum(score >= 50 for score in scores.values()) >= 0.8 * len(scores)
