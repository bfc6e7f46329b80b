"""Rate limits as visitors meet them: real sockets, two workers, reloads, dead workers, a supervisor that is stuck."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any, NamedTuple

import pytest

from .conftest import Proxy, Start, until
from .recording import Recording, origin
from .test_solved_challenges import EASY, clearance
from .test_solved_challenges import ask as visit

TOLD = 0.4
"""Seconds after which every worker knows what another counted: a tick, and the way."""


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes


def answers_by_path(connection: socket.socket, recording: Recording) -> None:
    """An origin that answers /401 with 401, and everything else with 200 and the score that the query asks for."""
    while head := recording.head(connection):
        target = head.split(b" ", 2)[1]
        status = b"401 Unauthorized" if target.startswith(b"/401") else b"200 OK"
        score = target.partition(b"?score=")[2] or b"0"
        connection.sendall(b"HTTP/1.1 %b\r\nMy-Score: %b\r\nContent-Length: 2\r\n\r\nok" % (status, score))


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(answers_by_path) as recording:
        yield recording


def limit(
    requests: int | None, expression: str = "not ssl", action: str = "block", ref: str = "limit", **more: Any
) -> dict[str, Any]:
    ratelimit = {"characteristics": ["cf.colo.id", "ip.src"], "period": 10, "requests_per_period": requests, **more}
    return {"ref": ref, "expression": expression, "action": action, "ratelimit": ratelimit}


Serve = Callable[..., Proxy]


@pytest.fixture
def serve(start: Start, shop: Recording) -> Serve:
    """`serve(rule, ...)` runs a proxy with two workers and these limits."""

    def begin(*rules: dict[str, Any], workers: int = 2, **more: Any) -> Proxy:
        zone = {"name": "shop", "origins": [shop.url], "rate_limits": list(rules), "mode": "enforce"}
        return start(config={"unknown_host": "shop", "zones": [zone], **more}, workers=workers)

    return begin


def connect(proxy: Proxy, source: str = "127.0.0.1") -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10, source_address=(source, 0))


def ask(proxy: Proxy, path: str = "/", source: str = "127.0.0.1") -> Answer:
    """One request on a connection of its own, which any of the workers may get."""
    connection = connect(proxy, source)
    try:
        connection.request("GET", path, headers={"Host": "shop.example"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def statuses(proxy: Proxy, number: int, path: str = "/", pause: float = TOLD, source: str = "127.0.0.1") -> list[int]:
    """One request after the other, each after all workers know of the one before."""
    found = []
    for _ in range(number):
        found.append(ask(proxy, path, source).status)
        time.sleep(pause)
    return found


def metric(proxy: Proxy, name: str) -> float:
    connection = http.client.HTTPConnection(proxy.admin_address, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " ")), 0.0)


def test_the_request_above_the_limit_is_told_to_wait_and_passes_when_it_did(serve: Serve) -> None:
    proxy = serve(limit(3, mitigation_timeout=10))
    assert statuses(proxy, 3) == [200, 200, 200]
    began = time.monotonic()
    refused = ask(proxy)
    assert refused.status == 429
    assert 9 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.headers["Content-Type"] == "application/json"
    assert ask(proxy, source="127.0.0.2").status == 200
    event = proxy.event(EdgeResponseStatus=429)
    assert (event["SecuritySources"], event["SecurityRuleIDs"], event["SecurityAction"]) == (
        ["rateLimit"],
        ["limit"],
        "block",
    )
    time.sleep(5)
    assert ask(proxy).status == 429
    time.sleep(max(0.0, began + 10.5 - time.monotonic()))
    assert ask(proxy).status == 200


def test_both_workers_together_let_a_slow_visitor_have_no_more_than_the_limit(serve: Serve) -> None:
    proxy = serve(limit(5))
    assert statuses(proxy, 8) == [200] * 5 + [429] * 3


def test_a_fast_visitor_on_many_connections_exceeds_the_limit_by_what_the_bound_says(serve: Serve) -> None:
    workers, allowed, rate, tick = 2, 60, 200, 0.25
    proxy = serve(limit(allowed))
    connections = [connect(proxy) for _ in range(24)]
    passed = 0
    began = time.monotonic()
    for step in range(400):
        time.sleep(max(0.0, began + step / rate - time.monotonic()))
        connection = connections[step % len(connections)]
        connection.request("GET", "/", headers={"Host": "shop.example"})
        answer = connection.getresponse()
        answer.read()
        passed += answer.status == 200
    for connection in connections:
        connection.close()
    assert allowed <= passed <= allowed + workers * tick * rate


def test_answers_are_counted_by_their_status(serve: Serve) -> None:
    expression = 'http.request.uri.path in {"/401" "/login"}'
    proxy = serve(limit(2, expression, counting_expression=f"{expression} and http.response.code eq 401"))
    assert statuses(proxy, 5, "/login") == [200] * 5
    assert statuses(proxy, 4, "/401") == [401, 401, 401, 429]
    assert ask(proxy, "/login").status == 429
    assert ask(proxy, "/other").status == 200
    assert ask(proxy, "/login", "127.0.0.3").status == 200


def test_an_origin_that_does_not_answer_is_counted_as_such(start: Start, free_port: Callable[[], int]) -> None:
    rule = limit(1, counting_expression="http.response.code ge 500")
    zone = {"name": "shop", "origins": [f"http://127.0.0.1:{free_port()}"], "rate_limits": [rule], "mode": "enforce"}
    proxy = start(config={"unknown_host": "shop", "zones": [zone]})
    assert statuses(proxy, 3, pause=0) == [502, 502, 429]


def test_scores_of_the_origin_are_summed(serve: Serve) -> None:
    proxy = serve(limit(None, score_per_period=100, score_response_header_name="My-Score"))
    assert statuses(proxy, 4, "/?score=40") == [200, 200, 200, 429]


def test_a_rule_answers_as_it_is_told(serve: Serve) -> None:
    rule = limit(1)
    rule["action_parameters"] = {"response": {"content_type": "application/json", "content": '{"slow": "down"}'}}
    proxy = serve(rule, workers=1)
    ask(proxy)
    refused = ask(proxy)
    assert (refused.status, refused.body) == (429, b'{"slow": "down"}')
    assert refused.headers["Content-Type"] == "application/json; charset=utf-8"
    assert int(refused.headers["Retry-After"]) >= 1


def test_who_passes_the_challenge_starts_again_at_both_workers_and_is_asked_again(serve: Serve) -> None:
    proxy = serve(limit(3, action="js_challenge"), challenges=EASY)

    def browse(number: int, cookie: str = "") -> list[int]:
        found = []
        for _ in range(number):
            found.append(visit(proxy, cookie=cookie).status)
            time.sleep(TOLD)
        return found

    assert browse(4) == [200, 200, 200, 403]
    first = clearance(proxy)
    assert browse(4, first) == [200, 200, 200, 403]
    second = clearance(proxy)
    assert browse(1, first) == [403]
    assert browse(1, second) == [200]


def reload(proxy: Proxy) -> None:
    before = metric(proxy, "botproxy_generation")
    proxy.program.process.send_signal(signal.SIGHUP)
    until(lambda: metric(proxy, "botproxy_generation") > before, 30, "a reload")


def test_a_reload_resets_no_counter(serve: Serve) -> None:
    rule = limit(5)
    rule["ratelimit"]["period"] = 60
    proxy = serve(rule)
    assert statuses(proxy, 3) == [200] * 3
    reload(proxy)
    assert statuses(proxy, 4) == [200, 200, 429, 429]
    reload(proxy)
    assert ask(proxy).status == 429


def test_a_worker_that_dies_takes_nothing_with_it_that_it_had_told(serve: Serve) -> None:
    rule = limit(3)
    rule["ratelimit"]["period"] = 60
    proxy = serve(rule)
    assert statuses(proxy, 3) == [200] * 3
    workers = proxy.workers()
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until(
        lambda: len(set(proxy.workers()) - set(workers)) == 2 and metric(proxy, "botproxy_workers") == 2,
        20,
        "two new workers",
    )
    assert ask(proxy).status == 429


def test_workers_go_on_alone_while_the_supervisor_is_stuck(serve: Serve) -> None:
    proxy = serve(limit(4))
    ask(proxy)
    supervisor = proxy.program.process.pid
    os.kill(supervisor, signal.SIGSTOP)
    try:
        began = time.monotonic()
        found = statuses(proxy, 20, pause=0.02)
        assert time.monotonic() - began < 5
        # Each of the two counts for itself.
        assert 3 <= found.count(200) <= 8
        assert found[-1] == 429
    finally:
        os.kill(supervisor, signal.SIGCONT)
    time.sleep(2 * TOLD)
    assert ask(proxy).status == 429


def test_a_flood_of_made_up_keys_leaves_memory_and_others_limits_as_they_are(serve: Serve) -> None:
    by_key = limit(5, ref="by-key")
    by_key["ratelimit"]["characteristics"] = ['http.request.uri.args["key"]']
    proxy = serve(limit(200), by_key, workers=1, rate_limiting={"keys": 1000})
    for _ in range(3):
        ask(proxy, "/?key=mine")
    connection = connect(proxy)
    for number in range(150):
        connection.request("GET", f"/?key={number}", headers={"Host": "shop.example"})
        connection.getresponse().read()
    connection.close()
    assert [ask(proxy, "/?key=mine").status for _ in range(4)] == [200, 200, 429, 429]
    until(lambda: metric(proxy, "botproxy_rate_limit_keys") >= 150, 5, "the number of counters")


def test_a_zone_that_observes_forwards_and_says_what_it_would_have_done(start: Start, shop: Recording) -> None:
    zone = {"name": "shop", "origins": [shop.url], "rate_limits": [limit(1)], "mode": "observe"}
    proxy = start(config={"unknown_host": "shop", "zones": [zone]})
    assert statuses(proxy, 3, pause=0) == [200, 200, 200]
    until(lambda: len(proxy.events(SecurityAction="log")) == 2, 10, "events of what would have been done")
