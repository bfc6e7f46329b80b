"""What programs do: behaviours as lists of steps, drawn at random, with the pauses that they would have in life.

A plan is run by one of the clients in `lab/clients/`. Pauses are not slept but put back into the record.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lab.shop import ARTICLES, PAGES, PRODUCTS


class Step(NamedTuple):
    """One request. `pause` is the seconds before it, in life."""

    pause: float
    method: str
    path: str
    form: dict[str, str] | None = None
    json: dict[str, str] | None = None

    def plan(self, headers: dict[str, str]) -> dict[str, Any]:
        """As the clients read it."""
        return {"method": self.method, "path": self.path, "form": self.form, "json": self.json, "headers": headers}


Steps = Iterator[Step]
_NAMES = ("ann", "bob", "eve", "tom", "kim", "lea", "max", "zoe", "sam", "ida")


def _get(pause: float, path: str) -> Step:
    return Step(pause, "GET", path)


def fetch(rng: random.Random) -> Steps:
    """One to three pages that somebody's script wants."""
    for path in rng.sample(PAGES, rng.randint(1, 3)):
        yield _get(rng.uniform(0.05, 4), path)


def crawl(rng: random.Random) -> Steps:
    """Page after page, as fast as they come."""
    if rng.random() < 0.4:
        yield _get(0, rng.choice(("/robots.txt", "/sitemap.xml")))
    pace = rng.choice((0.02, 0.1, 0.3, 1.0))
    paths = list(PAGES) if rng.random() < 0.5 else rng.sample(PAGES, len(PAGES))
    for path in paths[: rng.randint(12, 40)]:
        yield _get(pace * (rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1), path)


def slow(rng: random.Random) -> Steps:
    """Page after page, with the pauses of a person."""
    for path in rng.sample(PAGES, rng.randint(6, 16)):
        yield _get(rng.lognormvariate(2.7, 0.7), path)


def stuffing(rng: random.Random) -> Steps:
    """Pairs of names and passwords, tried."""
    api = rng.random() < 0.3
    first = rng.random() < 0.5
    pace = rng.choice((0.05, 0.3, 1.0, 4.0))
    for _ in range(rng.randint(8, 30)):
        user = {
            "user": f"{rng.choice(_NAMES)}{rng.randint(1, 999)}@example.com",
            "password": f"p{rng.randint(0, 99999)}",
        }
        if first and not api:
            yield _get(pace * rng.uniform(0.6, 1.4), "/login")
        if api:
            yield Step(pace * rng.uniform(0.6, 1.4), "POST", "/api/login", json=user)
        else:
            yield Step(pace * rng.uniform(0.6, 1.4), "POST", "/login", form=user)


def scalping(rng: random.Random) -> Steps:
    """One product watched until it is there, then bought at once."""
    name = rng.choice(PRODUCTS)
    watched = rng.choice((f"/shop/{name}", f"/api/stock/{name}"))
    pace = rng.choice((0.5, 1.0, 2.0, 5.0))
    for _ in range(rng.randint(10, 30)):
        yield _get(pace * rng.uniform(0.95, 1.05), watched)
    yield Step(0.05, "POST", "/cart", form={"item": name})
    yield Step(0.05, "POST", "/checkout", form={"card": "0"})


def spam(rng: random.Random) -> Steps:
    """The guest book, written full."""
    for _ in range(rng.randint(2, 10)):
        if rng.random() < 0.6:
            yield _get(rng.uniform(0.2, 3), "/guestbook")
        text = f"Buy at https://shop{rng.randint(1, 999)}.example/"
        yield Step(rng.uniform(0.1, 2), "POST", "/guestbook", form={"name": rng.choice(_NAMES), "message": text})


def api(rng: random.Random) -> Steps:
    """The API that pages use, without the pages."""
    for _ in range(rng.randint(6, 25)):
        yield _get(rng.uniform(0.05, 1), rng.choice((f"/api/stock/{rng.choice(PRODUCTS)}", "/api/products")))


def probing(rng: random.Random) -> Steps:
    """Paths that careless sites have."""
    paths = (
        "/.env", "/.git/config", "/wp-login.php", "/admin", "/phpinfo.php", "/backup.zip", "/api/v1/users",
        "/config.json", "/server-status", "/xmlrpc.php", "/.aws/credentials", "/actuator/env", "/cgi-bin/test",
    )  # fmt: skip
    for path in rng.sample(paths, rng.randint(5, len(paths))):
        yield _get(rng.uniform(0.02, 0.4), path)


def reading(rng: random.Random) -> Steps:
    """The feed, and what is new in it."""
    yield _get(0, "/feed.xml")
    for name in rng.sample(ARTICLES, rng.randint(0, 3)):
        yield _get(rng.uniform(0.1, 1), f"/journal/{name}")


BEHAVIOURS: dict[str, Callable[[random.Random], Steps]] = {
    "fetch": fetch, "crawl": crawl, "slow": slow, "stuffing": stuffing, "scalping": scalping, "spam": spam,
    "api": api, "probing": probing, "feed": reading, "distributed": slow,
}  # fmt: skip
"""`distributed` is `slow` over many addresses, a new connection each."""
