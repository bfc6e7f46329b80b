"""Rules in order: actions, skips, shadows, passed challenges, failed scoring, and problems told together."""

from __future__ import annotations

from typing import Any

import pytest

from botproxy.model import (
    Action,
    BlockResponse,
    BotClaim,
    BotManagement,
    Clearance,
    ClearanceLevel,
    Disposition,
    Facts,
    Place,
    RuleMatch,
    Score,
    ScoreSource,
    Verdict,
    VerifiedBot,
)
from botproxy.rulesets import (
    AccessRuleSettings,
    BotManagementSettings,
    RulesetError,
    RulesetSettings,
    RuleSettings,
    Ruling,
    UserAgentRuleSettings,
    ZoneRuleset,
    compile_account,
    deployed,
    ruling,
)

from ..rules.conftest import FactsMaker

UA = ((b"User-Agent", b"Reader/1"),)


def rule(expression: str, action: str, ref: str = "", **more: Any) -> RuleSettings:
    return RuleSettings.model_validate(
        {"ref": ref or f"{action}.{expression.replace(' ', '-')}", "expression": expression, "action": action, **more}
    )


def zone(
    *rules: RuleSettings,
    access: tuple[dict[str, Any], ...] = (),
    agents: tuple[dict[str, Any], ...] = (),
    bots: dict[str, Any] | None = None,
    account: tuple[dict[str, Any], ...] = (),
    **more: Any,
) -> ZoneRuleset:
    return ZoneRuleset.compile(
        rules,
        account=deployed(compile_account([RulesetSettings.model_validate(each) for each in account]), "shop"),
        access=[AccessRuleSettings.model_validate(each) for each in access],
        user_agents=[UserAgentRuleSettings.model_validate(each) for each in agents],
        bot_management=None if bots is None else BotManagementSettings.model_validate(bots),
        **more,
    )


def refs(verdict: Verdict) -> list[str]:
    return [match.rule_id for match in verdict.matches]


def holding(facts: Facts, level: ClearanceLevel) -> Facts:
    return facts._replace(clearance=Clearance(level, 1e12, None, 0.0, "ray"))


def verified(facts: Facts, category: str = "Search Engine Crawler") -> Facts:
    score = Score(1, ScoreSource.VERIFIED_BOT)
    return facts._replace(bot_management=BotManagement(score, VerifiedBot("bot", category)))


class Rates:
    """Rate limiting rules that are always exceeded."""

    def __init__(self, *wishes: Ruling) -> None:
        self.wishes = wishes
        self.asked = 0
        self.bot_rules = 0

    def judge(self, facts: Facts) -> tuple[Ruling, ...]:
        self.asked += 1
        return self.wishes


TOO_OFTEN = ruling("too-often", "", Action.BLOCK, "rateLimit", block=BlockResponse(429, b"text/plain", b"slower"))


# Actions


def test_the_first_terminating_match_wins_and_log_goes_on(make_facts: FactsMaker) -> None:
    verdict = zone(rule("ssl", "log"), rule("not ssl", "block"), rule("ssl", "block"), rule("ssl", "challenge"))
    said = verdict.evaluate(make_facts())
    assert said.disposition is Disposition.BLOCK
    assert refs(said) == ["log.ssl", "block.ssl"]


@pytest.mark.parametrize("held", ClearanceLevel)
@pytest.mark.parametrize(
    ("action", "level"),
    [
        ("js_challenge", ClearanceLevel.JS),
        ("managed_challenge", ClearanceLevel.MANAGED),
        ("challenge", ClearanceLevel.INTERACTIVE),
    ],
)
def test_only_a_sufficient_clearance_passes_a_challenge(
    make_facts: FactsMaker, action: str, level: ClearanceLevel, held: ClearanceLevel
) -> None:
    verdict = zone(rule("ssl", action, "asks"), rule("ssl", "log")).evaluate(holding(make_facts(), held))
    if held >= level:
        assert verdict.disposition is Disposition.FORWARD
        assert refs(verdict) == ["asks", "log.ssl"]
    else:
        assert verdict.disposition is Disposition.CHALLENGE
        assert verdict.level is level
    assert verdict.matches[0].bypassed is (held >= level)


