"""Visitors of the demo shop: browsers' headers that no fingerprint matches, and programs that are found."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from botproxy.demo.visitors import PAGES, VISITORS, Visitor, request
from botproxy.model import Client, Facts, Headers, Request
from botproxy.scoring import Heuristics, shipped_fingerprints

HOST = "127.0.0.1:8080"
ENGINE = Heuristics.load(shipped_fingerprints())


def facts(sent: bytes) -> Facts:
    head = sent.partition(b"\r\n\r\n")[0].split(b"\r\n")
    method, target, _ = head[0].split(b" ")
    path, _, query = target.partition(b"?")
    headers = Headers(tuple((name, value) for name, value in (line.split(b": ", 1) for line in head[1:])))
    one = Request(
        "0" * 16, 0.0, method, target, path, query or None, "HTTP/1.1", False, HOST.encode(), "127.0.0.1", headers, 0
    )
    return Facts(one, Client(ip_address("127.20.0.1"), "127.20.0.1", 1, "127.20.0.1"), "default", False, None, None, {})


@pytest.mark.parametrize("visitor", {one.name: one for one in VISITORS if one.parts}.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("target", [*PAGES[:3], "/assets/site.css", "/assets/site.js"])
@pytest.mark.parametrize("before", ["", "/shop"])
def test_those_who_walk_with_the_headers_of_a_browser_match_no_fingerprint(
    visitor: Visitor, target: str, before: str
) -> None:
    if target.startswith("/assets") and not before:
        before = "/"
    assert ENGINE.assess(facts(request(visitor, target, before, HOST, {"__cf_bm": "x"}))) is None


@pytest.mark.parametrize(
    "visitor",
    [one for one in VISITORS if one.name in ("curl", "requests", "go", "scrapy", "sqlmap", "spam")],
    ids=lambda one: one.name,
)
def test_programs_are_found(visitor: Visitor) -> None:
    assert ENGINE.assess(facts(request(visitor, "/", "", HOST, {}))) is not None
