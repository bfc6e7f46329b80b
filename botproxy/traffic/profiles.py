"""What every caller did lately: by address, session, network, fingerprint and path; read before a request is decided,
updated when it is over. In one worker exact at once; `take` and `merge` are how processes tell each other.

Nothing here waits, and nothing grows: see `slots`.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from hashlib import blake2b
from ipaddress import IPv4Address
from math import sqrt
from struct import Struct
from typing import Final, NamedTuple, final

from botproxy.model import Behaviour, Client, Crowd, Ja4Signals, Profile, Request
from botproxy.traffic.header_order import header_fingerprint
from botproxy.traffic.slots import NOWHERE, Layout, Scale, Slots, estimates, scale_at
from botproxy.traffic.told import Teller, Told, ToldError

ADDRESSES: Final = 65_536
SESSIONS: Final = 32_768
VISITORS: Final = 32_768
NETWORKS: Final = 16_384
FINGERPRINTS: Final = 4_096
PATHS: Final = 16_384
"""Keys of each kind that one worker remembers; about 85 MB when all are taken."""

SHARED_FROM: Final = 3.0
"""Faded requests from which on a key is told to others: of most there are one or two, and never more."""

UNTOLD: Final = 4_096
"""Keys of each kind that wait to be told; what more of them do is known in this process alone."""

PAST: Final = 4.0
OTHERS: Final = 3.0
"""Faded requests of a session from which on it speaks for its caller, where the address has so many more with the same
User-Agent. Fewer are the caller's own from before the session."""

LONGEST_GAP: Final = 600.0
"""Seconds; a longer one counts as this, so that a night does not hide an evenness."""

REMEMBERED: Final = 8_192
MOST_KINDS: Final = 256
"""Values of Content-Type that are remembered; an origin has a few."""

_IS_PAGE: Final = 1
_IS_SUBRESOURCE: Final = 2
LONGEST_REMEMBERED: Final = 256
_BITS: Final = (1 << 62) - 1  # what compiled code holds in a machine word

# Figures of a caller: numbers of `Layout`, in the order of `_read`.
FIRST: Final = 0
LAST: Final = 1
STEP: Final = 2
REQUESTS: Final = 3
BURST: Final = 4
PAGES: Final = 5
SUBRESOURCES: Final = 6
GAPS: Final = 7
GAP_SUM: Final = 8
GAP_SQUARES: Final = 9
CLIENT_ERRORS: Final = 10
SERVER_ERRORS: Final = 11
LOGINS: Final = 12
LOGIN_FAILURES: Final = 13
CHALLENGED: Final = 14
CHALLENGES_FAILED: Final = 15
CHALLENGES_SOLVED: Final = 16
SCRIPTS: Final = 17
REPORTS: Final = 18
FOLLOWED: Final = 19
STRAYED: Final = 20
AUTOMATED: Final = 21
CALLER: Final[Layout] = Layout(3, 22, BURST, (256, 256, 64, 64, 64))
_PATHS: Final = 0
_PAGES: Final = 1
_HOSTS: Final = 2
_AGENTS: Final = 3
_PEERS: Final = 4
_CALLER_ROW: Final = Struct("22d")
_CALLER_USUAL: Final = Struct("10d")  # those that hardly any request leaves as they are
_CALLER_COUNTS: Final = Struct("5H")
_CROWD_COUNTS: Final = Struct("3H")

# And of a crowd.
C_REQUESTS: Final = 0
C_PAGES: Final = 1
C_CLIENT_ERRORS: Final = 2
C_LOGINS: Final = 3
C_LOGIN_FAILURES: Final = 4
C_SOLVED: Final = 5
C_AUTOMATED: Final = 6
C_H2H3: Final = 7
C_HEURISTIC: Final = 8
C_BROWSER: Final = 9
C_CACHEABLE: Final = 10
_CROWD_ROW: Final = Struct("7d")
NETWORK: Final[Layout] = Layout(0, 7, -1, (256, 256, 256))
FINGERPRINT: Final[Layout] = Layout(0, 11, -1, (4096, 256, 1024))
PATH: Final[Layout] = Layout(0, 7, -1, (1024, 256, 64))

