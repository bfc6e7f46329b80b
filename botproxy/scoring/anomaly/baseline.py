"""What is usual on one site: learned from its ordinary traffic, slowly, and kept over restarts.

Nothing in it is a mean. Who is convicted, verified, or found here never gets in; nobody counts more than a few times a
day; and once it is relied on nothing in it grows by more than a tenth in a day.
"""

from __future__ import annotations

from typing import Any, Final, final

from botproxy.scoring.anomaly.callers import Caller, Visit
from botproxy.scoring.anomaly.histogram import Histogram
from botproxy.scoring.anomaly.levels import DAILY, Levels
from botproxy.scoring.anomaly.tally import PAGES, TRIES
from botproxy.scoring.anomaly.usual import Usual

VERSION: Final = 1

VISIT: Final = (60.0, 20.0, 10.0, 600.0, 60.0, 20.0)
"""Nobody stands out by less: pages, logins and failed logins of one visit in a minute, and in an hour."""

ADDRESS: Final = (20.0, 15.0, 8.0, 90.0, 40.0, 15.0)
"""The same of one address, but only what does not look like a browser's."""

GROUP: Final = (30.0, 20.0, 12.0)
"""And of a group, in a minute."""

BUSIEST: Final = 0.995
TIMES_A_VISIT: Final = 3.0
TIMES_A_GROUP: Final = 4.0
"""How many times the usual somebody has to do to stand out."""

SURE: Final = 50.0
"""Visits after which a share means something."""

_DAY: Final = 86_400
_FADE: Final = 0.95
_A_DAY: Final = 3
"""Visits of one address that are learned from in a day, and `_A_NETWORK` of its network."""

_A_NETWORK: Final = 50
_MOST_NETWORKS: Final = 65_536
_RATIO: Final = 0.05
"""Of what people do, the share that does not look like a browser's, before it is known."""


