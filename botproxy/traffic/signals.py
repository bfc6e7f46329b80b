"""How each JA4 compares with the others of the last hour, as the original's JA4 signals do (reference section 9).

Made in the supervisor of what workers and other nodes tell of JA4s; numbers of an hour, not fading ones.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final, NamedTuple, final

from botproxy.model import Ja4Signals
from botproxy.traffic import profiles
from botproxy.traffic.slots import estimates
from botproxy.traffic.told import Told

BUCKET: Final = 300
"""Seconds; an hour is the last twelve of them and the one that runs."""

BUCKETS: Final = 13
MOST: Final = 4_096
"""JA4s that are compared; a new one takes the place of one that was not seen for an hour, or of the rarest."""

TOLD: Final = 1_000
"""JA4s whose signals workers are told: those with most requests."""

LEAST: Final = 20.0
"""Requests in the hour below which nothing is said."""

_FIGURES: Final = 5  # requests, h2h3, heuristic, browser, cacheable
_PLACES: Final = (
    profiles.C_REQUESTS,
    profiles.C_H2H3,
    profiles.C_HEURISTIC,
    profiles.C_BROWSER,
    profiles.C_CACHEABLE,
)
_STARTS: Final = profiles.FINGERPRINT.starts
_SIZES: Final = tuple(bits // 8 for bits in profiles.FINGERPRINT.sketches)
_ESTIMATES: Final = tuple(estimates(bits) for bits in profiles.FINGERPRINT.sketches)
_RECORD: Final = Struct("<Q4f4I2f")


class _Hour(NamedTuple):
    key: int
    requests: float
    h2h3: float
    heuristic: float
    browser: float
    cacheable: float
    addresses: float
    agents: float
    paths: float


@final
class _Ja4:
    __slots__ = ("bits", "figures", "newest")

    def __init__(self) -> None:
        self.figures = [[0.0] * _FIGURES for _ in range(BUCKETS)]
        self.bits: list[int] = [0] * BUCKETS
        self.newest = 0


@final
class SignalTable:
    """One for a machine."""

    def __init__(self, random: Callable[[], float]) -> None:
        """`random()` is from 0 up to 1."""
        self._random: Final = random
        self._known: Final[dict[int, _Ja4]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def take(self, told: Told, now: float) -> None:
        """What one process tells of a JA4."""
        bucket = int(told.when // BUCKET)
        current = int(now // BUCKET)
        if not current - BUCKETS < bucket <= current + 1:
            return
        known = self._known.get(told.key)
        if known is None:
            if len(self._known) >= MOST and not self._make_way(current):
                return
            known = self._known[told.key] = _Ja4()
            known.newest = bucket
        while known.newest < bucket:
            known.newest += 1
            known.figures[known.newest % BUCKETS] = [0.0] * _FIGURES
            known.bits[known.newest % BUCKETS] = 0
        if bucket <= known.newest - BUCKETS:
            return
        row = known.figures[bucket % BUCKETS]
        for at, place in enumerate(_PLACES):
            row[at] += max(min(told.figures[place], 1e9), 0.0)
        known.bits[bucket % BUCKETS] |= int.from_bytes(told.bits, "little")

    def _make_way(self, current: int) -> bool:
        """Drop what an hour has forgotten; else the rarest of some drawn at random."""
        old = [key for key, known in self._known.items() if known.newest <= current - BUCKETS]
        for key in old:
            del self._known[key]
        if old:
            return True
        keys = list(self._known)
        drawn = [keys[int(self._random() * len(keys))] for _ in range(8)]
        rarest = min(drawn, key=lambda key: sum(row[0] for row in self._known[key].figures))
        del self._known[rarest]
        return True

    def signals(self, now: float) -> dict[int, Ja4Signals]:
        """Of all that have requests enough, at this moment."""
        hours = [self._hour(key, known, int(now // BUCKET)) for key, known in self._known.items()]
        hours = [hour for hour in hours if hour.requests >= LEAST]
        requests = sorted(hour.requests for hour in hours)
        addresses = sorted(hour.addresses for hour in hours)
        agents = sorted(hour.agents for hour in hours)
        paths = sorted(hour.paths for hour in hours)
        return {
            hour.key: Ja4Signals(
                hour.h2h3 / hour.requests,
                hour.heuristic / hour.requests,
                hour.browser / hour.requests,
                hour.cacheable / hour.requests,
                _rank(agents, hour.agents),
                _rank(paths, hour.paths),
                _rank(requests, hour.requests),
                _rank(addresses, hour.addresses),
                _quantile(requests, hour.requests),
                _quantile(addresses, hour.addresses),
            )
            for hour in hours
        }

    def _hour(self, key: int, known: _Ja4, current: int) -> _Hour:
        total = [0.0] * _FIGURES
        both = 0
        for bucket in range(max(current, known.newest) - BUCKETS + 1, known.newest + 1):
            row = known.figures[bucket % BUCKETS]
            for at in range(_FIGURES):
                total[at] += row[at]
            both |= known.bits[bucket % BUCKETS]
        sketches = both.to_bytes(profiles.FINGERPRINT.bytes, "little")
        different = [
            of[int.from_bytes(sketches[start : start + size], "little").bit_count()]
            for start, size, of in zip(_STARTS, _SIZES, _ESTIMATES, strict=True)
        ]
        requests = max(total[0], 1e-9)
        shares = [min(each, requests) for each in total[1:]]
        return _Hour(
            key, requests, shares[0], shares[1], shares[2], shares[3], different[0], different[1], different[2]
        )


def _rank(values: Sequence[float], value: float) -> int:
    """From 1; those with as much share a rank."""
    return len(values) - bisect_right(values, value) + 1


def _quantile(values: Sequence[float], value: float) -> float:
    """The share of those with less."""
    return bisect_left(values, value) / len(values) if values else 0.0


def write_signals(signals: dict[int, Ja4Signals]) -> bytes:
    """A payload of the most frequent ones."""
    chosen = sorted(signals.items(), key=lambda each: each[1].reqs_rank_1h)[:TOLD]
    return b"".join([_RECORD.pack(key, *each) for key, each in chosen])


def read_signals(payload: bytes) -> dict[int, Ja4Signals]:
    """What `write_signals` wrote; nothing of a payload that is cut."""
    if len(payload) % _RECORD.size:
        return {}
    return {row[0]: Ja4Signals(*row[1:]) for row in _RECORD.iter_unpack(payload)}
