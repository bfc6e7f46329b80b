"""What is remembered of who calls right now: visits, addresses, and groups of addresses."""

from __future__ import annotations

from math import exp, log
from typing import Final, final

from botproxy.scoring.anomaly.tally import HOURLY, PAGES, Tally

CREDIT: Final = 4.0
"""Pages that one loaded part explains: with caches full, browsers load few."""

MOST_CREDIT: Final = 12.0
_PATHS: Final = 64
_PLACES: Final = 1024
"""Bits in which is remembered what was seen, so that whoever asks for much does not take much memory: of 64 paths that
differ, two or three are taken for one that was seen before."""

_HOUR: Final = 3600.0


@final
class Visit:
    """One session; or, of what comes without one, one address with one JA4."""

    __slots__ = ("_different", "_paths", "address", "credit", "found", "network", "pages", "parts", "session", "tally")

    def __init__(self, now: float, session: bool, address: str, network: str) -> None:
        self.tally: Final = Tally(now)
        self.session: Final = session
        self.address: Final = address
        self.network: Final = network
        self.pages = 0
        self.parts = 0
        self.credit = 0.0
        """Pages that look like a browser's, whatever follows: it loaded parts, or came back with a session."""
        self.found = 0.0  # until then
        self._paths = 0  # a bit for each that was asked for
        self._different = 0

    def news(self, path: int, anew: bool) -> bool:
        """Whether a page counts: who looks at the same one again and again does not read a site."""
        bit = 1 << (path % _PLACES)
        if self._paths & bit:
            return anew
        if self._different >= _PATHS:
            self._paths = self._different = 0
        self._paths |= bit
        self._different += 1
        return True

    def part(self) -> None:
        """It loaded a part of a page."""
        self.parts += 1
        self.credit = min(MOST_CREDIT, self.credit + CREDIT)

    @property
    def browses(self) -> bool:
        """Whether it loads parts as browsers do."""
        return self.parts > 0 and self.parts * 8 >= self.pages


@final
class Caller:
    """One address. Counted is only what does not look like a browser's, so that people behind it do not add up."""

    __slots__ = ("_pages", "_votes", "address", "found", "headers", "network", "people", "people_at", "tally")

    def __init__(self, now: float, address: str, network: str) -> None:
        self.tally: Final = Tally(now)
        self.address: Final = address
        self.network: Final = network
        self.people = 0.0  # visits of people, fading within an hour
        self.people_at = now
        self.found = 0.0
        self.headers = ""
        self._votes = 0.0
        self._pages: Tally | None = None

    def person(self, now: float, number: float = 1.0) -> float:
        """Count a visit of people; how many there were lately."""
        self.people = self.people * exp(min(0.0, (self.people_at - now) / _HOUR)) + number
        self.people_at = max(now, self.people_at)
        return self.people

    def browse(self, now: float, pages: float) -> None:
        """Count what does look like a browser's."""
        if self._pages is None:
            self._pages = Tally(now)
        self._pages.add(PAGES, now, pages)

    def pages(self, now: float) -> tuple[float, float]:
        """How much of that there was in the last minute, and in the last hour."""
        if self._pages is None:
            return (0.0, 0.0)
        self._pages.fade(now)
        return self._pages.figures[PAGES], self._pages.figures[PAGES + HOURLY]

    def vote(self, headers: str, number: float) -> None:
        """Which header fingerprint most of it has: who has the majority is left in the end."""
        if headers == self.headers:
            self._votes = min(self._votes + number, 100.0)
        elif self._votes <= 0.0:
            self.headers = headers
            self._votes = number
        else:
            self._votes -= number


@final
class Group:
    """All who share a network, an autonomous system or a fingerprint; figures fade within a minute."""

    __slots__ = (
        "_before",
        "_callers",
        "_networks",
        "_networks_before",
        "_ordinary",
        "_turned",
        "at",
        "busiest",
        "figures",
        "found",
        "key",
        "lately",
        "people",
    )  # fmt: skip

    def __init__(self, now: float, key: str) -> None:
        self.key: Final = key
        self.at = now
        self.figures = [0.0, 0.0, 0.0]
        self.people = [0.0, 0.0]
        """Pages and logins of people, likewise."""
        self.lately = 0.0
        """Pages of people, fading within an hour."""
        self.busiest = [0.0, 0.0, 0.0]
        """The highest that each figure was of those against whom nothing is said, since an hour was learned."""
        self.found = 0.0
        self._ordinary = [0.0, 0.0, 0.0]
        self._callers = self._before = 0
        self._networks = self._networks_before = 0
        self._turned = now

    def fade(self, now: float) -> None:
        """Bring the figures to this moment."""
        gap = now - self.at
        if gap <= 0.0:
            return
        self.at = now
        by = exp(gap / -60.0)
        one, two, three = self.figures
        self.figures = [one * by, two * by, three * by]
        one, two, three = self._ordinary
        self._ordinary = [one * by, two * by, three * by]
        pages, logins = self.people
        self.people = [pages * by, logins * by]
        self.lately *= exp(gap / -_HOUR)

    def add(
        self, now: float, added: tuple[float, float, float], address: str, network: str, ordinary: bool = True
    ) -> None:
        """Count what does not look like a browser's; `ordinary` is whether nothing is said against it."""
        self.fade(now)
        for at in (0, 1, 2):
            if added[at]:
                self.figures[at] += added[at]
                if ordinary:
                    self._ordinary[at] += added[at]
                    self.busiest[at] = max(self.busiest[at], self._ordinary[at])
        if now - self._turned >= 60.0:
            self._turned = now
            self._before, self._callers = self._callers, 0
            self._networks_before, self._networks = self._networks, 0
        self._callers |= 1 << (hash(address) % _PLACES)
        self._networks |= 1 << (hash(network) % _PLACES)

    def add_people(self, now: float, pages: float, logins: float) -> None:
        """Count what does."""
        self.fade(now)
        self.people[0] += pages
        self.people[1] += logins
        self.lately += pages

    @property
    def callers(self) -> int:
        """Addresses of the last minute or two; a little off when they are hundreds."""
        return _different(self._callers | self._before)

    @property
    def networks(self) -> int:
        """Their networks, likewise."""
        return _different(self._networks | self._networks_before)


def _different(bits: int) -> int:
    """How many set these bits, those that met on one allowed for (linear counting; Whang and others, 1990)."""
    free = max(1, _PLACES - bits.bit_count())
    return round(_PLACES * log(_PLACES / free))
