"""What was found: one caller, or a group of callers, that stands out of a site's usual traffic.

The supervisor finds, workers look up. What travels between them is bounded: see `MOST_A_FRAME`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import orjson

from botproxy.errors import BotproxyError
from botproxy.model import Detection

SCRAPING: Final = "scraping"
FAILURES: Final = "failures"
ATTEMPTS: Final = "attempts"
KINDS: Final = (FAILURES, ATTEMPTS, SCRAPING)

ADDRESS: Final = "address"
SESSION: Final = "session"
NETWORK: Final = "network"
ASN: Final = "asn"
JA4: Final = "ja4"
HEADERS: Final = "headers"
ZONE: Final = "zone"
CALLERS: Final = (ADDRESS, SESSION)
GROUPS: Final = (NETWORK, ASN, JA4, HEADERS, ZONE)

BY_ASN: Final = 50331648
BY_JA4: Final = 50331649
PROXIES: Final = 50331651
LOGIN_FAILURES: Final = 201326592
LOGIN_ATTEMPTS: Final = 201326593
LOGIN_RISE: Final = 201326598
"""Detection ids of the original (reference section 1.4)."""

OWN: Final = {ADDRESS: 50331904, SESSION: 50331905, NETWORK: 50331906, HEADERS: 50331907, ZONE: 50331908}
"""Detection ids of scraping that the original has no id for."""

MOST_A_FRAME: Final = 500
LONGEST: Final = 200
"""Characters of a key; nothing that is found has more."""

_NAMED: Final = {
    ADDRESS: "from this address",
    SESSION: "in this session",
    NETWORK: "from this network",
    ASN: "from AS{}",
    JA4: "with JA4 {}",
    HEADERS: "with headers {}",
    ZONE: "on this site",
}
_DONE: Final = {
    SCRAPING: "pages that no browser asked for as browsers do",
    FAILURES: "failed logins",
    ATTEMPTS: "logins",
}


class AnomalyError(BotproxyError):
    """What came over a link is no list of findings."""


class Found(NamedTuple):
    """One caller or group. A group convicts nobody by itself: see `engine`."""

    zone: str
    where: str  # ADDRESS and so on
    key: str  # an address, a network, a number of an AS, a fingerprint, the id of a session; "" for the whole site
    kind: str  # of `KINDS`
    until: float  # seconds since the epoch
    seen: float  # in `span`
    expected: float  # at most, in `span`: some times what is usual, and never less than a fixed number
    span: int  # seconds: 60 or 3600
    pure: bool = False  # of a group: nobody of it was ever seen to behave as people's browsers do
    rare: bool = False  # hardly anybody of the site logs in without a session
    parts: bool = False  # visits to this site load parts of pages; who does not stands out
    spread: bool = False  # of a group: its callers are in many networks
    shared: bool = False  # of an address: others are behind it who behave as people do
    headers: str = ""  # of an address: the header fingerprint that most of it had

    @property
    def reason(self) -> str:
        """For operators: what was seen against what was expected."""
        name = _NAMED[self.where].format(self.key)
        unit = "a minute" if self.span == 60 else "an hour"
        seen = f"{self.seen:.0f} {_DONE[self.kind]} {unit} {name}"
        return f"{seen}; expected here at this time are at most {self.expected:.0f}"

    @property
    def detection(self) -> Detection:
        """Under the original's ids where it has one."""
        return Detection(_id(self.where, self.kind), "anomaly", self.reason)


def _id(where: str, kind: str) -> int:
    if kind == FAILURES:
        return LOGIN_RISE if where == ZONE else LOGIN_FAILURES
    if kind == ATTEMPTS:
        return LOGIN_ATTEMPTS
    return BY_ASN if where == ASN else BY_JA4 if where == JA4 else OWN[where]


_TYPES: Final = (str, str, str, str, float, float, float, int, bool, bool, bool, bool, bool, str)


def frames(found: Iterable[Found]) -> Iterator[bytes]:
    """Payloads of at most `MOST_A_FRAME` each."""
    rows: list[tuple[Any, ...]] = []
    for one in found:
        rows.append(tuple(one))
        if len(rows) == MOST_A_FRAME:
            yield orjson.dumps(rows)
            rows = []
    if rows:
        yield orjson.dumps(rows)


def read(payload: bytes) -> list[Found]:
    """What `frames` wrote. Raises AnomalyError for anything else."""
    try:
        rows: Any = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise AnomalyError(str(error)) from None
    if not isinstance(rows, list) or len(rows) > MOST_A_FRAME:
        raise AnomalyError("no list of findings")
    return [_found(row) for row in rows]


def _found(row: Any) -> Found:
    if not isinstance(row, list) or len(row) != len(_TYPES):
        raise AnomalyError("a finding of another length")
    for value, kind in zip(row, _TYPES, strict=True):
        if not (isinstance(value, kind) or (kind is float and type(value) is int)):
            raise AnomalyError(f"a finding with {value!r:.40} in it")
    found = Found(*row)
    if found.where not in CALLERS + GROUPS or found.kind not in KINDS or len(found.key) > LONGEST:
        raise AnomalyError("a finding of no kind")
    return found
