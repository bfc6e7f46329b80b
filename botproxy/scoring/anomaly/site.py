"""One site: its callers are watched, compared with what is usual, found when they stand out, and learned from.

A page looks like a browser's when, within seconds, parts of it are loaded, or its visitor comes back with the session
that the answer gave. All else is `bare`, and it alone is counted of addresses and groups.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, final

from botproxy.scoring.anomaly.baseline import GROUP, Baseline
from botproxy.scoring.anomaly.callers import MOST_CREDIT, Caller, Group, Visit
from botproxy.scoring.anomaly.found import (
    ADDRESS,
    ASN,
    ATTEMPTS,
    CALLERS,
    FAILURES,
    HEADERS,
    JA4,
    NETWORK,
    SCRAPING,
    SESSION,
    ZONE,
    Found,
)
from botproxy.scoring.anomaly.observed import LOGIN, PART, Observed
from botproxy.scoring.anomaly.recent import Recent
from botproxy.scoring.anomaly.settings import Settings
from botproxy.scoring.anomaly.tally import FAILS, HOURLY, PAGES, SPANS, TRIES, Tally

WAIT: Final = 5.0
"""Seconds in which a browser has begun to load the parts of a page."""

LONG_WAIT: Final = 30.0
"""The same where pages have no parts here: until the next page is asked for."""

FEWEST: Final = 5
"""Addresses of a group; fewer are found one by one."""

MANY_NETWORKS: Final = 50
"""Networks over which a crawl is spread that comes through a network of proxies."""

SHARED: Final = 2.0
"""Visits of people in the last hour from which on an address is not one caller's."""

UNKNOWN: Final = 3.0
"""Visits of people below which nobody of a group is known to be a person."""

MANY_HOSTS: Final = 50

VISITS: Final = 65_536
ADDRESSES: Final = 65_536
NETWORKS: Final = 8_192
FINGERPRINTS: Final = 2_048
"""Of each kind, in each of two generations, shared by all sites."""

FEWEST_OF_A_KIND: Final = 256
GENERATION: Final = 1_800.0
WAITING: Final = 50_000
"""Pages that wait for their parts; when they are more, the oldest are judged at once."""

_ENDED: Final = 100
_KINDS: Final = ((FAILS, FAILURES), (TRIES, ATTEMPTS), (PAGES, SCRAPING))
_LONG_GAP: Final = 600.0
_Pending = tuple[float, Visit, Caller, Observed]
_NOTHING: Final = (0.0, 0.0, 0.0)


