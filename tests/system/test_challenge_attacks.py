"""A program without a browser against the real proxy, and clearances that an operator takes back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab.solver import NAVIGATION, ask, attempt

from .conftest import Proxy, Start, until
from .recording import Recording, origin, says

EASY = {"puzzles": 4, "difficulty": 4, "minimum": 2}


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says(b"the page")) as recording:
        yield recording


@pytest.fixture
def proxy(start: Start, shop: Recording) -> Proxy:
    rules = [
        {"ref": each, "expression": f'starts_with(http.request.uri.path, "/{each}")', "action": action}
        for each, action in (("js", "js_challenge"), ("managed", "managed_challenge"), ("click", "challenge"))
    ]
    zones = [{"name": "shop", "hosts": ["127.0.0.1"], "origins": [shop.url], "rules": rules}]
    return start(config={"mode": "enforce", "challenges": EASY, "zones": zones}, workers=2)


def status(proxy: Proxy, path: str, cookie: str) -> int:
    """Of one request on a connection of its own, so of any worker."""
    return ask(f"http://127.0.0.1:{proxy.port}{path}", **{**NAVIGATION, "Cookie": cookie})[0]


def test_work_without_a_browser_gets_level_js_and_no_further(proxy: Proxy) -> None:
    base = f"http://127.0.0.1:{proxy.port}"
    js = attempt(base + "/js", "none")
    assert js.solved
    assert status(proxy, "/js", js.cookie) == 200
    assert status(proxy, "/managed", js.cookie) == 403
    assert status(proxy, "/click", js.cookie) == 403
    for path, reports in (("/managed", "none"), ("/managed", "copied"), ("/click", "none"), ("/click", "copied")):
        tried = attempt(base + path, reports)
        assert not tried.solved, (path, reports)
        assert tried.cookie == ""
    scores = until(lambda: proxy.events(ClientRequestPath="/js"), 10, "their events")
    assert len({event["BotScore"] for event in scores}) == 1


@pytest.mark.parametrize("how", ["ray", "ip", "zone"])
def test_what_is_taken_back_no_longer_counts_anywhere_and_outlives_a_restart(
    start: Start, proxy: Proxy, how: str
) -> None:
    base = f"http://127.0.0.1:{proxy.port}"
    cookie = attempt(base + "/js", "none").cookie
    assert [status(proxy, "/js", cookie) for _ in range(6)] == [200] * 6
    solved = until(
        lambda: [each for each in proxy.events() if "jschallengeSolved" in each["SecurityActions"]], 10, "the solving"
    )
    assert solved[0]["SecurityRuleIDs"] == ["js"]
    value = {"ray": solved[0]["OriginatorRayID"], "ip": "127.0.0.0/8", "zone": "shop"}[how]
    said = subprocess.run(
        [sys.executable, "-m", "botproxy", "clearance", "revoke", f"--{how}", value, "--admin", proxy.admin_address],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    until(lambda: [status(proxy, "/js", cookie) for _ in range(6)] == [403] * 6, 5, "no worker that takes it")
    assert status(proxy, "/js", attempt(base + "/js", "none").cookie) == 200
    config = json.loads((proxy.data.parent / "botproxy.yaml").read_text())
    proxy.program.stop()
    del config["listeners"], config["admin"]
    again = start(config=config)
    assert status(again, "/js", cookie) == 403