_CROWD_OF: Final = {
    REQUESTS: C_REQUESTS,
    PAGES: C_PAGES,
    CLIENT_ERRORS: C_CLIENT_ERRORS,
    LOGINS: C_LOGINS,
    LOGIN_FAILURES: C_LOGIN_FAILURES,
    CHALLENGES_SOLVED: C_SOLVED,
    AUTOMATED: C_AUTOMATED,
}

_OF_64: Final = estimates(64)
_OF_256: Final = estimates(256)
_OF: Final = {64: _OF_64, 256: _OF_256, 1024: estimates(1024), 4096: estimates(4096)}

_UNSEEN: Final = Behaviour()
_EMPTY: Final = Crowd()

_LOGIN_PATH: Final = re.compile(
    rb"log[-_]?[io]n|sign[-_]?in|/auth|session|passw(?:or)?d|/oauth2?/token|xmlrpc|/otp|2fa|mfa|/account/?\Z", re.I
)
_LOGIN_FAILED: Final = frozenset((400, 401, 403, 404, 409, 422, 423, 429))
_SUBRESOURCES: Final = re.compile(
    rb"(?:image|font|audio|video)/|text/(?:css|javascript)|application/(?:x-)?(?:javascript|font)", re.I
)
_BROWSER: Final = re.compile(rb"(?:Chrome|CriOS|Firefox|FxiOS|Version)/[0-9]")
_PAGE: Final = re.compile(rb"(?:text/html|application/xhtml)", re.I)


def is_login(method: bytes, path: bytes) -> bool:
    """Whether a request looks like an attempt to log in."""
    return method == b"POST" and _LOGIN_PATH.search(path, 0, 256) is not None


def login_failed(status: int, page: bool) -> bool:
    """Whether an attempt to log in seems to have failed, by its answer; `page` is whether that is HTML."""
    return status in _LOGIN_FAILED or (status == 200 and page)


Marks = tuple[int, int, int, int, int, int]
"""Of address, User-Agent and path: the number without its last three bits, and the bit that those name."""

_What = tuple[list[int], bool, bool, bool, bool, int, int, int, int, int, int]
"""Of a request: figures; whether it is a page, a part of one, a page of the site, one with the script; where it came
from; its host, User-Agent and path, the last two as in `Marks`."""


class Keys(NamedTuple):
    """Who calls and what for, as numbers. 0 where there is none."""

    address: int
    network: int
    session: int
    ja4: int
    headers: int
    user_agent: int
    host: int
    path: int
    place: int  # host and path
    visitor: int  # address and User-Agent
    browser: bool  # the User-Agent is a browser's
    when: float  # the request came, in seconds since the epoch
    scale: Scale  # of that moment


class Seen(NamedTuple):
    """What a request turned out to be, once it is over."""

    when: float  # it came, in seconds since the epoch
    status: int
    content_type: bytes
    static: bool  # the path looks like a sub-resource
    score: int  # 0 when none was computed, and for a verified bot
    challenged: bool
    heuristic: bool = False  # heuristics said so
    given: bool = False  # a page with the script of JavaScript detections, which its visitor is expected to report with


class _Digests:
    """64-bit keyed hashes of what visitors send, remembered in two generations."""

    __slots__ = ("_old", "_secret", "young")

    def __init__(self, secret: bytes) -> None:
        self._secret: Final = secret
        self.young: dict[bytes | str, int] = {}
        self._old: dict[bytes | str, int] = {}

    def of(self, what: bytes) -> int:
        """Never 0, which stands for nothing."""
        return self.young.get(what) or self._find(what, what)

    def of_text(self, what: str) -> int:
        """The same of a text."""
        return self.young.get(what) or self._find(what, what.encode("utf-8", "replace"))

    def _find(self, name: bytes | str, what: bytes) -> int:
        known = self._old.get(name)
        if known is None:
            known = int.from_bytes(blake2b(what, digest_size=8, key=self._secret).digest(), "little") & _BITS or 1
            if len(what) > LONGEST_REMEMBERED:
                return known
        if len(self.young) >= REMEMBERED:
            self._old = self.young
            self.young = {}
        self.young[name] = known
        return known


