"""Which rule stands where in the one order of all rules of a zone, and what each `skip` removes from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from botproxy.model import Action
from botproxy.rules import Expression, compile_expression
from botproxy.rulesets.account import AccountRuleset
from botproxy.rulesets.bot_management import BuiltIn
from botproxy.rulesets.compiling import Compiled, Problem
from botproxy.rulesets.phases import Phase
from botproxy.rulesets.ruling import Ruling, ruling
from botproxy.rulesets.skips import Skip, Span, skip_of

OPEN: Final = -1
"""The gate of rules that stand behind none."""


class Placed(NamedTuple):
    """A rule of the ordered set."""

    wish: Ruling
    phase: Phase
    gate: int  # number of the account ruleset whose own expression has to be true, or OPEN
    opens: bool  # it is that expression, and no rule
    skip: Skip | None
    skippable: bool
    recorded: bool
    needs_bots: bool


def place(
    account: Sequence[AccountRuleset], own: Sequence[Compiled], built_in: Iterable[BuiltIn], problems: list[Problem]
) -> tuple[list[Placed], list[Expression]]:
    """Account rulesets, the zone's own rules and what its settings stand for, in order, with their expressions.

    What a `skip` cannot pass over goes to `problems`.
    """
    spans: dict[str, Span] = {}
    at = 0
    rulesets: list[tuple[AccountRuleset | None, Span, Sequence[Compiled]]] = []
    for number, ruleset in enumerate(account):
        at += ruleset.scope is not None
        span = Span(number, at, at + len(ruleset.rules), tuple(each.settings.ref for each in ruleset.rules))
        spans[ruleset.id] = span
        rulesets.append((ruleset, span, ruleset.rules))
        at = span.end
    rulesets.append((None, Span(len(account), at, at + len(own), ()), own))
    whole = at + len(own)
    rules: list[Placed] = []
    expressions: list[Expression] = []
    for holder, span, several in rulesets:
        scope = holder.scope if holder is not None else None
        gate = span.number if scope is not None else OPEN
        phase = Phase.CUSTOM if holder is None else Phase.ACCOUNT
        if holder is not None and scope is not None:
            wish = ruling(holder.id, "", Action.LOG, "firewallCustom")
            rules.append(Placed(wish, phase, gate, True, None, True, False, scope.uses_bot_management))
            expressions.append(scope)
        for each in several:
            skip = skip_of(each, len(rules), span, spans, whole, holder is not None, problems)
            rules.append(_placed(each, phase, gate, skip))
            expressions.append(each.expression)
    for setting in built_in:
        expression = compile_expression(setting.expression)
        wish = ruling(setting.rule_id, setting.description, setting.action, "botFight")
        bots = expression.uses_bot_management
        rules.append(Placed(wish, setting.phase, OPEN, False, None, setting.skippable, True, bots))
        expressions.append(expression)
    later: dict[Phase, int] = {}
    for at, rule in enumerate(rules):
        if rule.skippable:
            later[rule.phase] = later.get(rule.phase, 0) | 1 << at
    return [_reaching(rule, at, len(rules), later) for at, rule in enumerate(rules)], expressions


def _placed(compiled: Compiled, phase: Phase, gate: int, skip: Skip | None) -> Placed:
    settings = compiled.settings
    wish = ruling(
        settings.ref,
        settings.description,
        Action(settings.action),
        "firewallCustom",
        block=compiled.block,
        shadow=settings.shadow,
    )
    return Placed(
        wish, phase, gate, False, skip, True, settings.logging.enabled, compiled.expression.uses_bot_management
    )


def _reaching(rule: Placed, at: int, number: int, later: Mapping[Phase, int]) -> Placed:
    """The rule at position `at` of `number`, its `skip` having removed the phases whose positions are in `later`."""
    skip = rule.skip
    if skip is None:
        return rule
    removed = skip.removed
    for phase in skip.phases:
        removed |= later.get(phase, 0)
    left = number - at - 1
    return rule._replace(skip=skip._replace(removed=removed, last=removed >> (at + 1) == (1 << left) - 1))
