"""What is learned, slowly, and kept."""

from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest

from botproxy.scoring.anomaly import Baseline
from botproxy.scoring.anomaly.callers import Visit
from botproxy.scoring.anomaly.histogram import Histogram
from botproxy.scoring.anomaly.levels import Levels
from botproxy.scoring.anomaly.recent import Recent
from botproxy.scoring.anomaly.usual import MOST, Usual

HOUR = 3600.0


def fill(levels: Levels, hour: int, value: float, bounded: bool = False) -> None:
    """Sixty minutes alike, and the first of the next hour, with which they are learned."""
    for minute in range(1, 61):
        levels.minute(hour * HOUR + minute * 60.0, (value,), bounded)
    levels.minute((hour + 1) * HOUR + 60.0, (0.0,), bounded)


def test_an_hour_of_the_week_has_its_own_level() -> None:
    levels = Levels(1)
    fill(levels, 1000, 40.0)
    assert levels.expected(1000 * HOUR, 0) == 40.0
    assert levels.expected((1000 + 168) * HOUR, 0) == 40.0


def test_an_hour_not_seen_yet_is_judged_by_the_same_hour_of_other_days() -> None:
    levels = Levels(1)
    fill(levels, 1000, 40.0)
    fill(levels, 1003, 5.0)
    assert levels.expected((1000 + 48) * HOUR, 0) == 40.0


def test_an_attack_of_minutes_does_not_raise_an_hour() -> None:
    levels = Levels(1)
    for minute in range(1, 61):
        levels.minute(1000 * HOUR + minute * 60.0, (900.0 if minute <= 5 else 3.0,), False)
    levels.minute(1001 * HOUR + 60.0, (3.0,), False)
    assert levels.expected(1000 * HOUR, 0) == 3.0


def test_an_attack_of_a_whole_hour_is_believed_three_times_the_other_days_at_most() -> None:
    levels = Levels(1)
    for day in range(4):
        fill(levels, 1000 + 24 * day, 10.0)
    fill(levels, 1000 + 24 * 4, 900.0)
    assert levels.expected((1000 + 24 * 4) * HOUR, 0) == 33.0


def test_once_it_is_relied_on_a_level_no_more_than_doubles_in_a_week() -> None:
    levels = Levels(1)
    fill(levels, 1000, 10.0)
    fill(levels, 1168, 900.0, bounded=True)
    assert 10.0 < levels.expected(1168 * HOUR, 0) < 20.0


def test_quantiles_do_not_follow_a_few_large_values() -> None:
    histogram = Histogram()
    for _ in range(997):
        histogram.add(2.0)
    for _ in range(3):
        histogram.add(1e9)
    assert 2.0 <= histogram.quantile(0.995) < 2.5
    assert histogram.quantile(1.0) > 1e6


def test_groups_are_bounded_and_the_one_with_the_fewest_visits_gives_way() -> None:
    usual = Usual()
    for number in range(MOST + 50):
        for _ in range(2 if number < 100 else 1):
            usual.visit("asn", str(number))
    kept = usual.to_json()["asn"]
    assert len(kept) == MOST
    assert all(str(number) in kept for number in range(100))


def test_a_group_settles_at_its_usual_level_and_a_day_adds_a_tenth_at_most() -> None:
    usual = Usual()
    usual.visit("ja4", "j")
    for _ in range(200):
        usual.hour("ja4", "j", (50.0, 0.0, 0.0), False)
    assert usual.level("ja4", "j", 0) == pytest.approx(50.0)
    for _ in range(24):
        usual.hour("ja4", "j", (5000.0, 0.0, 0.0), True)
    assert 50.0 < usual.level("ja4", "j", 0) <= 55.1


def test_what_is_kept_is_read_again_the_same(usual: Any) -> None:
    again = Baseline.from_json(orjson.loads(orjson.dumps(usual)))
    assert again.to_json() == usual
    assert len(orjson.dumps(usual)) < 100_000


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", 99),
        ("began", "yesterday"),
        ("busiest", [[0.0] * 6]),
        ("visit", [[-1.0]] * 6),
        ("ratios", [0.1, float("nan")]),
        ("levels", {"slots": [], "days": []}),
        ("usual", {"street": {}}),
        ("usual", {"asn": {"1": [1.0, 2.0]}}),
    ],
)
def test_what_is_damaged_is_not_read(usual: Any, key: str, value: Any) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Baseline.from_json(copy.deepcopy(usual) | {key: value})


def test_no_address_and_no_session_is_kept(usual: Any) -> None:
    text = orjson.dumps(usual)
    assert b"10.0." not in text
    assert b"192.0.2" not in text


def test_what_was_not_used_for_a_while_goes_and_is_handed_out_once() -> None:
    table: Recent[int, str] = Recent(3, 100.0)
    table.add(1, "one", 10.0)
    table.add(2, "two", 20.0)
    table.turn(120.0)
    assert table.get(1) == "one"
    table.turn(230.0)
    assert table.gone(10) == ["two"]
    assert table.gone(10) == []
    assert table.get(2) is None


def test_a_flood_of_newcomers_leaves_the_table_as_large_as_it_may_be() -> None:
    table: Recent[int, int] = Recent(100, 1e9)
    for number in range(10_000):
        table.add(number, number, 1.0)
        table.get(0)
    assert len(table) <= 200
    assert table.get(0) == 0
    assert len(table.gone(10_000)) <= 200


def test_what_was_learned_before_it_is_known_that_pages_have_parts_is_forgotten() -> None:
    baseline = Baseline()
    now = 400 * 168 * 3600.0

    def hour(bare: float) -> None:
        nonlocal now
        for _ in range(60):
            now += 60.0
            baseline.minute(now, (bare, 0.0, 0.0), (0.0, 0.0), False)

    for _ in range(3):
        hour(0.0)
    first = now - 3 * 3600.0
    for number in range(60):
        visit = Visit(now, True, f"192.0.2.{number}", f"192.0.{number}.")
        visit.pages, visit.parts = 2, 8
        baseline.end_visit(visit)
    assert baseline.parts
    for _ in range(2):
        hour(40.0)
    hour(40.0)
    assert baseline.levels.expected(first, 0) == 40.0