@final
class Profiles:
    """`secret`, at most 64 bytes, keys all hashes, and is the same wherever something is merged."""

    __slots__ = (
        "_by_address", "_by_address_old", "_crowds", "_digests", "_kinds", "_tellers", "addresses",
        "fingerprints", "headers", "networks", "paths", "sessions", "signals", "untold_full", "visitors",
    )  # fmt: skip

    def __init__(
        self, secret: bytes, randomness: Callable[[int], bytes], share: float = 1.0, crowds: bool = True
    ) -> None:
        """`randomness(n)` gives n unpredictable bytes; `share` is how much of the usual room there is; `crowds` is
        whether somebody wants to know what all did who have the same JA4, headers or path, which is not counted
        otherwise. Networks always are."""
        self.addresses: Final = Slots(CALLER, int(ADDRESSES * share), REQUESTS, randomness)
        self.sessions: Final = Slots(CALLER, int(SESSIONS * share), REQUESTS, randomness)
        self.networks: Final = Slots(NETWORK, int(NETWORKS * share), C_REQUESTS, randomness)
        self.fingerprints: Final = Slots(FINGERPRINT, int(FINGERPRINTS * share), C_REQUESTS, randomness)
        self.headers: Final = Slots(FINGERPRINT, int(FINGERPRINTS * share), C_REQUESTS, randomness)
        self.paths: Final = Slots(PATH, int(PATHS * share), C_REQUESTS, randomness)
        self.visitors: Final = Slots(CALLER, int(VISITORS * share), REQUESTS, randomness)
        weights = (REQUESTS, REQUESTS, C_REQUESTS, C_REQUESTS, C_REQUESTS, C_REQUESTS, REQUESTS)
        self._tellers: Final = tuple(
            [Teller(number, slots, weights[number]) for number, slots in enumerate(self.tables)]
        )
        self.signals: dict[int, Ja4Signals] = {}
        """Of each JA4 of the last hour that is known well enough, by its number."""
        self._digests = _Digests(secret)
        self._kinds: Final[dict[bytes, int]] = {}
        self._by_address: dict[str, tuple[int, int]] = {}
        self._by_address_old: dict[str, tuple[int, int]] = {}
        self._crowds: Final = crowds
        self.untold_full = 0
        """Keys whose counts stay in this process because too many waited to be told."""

    def share_secret(self, secret: bytes) -> None:
        """Hash with this from now on; what was counted before is forgotten as it fades."""
        self._digests = _Digests(secret)
        self._by_address = {}
        self._by_address_old = {}

    # Who it is

    def digest(self, what: bytes) -> int:
        """The number of anything that visitors send."""
        return self._digests.of(what)

    def keys(self, request: Request, client: Client, session: str) -> Keys:
        """The keys of a request; `session` is the id of its session, "" without one."""
        pair = self._by_address.get(client.text)
        if pair is None:
            pair = self._find_address(client)
        digests = self._digests
        known = digests.young
        headers = request.headers
        said = headers.kind.get("traffic.keys")
        if said.__class__ is tuple:
            fingerprint, agent, browser = said
        else:
            fingerprint = digests.of(b"h " + header_fingerprint(request.version, headers).encode())
            name = headers.first(b"user-agent") or b"-"
            agent = digests.of(name)
            browser = name.startswith(b"Mozilla/5.0 (") and _BROWSER.search(name, 0, 512) is not None
            headers.kind["traffic.keys"] = (fingerprint, agent, browser)
        host = known.get(request.host) or digests.of_text(request.host)
        path = known.get(request.path) or digests.of(request.path)
        tls = client.tls
        ja4 = 0
        if tls is not None and tls.ja4:
            ja4 = known.get(tls.ja4) or digests.of_text(tls.ja4)
        whose = 0
        if session:
            whose = known.get(session) or digests.of_text(session)
        place = (path ^ (host << 1)) & _BITS
        visitor = (pair[0] ^ (agent << 1)) & _BITS
        when = request.received
        return tuple.__new__(
            Keys,
            (
                pair[0],
                pair[1],
                whose,
                ja4,
                fingerprint,
                agent,
                host,
                path,
                place,
                visitor,
                browser,
                when,
                scale_at(when),
            ),
        )

    def _find_address(self, client: Client) -> tuple[int, int]:
        text = client.text
        pair = self._by_address_old.get(text)
        if pair is None:
            address = client.address
            packed = address.packed
            network = packed[:3] if isinstance(address, IPv4Address) else packed[:6]
            secret_of = self._digests.of
            pair = (secret_of(b"a " + packed), secret_of(b"n " + network))
        if len(self._by_address) >= REMEMBERED:
            self._by_address_old = self._by_address
            self._by_address = {}
        self._by_address[text] = pair
        return pair

    # Before the decision

    def read(self, keys: Keys, now: float, crowds: bool = True) -> Profile:
        """What is known of who calls, at this moment; of who has the same JA4, headers or path only with `crowds`."""
        address, network, session, ja4, headers, _agent, _host, _path, place, visitor, _browser, when, scale = keys
        epoch, slow, fast = scale if when == now else scale_at(now)
        slow = 1.0 / slow
        fast = 1.0 / fast
        own = _behaviour(self.sessions, session, now, epoch, slow, fast) if session else None
        caller = _behaviour(self.visitors, visitor, now, epoch, slow, fast)
        if own is not None and own.requests >= PAST and caller.requests - own.requests > OTHERS:
            caller = own
        return tuple.__new__(
            Profile,
            (
                _behaviour(self.addresses, address, now, epoch, slow, fast),
                own,
                _crowd(self.networks, network, epoch, slow),
                _crowd(self.fingerprints, ja4, epoch, slow) if ja4 and crowds else None,
                _crowd(self.headers, headers, epoch, slow) if crowds else _EMPTY,
                _crowd(self.paths, place, epoch, slow) if crowds else _EMPTY,
                self.signals.get(ja4) if ja4 else None,
                caller,
            ),
        )

    # After the response

    def observe(self, keys: Keys, request: Request, seen: Seen) -> None:
        """Count a request that is over."""
        now, status, content_type, static, score, challenged, heuristic, given = seen
        address, network, session, ja4, headers, agent, host, path, place, visitor, browser, when, scale = keys
        if when != now:
            scale = scale_at(now)
        kind = self._kinds.get(content_type, -1)
        if kind < 0:
            kind = self._kind_of(content_type)
        page = kind == _IS_PAGE
        subresource = not page and (static or kind == _IS_SUBRESOURCE)
        figures: list[int] = []  # besides requests, pages and sub-resources
        crowd: list[int] = []  # besides requests
        if page:
            crowd.append(C_PAGES)
        if status >= 500:
            figures.append(SERVER_ERRORS)
        elif status >= 400:
            figures.append(CLIENT_ERRORS)
            crowd.append(C_CLIENT_ERRORS)
        if request.method == b"POST" and is_login(request.method, request.path):
            figures.append(LOGINS)
            crowd.append(C_LOGINS)
            if login_failed(status, page):
                figures.append(LOGIN_FAILURES)
                crowd.append(C_LOGIN_FAILURES)
        shown = page
        if challenged:
            figures.append(CHALLENGED)
            shown = False  # the page is ours, and leads nowhere
        if 0 < score < 30:
            figures.append(AUTOMATED)
            crowd.append(C_AUTOMATED)
        came_from = self._came_from(request) if shown else 0
        # Of each thing that sketches hold, the bit of its byte; which byte depends on the sketch.
        agent_at, agent_mask, path_at, path_mask = agent >> 3, 1 << (agent & 7), path >> 3, 1 << (path & 7)
        what = (figures, page, subresource, shown, given, came_from, host, agent_at, agent_mask, path_at, path_mask)
        self._caller(self.addresses, address, session, now, scale, what)
        self._caller(self.visitors, visitor, session, now, scale, what)
        if session:
            self._caller(self.sessions, session, address, now, scale, what)
        marks = (address >> 3, 1 << (address & 7), agent_at & 31, agent_mask, path_at, path_mask)
        self._join(self.networks, network, crowd, marks, scale)
        if not self._crowds:
            return
        self._join(self.headers, headers, crowd, marks, scale)
        self._join(self.paths, place, crowd, marks, scale)
        if ja4:
            if request.version == "HTTP/2":
                crowd.append(C_H2H3)
            if heuristic:
                crowd.append(C_HEURISTIC)
            if browser:
                crowd.append(C_BROWSER)
            if static:
                crowd.append(C_CACHEABLE)
            self._join(self.fingerprints, ja4, crowd, marks, scale)

    def _kind_of(self, content_type: bytes) -> int:
        kind = 0
        if _PAGE.match(content_type) is not None:
            kind = _IS_PAGE
        elif _SUBRESOURCES.match(content_type) is not None:
            kind = _IS_SUBRESOURCE
        if len(self._kinds) < MOST_KINDS and len(content_type) <= LONGEST_REMEMBERED:
            self._kinds[content_type] = kind
        return kind

    def note(self, keys: Keys, figure: int, now: float) -> None:
        """Count something that belongs to a caller and is no request of its own, such as `CHALLENGES_SOLVED`."""
        scale = scale_at(now)
        for slots, key in (
            (self.addresses, keys.address),
            (self.sessions, keys.session),
            (self.visitors, keys.visitor),
        ):
            if key:
                self._add(slots, key, figure, REQUESTS, scale)
        shared = _CROWD_OF.get(figure)
        if shared is not None:
            for slots, key in (
                (self.networks, keys.network),
                (self.fingerprints, keys.ja4),
                (self.headers, keys.headers),
            ):
                if key:
                    self._add(slots, key, shared, C_REQUESTS, scale)

    def _add(self, slots: Slots, key: int, figure: int, weight: int, scale: Scale) -> None:
        place = slots.places.get(key, NOWHERE)
        if place < 0:
            return
        if slots.epochs[place] < scale.epoch:
            slots.turn(place, scale.epoch)
        base = place * slots.layout.width
        if place not in slots.untold and slots.numbers[base + weight] >= SHARED_FROM * scale.slow:
            self._keep_told(slots, place, base)
        slots.numbers[base + figure] += scale.slow

    def _came_from(self, request: Request) -> int:
        """The number of the page that the Referer names, if it is of the same host; 1 for another, 0 without one."""
        values = request.headers.index.get(b"referer")
        if values is None or not values[0]:
            return 0
        referer = values[0]
        authority = request.authority
        start = referer.find(b"//") + 2
        slash = referer.find(b"/", start)
        if start < 2 or slash < 0:
            return 1
        if referer[start:slash] != authority and referer[start:slash].lower() != authority.lower():
            return 1
        page = referer[slash:]
        if page.find(b"?") >= 0 or page.find(b"#") >= 0:
            page = page.partition(b"?")[0].partition(b"#")[0]
        return self._digests.young.get(page) or self._digests.of(page)

    def _caller(self, slots: Slots, key: int, peer: int, now: float, scale: Scale, what: _What) -> None:
        figures, page, subresource, shown, scripted, came_from, host, agent_at, agent_mask, path_at, path_mask = what
        epoch, slow, fast = scale
        place = slots.places.get(key, NOWHERE)
        numbers = slots.numbers
        if place < 0:
            place = slots.admit(key, scale)
            if place < 0:
                return
            numbers[place * 22] = now
            scripted = False  # a report on the first page of all may come before this, and would not be counted
        elif slots.epochs[place] != epoch:
            slots.turn(place, epoch)
            if slots.epochs[place] > epoch:
                _, slow, fast = scale_at(now, slots.epochs[place])
        row = place * 176
        first, last, step, requests, burst, pages, parts, gaps, gap_sum, gap_squares = _CALLER_USUAL.unpack_from(
            numbers, row
        )
        requests += slow
        if requests >= SHARED_FROM * slow and place not in slots.untold:
            self._keep_told(slots, place, place * 22)
        if page:
            pages += slow
        if subresource:
            parts += slow
        elif now >= step:
            if step > 0.0:
                gap = now - step
                if gap > LONGEST_GAP:
                    gap = LONGEST_GAP
                gaps += slow
                gap_slow = gap * slow
                gap_sum += gap_slow
                gap_squares += gap * gap_slow
            step = now
        if now > last:
            last = now
        _CALLER_USUAL.pack_into(
            numbers, row, first, last, step, requests, burst + fast, pages, parts, gaps, gap_sum, gap_squares
        )
        for figure in figures:
            numbers[place * 22 + figure] += slow
        if scripted:
            numbers[place * 22 + SCRIPTS] += slow
        bits = slots.bits
        at = place * 88
        path_at &= 31
        where = at + path_at
        if not bits[where] & path_mask:
            _mark(slots, place * 5, where, path_mask)
        if shown:
            # Before this page counts as one that was given.
            given = at + 32
            if came_from > 1:
                where = given + ((came_from >> 3) & 31)
                followed = (bits[where] | slots.older[where]) & (1 << (came_from & 7))
                numbers[place * 22 + (FOLLOWED if followed else STRAYED)] += slow
            elif pages > 1.001 * slow:
                numbers[place * 22 + STRAYED] += slow
            where = given + path_at
            if not bits[where] & path_mask:
                _mark(slots, place * 5 + 1, where, path_mask)
        mask = 1 << (host & 7)
        where = at + 64 + ((host >> 3) & 7)
        if not bits[where] & mask:
            _mark(slots, place * 5 + 2, where, mask)
        where = at + 72 + (agent_at & 7)
        if not bits[where] & agent_mask:
            _mark(slots, place * 5 + 3, where, agent_mask)
        if peer:
            mask = 1 << (peer & 7)
            where = at + 80 + ((peer >> 3) & 7)
            if not bits[where] & mask:
                _mark(slots, place * 5 + 4, where, mask)

    def _join(self, slots: Slots, key: int, figures: list[int], marks: Marks, scale: Scale) -> None:
        address_at, address_mask, agent_at, agent_mask, path_at, path_mask = marks
        epoch, slow, _ = scale
        place = slots.places.get(key, NOWHERE)
        if place < 0:
            place = slots.admit(key, scale)
            if place < 0:
                return
        elif slots.epochs[place] != epoch:
            slots.turn(place, epoch)
            if slots.epochs[place] > epoch:
                return  # another process is ahead by a moment
        numbers = slots.numbers
        base = place * slots.width
        requests = numbers[base] + slow
        if requests >= SHARED_FROM * slow and place not in slots.untold:
            self._keep_told(slots, place, base)
        numbers[base] = requests
        for figure in figures:
            numbers[base + figure] += slow
        bits = slots.bits
        at = place * slots.bytes
        where = at + (address_at & slots.first_mask)
        if not bits[where] & address_mask:
            _mark(slots, place * 3, where, address_mask)
        at += slots.first_mask + 1
        where = at + agent_at
        if not bits[where] & agent_mask:
            _mark(slots, place * 3 + 1, where, agent_mask)
        where = at + 32 + (path_at & slots.last_mask)
        if not bits[where] & path_mask:
            _mark(slots, place * 3 + 2, where, path_mask)

    # What travels

    @property
    def tables(self) -> tuple[Slots, ...]:
        """In the order of their numbers."""
        return (
            self.addresses, self.sessions, self.networks, self.fingerprints, self.headers, self.paths, self.visitors,
        )  # fmt: skip

    @property
    def waiting(self) -> int:
        """Keys that wait to be told."""
        return sum([len(slots.untold) for slots in self.tables])

    def take(self, most: int, now: float) -> bytes:
        """A payload of what is to be told of at most `most` keys of one table, callers first; b"" for nothing."""
        for teller in self._tellers:
            payload = teller.take(most, now)
            if payload:
                return payload
        return b""

    def all(self, now: float, slice_: int) -> Iterator[bytes]:
        """Everything that was told so far, for whoever begins now."""
        for teller in self._tellers:
            yield from teller.all(SHARED_FROM / 2, now, slice_)

    def read_told(self, payload: bytes) -> tuple[int, Iterator[Told]]:
        """The number of the table that a payload is of, and its records. Raises ToldError when that cannot be."""
        return payload[0], self._teller(payload).read(payload)

    def _teller(self, payload: bytes) -> Teller:
        if not payload or payload[0] >= len(self._tellers):
            raise ToldError("a payload of no table")
        return self._tellers[payload[0]]

    def merge(self, payload: bytes, now: float) -> None:
        """Add what another process told. Raises ToldError when that cannot be."""
        self._teller(payload).merge(payload, now)

    def _keep_told(self, slots: Slots, place: int, base: int) -> None:
        """From now on it waits to be told what is added to what others know; nothing, when they do not know the key."""
        if len(slots.untold) >= UNTOLD:
            self.untold_full += 1
            return
        width = slots.layout.width
        if slots.told[place]:
            slots.untold[place] = slots.numbers[base : base + width]
        else:
            slots.told[place] = 1
            slots.untold[place] = array("d", bytes(8 * width))


