"""Bots that say who they are, against a running proxy with DNS and an agent's directory at its side."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import sys
import threading
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bots"))
from servers import Https, ScriptedDns
from signing import Signer, signed

from .conftest import Proxy, Start, until
from .recording import Recording, Script, origin, says

T = TypeVar("T")

SEEKER = "Mozilla/5.0 (compatible; Seeker/1.0)"
SIGNER = Signer()
TRUE, FALSE, MUTE = "192.0.2.7", "192.0.2.8", "192.0.2.9"


class Outside:
    """DNS and an agent's directory, on a loop of their own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("agent.test").configure_cert(context)
        self.dns = ScriptedDns()
        self.https = Https(context)
        self.server = self.do(self.dns.start())
        self.do(self.https.start())
        self.https.serves(json.dumps({"keys": [SIGNER.jwk]}).encode())
        self.dns.host("agent.test", "127.0.0.1")
        self.dns.name(TRUE, "crawl.seek.example")
        self.dns.host("crawl.seek.example", TRUE)
        self.dns.name(FALSE, "crawl.seek.example")
        self.dns.silent.add("9.2.0.192.in-addr.arpa")

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def close(self) -> None:
        self.do(self.https.close())
        self.do(self.dns.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    made = Outside(tmp_path)
    yield made
    made.close()


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says(b"shop")) as recording:
        yield recording


def configuration(tmp_path: Path, outside: Outside, shop: Recording, **zone: Any) -> dict[str, Any]:
    bots = {
        "bots": [
            {"name": "Seeker", "category": "Search Engine Crawler", "user_agent": "Seeker/", "tags": ["seek"],
             "verify": {"domains": ["seek.example"]}},
            {"name": "Agent", "category": "AI Assistant", "purpose": "agent",
             "verify": {"signature_agent": f"https://agent.test:{outside.https.port}"}},
        ]
    }  # fmt: skip
    (tmp_path / "bots.json").write_text(json.dumps(bots))
    return {
        "mode": "enforce",
        "forwarding": {"trusted": ["127.0.0.1/32"]},
        "bots": {
            "shipped": False,
            "files": ["bots.json"],
            "wait": "9s",
            "lists": {"fetch": False},
            "names": {"servers": [outside.server], "timeout": "4s"},
            "signatures": {"private_networks": ["127.0.0.0/8"], "ca_file": str(outside.ca_file)},
        },
        "zones": [
            {
                "name": "shop",
                "hosts": ["shop.example"],
                "origins": [shop.url],
                "rules": [
                    {"ref": "impostors", "action": "block",
                     "expression": "(cf.bot_management.score eq 1 and not cf.bot_management.verified_bot)"},
                ],
                **zone,
            }
        ],
    }  # fmt: skip


