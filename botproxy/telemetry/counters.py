"""Counting in a worker: a dictionary of integers, absolute since the worker began, bounded in keys."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final, final

from botproxy.model import Event

MAX_KEYS = 8192
"""Label values come from the configuration and from fixed words, so this is reached by mistake only."""

Key = tuple[str, ...]
"""A metric's short name and its label values, in the order of `metrics.COUNTERS`."""

OVERFLOW: Final[Key] = ("counters_overflow",)

BUCKETS: Final[dict[str, tuple[float, ...]]] = {
    "decide_seconds": (10e-6, 20e-6, 35e-6, 50e-6, 75e-6, 100e-6, 150e-6, 200e-6, 300e-6, 500e-6, 1e-3, 5e-3, 25e-3),
    "request_seconds": (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
}
"""Upper bounds in seconds; the last bucket, without a bound, is implied."""


@final
class Histogram:
    """How often a duration fell into each of some fixed buckets."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds: Final = bounds
        self.counts: Final[list[int]] = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@final
class Counters:
    """All that one worker counts. Nothing here allocates once a key is known."""

    __slots__ = ("counts", "decide", "gauges", "request")

    def __init__(self) -> None:
        self.counts: Final[dict[Key, int]] = {}
        self.gauges: Final[dict[str, int]] = {}
        self.decide: Final = Histogram(BUCKETS["decide_seconds"])
        self.request: Final = Histogram(BUCKETS["request_seconds"])

    def add(self, key: Key, number: int = 1) -> None:
        """Count `number` more of `key`. A key beyond `MAX_KEYS` is counted as overflow, so no memory grows."""
        counts = self.counts
        if key in counts:
            counts[key] += number
        elif len(counts) < MAX_KEYS:
            counts[key] = number
        else:
            counts[OVERFLOW] = counts.get(OVERFLOW, 0) + number

    def event(self, event: Event) -> None:
        """Count what is counted of every request; called once for each event."""
        source = "" if event.score == 0 else event.score_source
        self.add(("requests", event.zone, _status_class(event.status), event.action, event.score_group, source))
        if event.would:
            self.add(("would", event.zone, event.would))
        if event.shadow_rule_ids:
            for rule_id, action in zip(event.shadow_rule_ids, event.shadow_actions, strict=True):
                self.add(("shadow", event.zone, rule_id, action))
        if event.actions:
            self._challenge(event)
        if event.unevaluated:
            self.add(("rules_unevaluated", event.zone), event.unevaluated)
        if event.scoring_failed:
            self.add(("scoring_failed", event.zone))
        if event.ending != "finished":
            self.add(("endings", event.zone, event.ending))
        self.request.observe(event.end - event.start)

    def _challenge(self, event: Event) -> None:
        """A challenge by its rule: the share that is solved is the share of people among whom the rule challenges."""
        if event.action in _ISSUED:
            self.add(("challenge_rules", event.zone, event.rule_ids[-1], "issued"))
        for rule_id, action in zip(event.rule_ids, event.actions, strict=True):
            result = _RESULTS.get(action)
            if result is not None:
                self.add(("challenge_rules", event.zone, rule_id, result))

    def snapshot(self) -> dict[str, Any]:
        """Everything as absolute numbers, ready for JSON."""
        return {
            "counts": list(self.counts.items()),
            "gauges": self.gauges,
            "histograms": {
                "decide_seconds": [self.decide.total, self.decide.counts],
                "request_seconds": [self.request.total, self.request.counts],
            },
        }


_ISSUED: Final = frozenset(("jschallenge", "managedChallenge", "challenge"))
_RESULTS: Final = {
    "jschallengeSolved": "solved",
    "managedChallengeNonInteractiveSolved": "solved",
    "managedChallengeInteractiveSolved": "solved",
    "challengeSolved": "solved",
    "jschallengeBypassed": "bypassed",
    "managedChallengeBypassed": "bypassed",
    "challengeBypassed": "bypassed",
}
"""Words of the original's log by what became of a challenge (reference section 6)."""

_CLASSES = {1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}


def _status_class(status: int) -> str:
    return _CLASSES.get(status // 100, "none")
