"""The counts of all workers in one place: sums without whoever is told, bounded, workers that come and go."""

from __future__ import annotations

import random
import struct
from itertools import count

from botproxy.traffic import CountedRule, MergedCounts, RateCounts, Record

NOW = 1_000_000.0
RULE = CountedRule(b"zone/login", 10, 100)


def merged(keys: int = 1000) -> MergedCounts:
    return MergedCounts(random.Random(3).random, keys)


def record(key: bytes = b"a", number: int = 5, window: int = 100_000, **more: float | bytes) -> Record:
    made = Record(b"rule----", key.ljust(16, b"."), 10, window, number, window * 10.0, window * 10.0 + 1, 0.0, 0.0)
    return made._replace(**more)  # type: ignore[arg-type]


def test_each_worker_is_told_the_sum_of_all_others() -> None:
    shared = merged()
    for worker in (1, 2, 3):
        shared.join(worker)
    for worker in (1, 2, 3):
        shared.take(worker, [record(number=worker * 10)], NOW)
    assert [[told.hits for told in shared.tell(worker, 100)] for worker in (1, 2, 3)] == [[50], [40], [30]]
    assert shared.tell(1, 100) == []


def test_what_a_worker_says_again_changes_nothing_and_wakes_nobody() -> None:
    shared = merged()
    shared.join(1)
    shared.join(2)
    shared.take(1, [record()], NOW)
    assert [told.hits for told in shared.tell(2, 100)] == [5]
    shared.take(1, [record(), record(number=4)], NOW)
    assert shared.tell(2, 100) == []
    assert shared.tell(1, 100) == []


def test_a_worker_that_is_gone_leaves_what_it_counted_to_the_one_that_comes() -> None:
    shared = merged()
    shared.join(1)
    shared.take(1, [record(), record(b"b", 7)], NOW)
    shared.leave(1)
    shared.join(2)
    assert sorted(told.hits for told in shared.all_but(2)) == [5, 7]


def test_both_windows_are_told() -> None:
    shared = merged()
    shared.join(1)
    shared.join(2)
    shared.take(1, [record(number=5)], NOW)
    shared.take(1, [record(number=2, window=100_001)], NOW)
    assert [(told.window, told.hits) for told in shared.tell(2, 100)] == [(100_000, 5), (100_001, 2)]


def test_a_late_record_of_the_window_before_still_counts_and_an_older_one_does_not() -> None:
    shared = merged()
    shared.join(1)
    shared.join(2)
    shared.take(1, [record(number=2, window=100_001), record(number=9), record(number=9, window=99_000)], NOW)
    assert [(told.window, told.hits) for told in shared.tell(2, 100)] == [(100_000, 9), (100_001, 2)]


def test_counts_under_an_older_clearance_are_void() -> None:
    shared = merged()
    for worker in (1, 2, 3):
        shared.join(worker)
    shared.take(1, [record(number=50, until=NOW + 60)], NOW)
    shared.take(2, [record(number=0, passed=NOW + 1800)], NOW)
    shared.take(1, [record(number=51)], NOW)
    (told,) = shared.tell(3, 100)
    assert (told.hits, told.passed, told.until) == (0, NOW + 1800, 0.0)


def test_heavy_keys_and_mitigated_ones_are_told_first() -> None:
    shared = merged()
    shared.join(1)
    shared.join(2)
    shared.take(1, [record(b"light", 2), record(b"heavy", 5000), record(b"blocked", 3, until=NOW + 60)], NOW)
    assert [told.key.rstrip(b".") for told in shared.tell(2, 2)] == [b"blocked", b"heavy"]
    assert shared.waiting(2) == 1
    assert [told.key.rstrip(b".") for told in shared.tell(2, 2)] == [b"light"]


def test_it_is_bounded_and_keeps_what_is_heavy() -> None:
    shared = merged(keys=500)
    shared.join(1)
    shared.join(2)
    shared.take(1, [record(b"heavy", 1000)], NOW)
    for number in range(10_000):
        shared.take(1, [record(struct.pack(">I", number), 2)], NOW)
    assert len(shared) == 500
    assert shared.refused + shared.evicted == 10_001 - 500
    assert shared.tell(2, 1)[0].hits == 1000


def test_a_rule_with_few_keys_is_not_emptied_by_one_with_many() -> None:
    shared = merged(keys=500)
    for number in range(50):
        shared.take(1, [record(b"q%d" % number, 2, rule=b"quiet---")], NOW)
    for number in range(10_000):
        shared.take(1, [record(struct.pack(">I", number), 50)], NOW)
    shared.join(2)
    assert sum(1 for told in shared.all_but(2) if told.rule == b"quiet---") == 50


def test_what_has_expired_is_swept() -> None:
    shared = merged()
    shared.take(1, [record(struct.pack(">I", number), 2) for number in range(100)], NOW)
    shared.sweep(NOW + 30, 60)
    shared.sweep(NOW + 30, 60)
    assert len(shared) == 0


def test_four_workers_that_exchange_every_tick_overshoot_by_no_more_than_a_tick_each() -> None:
    """A key at 400 requests a second over four workers, limit 100: each tick each of them sees a fourth."""
    limit, workers, tick, rate = 100, 4, 0.25, 400
    shared = merged()
    tables = [RateCounts(b"s" * 32, random.Random(seed).randbytes, 100) for seed in range(workers)]
    rules = [table.register(RULE) for table in tables]
    for number in range(workers):
        shared.join(number + 1)
    allowed = 0
    ticks = count(1)
    due = NOW + tick * next(ticks)
    for step in range(rate * 5):
        now = NOW + step / rate
        if now >= due:
            due = NOW + tick * next(ticks)
            for number, table in enumerate(tables):
                shared.take(number + 1, list(table.take(5000)), now)
            for number, table in enumerate(tables):
                table.merge(shared.tell(number + 1, 5000), now)
        table, rule = tables[step % workers], rules[step % workers]
        key = table.key(rule, b"one")
        place = table.find(rule, key, now)
        if place < 0:
            place = table.admit(rule, key, now)
        if table.rate(place, now) < limit:
            table.add(place, now)
            allowed += 1
    assert limit <= allowed <= limit + workers * tick * rate
