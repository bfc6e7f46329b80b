"""Deciding with literals: engines that speak, are silent, or fail; rules; cookies; and the event of it all."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any, Literal

import pytest

from botproxy.cookies import Jar, KeyRing
from botproxy.cookies import Settings as CookieSettings
from botproxy.model import (
    Clearance,
    ClearanceLevel,
    Client,
    Detection,
    Disposition,
    Ending,
    Facts,
    Finding,
    Headers,
    Outcome,
    Request,
    ScoreSource,
)
from botproxy.pipeline import Decision, Pipeline, Redaction, Solved, event
from botproxy.rulesets import RuleSettings, ZoneRuleset
from botproxy.telemetry import redact_query, redact_url
from botproxy.traffic import Profiles

CLIENT = Client(IPv4Address("192.0.2.7"), "192.0.2.7", 40000, "192.0.2.7")
NOW = 1_800_000_000.0
SECRET = b"0123456789abcdefghijklmnopqrstuvwxyz"


class Says:
    """An engine that always finds the same."""

    def __init__(self, score: int | None) -> None:
        self.score = score

    def assess(self, facts: Facts) -> Finding | None:
        if self.score is None:
            return None
        return Finding(ScoreSource.HEURISTICS, self.score, (Detection(33554433, "curl", "says that it is curl"),))


class Found:
    """An engine that found something."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding

    def assess(self, facts: Facts) -> Finding | None:
        return self.finding


class Fails:
    """An engine that is broken."""

    def assess(self, facts: Facts) -> Finding | None:
        raise RuntimeError("broken")


def request(path: bytes = b"/", query: bytes | None = None, *headers: tuple[bytes, bytes]) -> Request:
    return Request(
        "00112233445566ff",
        NOW,
        b"GET",
        path,
        path,
        query,
        "HTTP/1.1",
        False,
        b"shop.example",
        "shop.example",
        Headers(((b"Host", b"shop.example"), *headers)),
        0,
    )


OUTCOME = Outcome(200, 100, 2000, 1500, b"text/html", "127.0.0.1:3000", 200, 0.010, 0.012, 0.020, Ending.FINISHED)


def pipeline(
    *engines: Any,
    rules: tuple[tuple[str, str], ...] = (),
    on_failure: Literal["open", "closed"] = "open",
    redaction: Redaction | None = None,
    profiles: Profiles | None = None,
) -> Pipeline:
    keyring = KeyRing([SECRET])
    settings = [
        RuleSettings.model_validate({"ref": f"rule-{at}", "expression": text, "action": action})
        for at, (text, action) in enumerate(rules)
    ]
    return Pipeline(
        zone="shop",
        engines=[(type(engine).__name__.lower(), engine) for engine in engines],
        ruleset=ZoneRuleset.compile(settings),
        jar=Jar(keyring, "shop", CookieSettings()),
        randomness=lambda number: b"r" * number,
        on_failure=on_failure,
        redaction=redaction,
        profiles=profiles,
    )


def decide(made: Pipeline, asked: Request | None = None, enforce: bool = True) -> Decision:
    return made.decide(asked or request(), CLIENT, enforce=enforce, navigation=True)


CHALLENGE = ("cf.bot_management.score eq 1", "js_challenge")
NOT_HUMAN = ("not cf.bot_management.score ge 30", "block")


def test_a_score_of_one_is_challenged() -> None:
    decision = decide(pipeline(Says(1), rules=(CHALLENGE,)))
    assert decision.disposition is Disposition.CHALLENGE
    assert decision.verdict.level is ClearanceLevel.JS


def test_observing_forwards_and_records_what_would_have_been_done() -> None:
    made = pipeline(Says(1), rules=(CHALLENGE,))
    decision = decide(made, enforce=False)
    assert decision.disposition is Disposition.FORWARD
    recorded = made.conclude(decision, OUTCOME)
    assert (recorded.mode, recorded.action, recorded.would) == ("observe", "log", "jschallenge")
    assert recorded.actions == ("log",)
    assert len(recorded.actions) == len(recorded.rule_ids) == len(recorded.sources)


