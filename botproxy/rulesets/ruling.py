"""What a rule that matched asks for, in the form that every phase shares."""

from __future__ import annotations

from typing import Final, NamedTuple

from botproxy.model import Action, BlockResponse, ClearanceLevel, Facts, RuleMatch

LEVELS: Final = {
    Action.JS_CHALLENGE: ClearanceLevel.JS,
    Action.MANAGED_CHALLENGE: ClearanceLevel.MANAGED,
    Action.CHALLENGE: ClearanceLevel.INTERACTIVE,
}


class Ruling(NamedTuple):
    """A rule's wish, made once at load."""

    action: Action
    level: ClearanceLevel  # that a challenge demands; NONE otherwise
    match: RuleMatch
    passed: RuleMatch  # recorded instead when the visitor holds a sufficient clearance
    block: BlockResponse | None
    shadow: bool
    again: bool = False  # a challenge that no clearance passes, because the visitor's was used up
    retry_after: int = 0  # seconds after which a blocked request would pass; 0 when that is not known


def ruling(
    rule_id: str,
    description: str,
    action: Action,
    source: str,
    *,
    block: BlockResponse | None = None,
    shadow: bool = False,
) -> Ruling:
    """The ruling of a rule; `source` is a Logpush `SecuritySources` word."""
    match = RuleMatch(rule_id, description, action, source)
    return Ruling(action, LEVELS.get(action, ClearanceLevel.NONE), match, match._replace(bypassed=True), block, shadow)


def holds(facts: Facts, level: ClearanceLevel) -> bool:
    """Whether the visitor's clearance is worth this level."""
    # How long it counts was asked when it was opened, grace included: `expires` alone would take that away.
    clearance = facts.clearance
    return clearance is not None and clearance.level >= level