def test_a_block_may_have_an_answer_of_its_own(make_facts: FactsMaker) -> None:
    response = {"status_code": 451, "content_type": "application/json", "content": '{"why":"ü"}'}
    verdict = zone(rule("ssl", "block", action_parameters={"response": response})).evaluate(make_facts())
    assert verdict.block == BlockResponse(451, b"application/json; charset=utf-8", '{"why":"ü"}'.encode())
    assert zone(rule("ssl", "block")).evaluate(make_facts()).block is None


def test_the_default_rule_challenges_automated_traffic(make_facts: FactsMaker) -> None:
    rules = ZoneRuleset.compile([], presets=["default"])
    assert rules.evaluate(make_facts(score=1)).level is ClearanceLevel.JS
    assert rules.evaluate(make_facts(score=2)).disposition is Disposition.FORWARD
    assert rules.unindexed == ()


def test_a_zone_without_rules_gives_the_same_verdict_to_everybody(make_facts: FactsMaker) -> None:
    rules = zone()
    assert rules.evaluate(make_facts()) is rules.evaluate(make_facts(score=1))


# Skips


@pytest.mark.parametrize(
    ("parameters", "reached"),
    [
        ({}, ["rate", "sbfm"]),
        ({"ruleset": "current"}, ["rate", "sbfm"]),
        ({"phase": "current"}, ["rate", "sbfm"]),
        ({"phase": "current", "products": ["rateLimit"]}, ["sbfm"]),
        ({"phases": ["http_ratelimit"]}, ["own", "sbfm"]),
        ({"products": ["rateLimit"]}, ["own", "sbfm"]),
        ({"phases": ["http_request_sbfm"]}, ["own", "rate"]),
        ({"phases": ["http_request_firewall_managed"]}, ["own", "rate", "sbfm"]),
        ({"products": ["waf", "bic", "hot", "zoneLockdown"]}, ["own", "rate", "sbfm"]),
        ({"ruleset": "current", "phases": ["http_ratelimit", "http_request_sbfm"]}, []),
    ],
    ids=str,
)
def test_a_skip_reaches_what_it_names_and_nothing_else(
    make_facts: FactsMaker, parameters: dict[str, Any], reached: list[str]
) -> None:
    """Each phase is asked alone, so that no other one ends the matter before it."""
    found = []
    for name in ("own", "rate", "sbfm"):
        rules = zone(
            rule("ssl", "skip", "skips", action_parameters=parameters),
            rule("ssl", "block" if name == "own" else "log", "own"),
            bots={"sbfm_definitely_automated": "block" if name == "sbfm" else "allow"},
        )
        verdict = rules.evaluate(make_facts(score=1), Rates(TOO_OFTEN) if name == "rate" else None)
        assert verdict.matches[0] == RuleMatch("skips", "", Action.SKIP)
        if verdict.disposition is Disposition.BLOCK:
            found.append(name)
    assert found == reached


def test_a_skip_without_logging_is_not_recorded_and_skips_all_the_same(make_facts: FactsMaker) -> None:
    verdict = zone(rule("ssl", "skip", logging={"enabled": False}), rule("ssl", "block")).evaluate(make_facts())
    assert verdict == zone().evaluate(make_facts())


@pytest.mark.parametrize("product", ["uaBlock", "securityLevel"])
def test_a_skip_reaches_back_to_what_is_judged_before_it(make_facts: FactsMaker, product: str) -> None:
    facts = make_facts(b"/feed", headers=UA)
    skip = rule(
        'http.request.uri.path eq "/feed"', "skip", "feeds", action_parameters={"products": ["uaBlock", product]}
    )
    agents = ({"ref": "readers", "mode": "block", "configuration": {"target": "ua", "value": "Reader/1"}},)
    rules = zone(skip, rule("ssl", "log", "after"), agents=agents)
    under_attack = product == "securityLevel"
    assert refs(rules.evaluate(facts, under_attack=under_attack)) == ["feeds", "after"]
    other = rules.evaluate(make_facts(b"/", headers=UA), under_attack=under_attack)
    assert (other.disposition, refs(other)) == (Disposition.BLOCK, ["readers"])


