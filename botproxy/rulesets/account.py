"""Account rulesets: rules that stand before those of many zones, compiled once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from botproxy.rules import Expression, Lists, RuleError, compile_expression
from botproxy.rulesets.compiling import Compiled, Problem, RulesetError, compile_rules
from botproxy.rulesets.settings import RulesetSettings


class AccountRuleset(NamedTuple):
    """One account ruleset that is enabled, compiled."""

    id: str
    zones: frozenset[str] | None  # None for all of them
    scope: Expression | None  # None for every request
    rules: tuple[Compiled, ...]


def compile_account(settings: Sequence[RulesetSettings], lists: Lists | None = None) -> list[AccountRuleset]:
    """Compile all account rulesets; raises RulesetError with all problems at once when there is any."""
    problems: list[Problem] = []
    compiled: list[AccountRuleset] = []
    ids: dict[str, int] = {}
    taken: dict[str, str] = {}
    for at, ruleset in enumerate(settings):
        if ids.setdefault(ruleset.id, at) != at:
            problems.append(
                Problem(("rulesets", at, "id"), f'the id "{ruleset.id}" is taken by rulesets[{ids[ruleset.id]}]')
            )
        scope: Expression | None = None
        if ruleset.expression is not None:
            try:
                scope = compile_expression(ruleset.expression, lists=lists)
            except RuleError as error:
                problems.append(Problem(("rulesets", at, "expression"), str(error), error))
        whose = f"the account ruleset {ruleset.id}, rule"
        rules = compile_rules(ruleset.rules, ("rulesets", at, "rules"), lists, problems, taken, whose)
        if ruleset.enabled:
            zones = frozenset(ruleset.zones) if ruleset.zones is not None else None
            compiled.append(AccountRuleset(ruleset.id, zones, scope, tuple(rules)))
    if problems:
        raise RulesetError(problems)
    return compiled


def deployed(rulesets: Sequence[AccountRuleset], zone: str) -> list[AccountRuleset]:
    """Those of the account rulesets that hold for this zone."""
    return [ruleset for ruleset in rulesets if ruleset.zones is None or zone in ruleset.zones]
