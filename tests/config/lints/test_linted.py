"""Which rules are looked at: every one that is enabled, wherever it stands."""

from __future__ import annotations

import json
from typing import Any

from botproxy.config import Source, examine
from botproxy.config.lints import LINTS


def warnings(zone: dict[str, Any], **whole: Any) -> list[str]:
    """Names of the lints that warn, each with the path of what it warns of."""
    zones = [{"name": "shop", "hosts": ["shop.example"], "origins": ["http://127.0.0.1:1"]} | zone]
    text = json.dumps({"secret_file": "auto", "zones": zones} | whole)
    found = examine(Source(file="botproxy.yaml", text=text)).warnings
    told = [(each.right.rpartition("(")[2].rstrip(")"), each.path) for each in found]
    return [f"{name} {path}" for name, path in told if name in LINTS]


def test_presets_are_as_they_should_be() -> None:
    presets = [
        "api-traffic", "definite-bots", "likely-bots", "browser-endpoints",
        {"preset": "mobile-app", "user_agent": "Shop/2", "ja3": "df669e7ea913f1ac0c0cce9a201a2ec1"},
        {"preset": "javascript-verified-urls", "paths": ["/login"]},
    ]  # fmt: skip
    assert warnings({"presets": presets}) == []


def test_rules_of_account_rulesets_and_what_these_are_for_are_looked_at() -> None:
    rule = {"ref": "a", "expression": "cf.waf.score lt 20", "action": "block"}
    rulesets = [{"id": "r", "expression": "cf.threat_score gt 1", "rules": [rule]}]
    assert warnings({}, rulesets=rulesets) == [
        "threat-score rulesets[0].expression",
        "field-always-missing rulesets[0].rules[0].expression",
    ]


def test_a_rule_that_an_account_ruleset_leaves_nothing_to_do_is_told() -> None:
    block = {"ref": "all", "expression": "cf.waf.score lt 20 or ssl", "action": "block"}
    skip = {"ref": "some", "expression": 'http.host eq "a"', "action": "skip"}
    zone = {"rules": [{"ref": "mine", "expression": 'ssl and http.host eq "a"', "action": "block"}]}
    never, waf = "rule-never-runs zones[0].rules[0].expression", "field-always-missing rulesets[0].rules[0].expression"
    assert set(warnings(zone, rulesets=[{"id": "r", "rules": [block]}])) == {waf, never}
    assert warnings(zone, rulesets=[{"id": "r", "rules": [block], "zones": []}]) == [waf]
    assert warnings(zone, rulesets=[{"id": "r", "rules": [block], "expression": "ssl"}]) == [waf]
    others = warnings(zone, rulesets=[{"id": "r", "rules": [skip, block]}])
    assert never not in others


def test_rate_limits_are_looked_at() -> None:
    limit = {
        "ref": "a",
        "expression": "cf.threat_score gt 1",
        "action": "block",
        "ratelimit": {"characteristics": ["ip.src"], "period": 10, "requests_per_period": 5, "mitigation_timeout": 10},
    }
    assert warnings({"rate_limits": [limit]}) == ["threat-score zones[0].rate_limits[0].expression"]


def test_what_is_switched_off_is_not_and_a_skip_of_products_ends_nothing() -> None:
    low = {"expression": "cf.bot_management.score lt 30", "action": "block"}
    skip = {"expression": "ssl", "action": "skip", "action_parameters": {"products": ["rateLimit"]}}
    rules: list[dict[str, Any]] = [
        {"ref": "off", "enabled": False, **low},
        {"ref": "s", **skip},
        {"ref": "log", "expression": "ssl", "action": "log"},
    ]
    assert warnings({"rules": rules}) == []
    rules[1]["action_parameters"] = {"ruleset": "current"}
    assert warnings({"rules": rules}) == ["rule-never-runs zones[0].rules[2].expression"]
