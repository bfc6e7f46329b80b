"""The preset `default`: programs that are welcome pass it, and those that only look like them do not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from botproxy.config import Source, load
from botproxy.config.rules import rate_limiter, zone_ruleset
from botproxy.model import (
    Action,
    BotManagement,
    ClearanceLevel,
    Client,
    Disposition,
    Facts,
    Headers,
    Request,
    ResponseFacts,
    Score,
    ScoreSource,
    Verdict,
    VerifiedBot,
)
from botproxy.rules import compile_expression
from botproxy.rules.index_plan import plan_indexes
from botproxy.rulesets import RateLimiter, ZoneRuleset, shipped_text
from botproxy.rulesets.presets import shipped
from botproxy.scoring import Heuristics, shipped_fingerprints
from botproxy.scoring.static_resources import is_static_resource
from botproxy.traffic import RateCounts

DATA = Path(__file__).parents[1] / "data"
HEADERS = {"Host": "site.test"}
SLACK = {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
FEEDLY = {"User-Agent": "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 42 subscribers)"}
SQLMAP = {"User-Agent": "sqlmap/1.7.2#stable (https://sqlmap.org)"}
REQUESTS = {
    "User-Agent": "python-requests/2.32.3",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}


def _lines(*files: str) -> list[dict[str, Any]]:
    return [json.loads(line) for file in files for line in (DATA / file).read_text("utf-8").splitlines()]


CORPUS = _lines("automation/recorded.jsonl", "automation/written.jsonl")


@cache
def _zone() -> tuple[ZoneRuleset, RateLimiter]:
    """What `botproxy serve --origin` judges with."""
    (zone,) = load(Source.from_origin("http://127.0.0.1:1", mode="enforce")).zones
    limiter = rate_limiter(zone)
    assert limiter is not None
    return zone_ruleset(zone, ()), limiter


@cache
def _heuristics() -> Heuristics:
    return Heuristics.load(shipped_fingerprints())


def _facts(
    line: dict[str, Any], score: int | None = None, verified: bool = False, at: float = 1_800_000_000.0
) -> Facts:
    target = line["target"].encode("latin-1")
    path, _, query = target.partition(b"?")
    headers = Headers(tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in line["headers"]))
    request = Request(
        "0" * 16, at, line["method"].encode(), target, path, query or None, line.get("http", "HTTP/1.1"),
        line.get("scheme", "https") == "https", b"site.test", "site.test", headers, 0,
    )  # fmt: skip
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1234, "192.0.2.1")
    facts = Facts(request, client, "default", is_static_resource(path), None, None, {})
    if score is None:
        finding = _heuristics().assess(facts)
        score = 50 if finding is None else finding.score
    bot = VerifiedBot("A bot", "Page Preview") if verified else None
    return facts._replace(bot_management=BotManagement(Score(score, ScoreSource.HEURISTICS), bot))


def _judge(line: dict[str, Any], score: int | None = None, verified: bool = False) -> Verdict:
    ruleset, limiter = _zone()
    rates = limiter.bind(RateCounts(b"0" * 32, lambda number: b"1" * number, 1000))
    return ruleset.evaluate(_facts(line, score, verified), rates)


def _ask(method: str, target: str, headers: dict[str, str], **more: str) -> dict[str, Any]:
    return {"method": method, "target": target, "headers": list({**HEADERS, **headers, **more}.items())}


def _named(lines: Iterable[dict[str, Any]]) -> list[str]:
    return sorted({f"{line['client']}: {line['method']} {line['target']}" for line in lines})


def test_every_welcome_program_passes() -> None:
    """As zero-config enforces, with the heuristics that are shipped."""
    stopped = [
        line
        for line in CORPUS
        if line["way"] != "permitted"
        and _judge(line, verified=line["way"] == "verified").disposition is not Disposition.FORWARD
    ]
    assert _named(stopped) == []


def test_those_with_a_path_of_their_own_pass_whatever_the_engines_think() -> None:
    exempt = [line for line in CORPUS if line["way"] == "exempt"]
    for score in (1, 29):
        assert _named(line for line in exempt if _judge(line, score).disposition is not Disposition.FORWARD) == []
    assert len({line["client"] for line in exempt}) > 100


def test_what_asks_for_ordinary_pages_is_exempt_from_nothing() -> None:
    ordinary = [line for line in CORPUS if line["way"] != "exempt"]
    assert _named(line for line in ordinary if _judge(line, 1).disposition is Disposition.FORWARD) == []


def test_what_is_only_likely_automated_is_asked_for_nothing() -> None:
    """The learned score is never 1, and this preset acts on 1 alone: it cannot take a person for a bot here."""
    for score in (2, 29):
        assert _named(line for line in CORPUS if _judge(line, score).disposition is not Disposition.FORWARD) == []


def test_previews_that_nobody_can_verify_pass_once_their_rule_is_enabled() -> None:
    rules = [
        rule.model_copy(update={"enabled": True}) if rule.ref == "programs.link-previews" else rule
        for rule in shipped().rules
    ]
    permitted = [line for line in CORPUS if line["way"] == "permitted"]
    ruleset = ZoneRuleset.compile(rules)
    assert len(permitted) >= 4
    for line in permitted:
        assert _judge(line).disposition is Disposition.CHALLENGE
        assert ruleset.evaluate(_facts(line)).disposition is Disposition.FORWARD


@pytest.mark.parametrize(
    "line",
    [
        _ask("GET", "/", {"User-Agent": "curl/8.5.0", "Accept": "*/*"}),
        _ask("GET", "/shop?page=2", REQUESTS),
        _ask("GET", "/shop/lantern", FEEDLY),
        _ask("GET", "/shop/lantern", {**SLACK, "Accept": "application/rss+xml"}),
        _ask("GET", "/?feed=rss2", REQUESTS),
        _ask("GET", "/shop/lantern?go-get=1", {"User-Agent": "Go-http-client/1.1"}),
        _ask("GET", "/shop/lantern?service=git-upload-pack", {"User-Agent": "git/2.45.2"}),
        _ask("GET", "/shop?x=/feed.xml", FEEDLY),
        _ask("GET", "/shop/lantern;x.rss", FEEDLY),
        _ask("GET", "/shop/lantern%3Bx.rss", FEEDLY),
        _ask("GET", "/shop/lantern%23.xml", FEEDLY),
        _ask("GET", "/shop.php/feed.xml", FEEDLY),
        _ask("GET", "/account.aspx/x.ics", FEEDLY),
        _ask("GET", "/shop/lantern%0A.mp3", REQUESTS),
        _ask("GET", "/shop/lantern%2Ffeed.xml", REQUESTS),
        _ask("GET", "/shop/lantern%23.deb", REQUESTS),
        _ask("GET", "/shop/lantern", {**REQUESTS, "Accept": "application/activity+json"}),
        _ask("GET", "/users/ann", {**REQUESTS, "Accept": "text/html, application/activity+json"}),
        _ask("GET", "/v2/orders", REQUESTS),
        _ask("GET", "/v2/ann/image/pages/1", REQUESTS),
        _ask("GET", "/dav/files", REQUESTS),
        _ask("GET", "/shop/lantern", REQUESTS, Authorization="Basic YTpi"),
        _ask("GET", "/simple/lantern/", REQUESTS),
        _ask("GET", "/lantern", REQUESTS, Accept="application/vnd.npm.install-v1+json"),
        _ask("HEAD", "/shop", REQUESTS),
        _ask("POST", "/", {**REQUESTS, "Stripe-Signature": "t=1"}),
        _ask("POST", "/login", {**REQUESTS, "Stripe-Signature": "t=1", "Content-Type": "application/json"}),
        _ask("POST", "/callback/login", {**REQUESTS, "X-Hub-Signature-256": "sha256=0"}),
        _ask("POST", "/oauth/callback", {**REQUESTS, "X-Hub-Signature-256": "sha256=0"}),
        _ask("POST", "/callback", REQUESTS),
        _ask("POST", "/inbox", {**REQUESTS, "Content-Type": "application/activity+json"}),
        _ask("POST", "/feed.xml", REQUESTS),
        _ask("POST", "/robots.txt", REQUESTS),
        _ask("POST", "/xmlrpc.php", REQUESTS),
        _ask("POST", "/wp-login.php", REQUESTS),
        _ask("POST", "/session", REQUESTS),
        _ask("GET", "/wp-admin/", SQLMAP),
        _ask("GET", "/?id=1%27%20OR%201=1", SQLMAP),
        _ask("GET", "/.git/config", {"User-Agent": "Fuzz Faster U Fool v2.1.0"}),
        _ask("GET", "/.env", {"User-Agent": "Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:000001)"}),
        _ask("GET", "/admin", {"User-Agent": "gobuster/3.6"}),
        _ask("GET", "/backup.zip", {"User-Agent": "Wfuzz/3.1.0"}),
        _ask("GET", "/shop", {"User-Agent": "Scrapy/2.11.2 (+https://scrapy.org)"}),
    ],
    ids=lambda line: f"{line['method']} {line['target']}",
)
def test_typing_what_they_send_gains_nothing_on_ordinary_pages(line: dict[str, Any]) -> None:
    verdict = _judge(line, 1)
    assert (verdict.disposition, verdict.level) == (Disposition.CHALLENGE, ClearanceLevel.JS)


def test_recorded_scanners_and_libraries_are_still_challenged_on_pages() -> None:
    pages = [
        line
        for line in _lines("clients/scanners.jsonl", "clients/libraries.jsonl")
        if line["target"].partition("?")[0]
        in ("/", "/page", "/linked", "/form", "/json", "/admin", "/login", "/index.html")
    ]
    found = [line for line in pages if _facts(line).bot_management != _facts(line, 50).bot_management]
    assert len(found) > 100
    # HEAD of the start page has no content.
    passed = [line for line in found if _judge(line).disposition is Disposition.FORWARD]
    assert _named(line for line in passed if (line["method"], line["target"]) != ("HEAD", "/")) == []


def test_an_exemption_ends_above_its_rate_and_no_challenge_page_is_sent_then() -> None:
    ruleset, limiter = _zone()
    rates = limiter.bind(RateCounts(b"0" * 32, lambda number: b"1" * number, 1000))
    line = _ask("GET", "/feed.xml", FEEDLY)
    verdicts = [ruleset.evaluate(_facts(line, 1, at=1_800_000_000.0 + at / 10), rates) for at in range(61)]
    assert {each.disposition for each in verdicts[:60]} == {Disposition.FORWARD}
    last = verdicts[60]
    assert last.disposition is Disposition.BLOCK
    assert last.block is not None
    assert last.block.status == 429
    assert last.retry_after > 0
    person = ruleset.evaluate(_facts(line, 50, at=1_800_000_007.0), rates)
    assert person.disposition is Disposition.FORWARD


def test_guessing_passwords_where_programs_log_in_ends() -> None:
    ruleset, limiter = _zone()
    rates = limiter.bind(RateCounts(b"0" * 32, lambda number: b"1" * number, 1000))
    line = _ask("PROPFIND", "/remote.php/dav/", {**REQUESTS, "Authorization": "Basic YTpi", "Depth": "0"})
    forwarded = 0
    for at in range(40):
        facts = _facts(line, 1, at=1_800_000_000.0 + at / 10)
        if ruleset.evaluate(facts, rates).disposition is not Disposition.FORWARD:
            break
        forwarded += 1
        rates.settle(facts._replace(response=ResponseFacts(401, Headers(()))), facts.request.received)
    assert 20 <= forwarded <= 21


def test_every_exemption_has_a_rate_for_exactly_the_same_requests() -> None:
    preset = shipped()
    exemptions = {f"{rule.ref}.rate": rule for rule in preset.rules if rule.action == "skip"}
    limits = {limit.ref: limit for limit in preset.rate_limits}
    assert set(exemptions) | {"programs.guesses.rate"} == set(limits)
    for name, rule in exemptions.items():
        assert limits[name].expression == rule.expression
        assert limits[name].enabled == rule.enabled
        assert rule.expression.startswith("cf.bot_management.score lt 30 and ")


def test_no_enabled_exemption_asks_for_the_user_agent() -> None:
    assert [rule.ref for rule in shipped().rules if rule.enabled and "user_agent" in rule.expression] == []


def test_it_costs_nobody_an_evaluation_who_is_not_taken_for_a_bot() -> None:
    ruleset, limiter = _zone()
    assert ruleset.unindexed == limiter.unindexed == ()
    # Conditions on several subjects, of which one must hold, would be looked up before the score says that none can.
    assert plan_indexes([compile_expression(rule.expression) for rule in shipped().rules]).alternative == 0
    assert ruleset.evaluate(_facts(_ask("GET", "/feed.xml", FEEDLY), 30)).matches == ()


def test_zero_config_is_the_file_that_people_can_read() -> None:
    rules = shipped().rules
    assert (rules[-1].ref, Action(rules[-1].action)) == ("definitely-automated", Action.JS_CHALLENGE)
    assert "definitely-automated" in shipped_text()
    (zone,) = load(Source.from_origin("http://127.0.0.1:1")).zones
    assert (zone.presets, zone.rules, zone.rate_limits) == (("default",), (), ())


def test_its_rules_can_be_copied_into_a_zone(tmp_path: Path) -> None:
    file = tmp_path / "botproxy.yaml"
    copied = "".join(f"    {line}\n" if line else "\n" for line in shipped_text().splitlines())
    file.write_text(
        "secret_file: auto\nzones:\n  - name: shop\n    hosts: [shop.example]\n    origins: ['http://127.0.0.1:1']\n"
        + copied
    )
    (zone,) = load(Source.from_file(file)).zones
    assert (zone.rules, zone.rate_limits) == (shipped().rules, shipped().rate_limits)


def test_the_corpus_is_wide() -> None:
    kinds = Counter(line["kind"] for line in CORPUS)
    assert set(kinds) >= {
        "feed reader", "podcast app", "link preview", "fediverse", "git", "container client", "webhook", "monitoring",
        "WebDAV", "CalDAV", "package manager", "webmention", "well-known",
    }  # fmt: skip
