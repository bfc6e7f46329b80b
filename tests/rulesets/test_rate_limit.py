"""Rate limiting rules: what is counted, when the action is done, for how long, and what resets it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError

from botproxy.model import (
    Action,
    BlockResponse,
    Clearance,
    ClearanceLevel,
    Disposition,
    Facts,
    Headers,
    ResponseFacts,
    Session,
    Tls,
    Verdict,
)
from botproxy.rulesets import RateLimiter, RateLimitSettings, RulesetError, RuleSettings, ZoneRates, ZoneRuleset
from botproxy.traffic import RateCounts

from ..rules.conftest import FactsMaker

NOW = 1_700_000_000.0


def settings(
    expression: str = 'http.request.uri.path eq "/login"',
    action: str = "block",
    ref: str = "limit",
    characteristics: tuple[str, ...] = ("cf.colo.id", "ip.src"),
    period: int = 10,
    requests: int | None = 2,
    timeout: int = 0,
    counting: str = "",
    score: int | None = None,
    header: str | None = None,
    **more: Any,
) -> RateLimitSettings:
    ratelimit = {
        "characteristics": list(characteristics),
        "period": period,
        "requests_per_period": requests,
        "mitigation_timeout": timeout,
        "counting_expression": counting,
        "score_per_period": score,
        "score_response_header_name": header,
    }
    return RateLimitSettings.model_validate(
        {"ref": ref, "expression": expression, "action": action, "ratelimit": ratelimit, **more}
    )


def counts(keys: int = 1000) -> RateCounts:
    return RateCounts(b"s" * 32, random.Random(1).randbytes, keys)


def limits(*rules: RateLimitSettings, table: RateCounts | None = None) -> ZoneRates:
    limiter = RateLimiter.compile("zone", rules or (settings(),))
    assert limiter is not None
    return limiter.bind(table if table is not None else counts())


EMPTY = ZoneRuleset.compile(())


class Visitor:
    """Requests that differ in nothing but their time and what a test says."""

    def __init__(self, rates: ZoneRates, make_facts: FactsMaker) -> None:
        self.rates = rates
        self.make_facts = make_facts
        self.facts: Facts | None = None

    def ask(self, after: float = 0.0, path: bytes = b"/login", **more: Any) -> Verdict:
        clearance = more.pop("clearance", None)
        session = more.pop("session", None)
        facts = self.make_facts(path, **more)
        request = facts.request._replace(received=NOW + after)
        self.facts = facts._replace(request=request, clearance=clearance, session=session, memo={})
        return EMPTY.evaluate(self.facts, self.rates)

    def answer(self, status: int, after: float = 0.0, *headers: tuple[bytes, bytes]) -> None:
        assert self.facts is not None
        response = ResponseFacts(status, Headers(headers))
        self.rates.settle(self.facts._replace(response=response), NOW + after)

    def passes(self, after: float = 0.0, path: bytes = b"/login", **more: Any) -> bool:
        return self.ask(after, path, **more).disposition is Disposition.FORWARD


@pytest.fixture
def visitor(make_facts: FactsMaker) -> Visitor:
    return Visitor(limits(), make_facts)


def held(level: ClearanceLevel, expires: float) -> Clearance:
    return Clearance(level, NOW + expires, None, 0.0, "0" * 16)


# Limits and windows


def test_the_action_is_done_to_the_request_that_exceeds_the_limit(visitor: Visitor) -> None:
    assert [visitor.passes(step) for step in range(4)] == [True, True, False, False]


def test_a_limit_of_one_hits_the_second_request_of_a_period(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(requests=1)), make_facts)
    assert [visitor.passes(step) for step in (0.0, 9.5, 10.5)] == [True, False, True]


def test_requests_that_do_not_match_are_neither_counted_nor_hit(visitor: Visitor) -> None:
    for _ in range(5):
        assert visitor.passes(path=b"/other")
    assert visitor.passes()
    assert visitor.passes()
    assert not visitor.passes()
    assert visitor.passes(path=b"/other")


def test_throttling_lets_pass_what_keeps_to_the_limit(visitor: Visitor) -> None:
    passed = [step for step in range(100) if visitor.passes(step)]
    assert 18 <= len(passed) <= 22


def test_a_mitigation_lasts_its_time_and_not_longer(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(timeout=60)), make_facts)
    assert [visitor.passes(step) for step in (0, 1, 2)] == [True, True, False]
    assert not any(visitor.passes(step) for step in range(3, 62))
    assert visitor.passes(62.5)


def test_counters_are_kept_for_each_combination_of_values(make_facts: FactsMaker) -> None:
    rule = settings(characteristics=("ip.src", 'http.request.headers["x-api-key"]'), requests=1)
    visitor = Visitor(limits(rule), make_facts)

    def key(value: bytes) -> tuple[tuple[bytes, bytes], ...]:
        return ((b"X-Api-Key", value),)

    assert visitor.passes(address="192.0.2.1", headers=key(b"a"))
    assert visitor.passes(address="192.0.2.1", headers=key(b"b"))
    assert visitor.passes(address="192.0.2.2", headers=key(b"a"))
    assert not visitor.passes(address="192.0.2.1", headers=key(b"a"))


def test_a_missing_value_and_an_empty_one_are_counted_apart(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(characteristics=('http.request.uri.args["q"]',), requests=1)), make_facts)
    assert visitor.passes(path=b"/login?q=")
    assert visitor.passes(path=b"/login")
    assert not visitor.passes(path=b"/login")
    assert not visitor.passes(path=b"/login?q=")


def test_values_cannot_be_shifted_from_one_characteristic_into_the_next(make_facts: FactsMaker) -> None:
    rule = settings(characteristics=('http.request.uri.args["a"][0]', 'http.request.uri.args["b"][0]'), requests=1)
    visitor = Visitor(limits(rule), make_facts)
    for query in (b"a=1&b=23", b"a=12&b=3", b"a=123", b"b=123", b"a=1:2&b=3", b"a=123&b="):
        assert visitor.passes(path=b"/login?" + query), query


def test_fingerprints_and_scores_can_be_counted_and_asked_for(make_facts: FactsMaker) -> None:
    rule = settings("cf.bot_management.score lt 30", characteristics=("cf.bot_management.ja4",), requests=1)
    visitor = Visitor(limits(rule), make_facts)
    one, other = Tls("TLSv1.3", "c", "", "t13d1"), Tls("TLSv1.3", "c", "", "t13d2")
    assert visitor.passes(score=5, tls=one)
    assert visitor.passes(score=5, tls=other)
    assert visitor.passes(score=90, tls=one)
    assert not visitor.passes(score=5, tls=one)


def test_a_visitor_is_the_session_and_without_one_the_address(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(characteristics=("cf.unique_visitor_id",), requests=1)), make_facts)
    one, other = Session("one", NOW, NOW, 0), Session("other", NOW, NOW, 0)
    assert visitor.passes(session=one)
    assert visitor.passes(session=other)
    assert visitor.passes()
    assert not visitor.passes()
    assert not visitor.passes(session=one)


def test_a_rule_without_characteristics_but_the_place_counts_all_requests_together(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(characteristics=("cf.colo.id",), requests=1)), make_facts)
    assert visitor.passes(address="192.0.2.1")
    assert not visitor.passes(address="192.0.2.2")


# Counting


def test_a_counting_expression_decides_what_is_counted(make_facts: FactsMaker) -> None:
    rule = settings(counting='http.request.uri.path in {"/login" "/signup"}')
    visitor = Visitor(limits(rule), make_facts)
    assert visitor.passes(path=b"/signup")
    assert visitor.passes(path=b"/signup")
    assert visitor.passes(path=b"/signup")
    assert not visitor.passes(path=b"/login")


def test_answers_are_counted_when_they_are_there(make_facts: FactsMaker) -> None:
    """The second example of the original's page on request rates: 400, 200, 400, then blocked."""
    path = 'http.request.uri.path eq "/login"'
    rule = settings(requests=1, timeout=600, counting=f"{path} and http.response.code eq 400")
    visitor = Visitor(limits(rule), make_facts)
    for step, status in enumerate((400, 200, 400)):
        assert visitor.passes(step)
        visitor.answer(status, step)
    assert not visitor.passes(3)
    assert not visitor.passes(600)
    assert visitor.passes(603)


