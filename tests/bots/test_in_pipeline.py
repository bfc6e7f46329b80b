"""What recognition does to a decision and to its event."""

from __future__ import annotations

import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from signing import NOW, make_facts, make_request

from botproxy.addresses import NetworkSet
from botproxy.bots import Knowledge, Recogniser, Settings
from botproxy.bots.directory import Directory, parse_all
from botproxy.cookies import Jar, KeyRing
from botproxy.cookies import Settings as CookieSettings
from botproxy.model import Detection, Disposition, Ending, Facts, Finding, Outcome, ScoreSource
from botproxy.pipeline import Decision, Pipeline
from botproxy.rulesets import RuleSettings, ZoneRuleset

BOTS = """
lists: {seeker: {urls: [https://example.com/a]}}
bots: [{name: Seeker, category: Aggregator, user_agent: Seeker/, tags: [seek], verify: {lists: [seeker]}}]
"""
RULES = (
    RuleSettings(ref="impostors", action="block", expression="cf.bot_management.score eq 1 and not cf.client.bot"),
    RuleSettings(ref="known", action="log", expression='botproxy.bot.name eq "Seeker" and cf.client.bot'),
)
OUTCOME = Outcome(200, 100, 200, 100, b"text/plain", "", 0, 0.0, 0.0, 0.1, Ending.FINISHED)


class Says:
    def __init__(self, score: int | None) -> None:
        self.score = score

    def assess(self, facts: Facts) -> Finding | None:
        if self.score is None:
            return None
        return Finding(ScoreSource.HEURISTICS, self.score, (Detection(1, "tag", "reason"),))


class Fails:
    def assess(self, facts: Facts) -> Finding | None:
        raise RuntimeError("broken")


def decided(engine: Says | Fails, address: str, user_agent: str = "Seeker/1") -> tuple[Pipeline, Decision]:
    knowledge = Knowledge(10)
    knowledge.learn_list("seeker", NetworkSet([ip_network("203.0.113.0/24")]), NOW)
    ring = KeyRing([b"0123456789abcdefghijklmnopqrstuvwxyz"])
    pipeline = Pipeline(
        zone="shop",
        engines=[("engine", engine)],
        ruleset=ZoneRuleset.compile(RULES),
        jar=Jar(ring, "shop", CookieSettings(), bytes),
        randomness=bytes,
        recogniser=Recogniser(Directory.build(parse_all({"own": BOTS})), knowledge, Settings()),
    )
    facts = make_facts(make_request([("User-Agent", user_agent)]), address)
    recognition = pipeline.recognise(facts.request, facts.client)
    return pipeline, pipeline.decide(
        facts.request, facts.client, enforce=True, navigation=False, recognition=recognition
    )


@pytest.mark.parametrize(("score", "expected"), [(1, 1), (40, 40), (None, 50)])
def test_a_verified_bot_keeps_its_score_under_a_source_and_a_group_of_its_own(score: int | None, expected: int) -> None:
    pipeline, decision = decided(Says(score), "203.0.113.7")
    assert decision.disposition is Disposition.FORWARD
    event = pipeline.conclude(decision, OUTCOME)
    assert (event.score, event.score_source, event.score_group) == (expected, "Verified Bot", "verified_bot")
    assert (event.verified_bot_category, event.bot_tags) == ("Aggregator", ("seek", "Aggregator"))
    assert event.rule_ids == ("known",)


def test_an_impostor_is_a_heuristic_of_its_own_whatever_engines_say() -> None:
    for engine in (Says(99), Says(None), Fails()):
        pipeline, decision = decided(engine, "198.51.100.7")
        assert decision.disposition is Disposition.BLOCK
        event = pipeline.conclude(decision, OUTCOME)
        assert (event.score, event.score_source, event.score_group) == (1, "Heuristics", "automated")
        assert "impostor" in event.detection_tags
        assert any("198.51.100.7 is none of its addresses" in reason for reason in event.reasons)
        assert (event.verified_bot_category, event.bot_tags) == ("", ())


def test_who_claims_nothing_is_decided_as_before() -> None:
    pipeline, decision = decided(Says(None), "198.51.100.7", "Mozilla/5.0")
    event = pipeline.conclude(decision, OUTCOME)
    assert (event.score, event.score_source, event.score_group) == (50, "Not Computed", "other")


def test_when_scoring_failed_a_verified_bot_is_missing_like_all_bot_fields() -> None:
    _, decision = decided(Fails(), "203.0.113.7")
    assert decision.facts.bot_management is None
    assert decision.verdict.unevaluated == 2
