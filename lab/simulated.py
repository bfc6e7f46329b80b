"""The learner of the supervisor and the engine of a worker, run in simulated time on what `crowds` makes."""

from __future__ import annotations

import random
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any, Final, NamedTuple

from botproxy.model import Client, Event, Facts, Place, Request, ScoreSource, Session, Tls
from botproxy.scoring import is_static_resource
from botproxy.scoring.anomaly import AnomalyDetection, Baseline, Learner, Outliers, Settings, frames, read
from botproxy.traffic import Profiles, Seen, header_fingerprint
from lab.crowds import Happening

ZONE: Final = "shop"
BATCH: Final = 0.5
"""Seconds after which the supervisor hears, and after which workers hear what it found."""

_AT: Final = {name: at for at, name in enumerate(Event._fields)}
_EMPTY: Final[list[Any]] = [
    () if name in ("detection_ids", "detection_tags", "reasons", "bot_tags", "actions", "rule_ids", "sources") else ""
    for name in Event._fields
]


class Judged(NamedTuple):
    """One request and its score; 50 where the engine had no opinion."""

    happening: Happening
    score: int
    reason: str
    detection: int


def row(one: Happening, score: int = 50, behavioural: bool = False) -> list[Any]:
    """The event of a request, as a link carries it."""
    made = _EMPTY.copy()
    made[_AT["zone"]] = ZONE
    made[_AT["start"]] = one.time
    made[_AT["end"]] = one.time + 0.02
    made[_AT["client_ip"]] = one.address
    made[_AT["client_asn"]] = one.asn
    made[_AT["ja4"]] = one.ja4
    made[_AT["method"]] = one.method.decode()
    made[_AT["host"]] = "site.test"
    made[_AT["path"]] = one.path.decode("latin-1")
    made[_AT["query"]] = "" if one.query is None else "q=x"  # as it is redacted
    made[_AT["status"]] = one.status
    made[_AT["content_type"]] = one.content_type
    made[_AT["static_resource"]] = is_static_resource(one.path)
    made[_AT["session"]] = one.session
    made[_AT["score"]] = score
    made[_AT["score_source"]] = (ScoreSource.BEHAVIORAL_ANALYSIS if behavioural else ScoreSource.NOT_COMPUTED).value
    made[_AT["action"]] = "unknown"
    made[_AT["header_fingerprint"]] = header_fingerprint(one.version, one.headers)
    return made


class Simulation:
    """One site. `baseline` is what was learned before, in the form in which it is kept."""

    def __init__(self, settings: Settings, baseline: Any = None) -> None:
        self.learner = Learner()
        known = {} if baseline is None else {ZONE: Baseline.from_json(baseline)}
        self.learner.configure({ZONE: settings}, known)
        self.site = self.learner.sites[ZONE]
        self._outliers = Outliers()
        self._engine = AnomalyDetection(self._outliers.of(ZONE))
        self._profiles = Profiles(b"s" * 32, random.Random(1).randbytes, 0.2)
        self._rows: list[list[Any]] = []
        self._due = 0.0
        self.first_found: float | None = None
        """When something was found first."""

    def learn(self, happened: Iterable[Happening]) -> int:
        """Learn without judging; how many requests there were."""
        number = 0
        rows: list[list[Any]] = []
        for one in happened:
            rows.append(row(one))
            number += 1
            if len(rows) >= 256:
                self.learner.take(rows)
                rows.clear()
        self.learner.take(rows)
        return number

    def run(self, happened: Iterable[Happening]) -> list[Judged]:
        """Judge each request as a worker does, and let the supervisor hear of it."""
        return [self._judge(one) for one in happened]

    def _judge(self, one: Happening) -> Judged:
        now = one.time
        if now >= self._due:
            self.learner.take(self._rows)
            self._rows.clear()
            changes = self.learner.changes(now, 2_000)
            if changes and self.first_found is None:
                self.first_found = now
            for payload in frames(changes):
                self._outliers.take(read(payload), now)
            self._outliers.expire(now)
            self._due = now + BATCH
        address = ip_address(one.address)
        client = Client(
            address, one.address, 1, one.address, Tls("TLSv1.3", "x", ja4=one.ja4), Place(asn=one.asn)
        )  # fmt: skip
        request = Request(
            "0" * 16, now, one.method, one.path, one.path, one.query, one.version, True, b"site.test", "site.test",
            one.headers, 0,
        )  # fmt: skip
        keys = self._profiles.keys(request, client, one.session)
        profile = self._profiles.read(keys, now)
        static = is_static_resource(one.path)
        session = Session(one.session, now - 60, now, 0) if one.session else None
        facts = Facts(request, client, ZONE, static, session, None, {}, profile=profile)
        finding = self._engine.assess(facts)
        score = 50 if finding is None else finding.score
        seen = Seen(now, one.status, one.content_type.encode(), static, score, False)
        self._profiles.observe(keys, request, seen)
        self._rows.append(row(one, score, finding is not None))
        if finding is None:
            return Judged(one, 50, "", 0)
        detection = finding.detections[0]
        return Judged(one, score, detection.reason, detection.id)
