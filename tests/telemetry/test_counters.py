"""Counting in workers, and sums that never go down."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from botproxy.telemetry import Counters, Totals
from botproxy.telemetry.counters import MAX_KEYS, OVERFLOW


def over_the_wire(counters: Counters) -> dict[str, Any]:
    """A snapshot as the supervisor gets it."""
    snapshot: dict[str, Any] = orjson.loads(orjson.dumps(counters.snapshot()))
    return snapshot


def counted(**numbers: int) -> Counters:
    """Counters with these numbers."""
    counters = Counters()
    for name, number in numbers.items():
        counters.add((name,), number)
    return counters


def test_memory_does_not_grow_with_what_is_counted() -> None:
    counters = Counters()
    for number in range(MAX_KEYS + 500):
        counters.add(("refused", str(number)))
    assert len(counters.counts) == MAX_KEYS + 1
    assert counters.counts[OVERFLOW] == 500


def test_totals_are_sums_over_workers() -> None:
    totals = Totals()
    totals.update(1, over_the_wire(counted(a=2, b=1)))
    totals.update(2, over_the_wire(counted(a=3)))
    totals.own.add(("a",))
    assert totals.counts() == {("a",): 6, ("b",): 1}


def test_a_snapshot_told_twice_or_late_changes_nothing() -> None:
    totals = Totals()
    late = over_the_wire(counted(a=1))
    totals.update(1, over_the_wire(counted(a=5)))
    totals.update(1, over_the_wire(counted(a=5)))
    totals.update(1, late)
    assert totals.counts() == {("a",): 5}


def test_what_a_dead_worker_counted_stays_and_what_it_held_goes() -> None:
    totals = Totals()
    dying = counted(a=5)
    dying.gauges["connections"] = 9
    dying.request.observe(0.02)
    totals.update(1, over_the_wire(dying))
    assert totals.gauges() == {"connections": 9}
    totals.retire(1)
    totals.update(2, over_the_wire(counted(a=1)))
    assert totals.counts() == {("a",): 6}
    assert totals.gauges() == {}
    assert sum(dict(totals.histograms())["request_seconds"].counts) == 1


def test_a_thousand_generations_leave_no_trace_but_their_sum() -> None:
    totals = Totals()
    for worker in range(1000):
        totals.update(worker, over_the_wire(counted(a=1)))
        totals.retire(worker)
    totals.retire(5)
    assert totals.counts() == {("a",): 1000}


def test_a_duration_on_the_bound_belongs_to_the_bucket_below() -> None:
    counters = Counters()
    for seconds in (0.0, 0.001, 0.0011, 59.0, 60.0, 61.0):
        counters.request.observe(seconds)
    assert counters.request.counts[0] == 2
    assert counters.request.counts[1] == 1
    assert counters.request.counts[-2:] == [2, 1]
    assert counters.request.total == pytest.approx(180.0021)
