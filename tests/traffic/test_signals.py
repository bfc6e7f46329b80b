"""JA4 signals: ratios, ranks and quantiles of an hour."""

from __future__ import annotations

import random

import pytest

from botproxy.traffic import signals
from botproxy.traffic.profiles import C_BROWSER, C_CACHEABLE, C_H2H3, C_HEURISTIC, C_REQUESTS, FINGERPRINT
from botproxy.traffic.signals import SignalTable, read_signals, write_signals
from botproxy.traffic.told import Told

NOW = 1_700_000_000.0


def told(key: int, when: float, requests: float, addresses: int = 1, **more: float) -> Told:
    figures = [0.0] * FINGERPRINT.figures
    figures[C_REQUESTS] = requests
    for name, place in (("h2", C_H2H3), ("heuristic", C_HEURISTIC), ("browser", C_BROWSER), ("static", C_CACHEABLE)):
        figures[place] = more.get(name, 0.0)
    bits = ((1 << addresses) - 1).to_bytes(FINGERPRINT.bytes, "little")
    return Told(key, when, (), tuple(figures), bits)


def table() -> SignalTable:
    return SignalTable(random.Random(1).random)


def test_ratios_ranks_and_quantiles() -> None:
    kept = table()
    kept.take(told(1, NOW, 600, 60, h2=300, browser=450, static=150), NOW)
    kept.take(told(1, NOW - 1800, 400, 60, h2=400, heuristic=100), NOW)
    kept.take(told(2, NOW, 100, 80), NOW)
    kept.take(told(3, NOW, 50, 2), NOW)
    kept.take(told(4, NOW, 3), NOW)  # too few to say anything
    found = kept.signals(NOW)
    assert set(found) == {1, 2, 3}
    one = found[1]
    assert (one.h2h3_ratio_1h, one.heuristic_ratio_1h, one.browser_ratio_1h, one.cache_ratio_1h) == (
        pytest.approx(0.7), pytest.approx(0.1), pytest.approx(0.45), pytest.approx(0.15),
    )  # fmt: skip
    assert [found[key].reqs_rank_1h for key in (1, 2, 3)] == [1, 2, 3]
    assert [found[key].ips_rank_1h for key in (1, 2, 3)] == [2, 1, 3]
    assert found[1].reqs_quantile_1h == pytest.approx(2 / 3)
    assert found[3].ips_quantile_1h == 0.0


def test_an_hour_is_forgotten() -> None:
    kept = table()
    kept.take(told(1, NOW, 100), NOW)
    assert 1 in kept.signals(NOW + 3500)
    assert kept.signals(NOW + 4200) == {}
    kept.take(told(1, NOW + 7300, 30), NOW + 7300)
    assert kept.signals(NOW + 7300)[1].reqs_rank_1h == 1
    kept.take(told(1, NOW, 1e6), NOW + 7300)  # too old to count
    kept.take(told(2, NOW + 9e6, 1e6), NOW + 7300)  # not of this world
    assert set(kept.signals(NOW + 7300)) == {1}


def test_a_flood_of_fingerprints_takes_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "MOST", 100)
    kept = table()
    kept.take(told(7, NOW, 10_000), NOW)
    for key in range(1000, 5000):
        kept.take(told(key, NOW, 25), NOW)
    assert len(kept) <= 100
    assert 7 in kept.signals(NOW)


def test_signals_travel_the_most_frequent_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "TOLD", 2)
    kept = table()
    for key, requests in ((1, 30), (2, 300), (3, 3000)):
        kept.take(told(key, NOW, requests), NOW)
    heard = read_signals(write_signals(kept.signals(NOW)))
    assert list(heard) == [3, 2]
    assert heard[3].reqs_rank_1h == 1
    assert read_signals(b"cut") == {}
