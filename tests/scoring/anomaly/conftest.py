"""Events and requests by the handful."""

from __future__ import annotations

from typing import Any

import pytest

from botproxy.model import Event
from botproxy.scoring.anomaly import Baseline, Learner, Settings, Site

BEGIN = 1_789_948_800.0 + 12 * 3600
"""Noon of a Monday."""

_AT = {name: at for at, name in enumerate(Event._fields)}


def row(when: float, **said: Any) -> list[Any]:
    """An event of a page that somebody without a session looked at, but for what is said."""
    made: list[Any] = [""] * len(Event._fields)
    usual: dict[str, Any] = {
        "zone": "shop", "end": when, "client_ip": "192.0.2.1", "client_asn": 64500, "ja4": "t13d1516h2_a_b",
        "method": "GET", "host": "shop.example", "path": "/", "status": 200, "content_type": "text/html",
        "static_resource": False, "score": 50, "score_source": "Not Computed", "action": "unknown",
        "header_fingerprint": "h2-11-en-a-b",
    }  # fmt: skip
    for name, value in (usual | said).items():
        made[_AT[name]] = value
    return made


class Shop:
    """One zone that learns. Time goes on by what is seen."""

    def __init__(self, baseline: Baseline | None = None, **settings: Any) -> None:
        self.learner = Learner()
        usual = {"enabled": True, "learn": 0, "visits": 0} | settings
        known = {} if baseline is None else {"shop": baseline}
        self.learner.configure({"shop": Settings.model_validate(usual)}, known)
        self.site: Site = self.learner.sites["shop"]
        self.now = BEGIN

    def see(self, pause: float = 0.0, **said: Any) -> None:
        """One request, so many seconds after the one before."""
        self.now += pause
        self.learner.take([row(self.now, **said)])

    def wait(self, seconds: float) -> None:
        """Time goes by as in a supervisor, which looks at the clock."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + 30.0)
            self.site.advance(self.now)

    def person(self, number: int, pages: int = 3, parts: int = 4, login: bool = False, **said: Any) -> None:
        """A visit with a session from the second request on."""
        who = {"client_ip": f"10.{number >> 8 & 255}.{number & 255}.9", **said}
        self.see(path="/", **who)
        session = {**who, "session": f"s{number}"}
        for page in range(pages):
            if page:
                self.see(0.2, path=f"/page/{page}", **session)
            for part in range(parts):
                self.see(0.01, path=f"/part/{part}.png", content_type="image/png", static_resource=True, **session)
        if login:
            self.see(0.1, method="POST", path="/login", status=303, content_type="", **session)

    def found(self) -> set[tuple[str, str, str]]:
        """Where, who and what for."""
        return set(self.site.found)


@pytest.fixture
def shop() -> Shop:
    """A site that says everything at once."""
    return Shop()


@pytest.fixture(scope="session")
def usual() -> Any:
    """What is kept of a week in which people came, loaded parts of pages, and now and then logged in."""
    shop = Shop(learn=7 * 86_400, visits=200)
    shop.now -= 8 * 86_400
    for day in range(8):
        for number in range(60):
            shop.person(day * 100 + number, login=number % 2 == 0)
            shop.wait(600)
        shop.wait(86_400 - 60 * 600)
    return shop.site.baseline.to_json()
