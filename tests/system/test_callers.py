"""What callers did, as rules see it: across workers, across reloads, across machines."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Start, until
from .recording import Recording, origin
from .test_rate_limits import answers_by_path, ask, metric
from .test_solved_challenges import EASY, solution
from .test_solved_challenges import ask as visit


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(answers_by_path) as recording:
        yield recording


def rule(expression: str, ref: str = "seen") -> dict[str, Any]:
    return {"ref": ref, "expression": expression, "action": "block"}


def zone(shop: Recording, *rules: dict[str, Any]) -> dict[str, Any]:
    return {
        "unknown_host": "shop",
        "zones": [{"name": "shop", "origins": [shop.url], "mode": "enforce", "rules": [*rules]}],
    }


def test_both_workers_know_what_either_saw_and_so_do_those_that_come_after(start: Start, shop: Recording) -> None:
    wanted = rule('botproxy.address.paths gt 20 and http.request.uri.path eq "/judged"')
    proxy = start(config=zone(shop, wanted), workers=2)
    for number in range(60):
        assert ask(proxy, f"/{number % 30}").status == 200
    blocked = 0

    def known() -> bool:
        nonlocal blocked
        blocked = blocked + 1 if ask(proxy, "/judged").status == 403 else 0
        return blocked >= 12  # whichever worker is asked

    until(known, 20, "both workers to know")
    assert ask(proxy, "/judged", source="127.0.0.2").status == 200
    before = set(proxy.workers())
    os.kill(proxy.program.process.pid, signal.SIGHUP)
    until(lambda: set(proxy.workers()) - before and not set(proxy.workers()) & before, 30, "new workers alone")
    assert [ask(proxy, "/judged").status for _ in range(12)] == [403] * 12
    until(lambda: metric(proxy, "botproxy_profile_keys") > 0, 20, "the metric")


def test_another_machine_knows_it_as_well(start: Start, shop: Recording, tmp_path: Any, redis_server: Any) -> None:
    secret = tmp_path / "shared.secret"
    secret.write_text("Jx0vY3h6c2VjcmV0LWZvci10d28tbWFjaGluZXMtMTIz\n")
    secret.chmod(0o600)
    wanted = rule('botproxy.address.requests gt 15 and http.request.uri.path eq "/judged"')
    config = {**zone(shop, wanted), "state": redis_server.url, "secret_file": str(secret)}
    one = start(config=config, data=tmp_path / "one")
    other = start(config=config, data=tmp_path / "other")
    for _ in range(30):
        ask(one)
    until(lambda: ask(other, "/judged").status == 403, 20, "the other machine to know")
    third = start(config=config, data=tmp_path / "third")
    assert ask(third, "/judged").status == 403


def test_failed_logins_count(start: Start, shop: Recording) -> None:
    wanted = rule('botproxy.address.client_errors gt 4 and http.request.uri.path eq "/judged"')
    proxy = start(config=zone(shop, wanted))
    assert ask(proxy, "/judged").status == 200
    for _ in range(8):
        assert ask(proxy, "/401").status == 401
    assert ask(proxy, "/judged").status == 403


def test_solved_and_failed_challenges_count_for_who_was_challenged(start: Start, shop: Recording) -> None:
    challenged = {"ref": "all", "expression": 'http.request.uri.path eq "/wanted"', "action": "js_challenge"}
    rules = [
        rule('botproxy.address.challenges_solved ge 1 and http.request.uri.path eq "/solved"', "solved"),
        rule('botproxy.address.challenges_failed ge 1 and http.request.uri.path eq "/failed"', "failed"),
        challenged,
    ]
    proxy = start(config={**zone(shop, *rules), "challenges": EASY})
    assert ask(proxy, "/solved").status == 200
    path, body = solution(visit(proxy))
    assert visit(proxy, path, body=body.replace(b'"answer": "', b'"answer": "ff')).status in (400, 403)
    assert ask(proxy, "/failed").status == 403
    assert ask(proxy, "/solved").status == 200
    path, body = solution(visit(proxy))
    assert visit(proxy, path, body=body).status == 200
    assert ask(proxy, "/solved").status == 403
