"""Rules that look into bodies, end to end."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator

import pytest

from .conftest import Proxy, Start
from .recording import Recording, Script, origin

FORM = "application/x-www-form-urlencoded"


def keeps(bodies: list[bytes]) -> Script:
    """Answer a request once its body is there, and keep that."""

    def script(connection: socket.socket, recording: Recording) -> None:
        while head := recording.head(connection):
            lines, _, body = head.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", lines)
            while len(body) < int(length[1]) if length else not body.endswith(b"0\r\n\r\n"):
                body += connection.recv(65536)
            bodies.append(body)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return script


@pytest.fixture
def bodies() -> list[bytes]:
    return []


@pytest.fixture
def shop(bodies: list[bytes]) -> Iterator[Recording]:
    with origin(keeps(bodies)) as recording:
        yield recording


def post(proxy: Proxy, body: bytes, kind: str = FORM, path: str = "/login", chunked: bool = False) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15)
    headers = {"Host": "shop.example", "Content-Type": kind}
    pieces = (body[at : at + 1000] for at in range(0, len(body), 1000))
    connection.request("POST", path, pieces if chunked else body, headers, encode_chunked=chunked)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def test_a_rule_sees_what_is_in_a_body_and_the_origin_gets_all_of_it(
    start: Start, shop: Recording, bodies: list[bytes]
) -> None:
    rules = [
        {
            "ref": "root",
            "expression": 'any(http.request.body.form["user"][*] eq "root")',
            "action": "block",
        },
        {
            "ref": "json",
            "expression": 'lookup_json_string(http.request.body.raw, "user") eq "root"',
            "action": "block",
        },
        {
            "ref": "php",
            "expression": r'any(http.request.body.multipart.filenames[*][*] matches r"(?i)\.php$")',
            "action": "block",
        },
        {"ref": "long", "expression": "http.request.body.truncated", "action": "log"},
        {"ref": "huge", "expression": "http.request.body.size gt 3000000", "action": "block"},
    ]
    zones = [{"name": "shop", "hosts": ["shop.example"], "origins": [shop.url], "rules": rules}]
    proxy = start(config={"mode": "enforce", "zones": zones})
    assert post(proxy, b"user=alice") == 200
    assert bodies[-1] == b"user=alice"
    assert post(proxy, b"user=root&x=y") == 403
    assert post(proxy, b"x=y&user=root", chunked=True) == 403
    assert post(proxy, b"user=root", "text/plain") == 200
    assert post(proxy, b'{"user": "root"}', "application/json") == 403
    assert post(proxy, b'{"user": "alice"}', "application/json", chunked=True) == 200
    assert bodies[-1] == b'11\r\n{"user": "alice"}\r\n0\r\n\r\n'
    part = b'--b\r\nContent-Disposition: form-data; name="f"; filename="x.PHP"\r\n\r\n<?php\r\n--b--\r\n'
    assert post(proxy, part, "multipart/form-data; boundary=b") == 403
    large = b"a=b&" * 500_000
    assert post(proxy, large) == 200
    assert bodies[-1] == large
    assert post(proxy, b"x" * 3_000_001) == 403
    event = proxy.event(SecurityRuleID="json")
    assert event["EdgeResponseStatus"] == 403
    assert event["SecurityAction"] == "block"