@final
class Site:
    """Time comes with what is seen, and with `advance`; it never goes back."""

    def __init__(self, name: str, settings: Settings, baseline: Baseline, share: float = 1.0) -> None:
        """`share` is how much of the room for all sites is this one's."""

        def room(most: int) -> int:
            return max(FEWEST_OF_A_KIND, int(most * share))

        self.name: Final = name
        self.settings = settings
        self.baseline: Final = baseline
        self.found: Final[dict[tuple[str, str, str], Found]] = {}
        self.counts: Final[dict[tuple[str, str], int]] = {}
        """Of what was found, by kind and where."""
        self.refused = 0
        """Callers that were found when as many were held as may be."""
        self.hosts: Final[set[str]] = set()
        self._visits: Final[Recent[str, Visit]] = Recent(room(VISITS), GENERATION)
        self._addresses: Final[Recent[str, Caller]] = Recent(room(ADDRESSES), GENERATION)
        self._groups: Final[dict[str, Recent[str, Group]]] = {
            NETWORK: Recent(room(NETWORKS), GENERATION),
            ASN: Recent(room(FINGERPRINTS), GENERATION),
            JA4: Recent(room(FINGERPRINTS), GENERATION),
            HEADERS: Recent(room(FINGERPRINTS), GENERATION),
        }
        self._everybody: Final = Group(0.0, "")
        self._pending: Final[deque[_Pending]] = deque()
        self._changed: Final[dict[tuple[str, str, str], None]] = {}
        self._minute = 0
        self._bare = [0.0, 0.0, 0.0]
        self._people = [0.0, 0.0]
        self._now = 0.0

    # What the supervisor asks

    @property
    def speaks(self) -> bool:
        """Whether it has seen enough to say anything."""
        return self.speaks_in <= 0.0 and self.baseline.visits >= self.settings.visits

    @property
    def speaks_in(self) -> float:
        """Seconds of learning that are left, as far as time decides."""
        settings, baseline = self.settings, self.baseline
        return settings.learn if not baseline.began else max(0.0, baseline.began + settings.learn - self._now)

    @property
    def many_hosts(self) -> bool:
        """Whether it looks like a site of many customers' names."""
        return len(self.hosts) >= MANY_HOSTS

    def changes(self, most: int) -> list[Found]:
        """At most so many findings that are new or go on, and were not handed out yet."""
        told = [self.found[ident] for ident in list(self._changed)[:most] if ident in self.found]
        for ident in list(self._changed)[:most]:
            del self._changed[ident]
        return told

    def held(self) -> Iterator[Found]:
        """Every finding."""
        yield from self.found.values()

    # What happens

    def see(self, seen: Observed) -> None:
        """A request that is over."""
        now = seen.when
        self.advance(now)
        visit = self._visit(seen)
        if seen.what == PART:
            if not visit.parts and visit.session:
                self._caller(seen).person(now)
            visit.part()
            return
        if len(self.hosts) < MANY_HOSTS:
            self.hosts.add(seen.host)
        self.baseline.answers[0 if seen.html else 1] += 1.0
        if seen.what == LOGIN:
            failed = 1.0 if seen.failed else 0.0
            visit.tally.add(TRIES, now)
            if failed:
                visit.tally.add(FAILS, now)
            self._judge_visit(visit, seen)
            browses = visit.browses if self.baseline.parts else visit.session or visit.browses
            if self._ordinary(visit, None, seen):
                self.baseline.login(bool(seen.session))
            if browses:
                self._as_people(seen, 0.0, 1.0)
            else:
                self._as_bare(visit, self._caller(seen), seen, (0.0, 1.0, failed))
            return
        if not visit.news(seen.path, seen.anew):
            return
        if seen.html:
            visit.pages += 1
        elif visit.session and visit.pages:
            visit.part()  # scripts of pages ask for data, and who only wants pages has none
        visit.tally.add(PAGES, now)
        self._judge_visit(visit, seen)
        wait = WAIT if self.baseline.parts else LONG_WAIT
        self._pending.append((now + wait, visit, self._caller(seen), seen))
        if len(self._pending) > WAITING:
            self._settle(self._pending.popleft())

    def advance(self, now: float) -> None:
        """Time has come so far."""
        if now <= self._now:
            return
        self._now = now
        pending = self._pending
        while pending and pending[0][0] <= now:
            self._settle(pending.popleft())
        minute = int(now // 60)
        if minute != self._minute:
            self._end_minutes(minute)

    def expire(self) -> None:
        """Forget findings whose time is over."""
        for ident in [ident for ident, found in self.found.items() if found.until <= self._now]:
            del self.found[ident]

    # Who it is

    def _visit(self, seen: Observed) -> Visit:
        visits = self._visits
        alone = f"{seen.address} {seen.ja4}"
        key = seen.session or alone
        visit = visits.get(key)
        if visit is None:
            visit = Visit(seen.when, bool(seen.session), seen.address, seen.network)
            visits.add(key, visit, seen.when)
            if seen.session:
                # The page that this session was given with came without one.
                first = visits.get(alone)
                if first is not None:
                    first.credit = min(MOST_CREDIT, first.credit + 1.0)
        return visit

    def _caller(self, seen: Observed) -> Caller:
        caller = self._addresses.get(seen.address)
        if caller is None:
            caller = Caller(seen.when, seen.address, seen.network)
            self._addresses.add(seen.address, caller, seen.when)
        return caller

    def _groups_of(self, seen: Observed) -> Iterator[tuple[str, Group]]:
        for where, key in ((NETWORK, seen.network), (ASN, seen.asn), (JA4, seen.ja4), (HEADERS, seen.headers)):
            if key:
                table = self._groups[where]
                group = table.get(key)
                if group is None:
                    group = Group(seen.when, key)
                    table.add(key, group, seen.when)
                yield where, group
        yield ZONE, self._everybody

    def _ordinary(self, visit: Visit, caller: Caller | None, seen: Observed) -> bool:
        now = self._now
        return seen.ordinary and visit.found <= now and (caller is None or caller.found <= now)

    # What it looks like

    def _settle(self, pending: _Pending) -> None:
        _, visit, caller, seen = pending
        if visit.session and not self.baseline.parts:
            explained = True
        elif not seen.html and visit.browses:
            explained = True  # what scripts of pages ask for has no parts
        else:
            explained = visit.credit >= 1.0
            if explained:
                visit.credit -= 1.0
        if explained:
            self._as_people(seen, 1.0, 0.0, visit, caller)
        else:
            self._as_bare(visit, caller, seen, (1.0, 0.0, 0.0))

    def _as_people(
        self, seen: Observed, pages: float, logins: float, visit: Visit | None = None, caller: Caller | None = None
    ) -> None:
        now = self._now
        if caller is not None:
            caller.browse(now, pages)
        known = seen.ordinary and visit is not None and visit.pages <= 3
        for where, group in self._groups_of(seen):
            group.add_people(now, pages, logins)
            if known:
                self.baseline.usual.visit(where, group.key)
        self._people[0] += pages
        self._people[1] += logins

    def _as_bare(self, visit: Visit, caller: Caller, seen: Observed, added: tuple[float, float, float]) -> None:
        now = self._now
        for figure in (PAGES, TRIES, FAILS):
            if added[figure]:
                caller.tally.add(figure, now, added[figure])
        caller.vote(seen.headers, 1.0)
        self._judge_address(caller)
        ordinary = self._ordinary(visit, caller, seen)
        for where, group in self._groups_of(seen):
            group.add(now, added, seen.address, seen.network, ordinary)
            self._judge_group(where, group)
        if ordinary:
            for figure in (PAGES, TRIES, FAILS):
                self._bare[figure] += added[figure]

    # Whether it stands out

    def _judge_visit(self, visit: Visit, seen: Observed) -> None:
        if not visit.session or not self._above(visit.tally, self.baseline.visit_limits):
            return
        visit.found = self._stands_out(SESSION, seen.session, visit.tally, self.baseline.visit_limits)

    def _judge_address(self, caller: Caller) -> None:
        limits: tuple[float, ...] = self.baseline.address_limits
        if not self._above(caller.tally, limits):
            return
        limits = self.baseline.address_limit(caller.pages(self._now))
        if not self._above(caller.tally, limits):
            return
        shared = caller.person(self._now, 0.0) >= SHARED
        caller.found = self._stands_out(ADDRESS, caller.address, caller.tally, limits, shared, caller.headers)

    @staticmethod
    def _above(tally: Tally, limits: tuple[float, ...]) -> bool:
        one, two, three, four, five, six = tally.figures
        return (
            one > limits[0] or two > limits[1] or three > limits[2]
            or four > limits[3] or five > limits[4] or six > limits[5]
        )  # fmt: skip

    def _stands_out(
        self,
        where: str,
        key: str,
        tally: Tally,
        limits: tuple[float, ...],
        shared: bool = False,
        headers: str = "",
    ) -> float:
        """Until when it is found; 0 while nothing may be said."""
        until = 0.0
        for figure, kind in _KINDS:
            for at in (figure, figure + HOURLY):
                if tally.figures[at] > limits[at]:
                    until = self._find(
                        Found(
                            self.name, where, key, kind, self._now + self.settings.hold, tally.figures[at],
                            limits[at], SPANS[at], False, self.baseline.rare, self.baseline.parts,
                            False, shared, headers,
                        )
                    )  # fmt: skip
                    break
        return until

    def _judge_group(self, where: str, group: Group) -> None:
        figures = group.figures
        for figure, kind in _KINDS:
            if figures[figure] <= GROUP[figure]:
                continue
            baseline = self.baseline
            people = group.people[0 if figure == PAGES else 1]
            limit = baseline.group_limit(self._now, where, group.key, figure, people)
            if figures[figure] <= limit or group.callers < FEWEST:
                continue
            pure = where != ZONE and group.lately < 0.5 and baseline.usual.visits(where, group.key) < UNKNOWN
            group.found = self._find(
                Found(
                    self.name, where, group.key, kind, self._now + self.settings.hold, figures[figure], limit,
                    60, pure, baseline.rare, baseline.parts, group.networks >= MANY_NETWORKS,
                )
            )  # fmt: skip

    def _find(self, found: Found) -> float:
        if not self.speaks:
            return 0.0
        ident = (found.where, found.key, found.kind)
        known = self.found.get(ident)
        if known is not None:
            same = known.pure == found.pure and known.shared == found.shared and known.spread == found.spread
            if same and found.until - known.until < 0.25 * self.settings.hold:
                return known.until
        else:
            if found.where in CALLERS and len(self.found) >= self.settings.callers:
                self.refused += 1
                return found.until
            count = (found.kind, found.where)
            self.counts[count] = self.counts.get(count, 0) + 1
        self.found[ident] = found
        self._changed[ident] = None
        return found.until

    # What is learned

    def _end_minutes(self, minute: int) -> None:
        before, self._minute = self._minute, minute
        bare, self._bare = self._bare, [0.0, 0.0, 0.0]
        people, self._people = self._people, [0.0, 0.0]
        speaks = self.speaks
        if not before:
            return
        if minute - before > _LONG_GAP // 60:
            self.baseline.levels.forget_hour()
            return
        for at in range(before, minute):
            here = at == before
            bare_now = (bare[0], bare[1], bare[2]) if here else _NOTHING
            people_now = (people[0], people[1]) if here else (0.0, 0.0)
            if self.baseline.minute((at + 1) * 60.0, bare_now, people_now, speaks):
                self._end_hour((at + 1) * 60.0, speaks)
        self._visits.turn(self._now)
        self._addresses.turn(self._now)
        for groups in self._groups.values():
            groups.turn(self._now)
        self._learn_ended()

    def _end_hour(self, now: float, speaks: bool) -> None:
        for where in (ASN, JA4, HEADERS):
            for group in self._groups[where].values():
                if group.found < now - 3600.0:
                    one, two, three = group.busiest
                    self.baseline.usual.hour(where, group.key, (one, two, three), speaks)
                group.busiest = [0.0, 0.0, 0.0]

    def _learn_ended(self) -> None:
        """From visits and addresses that nobody saw any more for a while: some of them each minute."""
        share = max(_ENDED, len(self._visits) // 20)
        for visit in self._visits.gone(share):
            if not visit.found and (visit.session or visit.parts or visit.pages > 1):
                self.baseline.end_visit(visit)
        for caller in self._addresses.gone(share):
            if not caller.found:
                self.baseline.end_address(caller)