@pytest.mark.parametrize(
    "before",
    [
        rule("ssl", "block", "first"),
        rule("ssl", "skip", "first"),
        rule("ssl", "allow", "first"),
        rule("ssl", "managed_challenge", "first"),
    ],
    ids=lambda each: str(each.action),
)
def test_a_skip_that_would_not_be_reached_does_not_reach_back(make_facts: FactsMaker, before: RuleSettings) -> None:
    skip = rule("ssl", "skip", "second", action_parameters={"products": ["securityLevel"]})
    verdict = zone(before, skip).evaluate(make_facts(), under_attack=True)
    assert refs(verdict) == ["security_level.under_attack"]


def test_allow_passes_over_every_custom_rule_and_no_later_phase(make_facts: FactsMaker) -> None:
    account = (
        {"id": "first", "rules": [{"ref": "friends", "expression": "ssl", "action": "allow"}]},
        {"id": "second", "rules": [{"ref": "foes", "expression": "ssl", "action": "block"}]},
    )
    rules = zone(rule("ssl", "block"), account=account, bots={"sbfm_definitely_automated": "block"})
    assert refs(rules.evaluate(make_facts(score=50))) == ["friends"]
    assert refs(rules.evaluate(make_facts(score=1))) == ["friends", "bot_management.sbfm_definitely_automated"]


# Account rulesets


def test_account_rulesets_stand_before_the_zones_rules_and_only_for_whom_they_are(make_facts: FactsMaker) -> None:
    def logs(ref: str) -> list[dict[str, str]]:
        return [{"ref": ref, "expression": "ssl", "action": "log"}]

    account = (
        {"id": "everywhere", "rules": logs("everywhere")},
        {"id": "elsewhere", "zones": ["blog"], "rules": logs("elsewhere")},
        {"id": "api", "expression": 'starts_with(http.request.uri.path, "/api/")', "rules": logs("api")},
        {"id": "off", "enabled": False, "rules": logs("off")},
        {"id": "here", "zones": ["shop"], "rules": logs("here")},
    )
    rules = zone(rule("ssl", "log", "own"), account=account)
    assert refs(rules.evaluate(make_facts(b"/api/1"))) == ["everywhere", "api", "here", "own"]
    assert refs(rules.evaluate(make_facts(b"/"))) == ["everywhere", "here", "own"]


def test_a_skip_names_later_rulesets_and_single_rules(make_facts: FactsMaker) -> None:
    def skips(**parameters: Any) -> list[str]:
        skip = {"ref": "skip", "expression": "ssl", "action": "skip", "action_parameters": parameters}
        account = (
            {"id": "a", "rules": [skip, {"ref": "a2", "expression": "ssl", "action": "log"}]},
            {
                "id": "b",
                "rules": [{"ref": ref, "expression": "ssl", "action": "log"} for ref in ("b1", "b2")],
            },
        )
        return refs(zone(rule("ssl", "log", "own"), account=account).evaluate(make_facts()))

    assert skips() == ["skip", "b1", "b2", "own"]
    assert skips(ruleset="current") == ["skip", "b1", "b2", "own"]
    assert skips(rulesets=["b"]) == ["skip", "a2", "own"]
    assert skips(rules={"b": ["b2"]}) == ["skip", "a2", "b1", "own"]


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"rulesets": ["c"]}, "rulesets"),
        ({"rulesets": ["a"]}, "rulesets"),
        ({"rules": {"b": ["b9"]}}, "rules"),
        ({"phase": "current"}, "phase"),
    ],
    ids=str,
)
def test_a_skip_of_what_cannot_be_skipped_is_told(parameters: dict[str, Any], key: str) -> None:
    skip = {"ref": "skip", "expression": "ssl", "action": "skip", "action_parameters": parameters}
    with pytest.raises(RulesetError) as caught:
        zone(account=({"id": "a", "rules": [skip]}, {"id": "b", "rules": []}))
    assert [problem.place for problem in caught.value.problems] == [
        ("rulesets", 0, "rules", 0, "action_parameters", key)
    ]


