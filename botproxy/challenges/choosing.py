"""Which step a challenge begins with, and how much work it asks for; pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from botproxy.challenges.settings import Settings
from botproxy.challenges.ticket import Step
from botproxy.model import ClearanceLevel

LIKELY_AUTOMATED: Final = 30
"""A score below this is likely a bot's (reference section 1.1)."""

AUTOMATED: Final = 2
"""A score below this is surely a bot's."""

MAX_PUZZLES: Final = 256

FAILURES: Final = 3
"""In a row, after which only the interactive challenge is left, and a way to report."""


class Effort(NamedTuple):
    """How much work a ticket asks for."""

    puzzles: int
    minimum: int


def first_step(level: ClearanceLevel, score: int = 0, js_passed: bool | None = None, failed: float = 0.0) -> Step:
    """The step that a page begins with. `score` is 0 when there is none, `failed` how many challenges this visitor
    failed lately.

    An honest visitor rarely clicks: a managed challenge asks for that only where something speaks against them already.
    """
    if level is ClearanceLevel.INTERACTIVE:
        return Step.CONFIRM
    if level is not ClearanceLevel.MANAGED:
        return Step.WORK
    if failed >= FAILURES:
        return Step.CONFIRM
    if js_passed is False or 0 < score < AUTOMATED:
        return Step.PRESS
    return Step.REPORT


def effort(settings: Settings, step: Step, score: int = 0, solved: int = 0) -> Effort:
    """How much work: little for who is likely a person and will show a browser, more for each challenge that the same
    network solved lately. `settings.time_budget` bounds what it costs a visitor, whatever comes out here.
    """
    factor = 1.0
    if step is Step.REPORT and (score == 0 or score >= LIKELY_AUTOMATED):
        factor = 0.25
    elif 0 < score < LIKELY_AUTOMATED:
        factor = 2.0
    if solved >= settings.free_solves:
        factor *= min(2.0 ** ((solved - settings.free_solves) // settings.free_solves + 1), 16.0)
    puzzles = min(max(int(settings.puzzles * factor), 1), MAX_PUZZLES)
    return Effort(puzzles, min(max(int(settings.minimum * factor), 1), puzzles))


def after_failure(step: Step) -> Step:
    """What is asked for next of a visitor who did not convince."""
    return Step.PRESS if step in (Step.WORK, Step.REPORT) else Step.CONFIRM
