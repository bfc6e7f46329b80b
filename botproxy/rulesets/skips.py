"""What a `skip`, or an `allow`, passes over: positions in the order of all rules, and phases without positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from botproxy.rulesets.compiling import Compiled, Problem
from botproxy.rulesets.phases import Phase, reached_by_phase, reached_by_product


class Span(NamedTuple):
    """Where the rules of one ruleset stand in the order of all."""

    number: int
    start: int
    end: int  # behind the last
    refs: tuple[str, ...]  # of its rules; empty for the zone's own, which nobody names


class Skip(NamedTuple):
    """What is passed over."""

    removed: int  # positions, one bit for each
    phases: frozenset[Phase]
    last: bool  # nothing with a position is left behind it


def skip_of(
    compiled: Compiled,
    at: int,
    span: Span,
    spans: Mapping[str, Span],
    whole: int,
    account: bool,
    problems: list[Problem],
) -> Skip | None:
    """What the rule at position `at` of `whole` custom rules passes over; None when it is neither `skip` nor `allow`.

    `spans` are the account rulesets by id. What cannot be passed over goes to `problems`.
    """
    settings = compiled.settings
    if settings.action == "allow":
        return Skip(_bits(at + 1, whole), frozenset(), False)
    if settings.action != "skip":
        return None
    given = settings.action_parameters
    removed = 0
    phases: frozenset[Phase] = frozenset()
    if given.ruleset is not None or not given.skips:
        removed |= _bits(at + 1, span.end)
    if given.phase is not None:
        if account:
            problems.append(
                Problem(
                    (*compiled.place, "action_parameters", "phase"),
                    "`phase: current` is for the rules of a zone; here it is `ruleset: current`, or `rulesets`",
                )
            )
        removed |= _bits(at + 1, whole)
    for word in given.phases:
        phases |= reached_by_phase(word)
    for product in given.products:
        phases |= reached_by_product(product)
    for ruleset, refs in [*((each, None) for each in given.rulesets), *given.rules.items()]:
        key = "rulesets" if refs is None else "rules"
        other = spans.get(ruleset)
        place = (*compiled.place, "action_parameters", key)
        if other is None:
            known = ", ".join(spans) or "none"
            problems.append(Problem(place, f'no account ruleset "{ruleset}" holds for this zone; there is {known}'))
        elif other.start <= at:
            problems.append(Problem(place, f'the account ruleset "{ruleset}" does not come later than this rule'))
        elif refs is None:
            removed |= _bits(other.start, other.end)
        else:
            for ref in refs:
                if ref in other.refs:
                    removed |= 1 << other.start + other.refs.index(ref)
                else:
                    problems.append(Problem(place, f'the account ruleset "{ruleset}" has no rule "{ref}"'))
    return Skip(removed, phases, False)


def _bits(start: int, end: int) -> int:
    return (1 << end) - (1 << start) if end > start else 0
