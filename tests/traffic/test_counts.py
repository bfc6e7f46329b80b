"""Counters of one worker: exact while there is room, merged with others, fair and bounded when there is none."""

from __future__ import annotations

import random
import struct
import tracemalloc

from botproxy.traffic import NOWHERE, CountedRule, RateCounts
from botproxy.traffic.counts import DRAWN

SECRET = b"s" * 32
NOW = 1_000_000.0
RULE = CountedRule(b"zone/login", 10, 100)


def counts(keys: int = 1000, seed: int = 1) -> RateCounts:
    return RateCounts(SECRET, random.Random(seed).randbytes, keys)


def hit(table: RateCounts, rule: int, values: bytes, now: float, number: int = 1) -> int:
    """Count one hit as a rule would; its place."""
    key = table.key(rule, values)
    place = table.find(rule, key, now)
    if place < 0:
        place = table.admit(rule, key, now)
    if place >= 0:
        table.add(place, now, number)
    return place


def test_each_value_of_each_rule_has_a_counter_of_its_own() -> None:
    table = counts()
    login, search = table.register(RULE), table.register(CountedRule(b"zone/search", 10, 5))
    for _ in range(3):
        hit(table, login, b"a", NOW)
    hit(table, login, b"b", NOW)
    hit(table, search, b"a", NOW)
    assert table.rate(table.find(login, table.key(login, b"a"), NOW), NOW) == 3
    assert table.rate(table.find(login, table.key(login, b"b"), NOW), NOW) == 1
    assert table.rate(table.find(search, table.key(search, b"a"), NOW), NOW) == 1


def test_a_rule_that_counts_the_same_keeps_its_number() -> None:
    table = counts()
    assert table.register(RULE) == table.register(RULE._replace(limit=7))
    assert table.register(RULE) != table.register(RULE._replace(period=60))


def test_another_secret_gives_other_keys_of_the_same_values() -> None:
    one, other = counts(), RateCounts(b"t" * 32, random.Random(1).randbytes, 10)
    rule = one.register(RULE)
    assert other.register(RULE) == rule
    assert one.key(rule, b"192.0.2.1") != other.key(rule, b"192.0.2.1")
    other.share_secret(SECRET)
    assert one.key(rule, b"192.0.2.1") == other.key(rule, b"192.0.2.1")


def test_counts_move_on_with_the_windows_and_end() -> None:
    table = counts()
    rule = table.register(RULE)
    for step in range(10):
        place = hit(table, rule, b"a", NOW + step)
    assert table.rate(place, NOW + 9) == 10
    place = table.find(rule, table.key(rule, b"a"), NOW + 14.5)
    assert table.rate(place, NOW + 14.5) == 5
    place = table.find(rule, table.key(rule, b"a"), NOW + 40)
    assert table.rate(place, NOW + 40) == 0


def test_a_clock_that_is_set_back_does_not_freeze_a_counter() -> None:
    table = counts()
    rule = table.register(RULE)
    place = hit(table, rule, b"a", NOW + 86400, 50)
    table.mitigate(place, NOW + 90000)
    place = table.find(rule, table.key(rule, b"a"), NOW)
    assert table.rate(place, NOW) == 0
    assert table.until(place) == 0.0


def test_two_tables_that_exchange_what_changed_know_the_sum() -> None:
    one, other = counts(seed=1), counts(seed=2)
    rule = one.register(RULE)
    other.register(RULE)
    for _ in range(5):
        hit(one, rule, b"a", NOW)
    for _ in range(3):
        hit(other, rule, b"a", NOW + 1)
    there, back = list(one.take(10)), list(other.take(10))
    for _ in range(2):  # twice, because a record that comes again does no harm
        other.merge(there, NOW + 1)
        one.merge(back, NOW + 1)
    for table in (one, other):
        assert table.rate(table.find(rule, table.key(rule, b"a"), NOW + 1), NOW + 1) == 8


def test_what_was_not_sent_before_the_window_ended_is_sent_with_it() -> None:
    one, other = counts(), counts()
    rule = one.register(RULE)
    other.register(RULE)
    for moment in (8.0, 9.0, 10.0, 11.0):
        hit(one, rule, b"a", NOW + moment)
    other.merge(list(one.take(10)), NOW + 11)
    assert other.rate(other.find(rule, other.key(rule, b"a"), NOW + 12), NOW + 12) == 4


def test_a_first_hit_travels_only_where_the_limit_is_small() -> None:
    table = counts()
    large, small = table.register(RULE), table.register(CountedRule(b"small", 10, 2))
    hit(table, large, b"a", NOW)
    assert list(table.take(10)) == []
    hit(table, large, b"a", NOW)
    hit(table, small, b"a", NOW)
    assert [record.hits for record in table.take(10)] == [2, 1]
    assert list(table.take(10)) == []