# Shadow mode


@pytest.mark.parametrize("action", ["block", "js_challenge", "managed_challenge", "challenge", "skip", "log", "allow"])
def test_a_rule_in_shadow_mode_does_nothing_and_says_what_it_would_have_done(
    make_facts: FactsMaker, action: str
) -> None:
    verdict = zone(rule("ssl", action, "tried", shadow=True), rule("ssl", "log", "next")).evaluate(make_facts())
    assert verdict.disposition is Disposition.FORWARD
    assert refs(verdict) == ["next"]
    assert [(match.rule_id, match.action) for match in verdict.shadows] == [("tried", Action(action))]


def test_shadows_are_known_when_another_rule_ends_the_matter(make_facts: FactsMaker) -> None:
    facts = holding(make_facts(headers=UA), ClearanceLevel.JS)
    access = ({"mode": "allow", "configuration": {"target": "ip", "value": "192.0.2.1"}, "shadow": True},)
    agents = ({"ref": "agent", "mode": "block", "configuration": {"value": "Reader/1"}, "shadow": True},)
    rules = zone(
        rule("ssl", "js_challenge", "js", shadow=True), rule("ssl", "block", "ends"), access=access, agents=agents
    )
    verdict = rules.evaluate(facts)
    assert verdict.disposition is Disposition.BLOCK
    assert [(match.rule_id, match.bypassed) for match in verdict.shadows] == [
        ("192.0.2.1", False),
        ("agent", False),
        ("js", True),
    ]


# IP access rules and user-agent rules


def access(mode: str, target: str, value: str, **more: Any) -> dict[str, Any]:
    return {"mode": mode, "configuration": {"target": target, "value": value}, **more}


def test_an_access_rule_that_allows_is_the_end_of_everything(make_facts: FactsMaker) -> None:
    rates = Rates(TOO_OFTEN)
    rules = zone(
        rule("ssl", "block"),
        access=(access("whitelist", "ip", "192.0.2.1"), access("block", "ip_range", "192.0.2.0/24")),
        bots={"fight_mode": True},
    )
    verdict = rules.evaluate(make_facts(score=1), rates, under_attack=True)
    assert verdict.disposition is Disposition.FORWARD
    assert verdict.matches == (RuleMatch("192.0.2.1", "", Action.ALLOW, "ip"),)
    assert rates.asked == 0
    assert rules.evaluate(make_facts(address="192.0.2.2")).matches[0].source == "ipRange"


def test_a_passed_access_rule_spares_bot_fight_mode_and_nothing_else(make_facts: FactsMaker) -> None:
    rules = zone(access=(access("js_challenge", "ip", "192.0.2.1"),), bots={"fight_mode": True})
    here, there = make_facts(score=1), make_facts(score=1, address="192.0.2.2")
    assert rules.evaluate(holding(here, ClearanceLevel.JS)).disposition is Disposition.FORWARD
    assert rules.evaluate(here).level is ClearanceLevel.JS
    assert rules.evaluate(there).level is ClearanceLevel.MANAGED
    sbfm = zone(access=(access("js_challenge", "ip", "192.0.2.1"),), bots={"sbfm_definitely_automated": "block"})
    assert sbfm.evaluate(holding(here, ClearanceLevel.JS)).disposition is Disposition.BLOCK


def test_a_user_agent_rule_is_for_the_whole_value(make_facts: FactsMaker) -> None:
    rules = zone(agents=({"ref": "old", "mode": "challenge", "configuration": {"value": "Reader/1"}},))
    verdict = rules.evaluate(make_facts(headers=UA))
    assert (verdict.level, verdict.matches[0].source) == (ClearanceLevel.INTERACTIVE, "uaBlock")
    for other in ((b"User-Agent", b"Reader/10"), (b"User-Agent", b"reader/1"), (b"Accept", b"Reader/1")):
        assert rules.evaluate(make_facts(headers=(other,))).disposition is Disposition.FORWARD


# Under attack


