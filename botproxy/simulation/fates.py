"""What becomes of a request: what was recorded of it, and what it would be with other rules."""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import Final

from botproxy.model import ClearanceLevel, Disposition, Verdict
from botproxy.rulesets.presets import shipped
from botproxy.simulation.recorded import Recorded


class Fate(IntEnum):
    """From the mildest to the hardest."""

    FORWARD = 0
    JS_CHALLENGE = 1
    MANAGED_CHALLENGE = 2
    CHALLENGE = 3
    BLOCK = 4

    @property
    def word(self) -> str:
        """As rules call it."""
        return self.name.lower()


LEVELS: Final = {
    Fate.JS_CHALLENGE: ClearanceLevel.JS,
    Fate.MANAGED_CHALLENGE: ClearanceLevel.MANAGED,
    Fate.CHALLENGE: ClearanceLevel.INTERACTIVE,
}
"""What a challenge demands."""

FATES: Final = {
    "block": Fate.BLOCK,
    "js_challenge": Fate.JS_CHALLENGE,
    "managed_challenge": Fate.MANAGED_CHALLENGE,
    "challenge": Fate.CHALLENGE,
    "log": Fate.FORWARD,
}
"""What a rule with this action makes of who holds no clearance."""

_DONE: Final = {
    "block": Fate.BLOCK,
    "jschallenge": Fate.JS_CHALLENGE,
    "managedChallenge": Fate.MANAGED_CHALLENGE,
    "challenge": Fate.CHALLENGE,
}
_BY_LEVEL: Final = {level: fate for fate, level in LEVELS.items()}

_LATER: Final = frozenset(("rateLimit", "botManagement", "botFight", "hook"))
_EARLIER_SKIPS: Final = frozenset(("skip", "allow"))
_PRESET: Final = "preset."


def recorded_fate(recorded: Recorded) -> Fate:
    """What the rules of that time said, whether or not it was done."""
    return _DONE.get(recorded.would or recorded.action, Fate.FORWARD)


def fate_of(verdict: Verdict) -> Fate:
    """What a verdict comes to."""
    if verdict.disposition is Disposition.FORWARD:
        return Fate.FORWARD
    if verdict.disposition is Disposition.BLOCK:
        return Fate.BLOCK
    return _BY_LEVEL.get(verdict.level, Fate.MANAGED_CHALLENGE)


def judged(recorded: Recorded) -> bool:
    """Whether rules saw this request: those for paths of our own, and those that were no HTTP, they never do."""
    return recorded.scoring_failed or recorded.score > 0


def reached(recorded: Recorded, fate: Fate) -> bool:
    """Whether a new rule at the end of the zone's own `rules`, before its presets, would have been asked.

    It is not where an earlier rule decided or passed over the rest: an access rule, one of the account or of the zone.
    """
    ids, actions = recorded.rule_ids, recorded.actions
    if not ids:
        return True
    sources = recorded.sources
    for at, ref in enumerate(ids):
        if at < len(sources) and sources[at] in _LATER:
            return True
        if ref.startswith(_PRESET) or ref in _preset_refs():
            return True
        word = actions[at] if at < len(actions) else ""
        if word in _EARLIER_SKIPS:
            return False
    return fate is Fate.FORWARD


@cache
def _preset_refs() -> frozenset[str]:
    return frozenset(rule.ref for rule in shipped().rules)
