"""The rules of a configuration, ready to be tried on recorded requests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from botproxy.config import Config, LoadedLists
    from botproxy.config.tree import ZoneSettings
    from botproxy.simulation import ZoneJudge


class Rules(NamedTuple):
    """A configuration that was checked, with its lists."""

    config: Config
    lists: LoadedLists

    @property
    def clearance_seconds(self) -> float:
        """The longest for which a solved challenge counts in any zone."""
        return float(max((zone.cookies.challenge_ttl for zone in self.config.zones), default=1800))


def read_rules(file: str) -> Rules:
    """Raises `OperatorError` with everything that is wrong with it."""
    from botproxy.config import Source, examine

    examined = examine(Source.from_file(file))
    return Rules(examined.config, examined.lists)


def with_rule(rules: Rules, expression: str, action: str, zone: str | None) -> Rules:
    """The same with one more rule at the end of the own rules of this zone, or of all."""
    from botproxy.rulesets import RuleSettings

    config = rules.config
    zones = []
    for each in config.zones:
        if zone in (None, each.name):
            new = RuleSettings.model_validate({"ref": "simulated", "expression": expression, "action": action})
            zones.append(each.model_copy(update={"rules": (*each.rules, new)}))
        else:
            zones.append(each)
    return rules._replace(config=config.model_copy(update={"zones": tuple(zones)}))


def judges(rules: Rules, zone: str | None, unchanged: Mapping[str, frozenset[str]]) -> dict[str, ZoneJudge]:
    """What judges each zone; `unchanged` by zone. Raises `OperatorError`."""
    from botproxy.config.rules import rate_limiter, zone_ruleset
    from botproxy.rulesets import compile_account, deployed
    from botproxy.simulation import ZoneJudge
    from botproxy.traffic import RateCounts

    lists = rules.lists.lists
    account = compile_account(rules.config.rulesets, lists)
    found: dict[str, ZoneJudge] = {}
    for each in rules.config.zones:
        if zone not in (None, each.name):
            continue
        ruleset = zone_ruleset(each, deployed(account, each.name), lists)
        counts = RateCounts(os.urandom(32), os.urandom, rules.config.rate_limiting.keys)
        found[each.name] = ZoneJudge(ruleset, rate_limiter(each, lists), counts, unchanged.get(each.name, frozenset()))
    return found


def _worded(rules: Rules, zone: ZoneSettings) -> dict[str, Any]:
    """Every rule of a zone by its ref, as it is written."""
    from botproxy.rulesets import built_in, expand
    from botproxy.rulesets.presets import limits

    worded: dict[str, Any] = {}
    for ruleset in rules.config.rulesets:
        if ruleset.enabled and (ruleset.zones is None or zone.name in ruleset.zones):
            worded.update((rule.ref, (ruleset.expression, rule)) for rule in ruleset.rules)
    worded.update((rule.ref, rule) for rule in (*zone.rules, *expand(zone.presets)))
    worded.update((rule.ref, rule) for rule in (*zone.rate_limits, *limits(zone.presets)))
    worded.update((rule.rule_id, rule) for rule in built_in(zone.bot_management))
    return worded


def same_rules(old: Rules, new: Rules) -> dict[str, frozenset[str]]:
    """The refs of rules that are in both configurations, word for word, by zone."""
    before = {zone.name: _worded(old, zone) for zone in old.config.zones}
    found: dict[str, frozenset[str]] = {}
    for zone in new.config.zones:
        known = before.get(zone.name, {})
        found[zone.name] = frozenset(ref for ref, rule in _worded(new, zone).items() if known.get(ref) == rule)
    return found


def shipped_rules(rules: Rules) -> dict[str, frozenset[str]]:
    """The refs of rules that are, word for word, those of the preset `default`, by zone."""
    from botproxy.rulesets.presets import shipped

    preset = shipped()
    known: dict[str, Any] = {rule.ref: rule for rule in preset.rules}
    known.update((rule.ref, rule) for rule in preset.rate_limits)
    return {
        zone.name: frozenset(ref for ref, rule in _worded(rules, zone).items() if known.get(ref) == rule)
        for zone in rules.config.zones
    }
