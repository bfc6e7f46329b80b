"""Who else asks from a person's address: programs of all kinds, other people, and those who mean ill.

Each makes the requests of one visit's company, in that visit's time, at its address. Nothing here is fitted on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from botproxy.training.accompanied import COMPANY
from botproxy.training.dataset import Labelled
from lab.shop import PAGES, PRODUCTS

Visit = Sequence[Labelled]
Make = Callable[[Visit, Sequence[Visit], random.Random], list[Labelled]]


class Beside(NamedTuple):
    """One kind of company."""

    name: str
    make: Make
    ill: bool = False  # it attacks


def alone(_visit: Visit, _others: Sequence[Visit], _rng: random.Random) -> list[Labelled]:
    """Nobody else."""
    return []


def curl(visit: Visit, _others: Sequence[Visit], _rng: random.Random) -> list[Labelled]:
    """One request, 18 seconds before."""
    return [_request(visit, -18.0, _CURL, "/")]


def feed_reader(visit: Visit, _others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """A feed, a minute before and every ten minutes."""
    return [
        _request(visit, at, _FEEDS, "/feed.xml", content_type="application/rss+xml")
        for at in _evenly(rng.uniform(-90, -30), _end(visit), 600)
    ]


def burst(visit: Visit, _others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """A script that asks for thirty pages just before, and for ten in between."""
    middle = _end(visit) / 2
    times = [-5 + 0.1 * number for number in range(30)] + [middle + 0.1 * number for number in range(10)]
    return [_request(visit, at, _REQUESTS, rng.choice(PAGES)) for at in times]


def monitoring(visit: Visit, _others: Sequence[Visit], _rng: random.Random) -> list[Labelled]:
    """Every ten seconds, for five minutes before and all the time."""
    return [_request(visit, at, _GO, "/") for at in _evenly(-300, _end(visit), 10)]


def app(visit: Visit, _others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """An app on a telephone that asks for data."""
    return [
        _request(visit, at, _OKHTTP, f"/api/stock/{rng.choice(PRODUCTS)}", content_type="application/json")
        for at in _evenly(-120, _end(visit), rng.uniform(2, 15))
    ]


def packages(visit: Visit, _others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """A package manager: sixty files, some of which are not there, before and in between."""
    found: list[Labelled] = []
    for begin in (-20.0, _end(visit) / 3):
        for number in range(60):
            status = 404 if rng.random() < 0.2 else 200
            path = f"/pool/main/p/p{number}/p{number}_1.{rng.randrange(9)}_all.deb"
            found.append(
                _request(visit, begin + 0.2 * number, _APT, path, status=status, content_type="application/x-debian")
            )
    return found


def programs(visit: Visit, others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """All of these together."""
    every = (curl, feed_reader, burst, monitoring, app, packages)
    return [one for make in every for one in make(visit, others, rng)]


def scanner(visit: Visit, _others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """Two hundred paths that are not there, before and in between."""
    return [
        _request(visit, at, _SCANNER, f"/{rng.choice(_PROBED)}{rng.randrange(99)}", status=404)
        for begin in (-12.0, _end(visit) / 4)
        for at in _evenly(begin, begin + 10, 0.1)
    ]


def stuffing(visit: Visit, _others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """A password every second, and none is right."""
    return [
        _request(visit, at, _REQUESTS, "/login", method="POST", status=401, body=40)
        for at in _evenly(-60, _end(visit), rng.uniform(0.8, 1.2))
    ]


def impostor(visit: Visit, _others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """A script with the person's very User-Agent and nothing else of a browser: ten pages before, ten in between."""
    agent = next((pair for pair in visit[0].headers if pair[0].lower() == "user-agent"), ("User-Agent", ""))
    return [
        _request(visit, begin + number, (agent, ("Accept", "*/*")), rng.choice(PAGES))
        for begin in (-15.0, _end(visit) / 2)
        for number in range(10)
    ]


