"""The groups that charts and rules of thumb use (reference section 1.1)."""

from __future__ import annotations

from typing import Final

from botproxy.model import Score, ScoreSource

_VERIFIED: Final = ScoreSource.VERIFIED_BOT
_NOT_COMPUTED: Final = ScoreSource.NOT_COMPUTED
# To ask an enumeration for its member takes as long as twenty comparisons.


def score_group(score: Score) -> str:
    """`other` when nothing was computed, `automated` (1), `likely_automated` (2-29) or `likely_human` (30-99).

    The source counts as much as the value: a score in the middle that no engine made is not a human, and a verified bot
    is a group of its own, `verified_bot`, whatever the engines say.
    """
    if score.source is _VERIFIED:
        return "verified_bot"
    if score.value <= 0 or score.source is _NOT_COMPUTED:
        return "other"
    if score.value == 1:
        return "automated"
    return "likely_automated" if score.value < 30 else "likely_human"


group = score_group
