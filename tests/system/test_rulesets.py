"""What judges a request, end to end: answers, skips, shadow mode, under attack, access rules, presets and the rest."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from email.message import Message
from ipaddress import ip_address
from typing import Any, NamedTuple

import pytest

from botproxy.cookies import Jar, KeyRing, with_level
from botproxy.cookies import Settings as CookieSettings
from botproxy.model import ClearanceLevel, Headers

from .conftest import CHROMIUM, Proxy, Start, browse, until
from .recording import Recording, origin, says

EASY = {"puzzles": 4, "difficulty": 4, "minimum": 2}


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says(b"the page")) as recording:
        yield recording


def ask(
    proxy: Proxy, path: str = "/", *, source: str = "127.0.0.1", body: bytes | None = None, **headers: str
) -> Answer:
    """One request as curl does it, which heuristics know: score 1."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15, source_address=(source, 0))
    sent = {"Host": "shop.example", "User-Agent": "curl/8.5.0", "Accept": "*/*"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET" if body is None else "POST", path, body, sent)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def begin(start: Start, shop: Recording, top: dict[str, Any] | None = None, **zone: Any) -> Proxy:
    zones = [{"name": "shop", "hosts": ["shop.example"], "origins": [shop.url], **zone}]
    return start(config={"mode": "enforce", "challenges": EASY, "zones": zones, **(top or {})})


def test_a_block_answers_as_its_rule_says_and_is_recorded(start: Start, shop: Recording) -> None:
    response = {"status_code": 410, "content_type": "application/json", "content": '{"gone": "für immer"}'}
    rules = [
        {
            "ref": "gone",
            "description": "Moved out",
            "expression": 'starts_with(http.request.uri.path, "/old/")',
            "action": "block",
            "action_parameters": {"response": response},
        },
        {"ref": "plain", "expression": 'http.request.uri.path eq "/plain"', "action": "block"},
    ]
    proxy = begin(start, shop, rules=rules)
    answer = ask(proxy, "/old/1")
    assert (answer.status, answer.body.decode()) == (410, '{"gone": "für immer"}')
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Cf-Ray"]
    event = proxy.event(ClientRequestPath="/old/1")
    assert (event["EdgeResponseStatus"], event["SecurityAction"], event["SecurityRuleID"]) == (410, "block", "gone")
    assert (event["SecurityActions"], event["SecuritySources"]) == (["block"], ["firewallCustom"])
    assert (event["SecurityRuleDescription"], event["BotproxyEnding"]) == ("Moved out", "refused")
    # A block of a request whose body nobody reads leaves the connection in order.
    assert ask(proxy, "/old/2", body=b"x" * 200_000).status == 410
    assert ask(proxy, "/plain").status == 403
    assert ask(proxy, "/").body == b"the page"
    assert b"/old/" not in shop.received


def test_a_skip_reaches_the_phases_and_products_that_it_names(start: Start, shop: Recording) -> None:
    def skip(path: str, **parameters: Any) -> dict[str, Any]:
        expression = f'http.request.uri.path eq "{path}"'
        return {"ref": path[1:], "expression": expression, "action": "skip", "action_parameters": parameters}

    rules = [
        skip("/rest", ruleset="current"),
        skip("/sbfm", phases=["http_request_sbfm"]),
        skip("/both", ruleset="current", phases=["http_request_sbfm"]),
        skip("/agent", ruleset="current", phases=["http_request_sbfm"], products=["uaBlock"]),
        {"ref": "never", "expression": 'http.request.uri.path in {"/rest" "/sbfm" "/both"}', "action": "block"},
    ]
    proxy = begin(
        start,
        shop,
        rules=rules,
        bot_management={"sbfm_definitely_automated": "block"},
        user_agent_rules=[{"ref": "reader", "mode": "block", "configuration": {"value": "curl/8.5.1"}}],
    )
    assert [ask(proxy, path).status for path in ("/rest", "/sbfm", "/both", "/other")] == [403, 403, 200, 403]
    decided = {
        path: proxy.event(ClientRequestPath=path)["SecurityRuleIDs"] for path in ("/rest", "/sbfm", "/both", "/other")
    }
    assert decided == {
        "/rest": ["rest", "bot_management.sbfm_definitely_automated"],
        "/sbfm": ["sbfm", "never"],
        "/both": ["both"],
        "/other": ["bot_management.sbfm_definitely_automated"],
    }
    reader = {"User_Agent": "curl/8.5.1"}
    assert [ask(proxy, path, **reader).status for path in ("/agent", "/blocked")] == [200, 403]
    assert proxy.event(ClientRequestPath="/agent")["SecurityRuleIDs"] == ["agent"]
    blocked = proxy.event(ClientRequestPath="/blocked")
    assert (blocked["SecurityRuleIDs"], blocked["SecuritySources"]) == (["reader"], ["uaBlock"])


def test_a_rule_in_shadow_mode_is_counted_and_recorded_and_does_nothing(start: Start, shop: Recording) -> None:
    tried = {"ref": "tried", "expression": "cf.bot_management.score eq 1", "action": "block", "shadow": True}
    proxy = begin(start, shop, rules=[tried])
    assert (ask(proxy).status, browse(proxy.port).status) == (200, 200)
    event = proxy.event(BotScore=1)
    assert (event["BotproxyShadowRuleIDs"], event["BotproxyShadowActions"]) == (["tried"], ["block"])
    assert (event["SecurityAction"], event["SecurityActions"]) == ("unknown", [])
    assert proxy.event(BotScore=50)["BotproxyShadowRuleIDs"] == []

    def counted() -> bool:
        with urllib.request.urlopen(f"{proxy.admin}/metrics", timeout=5) as page:
            return b'botproxy_shadow_total{action="block",rule="tried",zone="shop"} 1.0' in page.read()

    until(counted, 10, "the shadow match among the metrics")


def command(proxy: Proxy, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "botproxy", *arguments, "--admin", proxy.admin_address],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def cleared(proxy: Proxy) -> str:
    """The cookie that the browser of `browse` would have after a managed challenge; tests/browsers solves real ones."""
    headers = Headers(tuple((name.encode(), value.encode()) for name, value in CHROMIUM))
    jar = Jar(KeyRing.from_text((proxy.data / "secret").read_text()), "shop", CookieSettings())
    now = time.time()
    clearance = with_level(None, ClearanceLevel.MANAGED, now + 600, "0" * 16, now)
    cookie = jar.clearance_cookie(clearance, headers, ip_address("127.0.0.1"), now, False)
    return cookie.split(b";")[0].decode("ascii")


def test_under_attack_is_switched_by_one_command_and_outlives_reload_and_restart(start: Start, shop: Recording) -> None:
    zones = [
        {"name": name, "hosts": [f"{name}.example"], "origins": [shop.url], "rules": rules}
        for name, rules in (
            (
                "shop",
                [
                    {
                        "ref": "hooks",
                        "expression": 'http.request.uri.path eq "/hook"',
                        "action": "skip",
                        "action_parameters": {"products": ["securityLevel"]},
                    }
                ],
            ),
            ("blog", []),
        )
    ]
    config = {"mode": "enforce", "challenges": EASY, "zones": zones}
    proxy = start(config=config, workers=2)
    assert browse(proxy.port).status == 200
    assert command(proxy, "under-attack") == "off\n"
    assert command(proxy, "under-attack", "on", "--zone", "shop") == "shop: on (switched)\n"
    # Every worker heard of it before the command came back, or does within the tick of its loop.
    until(lambda: all(browse(proxy.port).status == 403 for _ in range(6)), 10, "challenges by every worker")
    assert browse(proxy.port, host="blog.example").status == 200
    assert browse(proxy.port, "/hook").status == 200
    challenged = until(lambda: proxy.events(SecurityAction="managedChallenge"), 10, "an event of a challenge")[0]
    assert (challenged["SecurityRuleID"], challenged["SecuritySources"]) == (
        "security_level.under_attack",
        ["securityLevel"],
    )

    cookie = cleared(proxy)
    passed = browse(proxy.port, "/passed", ("Cookie", cookie))
    assert passed.status == 200
    event = proxy.event(ClientRequestPath="/passed")
    assert (event["SecurityActions"], event["SecuritySources"]) == (["managedChallengeBypassed"], ["securityLevel"])

    before = set(proxy.workers())
    os.kill(proxy.program.process.pid, signal.SIGHUP)
    until(lambda: len(proxy.workers()) == 2 and not before & set(proxy.workers()), 20, "new workers alone")
    assert {browse(proxy.port).status for _ in range(6)} == {403}
    proxy.program.stop()
    again = start(config=config, workers=2)
    assert {browse(again.port).status for _ in range(6)} == {403}
    assert browse(again.port, "/", ("Cookie", cookie)).status == 200
    assert command(again, "under-attack", "configured") == "off\n"
    until(lambda: all(browse(again.port).status == 200 for _ in range(6)), 10, "no challenges any more")


def test_under_attack_of_the_configuration_holds_from_the_first_request_on(start: Start, shop: Recording) -> None:
    proxy = begin(start, shop, security_level="under_attack")
    assert browse(proxy.port).status == 403
    assert command(proxy, "under-attack") == "on\n"
    assert command(proxy, "mode", "observe").startswith("observe")
    until(lambda: browse(proxy.port, "/watched").status == 200, 10, "a proxy that only observes")
    assert "nobody is challenged in shop" in command(proxy, "under-attack")
    watched = until(lambda: proxy.events(BotproxyMode="observe"), 10, "an event in observe mode")
    assert watched[0]["BotproxyWouldAction"] == "managedChallenge"


def test_bot_fight_mode_cannot_be_skipped_and_an_access_rule_spares(start: Start, shop: Recording) -> None:
    everything = {"ruleset": "current", "phases": ["http_ratelimit", "http_request_sbfm"]}
    proxy = begin(
        start,
        shop,
        bot_management={"fight_mode": True},
        rules=[{"ref": "all", "expression": "not ssl", "action": "skip", "action_parameters": everything}],
        access_rules=[
            {"mode": "allow", "configuration": {"target": "ip", "value": "127.0.0.2"}},
            {"mode": "block", "configuration": {"target": "ip_range", "value": "127.0.0.8/29"}, "ref": "bad"},
        ],
    )
    fought = ask(proxy, "/fought")
    assert (fought.status, fought.headers["cf-mitigated"]) == (403, "challenge")
    event = proxy.event(ClientRequestPath="/fought")
    assert (event["SecurityAction"], event["SecurityRuleIDs"]) == (
        "managedChallenge",
        ["all", "bot_management.fight_mode"],
    )
    assert event["SecuritySources"] == ["firewallCustom", "botFight"]
    assert browse(proxy.port).status == 200
    assert ask(proxy, "/allowed", source="127.0.0.2").status == 200
    allowed = proxy.event(ClientRequestPath="/allowed")
    assert (allowed["SecurityActions"], allowed["SecuritySources"]) == (["allow"], ["ip"])
    blocked = ask(proxy, "/blocked", source="127.0.0.9")
    assert (blocked.status, blocked.headers["cf-mitigated"]) == (403, None)
    event = proxy.event(ClientRequestPath="/blocked")
    assert (event["SecurityRuleID"], event["SecuritySources"]) == ("bad", ["ipRange"])


def test_super_bot_fight_mode_spares_static_resources_until_told_otherwise(start: Start, shop: Recording) -> None:
    proxy = begin(start, shop, bot_management={"sbfm_definitely_automated": "block"})
    assert [ask(proxy, path).status for path in ("/", "/logo.png")] == [403, 200]
    event = proxy.event(ClientRequestPath="/")
    assert (event["SecurityRuleID"], event["SecuritySources"]) == (
        "bot_management.sbfm_definitely_automated",
        ["botFight"],
    )
    assert browse(proxy.port, "/page").status == 200


def test_presets_and_account_rulesets_judge_in_order(start: Start, shop: Recording) -> None:
    account = [
        {
            "id": "everywhere",
            "expression": 'starts_with(http.request.uri.path, "/internal")',
            "rules": [
                {"ref": "partner", "expression": "ip.src in {127.0.0.2}", "action": "allow"},
                {"ref": "closed", "expression": "not ssl", "action": "block"},
            ],
        }
    ]
    proxy = begin(start, shop, {"rulesets": account}, presets=["browser-endpoints", "api-traffic"])
    statuses = {path: ask(proxy, path).status for path in ("/api/orders", "/shoes", "/internal", "/logo.png")}
    assert statuses == {"/api/orders": 200, "/shoes": 403, "/internal": 403, "/logo.png": 200}
    assert ask(proxy, "/internal/x", source="127.0.0.2").status == 200
    assert proxy.event(ClientRequestPath="/api/orders")["SecurityRuleIDs"] == ["preset.api-traffic"]
    assert proxy.event(ClientRequestPath="/shoes")["SecurityRuleID"] == "preset.browser-endpoints"
    assert proxy.event(ClientRequestPath="/internal")["SecurityRuleID"] == "closed"
    assert proxy.event(ClientRequestPath="/internal/x")["SecurityActions"] == ["allow"]