def test_heuristics_speak_before_anomalies_and_every_reason_is_kept() -> None:
    found = Finding(ScoreSource.BEHAVIORAL_ANALYSIS, 1, (Detection(201326592, "anomaly", "many failed logins"),))
    learned = Finding(ScoreSource.MACHINE_LEARNING, 7)
    made = pipeline(Says(None), Found(found), Found(learned))
    recorded = made.conclude(decide(made), OUTCOME)
    assert (recorded.score, recorded.score_source) == (1, "Behavioral Analysis")
    assert recorded.reasons == ("many failed logins",)
    made = pipeline(Says(1), Found(found))
    recorded = made.conclude(decide(made), OUTCOME)
    assert recorded.score_source == "Heuristics"
    assert recorded.detection_ids == (33554433, 201326592)


def test_an_engine_that_fails_beside_one_that_finds_is_named_and_has_no_opinion() -> None:
    found = Finding(ScoreSource.MACHINE_LEARNING, 7)
    decision = decide(pipeline(Fails(), Found(found)))
    assert decision.failures == ("fails",)
    assert decision.facts.bot_management is not None
    assert decision.facts.bot_management.score.value == 7


def test_without_a_finding_nothing_is_computed_and_nobody_is_called_human() -> None:
    made = pipeline(Says(None))
    recorded = made.conclude(decide(made), OUTCOME)
    assert (recorded.score, recorded.score_source, recorded.score_group) == (50, "Not Computed", "other")


@pytest.mark.parametrize("rules", [(CHALLENGE,), (NOT_HUMAN,)])
def test_when_scoring_fails_a_rule_over_bot_fields_is_not_evaluated(rules: tuple[tuple[str, str], ...]) -> None:
    made = pipeline(Fails(), rules=rules)
    decision = decide(made)
    assert decision.disposition is Disposition.FORWARD
    assert decision.failures == ("fails",)
    assert not decision.refused
    recorded = made.conclude(decision, OUTCOME)
    assert recorded.scoring_failed
    assert recorded.unevaluated == 1
    assert recorded.score == 0


def test_a_zone_that_fails_closed_refuses_only_what_its_rules_could_not_judge() -> None:
    assert decide(pipeline(Fails(), rules=(CHALLENGE,), on_failure="closed")).refused
    assert not decide(pipeline(Fails(), rules=(CHALLENGE,), on_failure="closed"), enforce=False).refused
    assert not decide(pipeline(Fails(), rules=(('http.host eq "x"', "block"),), on_failure="closed")).refused


def test_one_failing_engine_does_not_silence_another() -> None:
    decision = decide(pipeline(Fails(), Says(1), rules=(CHALLENGE,)))
    assert decision.disposition is Disposition.CHALLENGE
    assert decision.failures == ("fails",)


def test_the_session_cookie_is_given_once_and_opened_again() -> None:
    made = pipeline(Says(None))
    cookie = made.session_cookie(decide(made))
    assert cookie is not None
    value = cookie.split(b";")[0]
    again = decide(made, request(b"/", None, (b"Cookie", value)))
    assert again.facts.session is not None
    assert made.session_cookie(again) is None


@pytest.mark.parametrize("value", [b"__cf_bm=", b"__cf_bm=AAAA", b"cf_clearance=" + b"A" * 9000, b"=;;=", b"\xff\xfe"])
def test_a_cookie_that_does_not_open_is_as_good_as_none(value: bytes) -> None:
    decision = decide(pipeline(Says(None)), request(b"/", None, (b"Cookie", value)))
    assert decision.facts.session is None
    assert decision.facts.clearance is None
    assert decision.failures == ()


@pytest.mark.parametrize(
    ("ended", "navigation", "disposition"),
    [
        (-1.0, True, Disposition.FORWARD),
        (60.0, True, Disposition.FORWARD),
        (181.0, True, Disposition.CHALLENGE),
        (3600.0, False, Disposition.FORWARD),
        (3781.0, False, Disposition.CHALLENGE),
    ],
)
def test_a_clearance_counts_with_its_grace(ended: float, navigation: bool, disposition: Disposition) -> None:
    """Three minutes for clocks that differ; an hour more for scripts, which cannot show a challenge to anybody."""
    jar = Jar(KeyRing([SECRET]), "shop", CookieSettings())
    headers = request().headers
    held = Clearance(ClearanceLevel.JS, NOW - ended, None, 0.0, "00112233445566ff")
    cookie = jar.clearance_cookie(held, headers, CLIENT.address, NOW, False).split(b";")[0]
    made = pipeline(Says(1), rules=(CHALLENGE,))
    asked = request(b"/", None, (b"Cookie", cookie))
    assert made.decide(asked, CLIENT, enforce=True, navigation=navigation).disposition is disposition


