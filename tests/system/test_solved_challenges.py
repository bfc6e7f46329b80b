"""A solved challenge counts once, for the visitor who solved it, whichever worker is asked; reloads change nothing."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from typing import Any, NamedTuple

import pytest

from botproxy.challenges.puzzle import solve

from .conftest import Proxy, Start, until
from .recording import Recording, origin, says

EASY = {"puzzles": 4, "difficulty": 4, "minimum": 2}
RULES = [{"ref": "all", "expression": 'http.request.uri.path ne "/open"', "action": "js_challenge"}]


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


def ask(
    proxy: Proxy,
    path: str = "/wanted",
    cookie: str = "",
    body: bytes | None = None,
    source: str = "127.0.0.1",
    **changed: str,
) -> Answer:
    """One request on a connection of its own."""
    headers = {"Host": "shop.example", "User-Agent": "Visitor/1", "Accept": "text/html", **changed}
    if cookie:
        headers["Cookie"] = cookie
    if body is not None:
        headers |= {"Origin": "http://" + headers["Host"], "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15, source_address=(source, 0))
    connection.request("GET" if body is None else "POST", path, body, headers)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def solution(page: Answer) -> tuple[str, bytes]:
    """Where to send the solution of a challenge page, and what."""
    assert (page.status, page.headers["cf-mitigated"]) == (403, "challenge")
    found = re.search(rb'<script type="application/json" id="challenge">(.*?)</script>', page.body)
    assert found is not None
    data = json.loads(found[1])
    answer = solve(bytes.fromhex(data["nonce"]), EASY["difficulty"], EASY["puzzles"])
    ray = page.headers["Cf-Ray"].split("-")[0]
    return f"/cdn-cgi/challenge-platform/h/b/flow/ov1/{ray}", json.dumps(
        {"token": data["token"], "answer": answer}
    ).encode()


def clearance(proxy: Proxy, **changed: Any) -> str:
    """Solve a challenge; the cookie that was given for it."""
    path, body = solution(ask(proxy, **changed))
    answer = ask(proxy, path, body=body, **changed)
    assert answer.status == 200, answer.body
    return str(answer.headers["Set-Cookie"]).split(";")[0]


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says(b"the page")) as recording:
        yield recording


@pytest.fixture
def proxy(start: Start, shop: Recording) -> Proxy:
    zones = [
        {"name": "shop", "hosts": ["shop.example"], "origins": [shop.url], "rules": RULES},
        {"name": "blog", "hosts": ["blog.example"], "origins": [shop.url], "rules": RULES},
    ]
    config = {
        "mode": "enforce",
        "challenges": EASY,
        "unknown_host": "refuse",
        "zones": zones,
        "forwarding": {"trusted": ["127.0.0.3"]},
    }
    return start(config=config, workers=2)


def test_a_solution_counts_once_across_workers_and_reloads(proxy: Proxy) -> None:
    path, body = solution(ask(proxy))
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(proxy, path, body=body), range(16)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 15
    before = set(proxy.workers())
    os.kill(proxy.program.process.pid, signal.SIGHUP)
    until(lambda: len(proxy.workers()) == 2 and not before & set(proxy.workers()), 20, "new workers alone")
    assert ask(proxy, path, body=body).status == 409


def test_a_clearance_is_for_the_visitor_and_the_zone_that_it_was_given_to(proxy: Proxy, shop: Recording) -> None:
    cookie = clearance(proxy)
    assert cookie.startswith("cf_clearance=")
    for _ in range(6):  # whichever worker is asked
        answer = ask(proxy, cookie=cookie)
        assert (answer.status, answer.body) == (200, b"the page")
    let_through = {"ClientRequestPath": "/wanted", "EdgeResponseStatus": 200}
    until(lambda: len(proxy.events(**let_through)) == 6, 10, "their events")
    assert {tuple(event["SecurityActions"]) for event in proxy.events(**let_through)} == {("jschallengeBypassed",)}

    assert ask(proxy, cookie=cookie, source="127.0.0.2").status == 403
    assert ask(proxy, cookie=cookie, **{"User-Agent": "Visitor/2"}).status == 403
    assert ask(proxy, cookie=cookie, Host="blog.example").status == 403
    assert ask(proxy, cookie=cookie[:-3] + ("AAA" if not cookie.endswith("AAA") else "BBB")).status == 403
    assert ask(proxy, cookie=cookie + "A" * 9000).status == 403
    assert ask(proxy, cookie="cf_clearance=1").status == 403
    assert ask(proxy, cookie=f"cf_clearance=1; {cookie}").status in (200, 403)
    # A header that only listed peers may send changes nothing: neither whose clearance it is, nor who is challenged.
    assert ask(proxy, cookie=cookie, **{"X-Forwarded-For": "203.0.113.9"}).status == 200
    assert ask(proxy, cookie=cookie, source="127.0.0.3", **{"X-Forwarded-For": "203.0.113.9"}).status == 403
    assert ask(proxy, **{"X-Original-URI": "/open", "X-Rewrite-URL": "/open"}).status == 403
    # The origin saw what the events say, and nothing else.
    seen = shop.received.count(b"GET /wanted ")
    until(lambda: len(proxy.events(**let_through)) == seen, 10, "an event of each request that the origin saw")


def test_a_clearance_outlives_reload_and_restart(start: Start, proxy: Proxy) -> None:
    cookie = clearance(proxy)
    before = set(proxy.workers())
    os.kill(proxy.program.process.pid, signal.SIGHUP)
    until(lambda: len(proxy.workers()) == 2 and not before & set(proxy.workers()), 20, "new workers alone")
    assert ask(proxy, cookie=cookie).status == 200
    config = json.loads((proxy.data.parent / "botproxy.yaml").read_text())
    proxy.program.stop()
    del config["listeners"], config["admin"]
    again = start(config=config)
    assert ask(again, cookie=cookie).status == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"source": "127.0.0.2"},
        {"User-Agent": "Visitor/2"},
        {"Host": "blog.example"},
    ],
    ids=str,
)
def test_nobody_can_hand_in_what_another_solved(proxy: Proxy, changed: dict[str, str]) -> None:
    path, body = solution(ask(proxy))
    answer = ask(proxy, path, body=body, **changed)
    assert answer.status == 403
    assert answer.headers["Set-Cookie"] is None
    assert ask(proxy, path, body=body).status == 200


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "/%5cevil.example", "/%2f%2fevil.example"])
def test_the_way_back_is_a_path_of_this_site(proxy: Proxy, target: str) -> None:
    page = ask(proxy, target)
    if page.status == 400:
        return
    path, body = solution(page)
    answer = json.loads(ask(proxy, path, body=body).body)
    assert re.match(r"/(?![/\\])", answer["next"])
    assert not re.match(r"/+\\|/[\t\r\n]", answer["next"])
