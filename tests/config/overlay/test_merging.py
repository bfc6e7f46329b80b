"""The overlay on top of a configuration: what comes of it, and where its faults are told."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from botproxy.config import Config, ConfigError, Source, examine, load
from botproxy.config.document import Mark, Place
from botproxy.config.overlay.effective import view
from botproxy.config.overlay.nodes import made
from botproxy.config.overlay.ordering import Ordered
from botproxy.config.overlay.versions import Version, written
from botproxy.config.rules import zone_ruleset
from botproxy.model import Action
from botproxy.rulesets import ZoneRuleset, compile_account, deployed
from botproxy.telemetry import recalled

PLACE = Place(Mark(0, 0), Mark(0, 0))

SITE = """\
secret_file: auto
lists:
  - {name: office, kind: ip, items: [192.0.2.1, 192.0.2.2]}
zones:
  - name: shop
    hosts: [shop.example]
    origins: [http://127.0.0.1:3000]
    rules:
      - {ref: one, expression: '(http.host eq "shop.example" and cf.bot_management.score lt 30)', action: block}
      - {ref: two, expression: (ip.src in $office), action: skip}
"""


def overlaid(tmp_path: Path, overlay: str, text: str = SITE) -> Source:
    (tmp_path / "botproxy.yaml").write_text(text)
    versions = tmp_path / "data" / "overlay"
    versions.mkdir(parents=True, exist_ok=True)
    (versions / "000003.yaml").write_text(overlay)
    return Source.from_file(tmp_path / "botproxy.yaml")


def told(source: Source) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        examine(source)
    return [str(each).replace(str(Path(source.file).parent) + "/", "") for each in caught.value.problems]


def refs(config: Config) -> list[str]:
    return [rule.ref for rule in config.zones[0].rules]


def test_settings_of_the_whole_and_of_a_zone(tmp_path: Path) -> None:
    overlay = """\
mode: enforce
scoring: {machine_learning: {enabled: false}}
zones: {shop: {mode: observe, bot_management: {fight_mode: true}, security_level: under_attack}}
"""
    config = load(overlaid(tmp_path, overlay))
    zone = config.zones[0]
    assert (config.mode, config.scoring.machine_learning.enabled) == ("enforce", False)
    assert (zone.mode, zone.bot_management.fight_mode, zone.security_level) == ("observe", True, "under_attack")
    assert config.data == tmp_path / "data"


def test_rules_are_added_changed_left_out_and_ordered(tmp_path: Path) -> None:
    overlay = """\
zones:
  shop:
    rules:
      change: {one: {action: log, shadow: true}}
      remove: [two]
      add:
        - {rule: {ref: last, expression: 'http.host eq "a.example"', action: block}}
        - {rule: {ref: first, expression: 'http.host eq "b.example"', action: block}, first: true}
        - {rule: {ref: middle, expression: 'http.host eq "c.example"', action: block}, after: one}
"""
    config = load(overlaid(tmp_path, overlay))
    assert refs(config) == ["first", "one", "middle", "last"]
    assert (config.zones[0].rules[1].action, config.zones[0].rules[1].shadow) == ("log", True)


def test_rules_that_the_order_does_not_name_keep_their_places(tmp_path: Path) -> None:
    more = SITE + "".join(
        f"      - {{ref: {ref}, expression: 'http.host eq \"{ref}.example\"', action: block}}\n" for ref in ("x", "y")
    )
    config = load(overlaid(tmp_path, "zones: {shop: {rules: {order: [y, one]}}}\n", more))
    assert refs(config) == ["y", "two", "x", "one"]


def test_an_order_that_names_a_rule_that_is_gone_is_only_warned_of(tmp_path: Path) -> None:
    source = overlaid(tmp_path, "zones: {shop: {rules: {order: [two, gone, one]}}}\n")
    examined = examine(source)
    assert refs(examined.config) == ["two", "one"]
    assert [(Path(each.file).name, each.line) for each in examined.warnings if "gone" in each.what] == [
        ("000003.yaml", 1)
    ]


def test_items_of_a_list_come_and_go_and_a_list_is_added(tmp_path: Path) -> None:
    overlay = """\
lists:
  office: {add: [198.51.100.0/24], remove: [192.0.2.1]}
  apps: {kind: string, items: [one]}
"""
    lists = {each.name: each.items for each in load(overlaid(tmp_path, overlay)).lists}
    assert lists == {"office": ("192.0.2.2", "198.51.100.0/24"), "apps": ("one",)}


def test_an_exception_stands_first_and_ends_by_itself(tmp_path: Path) -> None:
    overlay = "zones: {shop: {exceptions: [{ref: exception.a, expression: ip.src eq 192.0.2.9, until: 1800000000}]}}\n"
    config = load(overlaid(tmp_path, overlay))
    rule = config.zones[0].rules[0]
    assert (rule.ref, rule.action) == ("exception.a", "skip")
    assert rule.expression == "(ip.src eq 192.0.2.9) and http.request.timestamp.sec lt 1800000000"


@pytest.mark.parametrize(
    ("expression", "whole"),
    [
        ("ssl) or (ssl", False),
        ('http.host eq "\\")" or ssl) or (ssl', False),
        ('http.host eq "a) or (b"', True),
        ('http.host eq r#"")"# or (ssl)', True),
    ],
)
def test_nothing_of_an_exception_outlives_its_time(tmp_path: Path, expression: str, whole: bool) -> None:
    exception = {"ref": "exception.a", "expression": expression, "until": 1800000000}
    source = overlaid(tmp_path, json.dumps({"zones": {"shop": {"exceptions": [exception]}}}))
    if whole:
        assert load(source).zones[0].rules[0].expression.endswith(") and http.request.timestamp.sec lt 1800000000")
    else:
        (problem,) = told(source)
        assert problem.startswith("data/overlay/000003.yaml:1:")
        assert "this closes a bracket that it does not open" in problem


def test_problems_name_the_overlay_with_line_and_column(tmp_path: Path) -> None:
    overlay = """\
about: {version: 3, at: 1.0}
mode: enforced
zones:
  shop:
    bot_management:
      sbfm_likely_automated: blok
    rules:
      add:
        - rule:
            ref: wrong
            expression: (ip.src eq )
            action: block
"""
    assert [line.split("\n")[0] for line in told(overlaid(tmp_path, overlay))] == [
        "data/overlay/000003.yaml:2:7: `enforced` cannot be `mode` — `observe` or `enforce`",
        "data/overlay/000003.yaml:6:30: `blok` cannot be `sbfm_likely_automated` — did you mean `block`? It is `allow` "
        "or `block` or `managed_challenge`",
        "data/overlay/000003.yaml:11:36: the expression is wrong: expected IP address character",
    ]


def test_problems_of_the_file_are_still_told_there(tmp_path: Path) -> None:
    source = overlaid(tmp_path, "mode: enforced\n", SITE + "workers: many\n")
    assert [line.split(": ")[0] for line in told(source)] == ["botproxy.yaml:11:10", "data/overlay/000003.yaml:1:7"]


@pytest.mark.parametrize(
    ("overlay", "what"),
    [
        ("zones: {blog: {mode: observe}}", "changes of the zone `blog`, which the configuration does not have"),
        ("zones: {shop: {rules: {remove: [gone]}}}", "the rule `gone` is left out, which the zone does not have"),
        ("zones: {shop: {rules: {change: {gone: {action: log}}}}}", "the rule `gone` is changed"),
        ("zones: {shop: {rules: {add: [{rule: {ref: a}, before: gone}]}}}", "a rule stands before `gone`"),
        ("zones: {shop: {rules: {add: [{rule: {ref: one}}]}}}", "a rule `one` is added, and the zone has one already"),
        ("lists: {gone: {add: [192.0.2.1]}}", "changes of the list `gone`"),
        ("lists: {office: {kind: ip, items: []}}", "a list `office` is added, and there is one already"),
    ],
)
def test_a_change_that_no_longer_fits_is_named(tmp_path: Path, overlay: str, what: str) -> None:
    said = told(overlaid(tmp_path, overlay))
    assert len(said) == 1
    assert said[0].startswith("data/overlay/000003.yaml:1:")
    assert what in said[0]
    assert "rollback" in said[0]


@pytest.mark.parametrize(
    "overlay",
    [
        "scoring: {heuristics: {files: [/etc/passwd]}}",
        "scoring: {machine_learning: {model: /etc/passwd}}",
        "scoring: {nothing: 1}",
        "zones: {shop: {bot_management: {nothing: true}}}",
    ],
)
def test_what_names_a_file_or_is_no_setting_is_refused(tmp_path: Path, overlay: str) -> None:
    said = told(overlaid(tmp_path, overlay))
    assert len(said) == 1
    assert "cannot be set here" in said[0]


@pytest.mark.parametrize("overlay", ["data: elsewhere", "zones: [shop]", "zones: {shop: {origins: []}}", "a: : b"])
def test_an_overlay_of_another_shape_is_refused(tmp_path: Path, overlay: str) -> None:
    assert all(line.startswith("data/overlay/000003.yaml:1:") for line in told(overlaid(tmp_path, overlay)))


def test_items_in_a_file_are_left_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "office.txt").write_text("192.0.2.1\n")
    source = overlaid(
        tmp_path,
        "lists: {office: {add: [192.0.2.9]}}",
        SITE.replace("items: [192.0.2.1, 192.0.2.2]", "file: office.txt"),
    )
    assert "are in a file" in told(source)[0]


def test_the_command_lines_site_has_an_overlay_too(tmp_path: Path) -> None:
    versions = tmp_path / "overlay"
    versions.mkdir()
    (versions / "000001.yaml").write_text("zones: {default: {security_level: under_attack}}\n")
    source = Source.from_origin("http://127.0.0.1:1", data=str(tmp_path))
    assert load(source).zones[0].security_level == "under_attack"
    (versions / "000002.yaml").write_text("zones:\n  default: {security_level: high}\n")
    with pytest.raises(ConfigError) as caught:
        load(source)
    assert str(caught.value.problems[0]).startswith(f"{versions}/000002.yaml:2:29: ")


def test_a_source_that_carries_its_overlay_reads_no_directory(tmp_path: Path) -> None:
    source = overlaid(tmp_path, "mode: enforced\n")
    assert load(source._replace(overlay="")).mode == "observe"
    carried = source._replace(overlay="mode: enforce\n", overlay_file="new.yaml")
    assert load(Source.from_json(carried.to_json())).mode == "enforce"


KINDS = """\
secret_file: auto
rulesets:
  - {id: everywhere, rules: [{ref: all, expression: cf.bot_management.score lt 30, action: block}]}
  - {id: off, enabled: false, rules: [{ref: never, expression: cf.bot_management.score lt 2, action: block}]}
  - {id: blog, zones: [blog], rules: [{ref: theirs, expression: cf.bot_management.score lt 3, action: block}]}
zones:
  - name: shop
    hosts: [shop.example]
    origins: [http://127.0.0.1:3000]
    rate_limits:
      - {ref: search, expression: http.request.uri.path eq "/search", action: block, ratelimit:
          {characteristics: [ip.src], period: 60, requests_per_period: 10}}
      - {ref: login, expression: http.request.uri.path eq "/login", action: block, ratelimit:
          {characteristics: [ip.src], period: 60, requests_per_period: 5}}
    access_rules:
      - {mode: block, configuration: {target: ip, value: 192.0.2.7}}
      - {ref: office, mode: allow, configuration: {target: ip, value: 192.0.2.8}}
    user_agent_rules:
      - {ref: old, mode: block, configuration: {target: ua, value: Old/1}}
  - {name: blog, hosts: [blog.example], origins: [http://127.0.0.1:3001]}
"""


def test_rate_limits_and_access_rules_are_changed_like_rules(tmp_path: Path) -> None:
    overlay = """\
zones:
  shop:
    rate_limits:
      change: {search: {ratelimit: {characteristics: [ip.src], period: 60, requests_per_period: 99}}}
      order: [login, search]
    access_rules:
      remove: [192.0.2.7]
      add: [{rule: {mode: challenge, configuration: {target: country, value: NL}}, before: office}]
    user_agent_rules: {change: {old: {enabled: false}}}
"""
    source = overlaid(tmp_path, overlay, KINDS)
    zone = load(source).zones[0]
    assert [rule.ref for rule in zone.rate_limits] == ["login", "search"]
    assert zone.rate_limits[1].ratelimit.requests_per_period == 99
    assert [rule.configuration.value for rule in zone.access_rules] == ["NL", "192.0.2.8"]
    assert not zone.user_agent_rules[0].enabled
    shown = view(source)["zones"][0]
    assert [(row["ref"], row["from"]) for row in shown["rate_limits"]] == [("login", "file"), ("search", "changed")]
    assert [(row["ref"], row["from"]) for row in shown["access_rules"]] == [("NL", "added"), ("office", "file")]
    assert [row["ref"] for row in shown["access_rules_left_out"]] == ["192.0.2.7"]


def test_a_change_of_another_kind_that_does_not_fit_is_refused_by_its_name(tmp_path: Path) -> None:
    overlay = """\
zones:
  shop:
    rate_limits: {change: {gone: {action: log}}}
    access_rules: {add: [{rule: {mode: block, configuration: {target: ip, value: 192.0.2.7}}}]}
"""
    first, second = told(overlaid(tmp_path, overlay, KINDS))
    assert "the rate limit `gone` is changed, which the zone does not have" in first
    assert "a rule of IP access `192.0.2.7` is added, and the zone has one already" in second
    wrong = "zones: {shop: {rate_limits: {change: {search: {action: blok}}}}}\n"
    (problem,) = told(overlaid(tmp_path, wrong, KINDS))
    assert "000003.yaml:1" in problem
    assert "did you mean `block`" in problem


def test_an_exception_passes_over_rulesets_of_the_account(tmp_path: Path) -> None:
    overlay = "zones: {shop: {exceptions: [{ref: exception.a, expression: ip.src eq 192.0.2.9, until: 1800000000}]}}\n"
    config = examine(overlaid(tmp_path, overlay, KINDS)).config
    ahead = config.rulesets[0]
    assert (ahead.id, ahead.zones) == ("exceptions.1", ("shop",))
    (rule,) = ahead.rules
    assert (rule.ref, rule.action) == ("exception.a.account", "skip")
    assert rule.action_parameters.rulesets == ("everywhere",)
    assert rule.expression == config.zones[0].rules[0].expression

    ruleset = zone_ruleset(config.zones[0], deployed(compile_account(config.rulesets), "shop"))
    assert acting(ruleset, "192.0.2.9") == []
    assert acting(ruleset, "192.0.2.10") == ["all"]


def acting(ruleset: ZoneRuleset, address: str) -> list[str]:
    """The rules that do something about a request with a low score from this address."""
    event = {"ClientIP": address, "EdgeStartTimestamp": 1767225600000000000, "BotScore": 1}
    facts = recalled.facts({**event, "BotScoreSrc": "Heuristics"})
    verdict = ruleset.evaluate(facts)
    return [match.rule_id for match in verdict.matches if match.action not in (Action.SKIP, Action.LOG)]


def test_the_order_of_many_rules_takes_no_longer_than_reading_them() -> None:
    nodes = [made({"ref": f"r{at}"}, PLACE) for at in range(20_000)]
    rules = Ordered(nodes, lambda node: node.mapping["ref"].text)
    names = [f"r{at}" for at in reversed(range(20_000))]
    began = time.process_time()
    rules.order(names)
    assert time.process_time() - began < 2  # comparing each with each takes minutes
    assert [node.mapping["ref"].text for node in rules] == names


@pytest.mark.parametrize("text", ["", "\n \n", "cut"])
def test_a_version_that_is_empty_or_cut_off_is_no_version_without_changes(tmp_path: Path, text: str) -> None:
    if text == "cut":
        text = written({"mode": "enforce", "zones": {"shop": {"mode": "observe"}}}, Version(3, 1.0, "ada"))
        text = text[: text.index("zones:")]
    (problem,) = told(overlaid(tmp_path, text))
    assert "data/overlay/000003.yaml: this version is" in problem
    assert "botproxy config rollback NUMBER" in problem
