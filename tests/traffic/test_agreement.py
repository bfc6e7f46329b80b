"""Workers that tell each other what they counted agree with one that counted everything itself."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.traffic import CountedRule, MergedCounts, RateCounts, decode, encode

START = 1_000_000.0
WORKERS = 3
RULE = CountedRule(b"zone/login", 10, 5)
LONGEST = 30_000

steps = st.lists(
    st.tuples(
        st.integers(0, LONGEST),  # milliseconds
        st.integers(0, WORKERS - 1),
        st.sampled_from([b"a", b"b"]),
        st.booleans(),  # whether all exchange afterwards
    ),
    max_size=60,
).map(lambda found: sorted(found, key=lambda step: step[0]))


def table(seed: int) -> RateCounts:
    made = RateCounts(b"s" * 32, random.Random(seed).randbytes, 100)
    made.register(RULE)
    return made


def exchange(tables: list[RateCounts], shared: MergedCounts, now: float) -> None:
    """A tick of every worker and the supervisor's answer, as they travel; the answers come twice."""
    for number, each in enumerate(tables, 1):
        shared.take(number, decode(encode(each.take(5000))), now)
    for number, each in enumerate(tables, 1):
        told = encode(shared.tell(number, 5000))
        each.merge(decode(told), now)
        each.merge(decode(told), now)


def rate(each: RateCounts, values: bytes, now: float) -> int:
    place = each.find(0, each.key(0, values), now)
    return each.rate(place, now) if place >= 0 else 0


def hit(each: RateCounts, values: bytes, now: float) -> None:
    key = each.key(0, values)
    place = each.find(0, key, now)
    each.add(place if place >= 0 else each.admit(0, key, now), now)


@given(steps)
@settings(max_examples=150, deadline=None)
def test_all_agree_with_one_that_saw_everything(found: list[tuple[int, int, bytes, bool]]) -> None:
    tables = [table(seed) for seed in range(WORKERS)]
    alone = table(9)
    shared = MergedCounts(random.Random(5).random, 100)
    for number in range(1, WORKERS + 1):
        shared.join(number)
    now = START
    for milliseconds, worker, values, together in found:
        now = START + milliseconds / 1000
        hit(tables[worker], values, now)
        hit(alone, values, now)
        # Once a window at least, as ticks of a quarter of a second do: nobody tells of a window that passed long ago.
        if together or milliseconds % 3 == 0:
            exchange(tables, shared, now)
        for each in tables:
            assert rate(each, values, now) <= rate(alone, values, now) + 1
    exchange(tables, shared, now)
    for values in (b"a", b"b"):
        wanted = rate(alone, values, now)
        told = [rate(each, values, now) for each in tables]
        assert max(told) <= wanted + 1
        # What a worker counted in a window before the last was told late only when it did not exchange in between.
        if all(together for *_, together in found):
            assert all(abs(each - wanted) <= 1 for each in told)


@given(steps)
@settings(max_examples=50, deadline=None)
def test_a_worker_that_comes_later_is_told_what_all_others_know(found: list[tuple[int, int, bytes, bool]]) -> None:
    tables = [table(seed) for seed in range(WORKERS)]
    shared = MergedCounts(random.Random(5).random, 100)
    for number in range(1, WORKERS + 1):
        shared.join(number)
    now = START
    for milliseconds, worker, values, _ in found:
        now = START + milliseconds / 1000
        hit(tables[worker], values, now)
        exchange(tables, shared, now)
    late = table(7)
    late.merge(decode(encode(shared.all_but(WORKERS + 1))), now)
    for values in (b"a", b"b"):
        assert all(abs(rate(late, values, now) - rate(each, values, now)) <= 1 for each in tables)
