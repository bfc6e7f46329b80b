"""What is remembered of visits and groups: enough to judge by, and little however much they ask for."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from botproxy.scoring.anomaly.callers import Group, Visit

DRAW = random.Random(7)


def visit(paths: int) -> Visit:
    made = Visit(0.0, False, "192.0.2.1", "192.0.2.0/24")
    for _ in range(paths):
        made.news(DRAW.getrandbits(60), False)
    return made


def group(addresses: int) -> Group:
    made = Group(0.0, "AS64500")
    for number in range(addresses):
        made.add(0.0, (1.0, 0.0, 0.0), f"192.0.2.{number}", f"net-{number}")
    return made


def test_a_page_counts_once_unless_it_is_to_count_anew() -> None:
    one = visit(0)
    assert one.news(17, False)
    assert not one.news(17, False)
    assert one.news(17, True)


def test_nearly_every_different_page_of_a_reader_counts() -> None:
    one = visit(0)
    counted = sum(one.news(DRAW.getrandbits(60), False) for _ in range(2_000))
    assert counted > 1_850


@pytest.mark.parametrize("number", [1, 4, 5, 50, 300])
def test_addresses_and_networks_of_a_group_are_counted_closely(number: int) -> None:
    one = group(number)
    assert one.callers == pytest.approx(number, rel=0.15, abs=1)
    assert one.networks == pytest.approx(number, rel=0.15, abs=1)


def test_those_of_the_minute_before_last_no_longer_count() -> None:
    one = group(40)
    one.add(61.0, (1.0, 0.0, 0.0), "198.51.100.1", "other")
    assert one.callers > 30
    one.add(130.0, (1.0, 0.0, 0.0), "198.51.100.1", "other")
    assert one.callers == 1


@pytest.mark.parametrize(("make", "most"), [(lambda: visit(2_000), 1_500), (lambda: group(2_000), 2_000)])
def test_it_takes_little_however_much_was_seen(make: object, most: int) -> None:
    assert callable(make)
    make()
    tracemalloc.start()
    kept = [make() for _ in range(50)]
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert taken / len(kept) < most
