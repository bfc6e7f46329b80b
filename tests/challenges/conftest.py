"""A challenged visitor and the keys of one site."""

from __future__ import annotations

import json
import re
from ipaddress import ip_address
from typing import Any, NamedTuple

import pytest

from botproxy.challenges import PURPOSE, Answer, Settings, issue
from botproxy.challenges.puzzle import solve
from botproxy.cookies import KeyRing, Sealer
from botproxy.model import ClearanceLevel, Client, Headers, Request

NOW = 1_800_000_000.0
RAY = "0123456789abcdef"
EASY = Settings(puzzles=8, difficulty=4, minimum=2)


def visitor_at(address: str) -> Client:
    """A client at this address."""
    return Client(ip_address(address), address, 40_000, address)


def request_for(path: bytes = b"/wanted", query: bytes | None = None, **more: Any) -> Request:
    """A GET of a page; `more` replaces fields, `headers` adds header lines."""
    lines = ((b"Host", b"shop.example"), (b"User-Agent", b"Browser/1"), *more.pop("headers", ()))
    target = path if query is None else path + b"?" + query
    request = Request(
        RAY, NOW, b"GET", target, path, query, "HTTP/1.1", False, b"shop.example", "shop.example", Headers(lines), 0
    )
    return request._replace(**more)


class Page(NamedTuple):
    """What a browser finds on a challenge page."""

    token: str
    nonce: bytes
    data: dict[str, Any]
    text: str


class Site:
    """One site that challenges, and a visitor who is challenged."""

    now = NOW
    ray = RAY
    request = staticmethod(request_for)
    visitor_at = staticmethod(visitor_at)

    def __init__(self) -> None:
        self.keyring = KeyRing([b"k" * 16 + b"0123456789abcdef"])
        self.sealer = Sealer(self.keyring, PURPOSE, "shop")
        self.client = visitor_at("192.0.2.7")
        self._drawn = 0

    def randomness(self, number: int) -> bytes:
        """Bytes that never repeat."""
        self._drawn += 1
        return self._drawn.to_bytes(number, "big")

    def answer(self, request: Request | None = None, **more: Any) -> Answer:
        """The answer to a challenged request."""
        given: dict[str, Any] = {
            "settings": EASY,
            "sealer": self.sealer,
            "randomness": self.randomness,
            "now": NOW,
            "zone": "shop",
            "level": ClearanceLevel.JS,
            "request": request or request_for(),
            "client": self.client,
            "navigation": True,
        }
        return issue(**{**given, **more})

    def page(self, request: Request | None = None, **more: Any) -> Page:
        """The challenge page, read as its script reads it."""
        text = self.answer(request, **more).body.decode()
        found = re.search(r'<script type="application/json" id="challenge">(.*?)</script>', text)
        assert found is not None
        data = json.loads(found[1])
        return Page(data["token"], bytes.fromhex(data["nonce"]), data, text)

    def solution(self, page: Page, number: int = EASY.puzzles) -> str:
        """The first `number` puzzles of the page, solved."""
        return solve(page.nonce, EASY.difficulty, number)


@pytest.fixture
def site() -> Site:
    """A site, and a visitor it challenges."""
    return Site()
