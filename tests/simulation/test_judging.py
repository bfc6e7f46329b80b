"""Rules that judge a record say what they would have said of the request, or that it cannot be told."""

from __future__ import annotations

import os
import random
from ipaddress import ip_address
from typing import Any

import orjson

from botproxy.model import (
    BotManagement,
    Client,
    Ending,
    Facts,
    Headers,
    Outcome,
    Request,
    Score,
    ScoreSource,
    VerifiedBot,
)
from botproxy.pipeline import Redaction, event
from botproxy.rulesets import RateLimiter, RateLimitSettings, RuleSettings, ZoneRuleset
from botproxy.rulesets.presets import limits
from botproxy.simulation import Comparison, OneMore, Recorded, Solvers, ZoneJudge, from_line
from botproxy.simulation.facts import facts_of
from botproxy.simulation.fates import Fate, fate_of
from botproxy.simulation.knowing import gaps
from botproxy.telemetry import redact_query, redact_url
from botproxy.telemetry.logpush import to_logpush
from botproxy.traffic import RateCounts

NOW = 1_800_000_000.0
REDACTION = Redaction(redact_query, redact_url)
HEADERS = (
    (b"Cookie", b"trusted=1"),
    (b"Accept", b"text/html"),
    (b"Accept", b"application/activity+json"),
    (b"Authorization", b"Bearer x"),
    (b"Content-Type", b"application/json"),
    (b"X-Hub-Signature", b"a"),
    (b"Referer", b"https://shop.example/?a=1"),
)
PATHS = (b"/", b"/feed", b"/users/a", b"/hooks/a", b"/inbox", b"/login", b"/v2/", b"/search", b"/a.css", b"/dav/x")
AGENTS = (b"curl/8", b"Mozilla/5.0 Chrome/120", b"")

OLD = (
    ("trusted", 'http.cookie contains "trusted" and http.request.uri.path ne "/login"', "skip"),
    ("json", 'any(http.request.headers["content-type"][*] contains "json")', "managed_challenge"),
)
NEW = (
    *OLD,
    ("query", 'http.request.uri.query contains "q=1" or http.request.uri.path eq "/search"', "block"),
    ("login", 'http.request.uri.path eq "/login" and not has_key(http.request.headers, "accept")', "challenge"),
    ("low", "cf.bot_management.score lt 20", "js_challenge"),
)


def rules(*written: tuple[str, str, str]) -> ZoneRuleset:
    return ZoneRuleset.compile(
        [RuleSettings.model_validate({"ref": r, "expression": e, "action": a}) for r, e, a in written],
        presets=["default"],
    )


def counts() -> RateCounts:
    return RateCounts(b"s" * 32, os.urandom, 10_000)


def made(chance: random.Random, at: int) -> Facts:
    headers = [(b"Host", b"shop.example")]
    agent = chance.choice(AGENTS)
    if agent:
        headers.append((b"User-Agent", agent))
    headers += [each for each in HEADERS if chance.random() < 0.25]
    path = chance.choice(PATHS)
    query = chance.choice([None, None, b"q=1", b"q=2"])
    method = chance.choice([b"GET", b"GET", b"POST"])
    request = Request(
        f"{at:016x}", NOW + at, method, path, path, query, "HTTP/1.1", True, b"shop.example", "shop.example",
        Headers(tuple(headers)), 0,
    )  # fmt: skip
    client = Client(ip_address(f"192.0.2.{chance.randrange(200)}"), "192.0.2.1", 0, "192.0.2.1")
    client = client._replace(text=str(client.address))
    score = Score(chance.choice([1, 12, 25, 60]), ScoreSource.MACHINE_LEARNING)
    bot = VerifiedBot("bot", "Search Engine Crawler") if chance.random() < 0.1 else None
    return Facts(request, client, "shop", path.endswith(b"css"), None, None, {}, BotManagement(score, bot))