@final
class Baseline:
    """Of one site."""

    def __init__(self) -> None:
        self.began = 0.0
        self.visits = 0.0
        self.levels: Final = Levels(3)
        self.usual: Final = Usual()
        self.visit_limits: tuple[float, ...] = VISIT
        self.address_limits: tuple[float, ...] = ADDRESS
        self._visit: Final = [Histogram() for _ in VISIT]
        self._address: Final = [Histogram() for _ in ADDRESS]
        self._busiest = [[0.0] * 6, [0.0] * 6]  # of visits and of addresses, as they are relied on
        self._parts = [0.0, 0.0]  # visits of several pages that loaded parts, and others
        self._logins = [0.0, 0.0]  # logins with a session, and without
        self._ratios = [_RATIO, _RATIO]  # of pages, of logins
        self.answers = [0.0, 0.0]  # pages, and answers that are neither pages nor parts of them
        self._day = 0
        self._today: dict[str, int] = {}
        self._parted = False  # `parts`, as what was learned counts pages

    # What it says

    @property
    def parts(self) -> bool:
        """Whether visits of several pages load parts of them, as nine in ten do on most sites."""
        some, none = self._parts
        return some + none >= SURE and some >= 0.9 * (some + none)

    @property
    def rare(self) -> bool:
        """Whether hardly anybody logs in without the session that the form came with."""
        some, none = self._logins
        return some + none >= SURE and none <= 0.02 * (some + none)

    @property
    def mostly_api(self) -> bool:
        """Whether four of five answers are neither pages nor parts of pages."""
        pages, others = self.answers
        return pages + others >= 1_000.0 and others >= 4.0 * pages

    def group_limit(self, now: float, where: str, key: str, figure: int, people: float) -> float:
        """What a group may do in a minute in which people of it do so much."""
        ratio = self._ratios[0 if figure == PAGES else 1]
        usual = self.usual.level(where, key, figure) if key else self.levels.expected(now, figure)
        return max(GROUP[figure], TIMES_A_GROUP * max(usual, ratio * people))

    def address_limit(self, pages: tuple[float, float]) -> tuple[float, ...]:
        """What an address may do behind which people looked at so many pages in the last minute and hour."""
        ratio = TIMES_A_GROUP * self._ratios[0]
        one, two, three, four, five, six = self.address_limits
        return max(one, ratio * pages[0]), two, three, max(four, ratio * pages[1]), five, six

    # What it learns

    def end_visit(self, visit: Visit) -> None:
        """A visit is over that nobody said anything against."""
        if not self._counts(visit.network, _A_NETWORK) or not self._counts(visit.address, _A_DAY):
            return
        self.visits += 1.0
        if not visit.session:
            return
        for histogram, peak in zip(self._visit, visit.tally.peaks, strict=True):
            histogram.add(peak)
        if visit.pages >= 2:
            self._parts[0 if visit.parts > 0 else 1] += 1.0

    def end_address(self, caller: Caller) -> None:
        """Nobody comes from an address any more, and nobody had said anything against it."""
        if self._counts(f"{caller.network} all", _A_NETWORK) and self._counts(f"{caller.address} all", _A_DAY):
            for histogram, peak in zip(self._address, caller.tally.peaks, strict=True):
                histogram.add(peak)

    def login(self, session: bool) -> None:
        """An ordinary login, and whether it brought a session."""
        self._logins[0 if session else 1] += 1.0

    def minute(self, now: float, bare: tuple[float, float, float], people: tuple[float, float], bounded: bool) -> bool:
        """A minute is over in which ordinary traffic had these figures; whether an hour was learned with it."""
        if not self.began:
            self.began = now
        for at, (those, these) in enumerate(((bare[PAGES], people[0]), (bare[TRIES], people[1]))):
            if these >= 20.0:
                self._nudge(at, those / these)
        self._new_day(now, bounded)
        if self.parts is not self._parted:
            self._parted = self.parts
            if not bounded:
                # Without parts a page with a session was a browser's: hours of before would make new ones stand out.
                self.levels.forget()
        return self.levels.minute(now, bare, bounded)

    def _nudge(self, at: int, ratio: float) -> None:
        """Towards what nine in ten minutes stay below; a day of the worst minutes doubles it."""
        known = self._ratios[at]
        step = known * 0.0005
        self._ratios[at] = min(max(known + step if ratio > known else known - step / 9.0, 0.01), 10.0)

    def _new_day(self, now: float, bounded: bool) -> None:
        day = int(now // _DAY)
        if day == self._day:
            return
        days = min(7, day - self._day) if self._day else 1
        self._day = day
        self._today = {}
        for which, histograms in enumerate((self._visit, self._address)):
            for figure, histogram in enumerate(histograms):
                wanted = histogram.quantile(BUSIEST)
                known = self._busiest[which][figure]
                if bounded:
                    wanted = min(wanted, max(known, 1.0) * DAILY**days)
                self._busiest[which][figure] = wanted
                histogram.fade(_FADE**days)
        for pair in (self._parts, self._logins, self.answers):
            pair[:] = [each * _FADE**days for each in pair]
        self.usual.day()
        self._set_limits()

    def _set_limits(self) -> None:
        visits, addresses = self._busiest
        self.visit_limits = tuple(max(least, TIMES_A_VISIT * value) for least, value in zip(VISIT, visits, strict=True))
        self.address_limits = tuple(
            max(least, TIMES_A_VISIT * value) for least, value in zip(ADDRESS, addresses, strict=True)
        )

    def _counts(self, whose: str, most: int) -> bool:
        today = self._today
        number = today.get(whose, 0)
        if number >= most or (not number and len(today) >= 4 * _MOST_NETWORKS):
            return False
        today[whose] = number + 1
        return True

    # Over restarts

    def to_json(self) -> dict[str, Any]:
        """Everything that is worth keeping. No address, no network, no session is in it."""
        return {
            "version": VERSION,
            "began": self.began,
            "visits": round(self.visits, 1),
            "day": self._day,
            "busiest": self._busiest,
            "visit": [each.to_json() for each in self._visit],
            "address": [each.to_json() for each in self._address],
            "parts": self._parts,
            "logins": self._logins,
            "ratios": self._ratios,
            "answers": self.answers,
            "levels": self.levels.to_json(),
            "usual": self.usual.to_json(),
        }

    @classmethod
    def from_json(cls, said: Any) -> Baseline:
        """What `to_json` gave. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
        if said["version"] != VERSION:
            raise ValueError(f"version {said['version']!r:.20}; this program reads {VERSION}")
        made = cls()
        made.began, made.visits = _numbers([said["began"], said["visits"]], 2)
        made._day = int(said["day"])
        made._busiest = [_numbers(each, 6) for each in said["busiest"]]
        if len(made._busiest) != 2 or len(said["visit"]) != 6 or len(said["address"]) != 6:
            raise ValueError("six figures of visits and of addresses")
        made._visit[:] = [Histogram.from_json(each) for each in said["visit"]]
        made._address[:] = [Histogram.from_json(each) for each in said["address"]]
        made._parts = _numbers(said["parts"], 2)
        made._logins = _numbers(said["logins"], 2)
        made._ratios = _numbers(said["ratios"], 2)
        made.answers = _numbers(said["answers"], 2)
        made._parted = made.parts
        made.levels.read(said["levels"])
        made.usual.read(said["usual"])
        made._set_limits()
        return made


def _numbers(said: Any, number: int) -> list[float]:
    if not isinstance(said, list) or len(said) != number:
        raise ValueError(f"{number} figures were expected")
    if not all(type(each) in (int, float) and 0 <= each < 1e12 for each in said):
        raise ValueError("a figure is none")
    return list(map(float, said))