def ask(proxy: Proxy, address: str, path: str = "/", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    given = {"Host": "shop.example", "X-Forwarded-For": address, **{k.replace("_", "-"): v for k, v in headers.items()}}
    connection.request("GET", path, headers=given)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def test_a_crawler_passes_and_its_impostor_does_not(
    start: Start, tmp_path: Path, outside: Outside, shop: Recording
) -> None:
    proxy = start(config=configuration(tmp_path, outside, shop), workers=2)
    assert ask(proxy, TRUE, "/true", User_Agent=SEEKER) == 200
    assert ask(proxy, FALSE, "/false", User_Agent=SEEKER) == 403

    event = proxy.event(ClientRequestPath="/true")
    assert event["BotScoreSrc"] == "Verified Bot"
    assert event["VerifiedBotCategory"] == "Search Engine Crawler"
    assert event["BotTags"] == ["seek", "SearchEngine"]
    event = proxy.event(ClientRequestPath="/false")
    assert (event["BotScore"], event["BotScoreSrc"]) == (1, "Heuristics")
    assert event["BotDetectionTags"] == ["impostor"]
    assert event["BotDetectionIDs"] == [0x27F0001]
    assert event["BotTags"] == []


def test_while_dns_is_away_a_claim_waits_its_while_and_is_not_blocked(
    start: Start, tmp_path: Path, outside: Outside, shop: Recording
) -> None:
    proxy = start(config=configuration(tmp_path, outside, shop))
    began = time.monotonic()
    assert ask(proxy, MUTE, User_Agent=SEEKER) == 200
    assert time.monotonic() - began < 8.0
    began = time.monotonic()
    assert ask(proxy, MUTE, User_Agent=SEEKER) == 200
    assert time.monotonic() - began < 3.0, "and the next one does not wait"


def test_an_agent_passes_by_its_signature_and_by_no_other(
    start: Start, tmp_path: Path, outside: Outside, shop: Recording
) -> None:
    proxy = start(config=configuration(tmp_path, outside, shop), workers=2)

    def send(path: str, **how: Any) -> int:
        now = int(time.time())
        signature = signed(
            SIGNER, agent=f'"https://agent.test:{outside.https.port}"', authority="shop.example",
            created=now, expires=now + 60, **how,
        )  # fmt: skip
        headers = {name.decode().replace("-", "_"): value.decode() for name, value in signature.headers.items}
        return ask(proxy, TRUE, path, **headers)

    assert send("/signed") == 200
    assert send("/forged", forged=True) == 403
    assert proxy.event(ClientRequestPath="/signed")["VerifiedBotCategory"] == "AI Assistant"
    assert proxy.event(ClientRequestPath="/forged")["BotDetectionTags"] == ["forged_signature"]


def test_a_replay_is_refused_on_whichever_worker_it_arrives(
    start: Start, tmp_path: Path, outside: Outside, shop: Recording
) -> None:
    proxy = start(config=configuration(tmp_path, outside, shop), workers=2)
    now = int(time.time())

    def headers(nonce: str) -> dict[str, str]:
        request = signed(
            SIGNER, agent=f'"https://agent.test:{outside.https.port}"', authority="shop.example",
            created=now, expires=now + 60, nonce=nonce,
        )  # fmt: skip
        return {name.decode().replace("-", "_"): value.decode() for name, value in request.headers.items}

    for warm in range(8):  # until both workers know the keys
        assert ask(proxy, TRUE, **headers(f"warm-{warm}")) == 200
    same = headers("once")
    statuses = [ask(proxy, TRUE, f"/replay/{number}", **same) for number in range(6)]
    told = [proxy.event(ClientRequestPath=f"/replay/{number}") for number in range(6)]
    assert statuses == [200, 403, 403, 403, 403, 403], [
        (event["BotScoreSrc"], event["BotDetectionTags"], event["BotTags"]) for event in told
    ]


def test_a_client_that_leaves_while_its_claim_is_verified_is_recorded(
    start: Start, tmp_path: Path, outside: Outside, shop: Recording
) -> None:
    config = configuration(tmp_path, outside, shop)
    proxy = start(config=config)
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    headers = {"Host": "shop.example", "X-Forwarded-For": MUTE, "User-Agent": SEEKER}
    connection.request("GET", "/left", headers=headers)
    until(lambda: outside.dns.asked, 5.0, "a question")
    connection.close()
    assert proxy.event(ClientRequestPath="/left")["BotScoreSrc"] == "Not Computed"
    assert ask(proxy, TRUE, User_Agent=SEEKER) == 200


def swallows(size: int) -> Script:
    """Answer once so many bytes of a body came."""

    def script(connection: socket.socket, recording: Recording) -> None:
        head = recording.head(connection)
        whole = recording.connections[-1]
        while len(whole) < head.index(b"\r\n\r\n") + 4 + size:
            whole += connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    return script


def test_bodies_arrive_whole_although_their_heads_had_to_wait(start: Start, tmp_path: Path, outside: Outside) -> None:
    body = b"x" * 300_000
    with origin(swallows(len(body))) as shop:
        proxy = start(config=configuration(tmp_path, outside, shop))
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        headers = {"Host": "shop.example", "X-Forwarded-For": MUTE, "User-Agent": SEEKER}
        connection.request("POST", "/upload", body=body, headers=headers)
        assert connection.getresponse().status == 200
        connection.close()
        assert shop.received.endswith(body)


def test_robots_txt_begins_with_what_is_asked_and_who_disobeys_is_told(
    start: Start, tmp_path: Path, outside: Outside
) -> None:
    with origin(says(b"User-agent: *\nAllow: /\n")) as shop:
        config = configuration(tmp_path, outside, shop, bot_management={"is_robots_txt_managed": True})
        config["bots"]["shipped"] = True
        config["zones"][0]["rules"] = [
            {"ref": "disobeys", "action": "block", "expression": "(botproxy.bot.disobeys_robots)"}
        ]
        proxy = start(config=config)
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
        connection.request("GET", "/robots.txt", headers={"Host": "shop.example", "User-Agent": "ClaudeBot/1.0"})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        assert response.status == 200
        assert "User-agent: ClaudeBot\n" in text
        assert text.endswith("\n\nUser-agent: *\nAllow: /\n")
        assert ask(proxy, TRUE, "/page", User_Agent="ClaudeBot/1.0") == 403
        assert ask(proxy, TRUE, "/page", User_Agent="Bytespider") == 200, "it never said that it would obey"
        until(
            lambda: b'botproxy_robots_disobeyed_total{purpose="training",zone="shop"} 1.0' in metrics(proxy),
            10.0,
            "a count",
        )


def metrics(proxy: Proxy) -> bytes:
    with urllib.request.urlopen(f"{proxy.admin}/metrics", timeout=5) as answer:
        return bytes(answer.read())
