"""One score out of findings."""

from __future__ import annotations

from botproxy.model import Detection, Finding, ScoreSource
from botproxy.scoring import combine


def test_without_a_finding_the_score_is_in_the_middle_and_not_computed() -> None:
    score = combine([])
    assert (score.value, score.source, score.findings) == (50, ScoreSource.NOT_COMPUTED, ())


def test_the_lowest_finding_decides_and_all_are_kept() -> None:
    first = Finding(ScoreSource.MACHINE_LEARNING, 40)
    second = Finding(ScoreSource.HEURISTICS, 1, (Detection(1, "t", "r"),))
    score = combine([first, second])
    assert (score.value, score.source, score.findings) == (1, ScoreSource.HEURISTICS, (first, second))