def rotating(visit: Visit, others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """A crawl with all headers of another browser each time, and no cookies."""
    return [_request(visit, at, _copied(rng.choice(others)), rng.choice(PAGES)) for at in _evenly(-40, _end(visit), 2)]


def colleagues(visit: Visit, others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """Three other people."""
    return _people(visit, rng.sample(list(others), 3), rng)


def same_browser(visit: Visit, others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """Five other people with the very same browser."""
    alike = [other for other in others if other[0].client == visit[0].client and other[0].session != visit[0].session]
    return _people(visit, rng.sample(alike, min(5, len(alike))), rng)


def office(visit: Visit, others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    """Fifteen other people, and two programs."""
    return [
        *_people(visit, rng.sample(list(others), 15), rng),
        *monitoring(visit, others, rng),
        *app(visit, others, rng),
    ]


KINDS: Final = (
    Beside("nobody else", alone),
    Beside("one request of curl, 18 seconds before", curl),
    Beside("a feed reader", feed_reader),
    Beside("a script: 30 pages before, 10 in between", burst),
    Beside("monitoring every 10 seconds", monitoring),
    Beside("an app that asks for data", app),
    Beside("a package manager, 60 files twice", packages),
    Beside("all of these programs", programs),
    Beside("three other people", colleagues),
    Beside("five people with the same browser", same_browser),
    Beside("15 other people and two programs", office),
    Beside("a scanner, 200 paths that are not there", scanner, True),
    Beside("passwords tried every second", stuffing, True),
    Beside("a script with the person's very User-Agent", impostor, True),
    Beside("a crawl with another browser's headers each time", rotating, True),
)

_CURL: Final = (("User-Agent", "curl/8.5.0"), ("Accept", "*/*"))
_REQUESTS: Final = (
    ("User-Agent", "python-requests/2.32.3"), ("Accept-Encoding", "gzip, deflate"), ("Accept", "*/*"),
    ("Connection", "keep-alive"),
)  # fmt: skip
_GO: Final = (("User-Agent", "Go-http-client/1.1"), ("Accept-Encoding", "gzip"))
_OKHTTP: Final = (("Connection", "Keep-Alive"), ("Accept-Encoding", "gzip"), ("User-Agent", "okhttp/4.12.0"))
_APT: Final = (("User-Agent", "Debian APT-HTTP/1.3 (2.6.1)"),)
_FEEDS: Final = (("Accept", "application/rss+xml"), ("User-Agent", "Feedreader/3.2 (+https://reader.example/)"))
_SCANNER: Final = (("Connection", "Keep-Alive"), ("User-Agent", "Mozilla/5.00 (Nikto/2.5.0)"), ("Accept", "*/*"))
_PROBED: Final = ("admin", "backup.zip", ".env", "config.php", "old", "test", "cgi-bin/", "phpinfo", ".git/")


def _people(visit: Visit, others: Sequence[Visit], rng: random.Random) -> list[Labelled]:
    found: list[Labelled] = []
    for other in others:
        begin = rng.uniform(-300, _end(visit)) - other[0].time
        found += [
            one._replace(family=COMPANY, session=f"{one.session}-{visit[0].session}", time=one.time + begin)
            for one in other
        ]
    return found


def _request(
    visit: Visit,
    at: float,
    headers: tuple[tuple[str, str], ...],
    path: str,
    *,
    method: str = "GET",
    status: int = 200,
    content_type: str = "text/html",
    body: int = 0,
) -> Labelled:
    """As the program sends it over HTTP/1.1, without a cookie."""
    host = visit[0].host
    return Labelled(
        human=False, family=COMPANY, client=COMPANY, version="", behaviour=COMPANY, disguise="none", generated=False,
        session=f"c-{visit[0].session}", step=0, time=at, address=visit[0].address, method=method, target=path,
        http="HTTP/1.1", secure=True, host=host, headers=(("Host", host), *headers), body=body, kind="other",
        status=status, content_type=content_type, ja3="", ja4="t13d3112h1_e8f1e7e78f70_6bebaf5329ac", tls="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384", http2="", since=None,
    )  # fmt: skip


def _evenly(begin: float, end: float, gap: float) -> list[float]:
    return [begin + gap * number for number in range(min(1_000, int((end - begin) / gap) + 1))]


def _end(visit: Visit) -> float:
    return visit[-1].time - visit[0].time


def _copied(visit: Visit) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in visit[0].headers if name.lower() not in ("host", "cookie"))
