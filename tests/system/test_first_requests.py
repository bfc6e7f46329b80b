"""What a new user does first: curl is scored 1 and treated as the rules say, a browser's request goes through."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import Callable
from urllib.request import urlopen

import aiohttp
from yarl import URL

from .conftest import Program, Start, browse, until


def curl(program: str, *arguments: str) -> str:
    return subprocess.run(
        [program, "-s", "--max-time", "10", *arguments], capture_output=True, text=True, check=True
    ).stdout


def test_enforcing_curl_is_challenged_and_a_browser_is_not(
    start: Start, demo_origin: str, part: Callable[[str], str]
) -> None:
    proxy = start(demo_origin, "--mode", "enforce")
    answer = curl(part("curl"), "-i", f"{proxy.url}/")
    head = answer.split("\r\n\r\n")[0].lower()
    assert head.startswith("http/1.1 403")
    assert "cf-mitigated: challenge" in head
    assert "no-store" in head
    ray = head.split("cf-ray: ")[1].split("-")[0]

    event = proxy.event(RayID=ray)
    assert event["BotScore"] == 1
    assert event["BotScoreSrc"] == "Heuristics"
    assert event["BotDetectionIDs"]
    assert event["SecurityActions"] == ["jschallenge"]
    assert event["EdgeResponseStatus"] == 403
    assert event["ClientRequestUserAgent"].startswith("curl/")

    page = browse(proxy.port)
    assert page.status == 200
    assert proxy.event(RayID=page.ray)["SecurityActions"] == []


def test_enforcing_what_is_made_for_programs_is_theirs(
    start: Start, demo_origin: str, part: Callable[[str], str]
) -> None:
    proxy = start(demo_origin, "--mode", "enforce")

    def status(*arguments: str) -> str:
        return curl(part("curl"), "-o", "/dev/null", "-w", "%{http_code}", *arguments)

    assert status(f"{proxy.url}/robots.txt") == "200"
    assert status(f"{proxy.url}/feed.xml") == "404"  # the shop has none, and says so itself
    signed = ("-H", "Stripe-Signature: t=1,v1=0", "-d", "{}")
    assert status(*signed, f"{proxy.url}/webhooks/stripe") == "404"
    assert status(*signed, f"{proxy.url}/guestbook") == "403"
    event = proxy.event(ClientRequestPath="/robots.txt")
    assert (event["BotScore"], event["SecurityActions"], event["SecurityRuleID"]) == (
        1,
        ["skip"],
        "programs.well-known",
    )


def test_observing_curl_is_scored_recorded_and_forwarded(
    start: Start, demo_origin: str, part: Callable[[str], str]
) -> None:
    proxy = start(demo_origin)
    answer = curl(part("curl"), "-i", f"{proxy.url}/")
    assert answer.startswith("HTTP/1.1 200")
    ray = answer.split("Cf-Ray: ")[1].split("-")[0]
    event = proxy.event(RayID=ray)
    assert event["BotScore"] == 1
    assert event["SecurityAction"] == "log"
    assert "jschallenge" in event.values()
    assert event["OriginResponseStatus"] == 200


def test_what_heuristics_do_not_find_has_the_learned_score_and_a_browser_is_not_low(
    start: Start, demo_origin: str
) -> None:
    proxy = start(demo_origin)
    event = proxy.event(RayID=browse(proxy.port).ray)
    assert event["BotScoreSrc"] == "Machine Learning"
    assert 30 <= event["BotScore"] <= 99


def test_without_an_engine_that_has_a_word_nothing_is_called_human(start: Start, demo_origin: str) -> None:
    learned = {"machine_learning": {"enabled": False}}
    proxy = start(
        config={"unknown_host": "shop", "scoring": learned, "zones": [{"name": "shop", "origins": [demo_origin]}]}
    )
    event = proxy.event(RayID=browse(proxy.port).ray)
    assert (event["BotScore"], event["BotScoreSrc"]) == (50, "Not Computed")
    assert "likely_human" not in event.values()


def test_one_command_switches_a_running_proxy_and_the_choice_outlives_a_restart(
    start: Start, demo_origin: str, part: Callable[[str], str]
) -> None:
    proxy = start(demo_origin)
    switch = Program(proxy.data / "switch.log", "mode", "enforce", "--admin", proxy.admin_address)
    switch.process.wait(20)
    assert switch.stop() == 0, switch.said()
    until(lambda: curl(part("curl"), "-o", "/dev/null", "-w", "%{http_code}", proxy.url) == "403", 5, "a challenge")
    proxy.program.stop()
    again = start(demo_origin, data=proxy.data)
    assert curl(part("curl"), "-o", "/dev/null", "-w", "%{http_code}", again.url) == "403"


def test_what_cannot_run_a_page_gets_json_and_never_a_page(start: Start, demo_origin: str) -> None:
    proxy = start(demo_origin, "--mode", "enforce")

    async def ask() -> tuple[int, str, dict[str, object]]:
        async with aiohttp.ClientSession() as session, session.get(f"{proxy.url}/api/products") as answer:
            return answer.status, answer.headers["cf-mitigated"], json.loads(await answer.text())

    status, mitigated, body = asyncio.run(ask())
    assert (status, mitigated) == (403, "challenge")
    assert "error" in body


def test_metrics_health_and_event_agree(start: Start, demo_origin: str) -> None:
    proxy = start(demo_origin)
    for _ in range(5):
        urlopen(f"{proxy.url}/", timeout=10).close()
    until(lambda: len(proxy.events(ClientRequestPath="/")) == 5, 10, "five events")

    def counted() -> bool:
        with urlopen(f"{proxy.admin}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        rows = [line for line in text.splitlines() if line.startswith("botproxy_requests_total{")]
        return sum(float(row.rsplit(" ", 1)[1]) for row in rows) == 5

    until(counted, 10, "five requests counted")
    with urlopen(f"{proxy.admin}/healthz", timeout=5) as answer:
        assert answer.status == 200


def test_the_session_cookie_is_set_once_and_not_on_what_a_cache_may_keep(start: Start, demo_origin: str) -> None:
    """Without the learned score: with it, it is set again when the score rises."""
    learned = {"machine_learning": {"enabled": False}}
    proxy = start(
        config={"unknown_host": "shop", "scoring": learned, "zones": [{"name": "shop", "origins": [demo_origin]}]}
    )
    cookie = browse(proxy.port).headers["Set-Cookie"]
    assert cookie is not None
    assert cookie.startswith("__cf_bm=")
    assert "HttpOnly" in cookie
    again = browse(proxy.port, "/", ("Cookie", cookie.split(";")[0]))
    assert again.headers["Set-Cookie"] is None
    assert proxy.event(RayID=again.ray)["BotproxySession"]


def test_paths_of_our_own_are_never_forwarded(start: Start, demo_origin: str) -> None:
    proxy = start(demo_origin)

    async def ask() -> list[int]:
        async with aiohttp.ClientSession() as session:
            statuses = []
            for path in ("/cdn-cgi/nothing", "/CDN-CGI/x", "//cdn-cgi/x", "/a/../cdn-cgi/x", "/%63dn-cgi/x"):
                async with session.get(URL(proxy.url + path, encoded=True)) as answer:
                    statuses.append(answer.status)
            return statuses

    assert asyncio.run(ask()) == [404] * 5
    for event in until(lambda: len(proxy.events()) == 5 and proxy.events(), 10, "five events"):
        assert event["BotScore"] == 0
        assert event["OriginResponseStatus"] == 0


def test_what_the_parser_refuses_is_an_event_and_not_a_traceback(start: Start, demo_origin: str) -> None:
    proxy = start(demo_origin)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = b""
        while piece := plain.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 400 ")
    event = proxy.event(EdgeResponseStatus=400)
    assert event["BotScore"] == 0
    assert "Traceback" not in proxy.program.said()