def test_answers_to_requests_whose_limits_were_skipped_are_not_counted(make_facts: FactsMaker) -> None:
    rates = limits(settings(requests=1, timeout=60, counting="http.response.code eq 401"))
    facts = make_facts(b"/login")._replace(response=ResponseFacts(401, Headers(())))
    for _ in range(5):
        rates.settle(facts, NOW)
    assert Visitor(rates, make_facts).passes()


def test_scores_of_the_origin_are_summed(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(requests=None, score=400, header="My-Score")), make_facts)
    for step, score in enumerate((b"300", b"0", b"1000001", b"-5", b"x", b"100")):
        assert visitor.passes(step / 10)
        visitor.answer(200, step / 10, (b"my-score", score))
    assert visitor.passes(0.7)
    visitor.answer(200, 0.7, (b"My-Score", b"1"))
    assert not visitor.passes(0.8)


def test_an_answer_counts_once(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(requests=1, counting="http.response.code eq 401")), make_facts)
    visitor.ask()
    visitor.answer(401)
    visitor.answer(401)
    assert visitor.passes()


# Actions


def test_a_block_says_429_and_when_to_come_back(visitor: Visitor) -> None:
    for _ in range(2):
        visitor.ask()
    verdict = visitor.ask(1.0)
    assert verdict.disposition is Disposition.BLOCK
    assert verdict.block == BlockResponse(429, b"", b"")
    assert verdict.matches[-1].source == "rateLimit"
    assert 8 <= verdict.retry_after <= 10
    assert visitor.passes(1.0 + verdict.retry_after)


