"""What the lints look at: every rule of the configuration, compiled, in the order in which it judges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from botproxy.config.document import Path
from botproxy.config.tree import Config, ZoneSettings
from botproxy.rules import Expression, Lists, RuleError, compile_expression
from botproxy.rulesets.presets import expand
from botproxy.rulesets.settings import RulesetSettings, RuleSettings
from botproxy.schema import Section

STOPPING: Final = frozenset(("block", "js_challenge", "managed_challenge", "challenge"))
"""Actions that a visitor notices."""

_EXPRESSIONS: Final = ("expression", "counting_expression")


class Rule(NamedTuple):
    """One rule, or an expression that stands somewhere else: then `action` is empty."""

    path: Path  # of the expression in the configuration, or of the presets that the rule comes from
    ref: str
    action: str
    expression: Expression
    shadow: bool = False
    skips_rest: bool = False  # a skip, or an allow, behind which no rule of its ruleset comes any more
    elsewhere: bool = False  # it judges before these, and is looked at where it stands

    @property
    def spares(self) -> bool:
        """Whether it lets through what later rules would stop."""
        return self.action in ("skip", "allow")


class Advice(NamedTuple):
    """What a lint has to say of a rule: what is wrong in all likelihood, and what would be right."""

    rule: Rule
    what: str
    right: str


def rulesets(config: Config, lists: Lists) -> Iterator[list[Rule]]:
    """The rules that are enabled, ruleset by ruleset; those of no ruleset one by one.

    Before those of a zone stand the blocking rules of the account that hold for all its requests.
    """
    account: list[tuple[RulesetSettings, list[Rule]]] = []
    for at, ruleset in enumerate(config.rulesets):
        if ruleset.enabled:
            account.append((ruleset, list(_rules(ruleset.rules, ("rulesets", at, "rules"), lists))))
            yield account[-1][1]
    for at, zone in enumerate(config.zones):
        before = [
            rule._replace(elsewhere=True)
            for ruleset, rules in account
            if ruleset.expression is None and (ruleset.zones is None or zone.name in ruleset.zones)
            for rule in (rules if not any(rule.spares for rule in rules) else ())
            if rule.action == "block"
        ]
        own = list(_rules(zone.rules, ("zones", at, "rules"), lists))
        yield [*before, *own, *_presets(zone, ("zones", at, "presets"), lists)]
    for path, text in _others(config, ()):
        expression = _compiled(text, lists)
        if expression is not None:
            yield [Rule(path, "", "", expression)]


def _rules(several: Sequence[RuleSettings], path: Path, lists: Lists) -> Iterator[Rule]:
    for at, rule in enumerate(several):
        expression = _compiled(rule.expression, lists) if rule.enabled else None
        if expression is not None:
            yield _rule(rule, (*path, at, "expression"), expression)


def _presets(zone: ZoneSettings, path: Path, lists: Lists) -> Iterator[Rule]:
    for rule in expand(zone.presets):
        expression = _compiled(rule.expression, lists) if rule.enabled else None
        if expression is not None:
            yield _rule(rule, path, expression)


def _rule(rule: RuleSettings, path: Path, expression: Expression) -> Rule:
    given = rule.action_parameters
    rest = bool(given.ruleset or given.phase) or not given.skips
    skips_rest = rule.action == "allow" or (rule.action == "skip" and rest)
    return Rule(path, rule.ref, rule.action, expression, rule.shadow, skips_rest)


def _compiled(text: str, lists: Lists) -> Expression | None:
    try:
        return compile_expression(text, lists=lists)
    except RuleError:  # told by others
        return None


def _others(section: Section, path: Path) -> Iterator[tuple[Path, str]]:
    """Expressions outside of rules, wherever a section has one."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        here = (*path, name)
        if isinstance(value, Section):
            yield from _others(value, here)
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, Section) and not isinstance(item, RuleSettings):
                    yield from _others(item, (*here, at))
        elif name in _EXPRESSIONS and isinstance(value, str) and value.strip():
            yield here, value