def test_under_attack_every_new_visitor_is_challenged_first(make_facts: FactsMaker) -> None:
    rules = zone(rule("ssl", "log", "own"))
    verdict = rules.evaluate(make_facts(score=99), under_attack=True)
    assert (verdict.disposition, verdict.level) == (Disposition.CHALLENGE, ClearanceLevel.MANAGED)
    assert [(match.rule_id, match.source) for match in verdict.matches] == [
        ("security_level.under_attack", "securityLevel")
    ]
    passed = rules.evaluate(holding(make_facts(score=99), ClearanceLevel.MANAGED), under_attack=True)
    assert (passed.disposition, refs(passed)) == (Disposition.FORWARD, ["security_level.under_attack", "own"])
    assert refs(rules.evaluate(verified(make_facts()), under_attack=True)) == ["own"]
    assert rules.evaluate(make_facts(scoring_failed=True), under_attack=True).disposition is Disposition.CHALLENGE


# Rate limiting and JavaScript detections


def test_rate_limits_are_asked_between_custom_rules_and_bot_fight_mode(make_facts: FactsMaker) -> None:
    rates = Rates(ruling("noted", "", Action.LOG, "rateLimit"), TOO_OFTEN)
    rules = zone(rule("ssl", "log", "own"), bots={"fight_mode": True})
    verdict = rules.evaluate(make_facts(score=1), rates)
    assert refs(verdict) == ["own", "noted", "too-often"]
    assert verdict.block == BlockResponse(429, b"text/plain", b"slower")
    assert refs(rules.evaluate(make_facts(score=1), Rates())) == ["own", "bot_management.fight_mode"]
    quiet = Rates(TOO_OFTEN)
    assert refs(zone().evaluate(make_facts(), quiet)) == ["too-often"]
    assert quiet.asked == 1
    assert zone(rule("ssl", "block")).evaluate(make_facts(), quiet).matches[0].rule_id == "block.ssl"
    assert quiet.asked == 1


@pytest.mark.parametrize(("passed", "blocked"), [(False, True), (True, False), (None, False)])
def test_only_a_known_failure_of_javascript_detections_counts(
    make_facts: FactsMaker, passed: bool | None, blocked: bool
) -> None:
    rules = zone(js_detection="block")
    known = BotManagement(Score(50, ScoreSource.HEURISTICS), None, passed)
    verdict = rules.evaluate(make_facts()._replace(bot_management=known))
    assert (verdict.disposition is Disposition.BLOCK) is blocked
    if blocked:
        assert verdict.matches == (
            RuleMatch("js_detection_action", "Failed JavaScript detections", Action.BLOCK, "botManagement"),
        )
        friend = known._replace(verified_bot=VerifiedBot("bot", "Other"))
        assert rules.evaluate(make_facts()._replace(bot_management=friend)).matches == ()
        skip = rule("ssl", "skip", "skip", action_parameters={"phases": ["http_request_sbfm"]})
        skipped = zone(skip, js_detection="block").evaluate(make_facts()._replace(bot_management=known))
        assert refs(skipped) == ["skip"]


# Bot Fight Mode, Super Bot Fight Mode, AI bots


def test_bot_fight_mode_acts_on_score_1_spares_verified_bots_and_cannot_be_skipped(make_facts: FactsMaker) -> None:
    everything = {"ruleset": "current", "phases": ["http_ratelimit", "http_request_sbfm"], "products": ["waf"]}
    rules = zone(rule("ssl", "skip", "skip", action_parameters=everything), bots={"fight_mode": True})
    verdict = rules.evaluate(make_facts(score=1))
    assert verdict.level is ClearanceLevel.MANAGED
    assert verdict.matches[-1] == RuleMatch(
        "bot_management.fight_mode", "Bot Fight Mode", Action.MANAGED_CHALLENGE, "botFight"
    )
    assert refs(rules.evaluate(make_facts(score=2))) == ["skip"]
    assert refs(rules.evaluate(verified(make_facts()))) == ["skip"]


SUPER = {
    "sbfm_definitely_automated": "block",
    "sbfm_likely_automated": "managed_challenge",
    "sbfm_verified_bots": "block",
}


