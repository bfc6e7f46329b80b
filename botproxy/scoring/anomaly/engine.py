"""The engine in a worker: looks up who was found, and whether this request shows what was found.

A group convicts nobody by itself: all users of a browser share a JA4. Of a group only those are convicted who behave
outlyingly themselves, as far as this worker saw or was told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, final

from botproxy.model import Behaviour, Client, Detection, Facts, Finding, Profile, ScoreSource, Session
from botproxy.scoring.anomaly.found import (
    ADDRESS,
    ASN,
    HEADERS,
    JA4,
    KINDS,
    NETWORK,
    PROXIES,
    SCRAPING,
    SESSION,
    ZONE,
    Found,
)
from botproxy.scoring.anomaly.keys import caller_of, network_of
from botproxy.traffic import header_fingerprint, is_login

MOST: Final = 200_000
"""Findings that a worker holds for all zones; more are not taken."""

_SOME: Final = 0.5
_TWO: Final = 1.5
"""Counts fade: two requests of the last minutes are more than this."""

_PAGES_OF_A_SESSION: Final = 3.5
_PAGES_OF_ANYBODY: Final = 5.5
"""Without parts; of who comes with a session, and of who is in no other group than all visitors."""

_PAGES_OF_A_PERSON: Final = 8.0
"""Of each session at an address, if someone else comes from there without one."""


@final
class Known:
    """What was found on one zone."""

    __slots__ = ("addresses", "asns", "headers", "ja4s", "networks", "sessions", "some", "zone")

    def __init__(self) -> None:
        self.some = False
        self.addresses: dict[str, Held] = {}
        self.sessions: dict[str, Held] = {}
        self.networks: dict[str, Held] = {}
        self.asns: dict[str, Held] = {}
        self.ja4s: dict[str, Held] = {}
        self.headers: dict[str, Held] = {}
        self.zone: dict[str, Held] = {}

    def table(self, where: str) -> dict[str, Held]:
        """Of one kind of key."""
        if where == ADDRESS:
            return self.addresses
        if where == SESSION:
            return self.sessions
        if where == NETWORK:
            return self.networks
        if where == ASN:
            return self.asns
        if where == JA4:
            return self.ja4s
        return self.headers if where == HEADERS else self.zone

    def tables(self) -> tuple[dict[str, Held], ...]:
        """All."""
        return (
            self.addresses, self.sessions, self.networks, self.asns, self.ja4s, self.headers, self.zone,
        )  # fmt: skip


@final
class Held:
    """What was found of one caller or group: of each kind at most one."""

    __slots__ = ("each", "until")

    def __init__(self) -> None:
        self.until = 0.0
        self.each: tuple[Said, ...] = ()

    def take(self, found: Found, now: float) -> None:
        """Hold it in place of what was said of the same before."""
        others = [said for said in self.each if said.found.kind != found.kind and said.found.until > now]
        others.append(Said(found))
        others.sort(key=lambda said: KINDS.index(said.found.kind))
        self.each = tuple(others)
        self.until = max([said.found.until for said in self.each])


@final
class Said:
    """A finding, and what the engine says by it, made once."""

    __slots__ = ("certain", "found", "likely")

    def __init__(self, found: Found) -> None:
        self.found: Final = found
        detection = found.detection
        score = 29 if found.where == ZONE and found.kind != SCRAPING else 1
        self.certain: Final = Finding(ScoreSource.BEHAVIORAL_ANALYSIS, score, (detection,))
        proxies = Detection(PROXIES, "anomaly", f"{detection.reason}; it comes over many networks, as through proxies")
        self.likely: Final = Finding(ScoreSource.BEHAVIORAL_ANALYSIS, 29, (proxies,))


@final
class Outliers:
    """What was found on all zones, as the supervisor told it."""

    __slots__ = ("_zones", "held", "refused")

    def __init__(self) -> None:
        self._zones: Final[dict[str, Known]] = {}
        self.held = 0
        self.refused = 0
        """Findings for which there was no room."""

    def of(self, zone: str) -> Known:
        """Of one zone; the same object for as long as the worker lives."""
        known = self._zones.get(zone)
        if known is None:
            known = Known()
            self._zones[zone] = known
        return known

    def take(self, told: Iterable[Found], now: float) -> None:
        """What the supervisor tells. Of zones that nobody asked for, nothing is held."""
        for found in told:
            known = self._zones.get(found.zone)
            if known is None or found.until <= now:
                continue
            table = known.table(found.where)
            held = table.get(found.key)
            if held is None:
                if self.held >= MOST:
                    self.refused += 1
                    continue
                held = Held()
                table[found.key] = held
                self.held += 1
            held.take(found, now)
            known.some = True

    def expire(self, now: float) -> None:
        """Forget what is over; called about once a second."""
        if not self.held:
            return
        left = 0
        for known in self._zones.values():
            here = 0
            for table in known.tables():
                for key in [key for key, held in table.items() if held.until <= now]:
                    del table[key]
                here += len(table)
            known.some = here > 0
            left += here
        self.held = left


@final
class AnomalyDetection:
    """Of one zone. Score 1 for whoever was found, or is of a found group and shows it; 29 where that is likely."""

    __slots__ = ("_known",)

    reads_profile: ClassVar[bool] = True
    """It looks at `Facts.profile`."""

    def __init__(self, known: Known) -> None:
        self._known: Final = known

    def assess(self, facts: Facts) -> Finding | None:
        """The finding, or None."""
        known = self._known
        if not known.some:
            return None
        session = facts.session
        if session is not None and known.sessions:
            held = known.sessions.get(session.id)
            if held is not None and held.until > facts.request.received:
                return held.each[0].certain
        client = facts.client
        if known.addresses:
            held = known.addresses.get(caller_of(client.text))
            if held is not None and held.until > facts.request.received:
                finding = _of_address(held, facts)
                if finding is not None:
                    return finding
        return self._of_groups(known, facts, client)

    def _of_groups(self, known: Known, facts: Facts, client: Client) -> Finding | None:
        profile = facts.profile
        if facts.static_resource or profile is None:
            return None
        likely: Finding | None = None
        held: Held | None
        if known.networks:
            held = known.networks.get(network_of(client.text))
            if held is not None:
                finding = _of_group(held, facts, profile)
                if finding is not None:
                    if finding.score == 1:
                        return finding
                    likely = finding
        place = client.place
        if known.asns and place is not None and place.asn:
            held = known.asns.get(str(place.asn))
            if held is not None:
                finding = _of_group(held, facts, profile)
                if finding is not None:
                    if finding.score == 1:
                        return finding
                    likely = finding
        tls = client.tls
        if known.ja4s and tls is not None and tls.ja4:
            held = known.ja4s.get(tls.ja4)
            if held is not None:
                finding = _of_group(held, facts, profile)
                if finding is not None:
                    if finding.score == 1:
                        return finding
                    likely = finding
        if known.headers:
            held = known.headers.get(header_fingerprint(facts.request.version, facts.request.headers))
            if held is not None:
                finding = _of_group(held, facts, profile)
                if finding is not None:
                    if finding.score == 1:
                        return finding
                    likely = finding
        if known.zone:
            held = known.zone.get("")
            if held is not None:
                finding = _of_group(held, facts, profile)
                if finding is not None and (finding.score == 1 or likely is None):
                    return finding
        return likely


def _of_address(held: Held, facts: Facts) -> Finding | None:
    for said in held.each:
        found = said.found
        if _browses(facts.session, facts.profile, found.parts):
            return None  # a person behind the same address
        if found.shared:
            request = facts.request
            if found.kind != SCRAPING and not is_login(request.method, request.path):
                continue
            if found.headers and header_fingerprint(request.version, request.headers) != found.headers:
                continue
        return said.certain
    return None


def _of_group(held: Held, facts: Facts, profile: Profile) -> Finding | None:
    request = facts.request
    if held.until <= request.received:
        return None
    clearance = facts.clearance
    if clearance is not None and clearance.js_passed and clearance.js_expires > request.received:
        return None
    session = facts.session
    address = profile.address
    if session is None and _loads(address):
        return None  # people are behind this address
    login = is_login(request.method, request.path)
    for said in held.each:
        found = said.found
        if _browses(session, profile, found.parts):
            return None
        if login != (found.kind != SCRAPING):
            continue
        if found.pure:
            return said.certain
        own = profile.session if session is not None and profile.session is not None else address
        if login:
            failures = max(own.login_failures, address.login_failures)
            if failures > (_SOME if found.where == ZONE else _TWO):
                return said.certain
            # Whoever logs in by a browser was given a session with the form.
            if found.rare and found.where != ZONE and session is None:
                return said.certain
            continue
        pages = own.requests - own.subresources
        sessions = address.peers if session is None else 0.0  # people are behind it, though they have pages in a cache
        if own.paths < _TWO or own.reports > _SOME:
            # With one page before, this is the second; who asks for one page again and again reads no site.
            if found.spread and session is None and pages > _SOME > sessions and found.where != ZONE:
                return said.likely
            continue
        enough = _PAGES_OF_A_SESSION if session is not None or sessions > _SOME else _TWO
        if found.where == ZONE:
            enough = _PAGES_OF_ANYBODY
        if pages > enough + _PAGES_OF_A_PERSON * sessions:
            return said.certain
    return None


def _loads(behaviour: Behaviour) -> bool:
    """Whether parts of pages are loaded."""
    return behaviour.subresources > 0.25 and behaviour.subresources * 4.0 > behaviour.pages


def _browses(session: Session | None, profile: Profile | None, parts: bool) -> bool:
    """Whether who has this session behaves as browsers do on this site."""
    if session is None:
        return False
    if not parts:
        return True
    if profile is None or profile.session is None:
        return True
    own = profile.session
    if _loads(own):
        return True
    # What scripts of pages ask for is no part of a page, and who only wants pages does not ask for it. The first page
    # of a visit comes without the session that it is answered with.
    return max(own.pages, profile.address.pages) > _SOME and (own.requests - own.pages - own.logins) * 4.0 > own.pages
