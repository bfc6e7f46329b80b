"""The engine that speaks of what JavaScript detections found out, once a clearance carries it."""

from __future__ import annotations

from typing import Final, final

from botproxy.model import Detection, Facts, Finding, ScoreSource
from botproxy.scoring.jsd.signals import FAMILY

SCORE: Final = 2
"""Likely automated, for fingerprints of heuristics alone are sure enough for 1."""

_FINDING: Final = Finding(
    ScoreSource.JS_FINGERPRINTING,
    SCORE,
    (Detection(FAMILY, "js_detections", "JavaScript detections found this browser automated within its last report"),),
)


@final
class JavaScriptDetections:
    """A browser that failed scores low; one that passed is not therefore a person, so that gives no finding."""

    __slots__ = ()

    def assess(self, facts: Facts) -> Finding | None:
        """See `Engine`."""
        clearance = facts.clearance
        if clearance is None or clearance.js_passed is not False or clearance.js_expires <= facts.request.received:
            return None
        return _FINDING