def test_during_a_mitigation_the_wait_told_is_what_is_left_of_it(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(timeout=60)), make_facts)
    for _ in range(3):
        visitor.ask()
    assert visitor.ask(20.5).retry_after == 40


def test_a_custom_answer_is_taken_over(make_facts: FactsMaker) -> None:
    response = {"status_code": 403, "content": "slower", "content_type": "application/json"}
    visitor = Visitor(limits(settings(requests=1, action_parameters={"response": response})), make_facts)
    visitor.ask()
    assert visitor.ask().block == BlockResponse(403, b"application/json; charset=utf-8", b"slower")


def test_a_challenge_that_was_passed_sets_the_counter_to_zero_once(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(action="managed_challenge")), make_facts)
    for _ in range(2):
        assert visitor.passes()
    assert visitor.ask().disposition is Disposition.CHALLENGE
    assert visitor.ask().level is ClearanceLevel.MANAGED
    cleared = held(ClearanceLevel.MANAGED, 1800)
    verdict = visitor.ask(1, clearance=cleared)
    assert verdict.disposition is Disposition.FORWARD
    assert verdict.matches[-1].bypassed
    assert visitor.passes(1, clearance=cleared)
    again = visitor.ask(1, clearance=cleared)
    assert again.disposition is Disposition.CHALLENGE
    assert not again.matches[-1].bypassed
    newer = held(ClearanceLevel.INTERACTIVE, 1801)
    assert visitor.passes(2, clearance=newer)
    assert visitor.passes(2, clearance=newer)
    assert not visitor.passes(2, clearance=newer)
    assert not visitor.passes(2, clearance=cleared)


def test_a_weaker_clearance_passes_no_stronger_challenge(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(action="challenge", requests=1, timeout=60)), make_facts)
    visitor.ask()
    assert not visitor.passes(clearance=held(ClearanceLevel.JS, 1800))
    assert visitor.passes(clearance=held(ClearanceLevel.INTERACTIVE, 1800))


def test_log_and_shadow_record_and_go_on_to_the_next_rule(make_facts: FactsMaker) -> None:
    rules = (
        settings(ref="log", action="log", requests=1),
        settings(ref="shadow", requests=1, shadow=True),
        settings(ref="block", requests=2),
        settings(ref="behind", requests=1),
    )
    visitor = Visitor(limits(*rules), make_facts)
    visitor.ask()
    verdict = visitor.ask()
    assert [match.rule_id for match in verdict.matches] == ["log", "behind"]
    assert [match.rule_id for match in verdict.shadows] == ["shadow"]
    assert [match.rule_id for match in visitor.ask(0.5).matches] == ["log", "block"]