@pytest.mark.parametrize(
    ("score", "static", "protected", "wanted"),
    [
        (1, False, False, Disposition.BLOCK),
        (2, False, False, Disposition.CHALLENGE),
        (29, False, False, Disposition.CHALLENGE),
        (30, False, False, Disposition.FORWARD),
        (1, True, False, Disposition.FORWARD),
        (1, True, True, Disposition.BLOCK),
        (2, True, True, Disposition.CHALLENGE),
    ],
)
def test_super_bot_fight_mode_acts_by_score_group(
    make_facts: FactsMaker, score: int, static: bool, protected: bool, wanted: Disposition
) -> None:
    rules = zone(bots={**SUPER, "sbfm_static_resource_protection": protected})
    facts = make_facts(score=score)._replace(static_resource=static)
    assert rules.evaluate(facts).disposition is wanted
    assert rules.evaluate(verified(facts)).matches[-1].rule_id == "bot_management.sbfm_verified_bots"


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        ({"ai_bots_protection": "block"}, ["AI Crawler", "AI Search", "AI Assistant"]),
        ({"ai_training": "block"}, ["AI Crawler"]),
        ({"ai_search": "block"}, ["AI Search"]),
        ({"ai_user": "block"}, ["AI Assistant"]),
        ({}, []),
    ],
    ids=str,
)
def test_ai_bots_are_refused_by_their_purpose(
    make_facts: FactsMaker, settings: dict[str, Any], refused: list[str]
) -> None:
    rules = zone(bots={**settings, "sbfm_verified_bots": "allow"})
    categories = ("AI Crawler", "AI Search", "AI Assistant", "Search Engine Crawler")
    found = [
        each for each in categories if rules.evaluate(verified(make_facts(), each)).disposition is Disposition.BLOCK
    ]
    assert found == refused
    purposes = {"AI Crawler": "training", "AI Search": "search", "AI Assistant": "agent"}
    for category, purpose in purposes.items():
        claim = BotClaim("bot", category, "unverified", purpose)
        facts = make_facts()._replace(bot_management=BotManagement(Score(50, ScoreSource.NOT_COMPUTED), claim=claim))
        assert (rules.evaluate(facts).disposition is Disposition.BLOCK) is (category in refused)


# Failure


def test_when_scoring_failed_no_rule_on_bots_comes_true(make_facts: FactsMaker) -> None:
    rules = zone(
        rule("not cf.bot_management.verified_bot", "block"),
        rule("ssl", "log", "plain"),
        rule("cf.client.bot", "skip"),
        rule("cf.bot_management.score lt 30", "block", shadow=True),
        bots={"fight_mode": True},
    )
    verdict = rules.evaluate(make_facts(scoring_failed=True))
    assert verdict.disposition is Disposition.FORWARD
    assert verdict.unevaluated == 3  # two rules and Bot Fight Mode; a rule in shadow mode decides nothing
    assert refs(verdict) == ["plain"]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(RulesetError) as caught:
        zone(
            rule("ssl ==", "block", "a"),
            rule("foo", "block", "a", enabled=False),
            access=(access("block", "asn", "AS1"), access("allow", "asn", "AS1")),
            presets=["mobile-app"],
        )
    assert [problem.place for problem in caught.value.problems] == [
        ("presets",),
        ("rules", 0, "expression"),
        ("rules", 1, "ref"),
        ("rules", 1, "expression"),
        ("access_rules", 1, "configuration"),
    ]


def test_a_ref_of_an_account_ruleset_is_taken() -> None:
    account = ({"id": "a", "rules": [{"ref": "one", "expression": "ssl", "action": "log"}]},)
    with pytest.raises(RulesetError, match='the name "one" is taken by a rule of the account ruleset a'):
        zone(rule("ssl", "log", "one"), account=account)


def test_a_place_matters_only_where_it_is_known(make_facts: FactsMaker) -> None:
    rules = zone(access=(access("block", "country", "NL"), access("managed_challenge", "asn", "AS64496")))
    assert rules.evaluate(make_facts()).disposition is Disposition.FORWARD
    assert rules.evaluate(make_facts(place=Place(country="NL"))).matches[0].source == "country"
    assert rules.evaluate(make_facts(place=Place(asn=64496, country="NL"))).matches[0].source == "asn"
