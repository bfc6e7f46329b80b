"""Anomaly detection as an attacker meets it: real processes, real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Start, until
from .recording import Recording, origin
from .test_rate_limits import metric
from .test_solved_challenges import ask


def refuses_logins(connection: socket.socket, recording: Recording) -> None:
    while head := recording.head(connection):
        status = b"401 Unauthorized" if head.startswith(b"POST /login") else b"200 OK"
        connection.sendall(b"HTTP/1.1 %b\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok" % status)


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(refuses_logins) as recording:
        yield recording


def config(shop: Recording, **settings: Any) -> dict[str, Any]:
    rule = {"ref": "bots", "expression": "cf.bot_management.score lt 30", "action": "block"}
    zone = {
        "name": "shop", "origins": [shop.url], "mode": "enforce", "rules": [rule],
        "anomaly_detection": {"enabled": True, **settings},
    }  # fmt: skip
    scoring = {"heuristics": {"enabled": False}, "machine_learning": {"enabled": False}}
    return {"unknown_host": "shop", "scoring": scoring, "zones": [zone]}


def test_who_tries_passwords_is_scored_1_within_seconds_on_every_worker_and_others_are_not(
    start: Start, shop: Recording
) -> None:
    proxy = start(config=config(shop, learn=0, visits=0), workers=2)
    assert ask(proxy, "/login", body=b"").status == 401

    def refused() -> bool:
        return [ask(proxy, "/login", body=b"").status for _ in range(12)] == [403] * 12

    until(refused, 20, "both workers to refuse")
    found = until(lambda: proxy.events(ClientRequestPath="/login", BotScore=1), 10, "events of it")
    event = found[0]
    assert event["BotScoreSrc"] == "Behavioral Analysis"
    assert event["BotDetectionIDs"][0] == 201326592
    assert "failed logins a minute from this address; expected here" in event["BotproxyReasons"][0]
    assert event["BotproxyHeaderFingerprint"].startswith("h1-")
    assert ask(proxy, "/login", body=b"", source="127.0.0.2").status == 401
    until(lambda: metric(proxy, 'botproxy_anomaly_callers{zone="shop"}') >= 1, 10, "the metric")
