"""JavaScript detections: what a browser's report is worth, and the engine that speaks of it. No clock, no I/O."""

from botproxy.scoring.jsd.engine import JavaScriptDetections
from botproxy.scoring.jsd.judging import Judgement, judge
from botproxy.scoring.jsd.programs import PUBLIC, Programs, placed
from botproxy.scoring.jsd.signals import FAMILY, SIGNALS, Signal, markdown

__all__ = [
    "FAMILY",
    "PUBLIC",
    "SIGNALS",
    "JavaScriptDetections",
    "Judgement",
    "Programs",
    "Signal",
    "judge",
    "markdown",
    "placed",
]
