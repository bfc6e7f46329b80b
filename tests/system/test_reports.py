"""A visitor who is blocked says so on the page, once, and the operator reads it as text."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from .conftest import Proxy, Start, until
from .recording import Recording, origin, says

RULES = [{"ref": "no", "expression": 'http.request.uri.path eq "/no"', "action": "block"}]
FORM = "/cdn-cgi/challenge-platform/h/b/report"


@pytest.fixture
def shop() -> Iterator[Recording]:
    with origin(says(b"the page")) as recording:
        yield recording


def guarded(start: Start, shop: Recording, workers: int = 1, **more: Any) -> Proxy:
    """A running proxy that blocks one path."""
    zones = [{"name": "shop", "hosts": ["shop.example"], "origins": [shop.url], "rules": RULES}]
    return start(config={"mode": "enforce", "zones": zones, **more}, workers=workers)


def ask(proxy: Proxy, path: str, body: bytes | None = None, **changed: str) -> tuple[int, str]:
    """Status and body of one request of a browser."""
    headers = {"Host": "shop.example", "User-Agent": "Visitor/1", "Accept": "text/html", **changed}
    if body is not None:
        headers = {"Origin": "http://shop.example", "Content-Type": "application/x-www-form-urlencoded", **headers}
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=15)
    connection.request("GET" if body is None else "POST", path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def blocked(proxy: Proxy) -> tuple[str, str]:
    """Ray and seal of the page of a blocked visitor."""
    status, page = ask(proxy, "/no")
    assert status == 403
    ray = re.search(r"Ray ID: <code>([0-9a-f]{16})", page)
    seal = re.search(r'name="seal" value="([^"]+)"', page)
    assert ray is not None
    assert seal is not None
    return ray[1], seal[1]


def form(seal: str, note: str) -> bytes:
    """What the form sends."""
    return urlencode({"seal": seal, "note": note, "address": "me@visitor.example"}).encode()


def test_a_report_goes_from_the_page_to_the_operator(start: Start, shop: Recording) -> None:
    proxy = guarded(start, shop, workers=2)
    ray, seal = blocked(proxy)
    note = "I only\nwanted <b>shoes</b>\x1b[2J"
    status, page = ask(proxy, FORM, form(seal, note), **{"Accept-Language": "de"})
    assert status == 200
    assert "Danke. Ihre Meldung ist unterwegs" in page
    assert ray in page
    assert ask(proxy, FORM, form(seal, "again"))[0] == 200
    assert ask(proxy, FORM, form(seal[:-4] + "AAAA", "made up"))[0] == 410
    assert ask(proxy, FORM, b"note=without")[0] == 400
    foreign = {"Origin": "http://evil.example"}
    assert ask(proxy, FORM, form(blocked(proxy)[1], "from elsewhere"), **foreign)[0] == 400
    assert ask(proxy, FORM)[0] == 405
    file = proxy.data / "reports.jsonl"
    until(lambda: file.exists() and file.read_bytes().endswith(b"\n"), 10, "the report is written")
    (report,) = map(json.loads, file.read_text().splitlines())
    assert (report["ray"], report["zone"], report["seen"]) == (ray, "shop", "blocked")
    assert report["note"] == "I only\nwanted <b>shoes</b>[2J"
    assert (report["address"], report["ip"]) == ("me@visitor.example", "127.0.0.1")
    assert seal not in file.read_text()
    listed = subprocess.run(
        [sys.executable, "-m", "botproxy", "reports", "list", "--data", str(proxy.data), "--ray", ray + "-BOT"],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert f"ray {ray}" in listed
    assert "    > wanted <b>shoes</b>[2J" in listed


def test_one_address_cannot_flood_the_operator(start: Start, shop: Recording) -> None:
    proxy = guarded(start, shop)
    answers = [ask(proxy, FORM, form(blocked(proxy)[1], f"note {number}"))[0] for number in range(7)]
    assert answers == [200] * 5 + [429] * 2


def test_without_reports_no_page_has_the_form_and_nobody_takes_it(start: Start, shop: Recording) -> None:
    proxy = guarded(start, shop, pages={"reports": False})
    assert "<form" not in ask(proxy, "/no")[1]
    assert ask(proxy, FORM, b"seal=a&note=b")[0] == 404