def record(facts: Facts, ruleset: ZoneRuleset) -> Recorded:
    verdict = ruleset.evaluate(facts)
    outcome = Outcome(200, 1, 1, 1, b"text/html", "", 200, 0.0, 0.0, 0.1, Ending.FINISHED)
    assert facts.bot_management is not None
    score = facts.bot_management.score
    told = event(
        facts.request, facts.client, outcome, zone="shop", enforced=True, redaction=REDACTION,
        score=score, verdict=verdict, facts=facts,
    )  # fmt: skip
    recorded = from_line(orjson.loads(orjson.dumps(to_logpush(tuple(told)))))
    assert recorded is not None
    return recorded


def test_what_is_said_of_a_record_is_what_would_have_been_said_of_the_request() -> None:
    chance = random.Random(7)
    old, new = rules(*OLD), rules(*NEW)
    same = frozenset(rule.wish.match.rule_id for rule in old.rules)
    judge = ZoneJudge(new, None, counts(), same)
    blind = ZoneJudge(new, None, counts(), frozenset())
    told = doubts = 0
    for at in range(1500):
        facts = made(chance, at)
        recorded = record(facts, old)
        really = fate_of(new.evaluate(facts))
        for each in (judge, blind):
            found = each.judge(recorded, facts_of(recorded), gaps(recorded))
            if found.fate is None:
                assert found.missing
                doubts += each is judge
            else:
                told += each is judge
                assert found.fate is really, (facts.request, recorded)
    assert told > doubts
    assert doubts > 0


def test_rates_are_counted_again_in_the_order_of_time() -> None:
    limit = RateLimitSettings.model_validate(
        {
            "ref": "often",
            "expression": 'http.request.uri.path eq "/login"',
            "action": "block",
            "ratelimit": {"characteristics": ["ip.src"], "period": 60, "requests_per_period": 3},
        }
    )
    judge = ZoneJudge(ZoneRuleset.compile([]), RateLimiter.compile("shop", [limit]), counts(), frozenset())
    fates = []
    for at in range(6):
        recorded = line(path="/login", start=NOW + at)
        fates.append(judge.judge(recorded, facts_of(recorded), gaps(recorded)).fate)
    assert fates == [Fate.FORWARD] * 3 + [Fate.BLOCK] * 3
    sampled = line(path="/login", start=NOW + 7, sample_interval=10, client_ip="192.0.2.2")
    assert judge.judge(sampled, facts_of(sampled), gaps(sampled)).fate is None


def test_a_rate_limit_by_a_header_that_is_not_recorded_is_a_doubt_or_what_was_recorded() -> None:
    guesses = [each for each in limits(["default"]) if each.ref == "programs.guesses.rate"]
    limiter = RateLimiter.compile("shop", guesses)
    recorded = line(path="/a", score=12)
    unknown = ZoneJudge(ZoneRuleset.compile([]), limiter, counts(), frozenset())
    assert unknown.judge(recorded, facts_of(recorded), gaps(recorded)).fate is None
    known = ZoneJudge(ZoneRuleset.compile([]), limiter, counts(), frozenset(("programs.guesses.rate",)))
    assert known.judge(recorded, facts_of(recorded), gaps(recorded)).fate is Fate.FORWARD
    did = recorded._replace(
        rule_ids=["programs.guesses.rate"], actions=["block"], sources=["rateLimit"], action="block"
    )
    assert known.judge(did, facts_of(did), gaps(did)).fate is Fate.BLOCK


BLANK = Recorded(
    "0" * 16, NOW, "shop", "enforce", "192.0.2.1", "", 0, "TLSv1.3", "", "", "", "GET", "https", "shop.example", "/",
    "", "HTTP/1.1", "Mozilla/5.0 Chrome/120", "", "", 200, "text/html", 50, "Machine Learning", "likely_human", (), "",
    "missing", False, "", (), (), (), "unknown", "", "", False, "", "", False,
)  # fmt: skip


def line(**changes: Any) -> Recorded:
    return BLANK._replace(**changes)


