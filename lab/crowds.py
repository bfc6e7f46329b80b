"""Crowds in simulated time: people whose visits were recorded with real browsers, and programs that do as plans say.

Each visit of a person is one from the data set, with another address, another session and another hour. No sockets.
"""

from __future__ import annotations

import collections
import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from botproxy.model import Headers
from botproxy.training import dataset
from lab.plans import Step

DATA: Final = Path(__file__).parent / "data" / "traffic.jsonl.xz"
TEXT_BROWSERS: Final = ("w3m", "lynx", "elinks", "links2")
TEXT_SHARE: Final = 0.005
"""Of all visits; far more are in the data set, which wants all kinds of browsers."""

NO_COOKIES: Final = 0.005
"""Visits whose browser takes no cookies."""

CACHED: Final = 0.1
"""Visits that find nearly all parts of pages in the browser's cache."""

SHARED: Final = 0.2
"""Visits from addresses that many share: mobile networks, offices."""

HOURS: Final = (
    *(0.25, 0.15, 0.1, 0.08, 0.08, 0.15, 0.35, 0.6, 0.9, 1.1, 1.2, 1.25, 1.3, 1.2, 1.15, 1.1, 1.1, 1.2, 1.4),
    *(1.6, 1.7, 1.5, 1.0, 0.55),
)
"""Visits by hour of the day against the mean."""

WEEKEND: Final = 0.7
NETWORKS: Final = 40
"""Autonomous systems of people; the first has most of them."""

JA4: Final = {
    "chromium": "t13d1516h2_8daaf6152771_d8a2da3f94cd",
    "firefox": "t13d1717h2_5b57614c22b0_3cbfd9057e0d",
    "other": "t13d2014h2_a09f3c656075_e42f34c56612",
}


class Happening(NamedTuple):
    """One request, and what became of it."""

    time: float
    who: str  # a visit of a person, or an attack
    human: bool
    address: str
    asn: int
    ja4: str
    method: bytes
    path: bytes
    query: bytes | None
    headers: Headers
    version: str
    status: int
    content_type: str
    session: str  # that it brings


class _Recorded(NamedTuple):
    """One request of a recorded visit, its time from the beginning of the visit."""

    time: float
    method: bytes
    path: bytes
    query: bytes | None
    headers: Headers
    version: str
    status: int
    content_type: str
    part: bool
    session: bool


