"""A log convicts who says what they are, and nobody for what it does not hold."""

from __future__ import annotations

import os
from ipaddress import ip_network
from typing import Any

import pytest

from botproxy.addresses import NetworkSet
from botproxy.bots import Knowledge, Recogniser, load_directory
from botproxy.bots import Settings as BotSettings
from botproxy.importing import Entry, Importer, LineError, Made
from botproxy.importing.scoring import sure_fingerprints
from botproxy.proxy.target import normalise
from botproxy.rulesets import RateLimiter, RateLimitSettings, RuleSettings, ZoneRuleset
from botproxy.scoring import Heuristics, Settings, load_heuristics
from botproxy.simulation import ZoneJudge
from botproxy.simulation.fates import Fate
from botproxy.simulation.knowing import ALWAYS, UNLOGGED
from botproxy.traffic import Profiles, RateCounts

CHROME = (
    b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
GOOGLE = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
NOW = 1_800_000_000.0

HEURISTICS = load_heuristics(Settings())
DEFAULT = ZoneRuleset.compile([], presets=["default"])
DIRECTORY = load_directory(BotSettings())


def entry(**changes: Any) -> Entry:
    plain = Entry("192.0.2.7", NOW, b"GET", b"/a?q=secret", "HTTP/1.1", 200, 10, b"", CHROME)
    return plain._replace(**changes)


def importer(*rules: tuple[str, str], limits: tuple[Any, ...] = (), **given: Any) -> Importer:
    written = [
        RuleSettings.model_validate({"ref": f"r{at}", "expression": expression, "action": action})
        for at, (expression, action) in enumerate(rules)
    ]
    counts = RateCounts(b"s" * 32, os.urandom, 1000)
    limiter = RateLimiter.compile("shop", [RateLimitSettings.model_validate(each) for each in limits])
    ruleset = ZoneRuleset.compile(written, presets=["default"]) if written else DEFAULT
    judge = ZoneJudge(ruleset, limiter, counts, frozenset())
    made: dict[str, Any] = {"heuristics": HEURISTICS, "recogniser": None, "judge": judge, **given}
    return Importer("shop", "shop.example", normalise, **made)


def made(importer: Importer, **changes: Any) -> Made:
    found = importer.make(entry(**changes), b"1")
    assert found is not None
    return found


def test_a_browser_in_a_log_is_not_convicted_of_headers_that_the_log_does_not_hold() -> None:
    of_chrome = made(importer())
    assert (of_chrome.event.score, of_chrome.event.detection_ids) == (50, ())
    assert of_chrome.fate is Fate.FORWARD
    assert HEURISTICS is not None
    sure = sure_fingerprints(HEURISTICS, ALWAYS | UNLOGGED)
    assert 0 < len(sure.fingerprints) < len(HEURISTICS.fingerprints)


@pytest.mark.parametrize("agent", [b"curl/8.5.0", b"python-requests/2.31.0", b"Go-http-client/1.1", b"sqlmap/1.7"])
def test_who_says_what_it_is_is_found(agent: bytes) -> None:
    found = made(importer(), user_agent=agent)
    assert found.event.score == 1
    assert found.event.reasons
    assert found.fate is Fate.JS_CHALLENGE
    assert (found.event.mode, found.event.action, found.event.would) == ("imported", "log", "jschallenge")


def test_a_log_without_user_agents_tells_nothing_of_them() -> None:
    assert made(importer(), user_agent=None).event.score == 50
    assert made(importer(('http.user_agent eq ""', "block")), user_agent=None).fate is None


def test_a_bot_is_verified_by_the_lists_on_disk_and_is_no_impostor_without_them() -> None:
    knowledge = Knowledge(1000)
    recogniser = Recogniser(DIRECTORY, knowledge, BotSettings())
    claimed = made(importer(recogniser=recogniser), user_agent=GOOGLE)
    assert claimed.claim is not None
    assert (claimed.claim.name, claimed.claim.status) == ("Googlebot", "unverified")
    assert claimed.event.verified_bot_category == ""
    assert claimed.event.detail == "says that it is Googlebot"
    assert claimed.fate is None  # whether it is decides what the preset does
    for name in DIRECTORY.lists:
        knowledge.learn_list(name, NetworkSet([ip_network("192.0.2.0/24")]), NOW)
    verified = made(importer(recogniser=recogniser), user_agent=GOOGLE)
    assert verified.event.score_group == "verified_bot"
    assert (verified.event.verified_bot_category, verified.event.detail) == ("Search Engine Crawler", "")
    assert verified.fate is Fate.FORWARD
    other = made(importer(recogniser=recogniser), user_agent=GOOGLE, address="198.51.100.1")
    assert other.claim is not None
    assert other.claim.status != "refused"
    assert "impostor" not in str(other.event.detection_tags)


def test_rates_and_what_callers_did_follow_the_times_of_the_log() -> None:
    limit = {
        "ref": "often",
        "expression": 'http.request.uri.path eq "/login"',
        "action": "block",
        "ratelimit": {"characteristics": ["ip.src"], "period": 60, "requests_per_period": 2},
    }
    counted = importer(limits=(limit,))
    assert [made(counted, target=b"/login", time=NOW + at).fate for at in range(4)] == [
        Fate.FORWARD, Fate.FORWARD, Fate.BLOCK, Fate.BLOCK,
    ]  # fmt: skip
    assert made(counted, target=b"/login", time=NOW + 500).fate is Fate.FORWARD
    rule = ("botproxy.address.requests gt 3", "managed_challenge")
    followed = importer(rule, profiles=Profiles(b"s" * 32, os.urandom, 0.01))
    fates = [made(followed, time=NOW + at).fate for at in range(6)]
    assert fates[0] is Fate.FORWARD
    assert fates[-1] is Fate.MANAGED_CHALLENGE
    assert made(importer(rule)).fate is None  # nobody counted


def test_events_hold_no_values_that_they_should_not_and_the_same_line_has_the_same_ray() -> None:
    from botproxy.pipeline import Redaction
    from botproxy.telemetry import redact_query, redact_url

    one = importer(redaction=Redaction(redact_query, redact_url))
    event = made(one, referer=b"https://x.example/?t=secret").event
    assert (event.path, event.query, event.referer) == ("/a", "q=*", "https://x.example/?t=*")
    assert event.host == "shop.example"
    assert event.ray == made(importer()).event.ray
    moved = importer()
    moved.shift = 100.0
    assert made(moved).event.start == NOW + 100


def test_what_the_proxy_refuses_is_none_and_no_address_is_an_error() -> None:
    assert importer().make(entry(target=b"/../../etc/passwd"), b"1") is None
    assert importer().make(entry(target=b"http://other/"), b"1") is None
    with pytest.raises(LineError, match="no address"):
        importer().make(entry(address="www.example"), b"1")


def test_fingerprints_of_a_few_headers_are_left_out_unless_they_are_sure() -> None:
    text = """
- {id: 8388609, tag: a, reason: no Accept, expression: 'not has_key(http.request.headers, "accept")'}
- {id: 8388610, tag: b, reason: curl, expression: 'http.user_agent contains "curl" or http.cookie eq "x"'}
"""
    sure = sure_fingerprints(Heuristics.load({"own": text}), ALWAYS | UNLOGGED)
    assert [each.detection.tag for each in sure.fingerprints] == ["b"]
