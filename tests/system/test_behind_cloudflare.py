"""Moving over gradually: the original still in front, its score beside ours, and challenges that can be solved."""

from __future__ import annotations

import http.client
import json
import re

import pytest

from botproxy.challenges.puzzle import solve

from .conftest import Proxy, Start
from .recording import origin, says

EASY = {"puzzles": 4, "difficulty": 4, "minimum": 2}
RULES = [{"ref": "all", "expression": 'http.request.uri.path ne "/open"', "action": "js_challenge"}]
FROM_IT = {
    "Host": "shop.example",
    "User-Agent": "Visitor/1",
    "Accept": "text/html",
    "X-Forwarded-For": "203.0.113.7",
    "X-Forwarded-Proto": "https",
    "Cf-Bot-Score": "27",
    "X-JA4": "t13d1516h2_8daaf6152771_e5627efa2ab1",
}


def ask(proxy: Proxy, path: str, body: bytes | None = None, **more: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    headers = FROM_IT | more
    if body is not None:
        headers |= {"Origin": "https://shop.example", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15)
    connection.request("GET" if body is None else "POST", path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.headers, response.read()
    connection.close()
    return answer


@pytest.mark.parametrize("prefix", ["/bot-cgi/", "/cdn-cgi/"])
def test_a_challenge_is_solved_under_names_of_our_own(start: Start, prefix: str) -> None:
    with origin(says(b"the page")) as shop:
        zone = {
            "name": "shop",
            "hosts": ["shop.example"],
            "origins": [shop.url],
            "rules": RULES,
            "cookies": {"session_name": "bot_session", "clearance_name": "bot_clearance"},
        }
        forwarding = {"trusted": ["127.0.0.0/8"], "headers": {"bot_score": "CF-Bot-Score", "ja4": "X-JA4"}}
        own = {"prefix": prefix}
        proxy = start(
            config={
                "mode": "enforce", "challenges": EASY, "zones": [zone], "forwarding": forwarding, "own_paths": own,
                "health": {"peers": ["127.0.0.0/8"]},
            }
        )  # fmt: skip
        status, headers, page = ask(proxy, "/wanted")
        assert (status, headers["cf-mitigated"]) == (403, "challenge")
        found = re.search(rb'<script type="application/json" id="challenge">(.*?)</script>', page)
        assert found is not None
        data = json.loads(found[1])
        script = re.search(rb' src="([^"]+)"', page)
        assert script is not None
        for path in (data["flow"], data["probe"], script[1].decode()):
            assert path.startswith(f"{prefix}challenge-platform/")
        assert ask(proxy, script[1].decode())[0] == 200
        solved = {"token": data["token"], "answer": solve(bytes.fromhex(data["nonce"]), 4, 4)}
        status, headers, _ = ask(proxy, data["flow"], json.dumps(solved).encode())
        assert status == 200
        name, _, rest = str(headers["Set-Cookie"]).partition("=")
        assert name == "bot_clearance"
        cookie = f"bot_clearance={rest.split(';')[0]}; cf_clearance=theirs; __cf_bm=theirs"
        status, headers, page = ask(proxy, "/wanted", Cookie=cookie)
        assert (status, page) == (200, b"the page")
        assert str(headers["Set-Cookie"]).startswith("bot_session=")
        event = proxy.event(EdgeResponseStatus=200, ClientRequestPath="/wanted")
        assert event["BotproxyPeerBotScore"] == 27
        assert event["JA4"] == FROM_IT["X-JA4"]
        assert event["ClientIP"] == "203.0.113.7"
        assert event["ClientRequestScheme"] == "https"
        assert b"cf-bot-score" not in shop.received.lower()
        assert b"x-ja4" not in shop.received.lower()
        assert b"bot_clearance" not in shop.received
