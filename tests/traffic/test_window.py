"""How many hits lie in the last period: against a list of all of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.traffic.window import Span, rate, seconds_below, still_counted, window_of

PERIOD = 10
NOTHING = Span(0, 0.0, 0.0)


def told(hits: list[float], now: float) -> tuple[int, Span, Span]:
    """What a counter would keep of these hits."""
    window = window_of(now, PERIOD)
    spans = []
    for number in (window, window - 1):
        inside = [hit for hit in hits if window_of(hit, PERIOD) == number and hit <= now]
        spans.append(Span(len(inside), min(inside), max(inside)) if inside else NOTHING)
    return window, spans[0], spans[1]


def test_a_hit_counts_for_one_period_and_not_longer() -> None:
    assert rate(19.0, PERIOD, *told([9.5], 19.0)) == 1
    assert rate(19.6, PERIOD, *told([9.5], 19.6)) == 0


def test_two_hits_on_both_sides_of_a_boundary_are_two() -> None:
    assert rate(10.1, PERIOD, *told([9.9, 10.1], 10.1)) == 2


def test_a_steady_rate_is_told_exactly_across_boundaries() -> None:
    hits = [number * 0.5 for number in range(200)]
    for at in range(40, 200):
        assert rate(hits[at], PERIOD, *told(hits, hits[at])) == 20


def test_nothing_counts_after_two_windows() -> None:
    assert rate(35.0, PERIOD, 1, Span(100, 10.0, 19.0), Span(5, 1.0, 2.0)) == 0


@given(st.lists(st.floats(0, 20, exclude_max=True), max_size=40), st.floats(10, 20, exclude_max=True))
@settings(max_examples=200)
def test_it_is_never_more_than_all_hits_nor_less_than_those_of_the_window(hits: list[float], now: float) -> None:
    window, current, previous = told(hits, now)
    found = rate(now, PERIOD, window, current, previous)
    assert current.hits <= found <= current.hits + previous.hits
    really = sum(1 for hit in hits if now - PERIOD < hit <= now)
    if previous.hits <= 2:
        assert found == really


@given(st.integers(0, 1000), st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
@settings(max_examples=200)
def test_hits_after_a_moment_are_some_of_all(count: int, since: float, one: float, other: float) -> None:
    first, last = sorted((one, other))
    assert 0 <= still_counted(since, count, first, last) <= count


def test_the_wait_told_is_long_enough_and_no_longer_than_needed() -> None:
    hits = [1.0, 2.0, 3.0, 4.0, 5.0]
    window, current, previous = told(hits, 5.5)
    wait = seconds_below(5.5, PERIOD, 5, window, current, previous)
    assert rate(5.5 + wait, PERIOD, window, current, previous) < 5
    assert rate(5.5 + wait - 1, PERIOD, window, current, previous) >= 5
