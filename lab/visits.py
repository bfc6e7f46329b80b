"""Visits of the laboratory: who they are, what the tap saw of them, and how that becomes labelled requests."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from botproxy.model import Event, Outcome
from botproxy.pipeline import Decision
from botproxy.training.dataset import Labelled
from lab.recorder import SITE
from lab.shop import kind

_PORT = re.compile(r"\b(site\.test|other\.test|localhost|127\.0\.0\.1)(:|%3[aA])\d+")
_LOCAL = re.compile(r"\b(localhost|127\.0\.0\.1)\b")
_OURS = re.compile(r"\b(__cf_bm|cf_clearance)=[^;]*")
_PARTS = re.compile(r"^(image|script|style|font|video|audio|track|manifest)$")


class Seen(NamedTuple):
    """One request of a visit, in the clock of the laboratory."""

    received: float
    decision: Decision
    status: int
    content_type: bytes


@dataclass
class Visit:
    """One visit. `pauses` are those of a plan, by method and path; `omitted` those of a browser, by moment."""

    human: bool
    family: str
    client: str
    behaviour: str
    session: str
    addresses: tuple[str, ...]
    version: str = ""
    disguise: str = "none"
    pauses: list[tuple[float, str, str]] = field(default_factory=list)
    omitted: list[tuple[float, float]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def shifts(self) -> Iterator[tuple[float, Seen]]:
        """Each request with the seconds of pauses that were left out before it."""
        shift, at = 0.0, 0
        left = sorted(self.omitted)
        for one in sorted(self.seen, key=lambda each: each.received):
            request = one.decision.facts.request
            target = request.target.decode("latin-1")
            # A redirect or a part of a page is no step; a step that failed before it was sent is passed over.
            for ahead in range(at, min(at + 4, len(self.pauses))):
                _, method, path = self.pauses[ahead]
                if (method, path) == (request.method.decode("latin-1"), target):
                    shift += sum(each[0] for each in self.pauses[at : ahead + 1]) if at else 0.0
                    at = ahead + 1
                    break
            while left and left[0][0] <= one.received:
                shift += left.pop(0)[1]
            yield shift, one

    def labelled(self) -> Iterator[Labelled]:
        """The requests of the visit; its time begins at 0."""
        first = min((one.received for one in self.seen), default=0.0)
        issued: float | None = None
        for step, (shift, one) in enumerate(self.shifts()):
            facts = one.decision.facts
            request, client = facts.request, facts.client
            tls = client.tls
            time = one.received - first + shift
            headers = tuple(
                (name.decode("latin-1"), neutral(value.decode("latin-1"))) for name, value in request.headers.items
            )
            if facts.session is None:
                issued = issued if issued is not None else time
            target = neutral(request.target.decode("latin-1"))
            accept = (request.headers.first(b"accept") or b"").decode("latin-1")
            destination = (request.headers.first(b"sec-fetch-dest") or b"").decode("latin-1")
            destination = "image" if _PARTS.match(destination) else ""
            path = request.path.decode("latin-1")
            yield Labelled(
                human=self.human, family=self.family, client=self.client, version=self.version,
                behaviour=self.behaviour, disguise=self.disguise, generated=False, session=self.session, step=step,
                time=round(time, 4), address=client.text, method=request.method.decode("latin-1"), target=target,
                http=request.version, secure=request.secure, host=neutral(request.host) or SITE, headers=headers,
                body=request.body_length, kind=kind(path, accept, destination), status=one.status,
                content_type=one.content_type.decode("latin-1").partition(";")[0],
                ja3="" if tls is None else tls.ja3, ja4="" if tls is None else tls.ja4,
                tls="" if tls is None else tls.version, cipher="" if tls is None else tls.cipher, http2=client.http2,
                since=None if facts.session is None else round(max(0.0, time - (issued or 0.0)), 3),
            )  # fmt: skip


def neutral(text: str) -> str:
    """Text without what only the laboratory has: ports, its names for this machine, what our cookies say."""
    return _OURS.sub(r"\1=0", _LOCAL.sub(SITE, _PORT.sub(r"\1", text)))


class Register:
    """All visits, and the addresses that they come from. What the tap sees goes to the visit that has the address."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lock = threading.Lock()
        self._by_address: dict[str, Visit] = {}
        self.visits: list[Visit] = []

    def begin(self, human: bool, family: str, client: str, behaviour: str, addresses: int = 1) -> Visit:
        """A new visit from so many fresh addresses."""
        with self._lock:
            own: list[str] = []
            while len(own) < addresses:
                number = self._rng.randrange(1 << 17)
                address = f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
                if address not in self._by_address and not address.endswith((".0", ".255")):
                    own.append(address)
            visit = Visit(human, family, client, behaviour, f"v{self._rng.getrandbits(40):010x}", tuple(own))
            self.visits.append(visit)
            self._by_address |= dict.fromkeys(own, visit)
            return visit

    def seen(self, decision: Decision, outcome: Outcome, event: Event) -> None:
        """What the tap calls."""
        facts = decision.facts
        visit = self._by_address.get(facts.client.text)
        if visit is not None:
            visit.seen.append(Seen(facts.request.received, decision, outcome.status, outcome.content_type))


def timed(sessions: Iterable[Sequence[Labelled]], rng: random.Random, hours: float) -> list[Labelled]:
    """All requests in order of time; sessions, whose own times begin at 0, begin at random within so many hours, so
    that nothing follows from what was recorded after what.
    """
    found: list[Labelled] = []
    for session in sessions:
        begin = rng.uniform(0, hours * 3600)
        found += [one._replace(time=round(begin + one.time, 4)) for one in session]
    found.sort(key=lambda one: (one.time, one.session, one.step))
    return found
