"""Who is given pages with the script and never reports is known by it."""

from __future__ import annotations

import socket

from .conftest import Start, browse
from .recording import Recording, origin

HTML = b"<!DOCTYPE html><html><head><title>Shop</title></head></html>"


def shop(connection: socket.socket, recording: Recording) -> None:
    while recording.head(connection):
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: private\r\nContent-Length: %d\r\n\r\n%b"
            % (len(HTML), HTML)
        )


def test_a_rule_meets_who_never_reports(start: Start) -> None:
    rule = {
        "ref": "silent",
        "expression": "botproxy.address.scripts gt 1 and botproxy.address.reports eq 0",
        "action": "block",
    }
    with origin(shop) as recording:
        zone = {"name": "shop", "hosts": ["shop.example"], "origins": [recording.url], "rules": [rule]}
        proxy = start(config={"mode": "enforce", "zones": [zone]})
        pages = [browse(proxy.port) for _ in range(5)]
    # Whoever was never seen before is remembered from the end of the first request on.
    assert [page.status for page in pages] == [200, 200, 200, 403, 403]
    assert all(b"/cdn-cgi/challenge-platform/scripts/jsd/main.js" in page.body for page in pages[:3])
