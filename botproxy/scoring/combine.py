"""One score out of what the engines found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from botproxy.model import Finding, Score, ScoreSource

UNDECIDED: Final = Score(50, ScoreSource.NOT_COMPUTED, ())
"""No engine had an opinion. In the middle, so that no rule on low scores bites; its group is "other", never human."""


def combine(findings: Sequence[Finding]) -> Score:
    """The lowest finding decides, the first of equals; all of them stay in the score as its explanation."""
    if not findings:
        return UNDECIDED
    lowest = findings[0]
    for finding in findings:
        if finding.score < lowest.score:
            lowest = finding
    return Score(min(99, max(1, lowest.score)), lowest.source, tuple(findings))
