"""The groups of scores."""

from __future__ import annotations

import pytest

from botproxy.model import Score, ScoreSource
from botproxy.scoring import combine, score_group


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "other"), (1, "automated"), (2, "likely_automated"), (29, "likely_automated"), (30, "likely_human"),
     (99, "likely_human")],
)  # fmt: skip
def test_groups_by_value(value: int, expected: str) -> None:
    assert score_group(Score(value, ScoreSource.HEURISTICS)) == expected


def test_what_no_engine_scored_is_never_called_human() -> None:
    assert score_group(combine([])) == "other"