def test_people_who_solved_a_challenge_pass_the_next_while_their_clearance_lasts() -> None:
    solvers = Solvers(1800.0)
    solvers.add(line(action="managedChallengeInteractiveSolved", score=0, start=NOW))
    rule = OneMore("ssl", "managed_challenge")
    comparison = Comparison(lambda zone: rule, solvers)
    comparison.add(line(start=NOW + 60))
    assert (comparison.same, comparison.changed) == (1, 0)
    comparison.add(line(start=NOW + 1900))
    assert (comparison.same, comparison.changed, comparison.harmful) == (1, 1, False)
    blocking = Comparison(lambda zone: OneMore("ssl", "block"), solvers)
    blocking.add(line(start=NOW + 60))
    assert blocking.harm["solved_challenge"] == 1
    blocking.add(line(start=NOW + 60, user_agent="curl/8"))  # somebody else at the same address
    assert blocking.harm["solved_challenge"] == 1


def test_who_passed_by_a_clearance_is_known_to_hold_it() -> None:
    passed = line(actions=["managedChallengeBypassed"], rule_ids=["a"], action="managedChallengeBypassed")
    comparison = Comparison(lambda zone: OneMore("ssl", "js_challenge"), Solvers())
    comparison.add(passed)
    assert comparison.same == 1


def test_a_rule_comes_behind_the_zones_own_and_before_presets_and_what_follows() -> None:
    def after(**changes: Any) -> str:
        recorded = line(**changes)
        found = OneMore("ssl", "block").judge(recorded, facts_of(recorded), gaps(recorded)).fate
        assert found is not None
        return found.word

    own: Any = {"sources": ["firewallCustom"], "rule_ids": ["own"]}
    assert after() == "block"
    assert after(**own, actions=["skip"], action="skip") == "forward"
    assert after(**own, actions=["managedChallenge"], action="managedChallenge") == "managed_challenge"
    assert after(**own, actions=["log"], action="log") == "block"
    assert after(**{**own, "rule_ids": ["programs.feeds"]}, actions=["skip"], action="skip") == "block"
    assert (
        after(**{**own, "rule_ids": ["definitely-automated"]}, actions=["jschallenge"], action="jschallenge") == "block"
    )
    assert (
        after(rule_ids=["x"], sources=["botFight"], actions=["managedChallenge"], action="managedChallenge") == "block"
    )
    assert after(rule_ids=["192.0.2.1"], sources=["ip"], actions=["allow"], action="allow") == "forward"
    observed: Any = {"actions": ["log"], "action": "log", "would": "managedChallenge", "mode": "observe"}
    assert after(**own, **observed) == "managed_challenge"


def test_an_address_that_is_masked_is_not_known() -> None:
    for address in ("192.0.2.0", "2001:db8:1::", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", ""):
        recorded = line(client_ip=address)
        assert (
            OneMore("ip.src eq 198.51.100.7", "block").judge(recorded, facts_of(recorded), gaps(recorded)).fate is None
        )
    recorded = line(client_ip="192.0.2.10")
    found = OneMore("ip.src eq 192.0.2.10", "block").judge(recorded, facts_of(recorded), gaps(recorded))
    assert found.fate is Fate.BLOCK


def test_scoring_that_failed_leaves_rules_on_scores_out() -> None:
    failed = line(score=0, scoring_failed=True)
    comparison = Comparison(lambda zone: OneMore("not cf.bot_management.score gt 5", "block"), Solvers())
    comparison.add(failed)
    assert comparison.same == 1
    judge = ZoneJudge(rules(("a", "not cf.bot_management.score gt 5", "block")), None, counts(), frozenset())
    assert judge.judge(failed, facts_of(failed), gaps(failed)).fate is Fate.FORWARD


def test_counts_of_many_values_stay_bounded() -> None:
    from botproxy.simulation.tallies import Tally

    tally = Tally(100)
    for at in range(10_000):
        tally.add(f"/{at}")
        tally.add("/often")
    assert tally.top(1) == [("/often", 10_000)]
    assert tally.approximate
    assert len(tally.top(1000)) <= 100