def test_mitigation_is_told_before_everything_else() -> None:
    table = counts()
    rule = table.register(RULE)
    hit(table, rule, b"heavy", NOW, 10_000)
    place = hit(table, rule, b"light", NOW)
    table.mitigate(place, NOW + 60)
    assert [record.until for record in table.take(1)] == [NOW + 60]


def test_starting_over_voids_what_others_had_counted_and_what_they_still_send() -> None:
    one, other = counts(), counts()
    rule = one.register(RULE)
    other.register(RULE)
    for table in (one, other):
        for _ in range(4):
            place = hit(table, rule, b"a", NOW)
    stale = list(other.take(10))
    one.merge(stale, NOW)
    place = one.find(rule, one.key(rule, b"a"), NOW)
    one.start_over(place, NOW + 1800)
    assert one.rate(place, NOW) == 0
    one.merge(stale, NOW)
    assert one.rate(place, NOW) == 0
    other.merge(list(one.take(10)), NOW)
    assert other.rate(other.find(rule, other.key(rule, b"a"), NOW), NOW) == 0


def test_records_of_rules_that_are_gone_and_of_old_windows_are_passed_over() -> None:
    one, other = counts(), counts()
    rule = one.register(RULE)
    hit(one, rule, b"a", NOW, 5)
    records = list(one.take(10))
    other.merge(records, NOW)
    assert len(other) == 0
    other.register(RULE)
    other.merge(records, NOW + 100)
    assert len(other) == 0


def test_keys_of_others_that_find_no_place_are_no_requests_that_passed_uncounted() -> None:
    one, other = counts(keys=0), counts()
    rule = other.register(RULE)
    one.register(RULE)
    hit(other, rule, b"a", NOW, 50)
    one.merge(list(other.take(10)), NOW)
    assert (len(one), one.uncounted) == (0, 0)


def test_a_flood_of_new_keys_leaves_heavy_ones_where_they_are() -> None:
    table = counts(keys=1000)
    rule = table.register(RULE)
    heavy = [b"heavy%d" % number for number in range(20)]
    for values in heavy:
        hit(table, rule, values, NOW, 40)
    for number in range(50_000):
        hit(table, rule, struct.pack(">I", number), NOW + 1)
    assert len(table) == 1000
    kept = sum(1 for values in heavy if table.find(rule, table.key(rule, values), NOW + 1) != NOWHERE)
    assert kept == len(heavy)
    assert table.uncounted > 0
    assert table.uncounted + table.evicted + 1000 == 50_000 + len(heavy)


def test_a_key_that_comes_often_finds_a_place_in_the_middle_of_a_flood() -> None:
    table = counts(keys=1000)
    rule = table.register(RULE)
    for number in range(5000):
        hit(table, rule, struct.pack(">I", number), NOW)
    counted = 0
    for number in range(5000, 25_000):
        hit(table, rule, struct.pack(">I", number), NOW + 1)
        if number % 10 == 0:
            counted += hit(table, rule, b"often", NOW + 1) != NOWHERE
    place = table.find(rule, table.key(rule, b"often"), NOW + 1)
    assert place != NOWHERE
    assert table.rate(place, NOW + 1) > 0.98 * 2000


def test_a_rule_with_few_keys_is_not_emptied_by_one_with_many() -> None:
    table = counts(keys=1000)
    flooded, quiet = table.register(RULE), table.register(CountedRule(b"quiet", 10, 100))
    for number in range(50):
        hit(table, quiet, b"q%d" % number, NOW)
    for number in range(20_000):
        hit(table, flooded, struct.pack(">I", number), NOW, 50)
    kept = [number for number in range(50) if table.find(quiet, table.key(quiet, b"q%d" % number), NOW) != NOWHERE]
    assert len(kept) == 50


def test_keys_under_mitigation_never_give_way() -> None:
    table = counts(keys=DRAWN)
    rule = table.register(RULE)
    for number in range(DRAWN):
        table.mitigate(hit(table, rule, b"%d" % number, NOW), NOW + 60)
    for number in range(1000):
        assert hit(table, rule, b"new%d" % number, NOW, 1000) == NOWHERE
    assert table.uncounted == 1000


def test_what_has_expired_is_free_at_once_and_swept_in_time() -> None:
    table = counts(keys=100)
    rule = table.register(RULE)
    for number in range(100):
        hit(table, rule, b"%d" % number, NOW)
    assert hit(table, rule, b"new", NOW + 30) != NOWHERE
    assert (table.evicted, table.uncounted) == (0, 0)
    for _ in range(4):
        table.sweep(NOW + 30, 25)
    assert len(table) == 1


def test_memory_stays_flat_whatever_the_number_of_keys() -> None:
    tracemalloc.start()
    try:
        table = counts(keys=2000)
        rule = table.register(RULE)
        used = []
        for start in (0, 20_000, 40_000):
            for number in range(start, start + 20_000):
                hit(table, rule, struct.pack(">I", number), NOW + number / 1000, 2)
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert len(table) <= 2000
    assert abs(used[2] - used[0]) < 100_000
    assert used[2] < 1_500_000
