"""What all workers counted, living and dead: sums that never go down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, final

from botproxy.telemetry.counters import BUCKETS, MAX_KEYS, OVERFLOW, Counters, Key


class HistogramTotal(NamedTuple):
    """A histogram summed over workers; `counts` are per bucket, not cumulative."""

    total: float
    counts: tuple[int, ...]


@final
class Totals:
    """Absolute numbers per worker, and the last ones of workers that are gone.

    A lost or repeated snapshot does no harm: the next one says it all again.
    """

    def __init__(self) -> None:
        self.own = Counters()
        """The supervisor's own counts, shown with the rest."""
        self._retired: dict[Key, int] = {}
        self._retired_histograms = {name: HistogramTotal(0.0, (0,) * (len(b) + 1)) for name, b in BUCKETS.items()}
        self._live: dict[int, dict[Key, int]] = {}
        self._live_histograms: dict[int, dict[str, HistogramTotal]] = {}
        self._gauges: dict[int, dict[str, int]] = {}

    def update(self, worker: int, snapshot: dict[str, Any]) -> None:
        """Take a worker's snapshot. Numbers lower than its last ones are passed over."""
        live = self._live.setdefault(worker, {})
        for labels, number in snapshot["counts"]:
            key = tuple(labels)
            if number > live.get(key, 0):
                live[key] = number
        histograms = self._live_histograms.setdefault(worker, {})
        for name, (total, counts) in snapshot["histograms"].items():
            known = histograms.get(name)
            if known is None or sum(counts) >= sum(known.counts):
                histograms[name] = HistogramTotal(total, tuple(counts))
        self._gauges[worker] = snapshot["gauges"]

    def retire(self, worker: int) -> None:
        """A worker is gone: keep what it counted, forget what it held."""
        for key, number in self._live.pop(worker, {}).items():
            full = key not in self._retired and len(self._retired) >= 4 * MAX_KEYS
            kept = OVERFLOW if full else key
            self._retired[kept] = self._retired.get(kept, 0) + number
        for name, histogram in self._live_histograms.pop(worker, {}).items():
            self._retired_histograms[name] = _add(self._retired_histograms[name], histogram)
        self._gauges.pop(worker, None)

    def counts(self) -> dict[Key, int]:
        """Totals by key."""
        merged = dict(self._retired)
        for counts in (*self._live.values(), self.own.counts):
            for key, number in counts.items():
                merged[key] = merged.get(key, 0) + number
        return merged

    def histograms(self) -> Iterator[tuple[str, HistogramTotal]]:
        """Histograms by name."""
        for name, retired in self._retired_histograms.items():
            merged = retired
            for histograms in self._live_histograms.values():
                if name in histograms:
                    merged = _add(merged, histograms[name])
            yield name, merged

    def gauges(self) -> dict[str, int]:
        """Sums of what living workers hold now."""
        merged: dict[str, int] = {}
        for gauges in self._gauges.values():
            for name, number in gauges.items():
                merged[name] = merged.get(name, 0) + number
        return merged


def _add(one: HistogramTotal, other: HistogramTotal) -> HistogramTotal:
    return HistogramTotal(one.total + other.total, tuple(map(int.__add__, one.counts, other.counts)))
