"""Facts from a few words, and lists that answer to any name."""

from __future__ import annotations

import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from botproxy.model import (
    BotManagement,
    Client,
    Detection,
    Facts,
    Finding,
    Headers,
    Place,
    Request,
    Score,
    ScoreSource,
    Tls,
)

FactsMaker = Callable[..., Facts]


def build(
    target: bytes = b"/",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    address: str = "192.0.2.1",
    score: int | None = None,
    detections: tuple[int, ...] = (),
    place: Place | None = None,
    tls: Tls | None = None,
    secure: bool = True,
    scoring_failed: bool = False,
) -> Facts:
    path, mark, query = target.partition(b"?")
    request = Request(
        ray="0123456789abcdef",
        received=1_700_000_000.25,
        method=b"GET",
        target=target,
        path=path,
        query=query if mark else None,
        version="HTTP/1.1",
        secure=secure,
        authority=b"Example.com:8443",
        host="example.com",
        headers=Headers(headers),
        body_length=0,
    )
    client = Client(ip_address(address), address, 40000, address, tls, place)
    bots = None
    if score is not None:
        found = tuple(Detection(number, "tag", "reason") for number in detections)
        finding = Finding(ScoreSource.HEURISTICS, max(score, 1), found)
        bots = BotManagement(Score(score, ScoreSource.HEURISTICS, (finding,)))
    return Facts(request, client, "zone", False, None, None, {}, bots, scoring_failed)


@pytest.fixture(scope="session")
def make_facts() -> FactsMaker:
    return build