def test_rules_behind_one_that_ends_the_matter_do_not_count(make_facts: FactsMaker) -> None:
    visitor = Visitor(limits(settings(ref="first", requests=1), settings(ref="second", requests=2)), make_facts)
    visitor.ask()
    for _ in range(10):
        assert visitor.ask().matches[-1].rule_id == "first"
    assert visitor.passes(10.5)


def test_a_rule_over_a_missing_score_is_not_evaluated_and_told(make_facts: FactsMaker) -> None:
    rates = limits(settings("not cf.bot_management.score ge 30", requests=1), settings(ref="plain", requests=3))
    visitor = Visitor(rates, make_facts)
    verdicts = [visitor.ask(scoring_failed=True) for _ in range(4)]
    assert [verdict.disposition for verdict in verdicts] == [Disposition.FORWARD] * 3 + [Disposition.BLOCK]
    assert verdicts[0].unevaluated == 1
    assert verdicts[3].matches[-1].rule_id == "plain"


def test_a_skip_of_the_phase_neither_counts_nor_acts(make_facts: FactsMaker) -> None:
    skip = {
        "ref": "office",
        "expression": "ip.src eq 192.0.2.9",
        "action": "skip",
        "action_parameters": {"phases": ["http_ratelimit"]},
    }
    rules = ZoneRuleset.compile([RuleSettings.model_validate(skip)])
    table = counts()
    rates = limits(settings(requests=1), table=table)
    for _ in range(5):
        assert rules.evaluate(make_facts(b"/login", address="192.0.2.9"), rates).disposition is Disposition.FORWARD
    assert len(table) == 0


def test_when_no_place_is_left_a_request_passes_uncounted(make_facts: FactsMaker) -> None:
    table = counts(keys=0)
    visitor = Visitor(limits(settings(requests=1), table=table), make_facts)
    assert all(visitor.passes() for _ in range(5))
    assert table.uncounted == 5


def test_two_generations_of_one_rule_share_their_counters(make_facts: FactsMaker) -> None:
    table = counts()
    before = Visitor(limits(settings(requests=5), table=table), make_facts)
    for _ in range(4):
        before.ask()
    after = Visitor(limits(settings(requests=4, action="log"), settings(ref="new"), table=table), make_facts)
    assert after.ask().matches[0].action is Action.LOG


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"period": 61},
        {"timeout": 5},
        {"requests": 0},
        {"requests": None},
        {"score": 10, "header": "x"},
        {"requests": None, "score": 10},
        {"header": "x"},
        {"characteristics": ()},
        {"characteristics": ("ip.src", "cf.unique_visitor_id")},
        {"action": "skip"},
        {"action": "log", "action_parameters": {"response": {}}},
        {"action_parameters": {"response": {"content": "x" * 30_721}}},
        {"action_parameters": {"response": {"status_code": 500}}},
    ],
)
def test_what_the_original_refuses_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_all_problems_are_told_at_their_places() -> None:
    rules = (
        settings("http.response.code eq 401", ref="a"),
        settings("ssl eq", ref="b"),
        settings(ref="a", counting="nothing"),
        settings(ref="c", characteristics=("ip.src", 'http.request.headers["X-Api-Key"]')),
        settings(ref="d", characteristics=("http.response.code",)),
        settings(ref="e", characteristics=("no.field",), enabled=False),
        settings(ref="rule"),
    )
    with pytest.raises(RulesetError) as raised:
        RateLimiter.compile("zone", rules, taken={"rule": "rule 1"})
    assert [problem.place for problem in raised.value.problems] == [
        ("rate_limits", 0, "expression"),
        ("rate_limits", 1, "expression"),
        ("rate_limits", 2, "ref"),
        ("rate_limits", 2, "ratelimit", "counting_expression"),
        ("rate_limits", 3, "ratelimit", "characteristics", 1),
        ("rate_limits", 4, "ratelimit", "characteristics", 0),
        ("rate_limits", 5, "ratelimit", "characteristics", 0),
        ("rate_limits", 6, "ref"),
    ]


def test_without_an_enabled_rule_there_is_no_limiter() -> None:
    assert RateLimiter.compile("zone", [settings(enabled=False)]) is None