@pytest.mark.parametrize(
    ("expression", "counted"),
    [
        ("botproxy.path.requests gt 2", (3.0, 3.0)),
        ("botproxy.headers.requests gt 2", (3.0, 3.0)),
        ("botproxy.address.requests gt 2", (0.0, 0.0)),
    ],
)
def test_what_others_did_is_read_where_a_rule_looks_at_it(expression: str, counted: tuple[float, float]) -> None:
    made = pipeline(rules=((expression, "block"),), profiles=Profiles(SECRET, bytes))
    outcome = Outcome(200, 1, 1, 1, b"text/html", "", 200, 0.0, 0.0, 0.0, Ending.FINISHED)
    for _ in range(3):
        decision = decide(made)
        assert decision.disposition is Disposition.FORWARD
        made.observe(decision, outcome)
    last = decide(made)
    assert last.disposition is Disposition.BLOCK
    profile = last.facts.profile
    assert profile is not None
    assert (profile.path.requests, profile.headers.requests) == pytest.approx(counted)


def test_a_site_that_asks_browsers_for_no_referrer_is_known_by_its_pages() -> None:
    made = pipeline(profiles=Profiles(SECRET, bytes))
    first = decide(made)
    assert not first.facts.short_referer
    made.observe(first, OUTCOME._replace(content_type=b"image/png", referrer_policy=b"no-referrer"))
    assert not decide(made).facts.short_referer
    made.observe(first, OUTCOME._replace(referrer_policy=b"no-referrer"))
    assert decide(made).facts.short_referer


def test_events_hold_no_query_values_unless_asked() -> None:
    asked = request(b"/find", b"q=secret&page=2", (b"Referer", b"https://a.example/x?token=secret"))
    made = pipeline(Says(None), redaction=Redaction(redact_query, redact_url))
    recorded = made.conclude(decide(made, asked), OUTCOME)
    assert "secret" not in recorded.query + recorded.referer
    plain = pipeline(Says(None))
    assert plain.conclude(decide(plain, asked), OUTCOME).query == "q=secret&page=2"


def test_a_solved_challenge_names_the_request_that_was_challenged() -> None:
    recorded = event(
        request(b"/cdn-cgi/x"),
        CLIENT,
        OUTCOME,
        zone="shop",
        enforced=True,
        redaction=None,
        solved=Solved("jschallengeSolved", "ffeeddccbbaa0011", "checkout"),
    )
    assert recorded.action == "jschallengeSolved"
    assert recorded.rule_ids == ("checkout",)
    assert recorded.rule_id == "checkout"
    assert recorded.originator_ray == "ffeeddccbbaa0011"
    assert (recorded.score, recorded.score_group) == (0, "other")


def test_bytes_that_are_no_text_reach_the_event_as_text() -> None:
    made = pipeline(Says(1))
    recorded = made.conclude(decide(made, request(b"/\xff", b"\xfe", (b"User-Agent", b"\x80\xff"))), OUTCOME)
    recorded.path.encode()
    recorded.user_agent.encode()


def test_what_rules_in_shadow_mode_would_have_done_stands_in_the_event_beside_what_was_done() -> None:
    made = Pipeline(
        zone="shop",
        engines=[("says", Says(1))],
        ruleset=ZoneRuleset.compile(
            [
                RuleSettings(ref="tried", expression="cf.bot_management.score eq 1", action="block", shadow=True),
                RuleSettings(ref="noted", expression="cf.bot_management.score eq 1", action="log"),
            ]
        ),
        jar=Jar(KeyRing([SECRET]), "shop", CookieSettings()),
        randomness=lambda number: b"r" * number,
    )
    decision = decide(made)
    assert decision.disposition is Disposition.FORWARD
    recorded = made.conclude(decision, OUTCOME)
    assert (recorded.shadow_rule_ids, recorded.shadow_actions) == (("tried",), ("block",))
    assert (recorded.rule_ids, recorded.action, recorded.would) == (("noted",), "log", "")


