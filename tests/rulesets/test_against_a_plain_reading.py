"""Whatever rules there are, the compiled ruleset decides as a plain reading of the table of phases does."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Clearance, ClearanceLevel, Disposition, Facts
from botproxy.rulesets import (
    AccessRuleSettings,
    BotManagementSettings,
    RulesetSettings,
    RuleSettings,
    UserAgentRuleSettings,
    ZoneRuleset,
    compile_account,
    ruling,
)
from botproxy.rulesets.access import ACTIONS

from ..rules.conftest import build

HERE, THERE = 'http.request.uri.path eq "/here"', 'http.request.uri.path eq "/there"'
SCORED = "cf.bot_management.score eq 1"
LEVELS = {"js_challenge": 2, "managed_challenge": 3, "challenge": 4}
CHALLENGES = ("js_challenge", "managed_challenge", "challenge")


class Said(NamedTuple):
    """What a plain reading comes to."""

    end: str  # "forward", "block" or the challenge
    matched: list[str]
    shadows: list[str]


class Reader:
    """Reads settings in the order of the table, one after the other."""

    def __init__(self, held: int, score: int) -> None:
        self.held = held
        self.score = score
        self.matched: list[str] = []
        self.shadows: list[str] = []

    def act(self, name: str, action: str, shadow: bool) -> str:
        """The end of the matter, or nothing."""
        if shadow:
            self.shadows.append(name)
            return ""
        self.matched.append(name)
        if action == "log" or LEVELS.get(action, 9) <= self.held:
            return ""
        return action

    def said(self, end: str) -> Said:
        return Said(end or "forward", self.matched, self.shadows)

    def true(self, expression: str | None) -> bool:
        return expression in (None, HERE) or (expression == SCORED and self.score == 1)


def plainly(case: dict[str, Any], held: int, score: int, ahead: bool = False) -> tuple[Said, set[str]]:
    """What happens, and what later or earlier phases the custom rules pass over; `ahead` reads custom rules alone."""
    reader = Reader(held, score)
    passed_access = False
    if not ahead:
        _, back = plainly(case, held, score, ahead=True)
        for rule in case["access"]:
            end = reader.act("access", rule["mode"], rule["shadow"])
            if end and end != "allow":
                return reader.said(end), set()
            if end == "allow":
                return reader.said(""), set()
            passed_access = passed_access or not rule["shadow"]
        for rule in case["agents"]:
            if "uaBlock" not in back:
                end = reader.act("agent", rule["mode"], rule["shadow"])
                if end:
                    return reader.said(end), set()
        if case["attacked"] and "securityLevel" not in back:
            end = reader.act("security_level.under_attack", "managed_challenge", False)
            if end:
                return reader.said(end), set()
    words: set[str] = set()
    gone: set[str] = set()
    finished = False
    for ruleset in [*case["account"], {"id": "zone", "rules": case["rules"]}]:
        if finished or ruleset["id"] in gone or not reader.true(ruleset.get("expression")):
            continue
        for rule in ruleset["rules"]:
            if rule["ref"] in gone or not reader.true(rule["expression"]):
                continue
            if rule["action"] not in ("skip", "allow"):
                end = reader.act(rule["ref"], rule["action"], rule["shadow"])
                if end:
                    return reader.said(end), words
                continue
            if rule["shadow"]:
                reader.shadows.append(rule["ref"])
                continue
            reader.matched.append(rule["ref"])
            if rule["action"] == "allow":
                finished = True
                break
            given = rule["action_parameters"]
            words |= {*given.get("phases", ()), *given.get("products", ())}
            gone |= {*given.get("rulesets", ())} | {ref for refs in given.get("rules", {}).values() for ref in refs}
            if "phase" in given:
                finished = True
                break
            if "ruleset" in given or not given:
                break
    if ahead:
        return reader.said(""), words
    if case["limited"] and not {"http_ratelimit", "rateLimit"} & words:
        end = reader.act("limited", "block", False)
        if end:
            return reader.said(end), words
    if score == 1 and case["sbfm"] and "http_request_sbfm" not in words:
        return reader.said(reader.act("bot_management.sbfm_definitely_automated", "block", False)), words
    if score == 1 and case["fight"] and not passed_access:
        return reader.said(reader.act("bot_management.fight_mode", "managed_challenge", False)), words
    return reader.said(""), words


@st.composite
def rules(draw: st.DrawFn, prefix: str, account: bool) -> list[dict[str, Any]]:
    """Rules that are true or false of the one request, with skips of everything that can be skipped."""
    made = []
    for number in range(draw(st.integers(0, 4))):
        action = draw(st.sampled_from(["skip", "skip", "log", "block", "allow", *CHALLENGES]))
        rule: dict[str, Any] = {
            "ref": f"{prefix}{number}",
            "expression": draw(st.sampled_from([HERE, HERE, THERE, SCORED])),
            "action": action,
            "shadow": draw(st.booleans()),
        }
        if action == "skip":
            parameters: dict[str, Any] = {
                "products": draw(
                    st.lists(st.sampled_from(["uaBlock", "securityLevel", "rateLimit", "waf"]), max_size=2)
                )
            }
            kind = draw(st.sampled_from(["none", "ruleset", "phases", "later", "phase"]))
            if kind == "ruleset":
                parameters["ruleset"] = "current"
            elif kind == "phases":
                parameters["phases"] = draw(
                    st.lists(st.sampled_from(["http_ratelimit", "http_request_sbfm"]), max_size=2)
                )
            elif kind == "phase" and not account:
                parameters["phase"] = "current"
            elif kind == "later" and prefix == "a":
                parameters["rulesets"] = ["b"]
            rule["action_parameters"] = {key: value for key, value in parameters.items() if value}
        made.append(rule)
    return made


CASES = st.fixed_dictionaries(
    {
        "access": st.lists(
            st.fixed_dictionaries({"mode": st.sampled_from(["allow", "block", *CHALLENGES]), "shadow": st.booleans()}),
            max_size=1,
        ),
        "agents": st.lists(
            st.fixed_dictionaries({"mode": st.sampled_from(["block", *CHALLENGES]), "shadow": st.booleans()}),
            max_size=1,
        ),
        "attacked": st.booleans(),
        "account": st.tuples(rules("a", True), rules("b", True), st.sampled_from([None, HERE, THERE, SCORED])).map(
            lambda made: [{"id": "a", "rules": made[0]}, {"id": "b", "rules": made[1], "expression": made[2]}]
        ),
        "rules": rules("z", False),
        "limited": st.booleans(),
        "sbfm": st.booleans(),
        "fight": st.booleans(),
    }
).filter(lambda case: not (case["sbfm"] and case["fight"]))


class Limited:
    """A limit that everybody exceeds."""

    def judge(self, facts: Facts) -> Any:
        return (ruling("limited", "", ACTIONS["block"], "rateLimit"),)


@settings(max_examples=400, deadline=None)
@given(case=CASES, held=st.sampled_from(list(ClearanceLevel)), score=st.sampled_from([1, 50]))
def test_the_compiled_ruleset_decides_as_a_plain_reading_does(case: dict[str, Any], held: int, score: int) -> None:
    about = {"target": "ip", "value": "192.0.2.1"}
    compiled = ZoneRuleset.compile(
        [RuleSettings.model_validate(rule) for rule in case["rules"]],
        account=compile_account([RulesetSettings.model_validate(each) for each in case["account"]]),
        access=[
            AccessRuleSettings.model_validate({**rule, "ref": "access", "configuration": about})
            for rule in case["access"]
        ],
        user_agents=[
            UserAgentRuleSettings.model_validate({**rule, "ref": "agent", "configuration": {"value": "Reader/1"}})
            for rule in case["agents"]
        ],
        bot_management=BotManagementSettings(
            fight_mode=case["fight"], sbfm_definitely_automated="block" if case["sbfm"] else "allow"
        ),
    )
    facts = build(b"/here", headers=((b"User-Agent", b"Reader/1"),), score=score)
    facts = facts._replace(clearance=Clearance(ClearanceLevel(held), 1e12, None, 0.0, "ray"))
    verdict = compiled.evaluate(facts, Limited() if case["limited"] else None, case["attacked"])
    wanted, _ = plainly(case, held, score)
    matched = [match.rule_id for match in verdict.matches]
    assert matched == wanted.matched
    assert [match.rule_id for match in verdict.shadows] == wanted.shadows
    if wanted.end in LEVELS:
        assert (verdict.disposition, verdict.level) == (Disposition.CHALLENGE, LEVELS[wanted.end])
    else:
        assert verdict.disposition is (Disposition.BLOCK if wanted.end == "block" else Disposition.FORWARD)
