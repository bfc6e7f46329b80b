"""Two whole proxies that share a server of Redis, as two machines behind a load balancer do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest

from .conftest import Proxy, Start, until
from .recording import Recording, origin
from .test_rate_limits import answers_by_path, ask, limit, metric
from .test_solved_challenges import EASY, solution
from .test_solved_challenges import ask as visit


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(answers_by_path) as recording:
        yield recording


LIMIT = 100


def begin(start: Start, shop: Recording, tmp_path: Any, state: Any, name: str, **more: Any) -> Proxy:
    secret = tmp_path / "shared.secret"
    if not secret.exists():
        secret.write_text("Jx0vY3h6c2VjcmV0LWZvci10d28tbWFjaGluZXMtMTIz\n")
        secret.chmod(0o600)
    zone = {"name": "shop", "origins": [shop.url], "mode": "enforce", **more}
    config = {"unknown_host": "shop", "zones": [zone], "state": state, "secret_file": str(secret), "challenges": EASY}
    return start(config=config, data=tmp_path / name, workers=1)


def knows(proxy: Proxy, source: str = "127.0.0.1") -> bool:
    """Whether it limits this address; asked so seldom that it cannot come to the limit by being asked."""
    time.sleep(20 / LIMIT)
    return ask(proxy, source=source).status == 429


def test_a_limit_holds_for_both_together_and_each_goes_on_alone(
    start: Start, shop: Recording, tmp_path: Any, redis_server: Any
) -> None:
    # Long, so that neither ends while a busy machine takes its time.
    rules = [limit(LIMIT, mitigation_timeout=600, period=3600)]
    one = begin(start, shop, tmp_path, redis_server.url, "one", rate_limits=rules)
    other = begin(start, shop, tmp_path, {"url": redis_server.url, "timeout": "1s"}, "other", rate_limits=rules)
    assert metric(one, "botproxy_state_reachable") == 1.0
    assert [ask(one).status for _ in range(LIMIT)] == [200] * LIMIT
    until(lambda: knows(other), 20, "the other node to know")
    redis_server.stop()
    until(lambda: metric(other, "botproxy_state_reachable") == 0.0, 20, "the other node to be alone")
    assert ask(other).status == 429
    assert ask(other, source="127.0.0.2").status == 200
    assert "shared state is away" in other.program.said()
    redis_server.start()
    until(lambda: metric(other, "botproxy_state_reachable") == 1.0, 20, "the other node to be back")
    for _ in range(LIMIT + 2):
        ask(other, source="127.0.0.3")
    until(lambda: knows(one, "127.0.0.3"), 20, "the first node to know")


def test_a_solution_counts_once_on_both_and_its_clearance_passes_either(
    start: Start, shop: Recording, tmp_path: Any, redis_server: Any
) -> None:
    rules = [{"ref": "all", "expression": "not ssl", "action": "js_challenge"}]
    one = begin(start, shop, tmp_path, redis_server.url, "one", rules=rules)
    other = begin(start, shop, tmp_path, redis_server.url, "other", rules=rules)
    path, body = solution(visit(one))
    first = visit(one, path, body=body)
    assert first.status == 200
    assert visit(other, path, body=body).status == 409
    cookie = str(first.headers["Set-Cookie"]).split(";")[0]
    assert visit(one, cookie=cookie).status == 200
    assert visit(other, cookie=cookie).status == 200


def test_a_change_on_one_node_is_taken_by_the_other(
    start: Start, shop: Recording, tmp_path: Any, redis_server: Any
) -> None:
    one = begin(start, shop, tmp_path, redis_server.url, "one")
    other = begin(start, shop, tmp_path, redis_server.url, "other")
    rule = {"ref": "gone", "expression": 'http.request.uri.path eq "/gone"', "action": "block"}
    steps = [{"op": "add_rule", "zone": "shop", "rule": rule}]
    body = json.dumps({"base": 0, "steps": steps}).encode()
    # The file that both were started with, one after the other, is by now that of the second.
    asked = Request(f"{other.admin}/api/config/apply", body, {"Content-Type": "application/json"}, method="POST")
    with urlopen(asked, timeout=60) as answer:
        assert json.load(answer)["version"] == 1
    assert visit(other, "/gone").status == 403
    until(lambda: visit(one, "/gone").status == 403, 60, "the first node to take it")
    with urlopen(f"{one.admin}/api/config", timeout=30) as answer:
        said = json.load(answer)
    assert (said["version"], said["shared"]) == (1, {"state": "shared", "version": 1, "problem": None})
    assert metric(one, "botproxy_overlay_differs") == 0.0