def test_under_attack_is_a_managed_challenge_from_the_security_level() -> None:
    made = pipeline(Says(90))
    decision = made.decide(request(), CLIENT, enforce=True, navigation=True, under_attack=True)
    assert (decision.disposition, decision.verdict.level) == (Disposition.CHALLENGE, ClearanceLevel.MANAGED)
    recorded = made.conclude(decision, OUTCOME)
    assert (recorded.action, recorded.rule_id, recorded.sources) == (
        "managedChallenge",
        "security_level.under_attack",
        ("securityLevel",),
    )


@pytest.mark.parametrize(("kept", "highest"), [(True, 90), (False, 0)])
def test_a_session_remembers_its_highest_score_unless_that_is_suppressed(kept: bool, highest: int) -> None:
    jar = Jar(KeyRing([SECRET]), "shop", CookieSettings())
    made = Pipeline(
        zone="shop",
        engines=[("says", Says(90))],
        ruleset=ZoneRuleset.compile([]),
        jar=jar,
        randomness=lambda number: b"r" * number,
        session_scores=kept,
    )
    cookie = made.session_cookie(decide(made))
    assert cookie is not None
    session = jar.session(Headers(((b"Cookie", cookie.split(b";")[0]),)), request().received)
    assert session is not None
    assert session.highest == highest


def learned(score: int) -> Finding:
    return Finding(ScoreSource.MACHINE_LEARNING, score)


class Learned(Says):
    """An engine that learned to say always the same."""

    def assess(self, facts: Facts) -> Finding | None:
        return None if self.score is None else learned(self.score)


AGENT = (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64) Firefox/150.0")


def with_session(*headers: tuple[bytes, bytes], earlier: int = 90, client: Client = CLIENT) -> Request:
    """A request with the cookie of a session in which `client` once had this score."""
    made = pipeline(Learned(earlier))
    decision = made.decide(request(b"/", None, AGENT), client, enforce=True, navigation=True)
    cookie = made.session_cookie(decision)
    assert cookie is not None
    return request(b"/", None, (b"Cookie", cookie.split(b";")[0]), *headers)


@pytest.mark.parametrize(
    ("earlier", "now", "lifted"), [(90, 40, 60), (50, 40, 50), (30, 40, 40), (99, 12, 24), (99, 2, 4)]
)
def test_a_session_lifts_a_learned_score_by_twenty_at_most_and_no_more_than_it_is(
    earlier: int, now: int, lifted: int
) -> None:
    decision = decide(pipeline(Learned(now)), with_session(AGENT, earlier=earlier))
    assert decision.facts.bot_management is not None
    score = decision.facts.bot_management.score
    assert (score.value, score.lift, score.source) == (lifted, lifted - now, ScoreSource.MACHINE_LEARNING)


def test_a_session_never_lifts_what_a_fingerprint_found() -> None:
    decision = decide(pipeline(Learned(40), Says(1)), with_session(AGENT))
    assert decision.facts.bot_management is not None
    assert decision.facts.bot_management.score.value == 1


@pytest.mark.parametrize(
    ("agent", "address"),
    [(b"Mozilla/5.0 (X11; Linux x86_64) Firefox/151.0", "192.0.2.7"), (AGENT[1], "198.51.100.7")],
)
def test_a_stolen_session_lends_nothing(agent: bytes, address: str) -> None:
    asked = with_session((b"User-Agent", agent), client=CLIENT._replace(address=IPv4Address("192.0.2.9")))
    thief = Client(IPv4Address(address), address, 1, address)
    decision = pipeline(Learned(40)).decide(asked, thief, enforce=True, navigation=True)
    assert decision.facts.bot_management is not None
    assert decision.facts.bot_management.score.value == 40


def test_a_neighbour_of_the_same_network_is_the_same_visitor() -> None:
    asked = with_session(AGENT, client=CLIENT._replace(address=IPv4Address("192.0.2.9")))
    decision = decide(pipeline(Learned(40)), asked)
    assert decision.facts.bot_management is not None
    assert decision.facts.bot_management.score.value == 60