class People:
    """Draws visits of people. The same `rng` draws the same ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._visits, self._text = _visits()
        self._weights = [1 / (rank + 2) for rank in range(NETWORKS)]
        self._number = 0

    @property
    def copied(self) -> Headers:
        """Headers of a navigation, exactly as a person's Chromium sent them here."""
        visit = next(recorded for engine, recorded in self._visits if engine == "chromium")
        return visit[0].headers

    def address(self, asn: int, shared: bool) -> str:
        """An address of an autonomous system; one of few when it is `shared`."""
        rng = self._rng
        return f"10.{asn % 256}.{rng.randrange(256)}.{rng.randrange(1, 255)}" if not shared else f"10.{asn % 256}.0.1"

    def visit(self, begin: float, *, address: str = "", asn: int = 0, path: bytes = b"") -> list[Happening]:
        """One visit. `address` and `asn` are drawn when they are left out; `path` is what it begins with."""
        rng = self._rng
        asn = asn or 64_500 + rng.choices(range(NETWORKS), self._weights)[0]
        address = address or self.address(asn, rng.random() < SHARED)
        text = rng.random() < TEXT_SHARE
        engine, recorded = rng.choice(self._text if text else self._visits)
        self._number += 1
        who = f"p{self._number:07d}"
        cookies = rng.random() >= NO_COOKIES
        cached = rng.random() < CACHED
        first = True
        happened: list[Happening] = []
        for one in recorded:
            if cached and one.part and rng.random() < 0.9:
                continue
            happened.append(
                Happening(
                    begin + one.time, who, True, address, asn, JA4[engine], one.method,
                    path if first and path else one.path, one.query, one.headers, one.version, one.status,
                    one.content_type, who if one.session and cookies else "",
                )
            )  # fmt: skip
            first = False
        return happened

    def days(self, begin: float, end: float, daily: float) -> Iterator[list[Happening]]:
        """Visits with the rhythm of days and weeks, about so many a day; in order of their beginnings."""
        now = begin
        while True:
            hour = int(now // 3600)
            pace = daily / 86_400 * HOURS[hour % 24] * (WEEKEND if (hour // 24) % 7 in (2, 3) else 1.0)
            now += self._rng.expovariate(pace)
            if now >= end:
                return
            yield self.visit(now)


@cache
def _visits() -> tuple[list[tuple[str, tuple[_Recorded, ...]]], list[tuple[str, tuple[_Recorded, ...]]]]:
    """Recorded visits with the engine of their browser: of graphical browsers, and of those of text."""
    visits: list[tuple[str, tuple[_Recorded, ...]]] = []
    text: list[tuple[str, tuple[_Recorded, ...]]] = []
    sessions: dict[str, list[dataset.Labelled]] = collections.defaultdict(list)
    later = frozenset(dataset.card(DATA).get("later", ()))
    for one in dataset.read(DATA):
        if one.human and not one.generated and one.session not in later:
            sessions[one.session].append(one)
    for session in sessions.values():
        engine = session[0].family
        visit = (engine if engine in JA4 else "other", tuple(_recorded(session)))
        (text if engine in TEXT_BROWSERS else visits).append(visit)
    return visits, text


def _recorded(session: Sequence[dataset.Labelled]) -> Iterator[_Recorded]:
    begin = session[0].time
    for one in session:
        target = urlsplit(one.target)
        headers = Headers(tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in one.headers))
        yield _Recorded(
            one.time - begin, one.method.encode(), target.path.encode("latin-1"),
            target.query.encode("latin-1") or None, headers, one.http, one.status, one.content_type,
            one.kind == "part", one.since is not None,
        )  # fmt: skip


def in_order(visits: Iterable[Sequence[Happening]]) -> Iterator[Happening]:
    """Requests in order of time, of visits that come in order of their beginnings."""
    waiting: list[tuple[float, int, Happening]] = []
    number = 0
    for visit in visits:
        if visit:
            while waiting and waiting[0][0] < visit[0].time:
                yield heapq.heappop(waiting)[2]
            for one in visit:
                number += 1
                heapq.heappush(waiting, (one.time, number, one))
    while waiting:
        yield heapq.heappop(waiting)[2]


PROGRAM: Final = Headers(
    ((b"Host", b"site.test"), (b"User-Agent", b"Mozilla/5.0"), (b"Accept", b"*/*"), (b"Accept-Encoding", b"gzip"))
)
"""What a program sends by itself."""


def attack(
    who: str,
    steps: Iterable[Step],
    gaps: Iterable[float],
    begin: float,
    callers: Sequence[tuple[str, int]],
    rng: random.Random,
    *,
    ja4: str,
    headers: Headers = PROGRAM,
    cookies: bool = False,
) -> list[Happening]:
    """One list of steps, done by callers (an address and its autonomous system) in turn, in an order that changes."""
    happened: list[Happening] = []
    now = begin
    turn: list[tuple[str, int]] = []
    been: set[str] = set()
    for step, gap in zip(steps, gaps, strict=False):
        now += gap
        if not turn:
            turn = list(callers)
            rng.shuffle(turn)
        address, asn = turn.pop()
        target = urlsplit(step.path)
        login = step.method == "POST" and "login" in target.path
        status = 303 if login and rng.random() < 0.005 else 401 if login else 200
        json = target.path.startswith("/api/")
        session = f"{who}-{address}" if cookies and address in been else ""
        been.add(address)
        happened.append(
            Happening(
                now, who, False, address, asn, ja4, step.method.encode(), target.path.encode(),
                target.query.encode() or None, headers, "HTTP/2", status, "application/json" if json else "text/html",
                session,
            )
        )  # fmt: skip
    return happened
