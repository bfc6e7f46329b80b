"""When bot traffic is unusual: requests counted by minute, and five minutes compared with the six hours before.

The rule is the original's (reference section 7): a Z-score above 3.5 and more than 200 bot requests in five minutes.
What is counted, and for how many keys, is bounded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import Any, Final, NamedTuple, final

from botproxy.model import Event
from botproxy.telemetry.alert_settings import AlertSettings

WINDOW: Final = 5
"""Minutes that are judged at a time."""

BASELINE: Final = 72
"""Windows before them that they are compared with: six hours."""

LEAST: Final = 12
"""Windows that have to have been watched, an hour, before anything is unusual."""

GAP: Final = 10
"""Minutes in which nothing may have been counted for what was before to be a measure of what comes after."""

SPAN: Final = WINDOW * (BASELINE + 1) + 1
MAX_KEYS: Final = 2_000
MAX_PENDING: Final = 20_000
"""Values of groups between two looks; others are passed over until the next."""

JUDGED_A_LOOK: Final = 2_000
"""Requests that were turned away and are asked whether they were welcome, between two looks."""

BELOW: Final = 30
STOPPED: Final = frozenset(("block", "jschallenge", "managedChallenge", "challenge"))

CHOSEN: Final = ("bot_management.ai_", "bot_management.sbfm_verified_bots")
"""How the names of rules begin that are there to turn such programs away."""

TRAFFIC: Final = "bot_traffic_basic_alert"
GROUP: Final = "custom_bot_detection_alert"
AUTOMATION: Final = "automation_turned_away"

_AT: Final = {name: at for at, name in enumerate(Event._fields)}
_START, _ZONE, _SCORE, _VERIFIED, _ACTION = (
    _AT[name] for name in ("start", "zone", "score", "verified_bot_category", "action")
)
_JA4, _ASN, _DETECTIONS, _PATH, _AGENT, _RULE = (
    _AT[name] for name in ("ja4", "client_asn", "detection_ids", "path", "user_agent", "rule_id")
)

Key = tuple[str, str, str, str]
"""Type of alert, zone, kind of group, its value; the last two are "" for the whole zone."""

Row = Sequence[Any]


class Alert(NamedTuple):
    """Something that an operator may want to look at."""

    type: str
    zone: str
    group: str
    value: str
    since: float  # of the window, in seconds since 1970
    until: float
    requests: int
    mean: float  # of the windows before
    z: float
    details: tuple[tuple[str, int], ...] = ()  # what was turned away most

    @property
    def text(self) -> str:
        """The alert in a sentence."""
        usual = f"{self.mean:.0f} are usual"
        if self.type == AUTOMATION:
            most = f", most of all {self.details[0][0]}" if self.details else ""
            return f"{self.zone}: {self.requests} requests of welcome programs were turned away in 5 minutes{most}"
        about = f" with {self.group} {self.value}" if self.group else ""
        return f"{self.zone}: {self.requests} bot requests{about} in 5 minutes, where {usual} (Z {self.z:.1f})"


@final
class Minutes:
    """How many requests there were in each of the latest minutes."""

    __slots__ = ("_counts", "_newest")

    def __init__(self) -> None:
        self._counts: Final = [0] * SPAN
        self._newest = -1

    def add(self, minute: int, number: int) -> None:
        """Count; what is older than the span is passed over."""
        if minute > self._newest:
            for each in range(max(self._newest + 1, minute - SPAN + 1), minute + 1):
                self._counts[each % SPAN] = 0
            self._newest = minute
        if minute > self._newest - SPAN:
            self._counts[minute % SPAN] += number

    def kept(self) -> list[tuple[int, int]]:
        """Minutes in which there were some, and how many, the oldest first."""
        minutes = range(max(0, self._newest - SPAN + 1), self._newest + 1)
        return [(minute, self._counts[minute % SPAN]) for minute in minutes if self._counts[minute % SPAN]]

    def between(self, since: int, until: int) -> int:
        """Requests from this minute on, up to and without that."""
        low, high = max(since, self._newest - SPAN + 1), min(until, self._newest + 1)
        return sum(self._counts[each % SPAN] for each in range(low, high)) if low < high else 0

    @property
    def newest(self) -> int:
        """The latest minute in which there was one."""
        return self._newest


@final
class Watch:
    """Rows of events go in on one thread, alerts are asked for on another."""

    def __init__(self, settings: AlertSettings, welcome: Callable[[Row], bool] | None, since: int) -> None:
        """`since` is the minute, counted from 1970, from which on everything is counted."""
        self._settings: Final = settings
        self._welcome: Final = welcome
        self._since = since
        self._lock: Final = Lock()
        self._pending: Counter[tuple[Key, int]] = Counter()
        self._away: Counter[tuple[str, str]] = Counter()
        self._asked = 0
        self._counts: Final[dict[Key, Minutes]] = {}
        self._told: Final[dict[Key, float]] = {}

    def take(self, rows: Iterable[Row]) -> None:
        """Count events. Called for every batch; cheap for what is neither a bot nor turned away."""
        settings = self._settings
        by_ja4, by_asn, by_detection = (name in settings.groups for name in ("ja4", "asn", "detection_id"))
        found: Counter[tuple[Key, int]] = Counter()
        for row in rows:
            verified = row[_VERIFIED]
            if (
                row[_ACTION] in STOPPED
                and settings.automation
                and not row[_RULE].startswith(CHOSEN)
                and self._is_welcome(row, verified)
            ):
                found[(AUTOMATION, row[_ZONE], "", ""), int(row[_START] // 60)] += 1
                self._remember(row, verified)
            if verified:
                continue
            bot = 0 < row[_SCORE] < BELOW
            if not bot and not by_ja4:
                continue
            minute, zone = int(row[_START] // 60), row[_ZONE]
            if bot:
                found[(TRAFFIC, zone, "", ""), minute] += 1
                if by_asn and row[_ASN]:
                    found[(GROUP, zone, "asn", str(row[_ASN])), minute] += 1
                if by_detection:
                    for number in row[_DETECTIONS]:
                        found[(GROUP, zone, "detection_id", str(number)), minute] += 1
            if by_ja4 and row[_JA4]:
                found[(GROUP, zone, "ja4", row[_JA4]), minute] += 1
        if found:
            with self._lock:
                for key, number in found.items():
                    if len(self._pending) < MAX_PENDING or key in self._pending or key[0][0] != GROUP:
                        self._pending[key] += number

    def fill(self, counted: Iterable[tuple[str, str, int, int]], since: int) -> None:
        """What was counted before this watch began: `TRAFFIC` or `AUTOMATION`, zone, minute, requests; complete from
        minute `since` on."""
        with self._lock:
            for kind, zone, minute, number in counted:
                if minute < self._since:
                    self._pending[(kind, zone, "", ""), minute] += number
        self._since = min(self._since, since)

    def kept(self, minute: int) -> dict[str, Any]:
        """All that was counted up to the last look, in minute `minute`, for `restore`: values of JSON."""
        return {
            "minute": minute,
            "since": self._since,
            "counts": [[*key, counts.kept()] for key, counts in self._counts.items()],
            "told": [[*key, at] for key, at in self._told.items()],
        }

    def restore(self, kept: Mapping[str, Any], minute: int) -> bool:
        """Go on from what another watch counted; whether that was taken, which it is when it ended up to `GAP` minutes
        ago. ValueError, KeyError or TypeError for what `kept` did not give, and then nothing is taken.

        Before anything was looked at.
        """
        if not 0 <= minute - int(kept["minute"]) <= GAP:
            return False
        counts: dict[Key, Minutes] = {}
        for kind, zone, group, value, found in kept["counts"][: 2 * MAX_KEYS]:
            minutes = counts[str(kind), str(zone), str(group), str(value)] = Minutes()
            for at, number in found[-SPAN:]:
                minutes.add(int(at), int(number))
        told = {(str(a), str(b), str(c), str(d)): float(at) for a, b, c, d, at in kept["told"][: 2 * MAX_KEYS]}
        since = int(kept["since"])
        self._counts.update(counts)
        self._told.update(told)
        self._since = min(self._since, since)
        return True

    def look(self, minute: int) -> list[Alert]:
        """What is unusual about the five minutes before this one, and was not told lately."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
            away, self._away = self._away, Counter()
            self._asked = 0
        for (key, at), number in sorted(pending.items(), key=lambda item: item[0][1]):
            counts = self._counts.get(key)
            if counts is None:
                counts = self._counts[key] = Minutes()
            counts.add(at, number)
        self._forget(minute)
        alerts = []
        for key, counts in self._counts.items():
            alert = self._judge(key, counts, minute, away)
            if alert is not None:
                alerts.append(alert)
        return alerts

    def _judge(self, key: Key, counts: Minutes, minute: int, away: Counter[tuple[str, str]]) -> Alert | None:
        settings = self._settings
        begin = minute - WINDOW
        number = counts.between(begin, minute)
        least = settings.automation_requests if key[0] == AUTOMATION else settings.requests + 1
        if number < least or minute * 60 < self._told.get(key, 0.0) + settings.quiet:
            return None
        known = min(BASELINE, (begin - self._since) // WINDOW)
        if known < LEAST and key[0] != AUTOMATION:
            return None
        before = [counts.between(begin - WINDOW * nth, begin - WINDOW * (nth - 1)) for nth in range(1, known + 1)]
        mean = sum(before) / len(before) if before else 0.0
        spread = math.sqrt(sum((each - mean) ** 2 for each in before) / len(before)) if before else 0.0
        # Where nothing ever happens one request is no event: at least the spread of what comes by chance.
        z = (number - mean) / max(spread, math.sqrt(mean), 1.0)
        if z <= settings.z_score:
            return None
        self._told[key] = minute * 60.0
        most = tuple((text, times) for (zone, text), times in away.most_common(50) if zone == key[1])[:5]
        return Alert(*key, begin * 60.0, minute * 60.0, number, mean, z, most if key[0] == AUTOMATION else ())

    def _is_welcome(self, row: Row, verified: str) -> bool:
        if verified:
            return True
        if self._welcome is None or self._asked >= JUDGED_A_LOOK:
            return False
        self._asked += 1
        return self._welcome(row)

    def _remember(self, row: Row, verified: str) -> None:
        agent = str(row[_AGENT])[:60]
        text = f"{verified or 'exempt'}: {agent} at {str(row[_PATH])[:100]}"
        with self._lock:
            if len(self._away) < MAX_KEYS or (row[_ZONE], text) in self._away:
                self._away[row[_ZONE], text] += 1

    def _forget(self, minute: int) -> None:
        """Keys that nobody asked with lately; when there are too many, those of groups that were asked with least."""
        for key in [key for key, counts in self._counts.items() if counts.newest < minute - SPAN]:
            del self._counts[key]
        more = len(self._counts) - MAX_KEYS
        if more > 0:
            groups = [key for key in self._counts if key[0] == GROUP]
            groups.sort(key=lambda key: self._counts[key].between(minute - SPAN, minute + 1))
            for key in groups[:more]:
                del self._counts[key]
        for key in [key for key, at in self._told.items() if at + self._settings.quiet < minute * 60]:
            del self._told[key]