def _mark(slots: Slots, count: int, where: int, mask: int) -> None:
    slots.bits[where] |= mask
    if not slots.older[where] & mask:
        slots.counts[count] += 1


def _behaviour(slots: Slots, key: int, now: float, epoch: int, one: float, fast: float) -> Behaviour:
    place = slots.places.get(key, NOWHERE)
    if place < 0:
        return _UNSEEN
    if slots.epochs[place] != epoch:
        slots.turn(place, epoch)
        if slots.epochs[place] > epoch:
            _, slow, fast = scale_at(now, slots.epochs[place])
            one = 1.0 / slow
            fast = 1.0 / fast
    (
        first, last, _step, requests, burst, pages, subresources, gaps, gap_sum, gap_squares, client_errors,
        server_errors, logins, login_failures, challenged, challenges_failed, challenges_solved, scripts, reports,
        followed, strayed, automated,
    ) = _CALLER_ROW.unpack_from(slots.numbers, place * 176)  # fmt: skip
    paths, _pages, hosts, agents, peers = _CALLER_COUNTS.unpack_from(slots.counts, place * 10)
    mean = deviation = -1.0
    if gaps > 0.0:
        mean = gap_sum / gaps
        deviation = sqrt(max(gap_squares / gaps - mean * mean, 0.0))
    return tuple.__new__(
        Behaviour,
        (
            max(now - first, 0.0),
            max(now - last, 0.0),
            requests * one,
            burst * fast,
            pages * one,
            subresources * one,
            gaps * one,
            mean,
            deviation,
            client_errors * one,
            server_errors * one,
            logins * one,
            login_failures * one,
            challenged * one,
            challenges_failed * one,
            challenges_solved * one,
            scripts * one,
            reports * one,
            followed * one,
            strayed * one,
            automated * one,
            _OF_256[paths],
            _OF_64[hosts],
            _OF_64[agents],
            _OF_64[peers],
        ),
    )


def _crowd(slots: Slots, key: int, epoch: int, one: float) -> Crowd:
    place = slots.places.get(key, NOWHERE)
    if place < 0:
        return _EMPTY
    if slots.epochs[place] != epoch:
        slots.turn(place, epoch)
    requests, pages, client_errors, logins, login_failures, solved, automated = _CROWD_ROW.unpack_from(
        slots.numbers, place * slots.row
    )
    addresses, agents, paths = _CROWD_COUNTS.unpack_from(slots.counts, place * 6)
    return tuple.__new__(
        Crowd,
        (
            requests * one,
            pages * one,
            client_errors * one,
            logins * one,
            login_failures * one,
            solved * one,
            automated * one,
            slots.first[addresses],
            _OF_256[agents],
            slots.last[paths],
        ),
    )
