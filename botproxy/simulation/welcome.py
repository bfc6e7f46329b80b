"""Programs that are welcome though nobody verified them: what the preset `default` exempts."""

from __future__ import annotations

from functools import cache
from typing import Final

from botproxy.model import Facts
from botproxy.rules import Expression, compile_expression
from botproxy.rulesets.presets import shipped
from botproxy.simulation.knowing import ALWAYS, Gap, known
from botproxy.simulation.recorded import Recorded

EXEMPTING: Final = "programs."
"""How the refs of those rules begin."""


def welcome(recorded: Recorded, facts: Facts) -> bool:
    """Whether the preset `default` exempts this request, as it was recorded or as far as the record tells.

    An exemption by a header that is not recorded is known where the preset was in use.
    """
    for ref, word in zip(recorded.rule_ids, recorded.actions, strict=False):
        if word == "skip" and ref.startswith(EXEMPTING):
            return True
    return any(expression.matches(facts) for expression in _exempting())


@cache
def _exempting() -> tuple[Expression, ...]:
    rules = [rule for rule in shipped().rules if rule.enabled and rule.action == "skip"]
    return tuple(known(compile_expression(rule.expression), ALWAYS | Gap.BODY | Gap.QUERY).surely for rule in rules)
