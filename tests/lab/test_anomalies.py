"""Anomaly detection in simulated time: the table of docs/detection.md in small."""

from __future__ import annotations

from typing import Any

import pytest

from botproxy.scoring.anomaly import Settings
from lab import anomalies
from lab.anomalies import SCENES, Scene, interval, learned, run

DAYS = 2


@pytest.fixture(scope="module")
def usual() -> Any:
    """Two days of fewer people, which is enough to know that they load parts of pages."""
    return learned(DAYS, 700.0, Settings(enabled=True, learn=86_400.0, visits=100))


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomalies, "MINUTES", 2)
    monkeypatch.setattr(anomalies, "SETTINGS", Settings(enabled=True, learn=86_400.0, visits=100))


@pytest.mark.parametrize("scene", [SCENES[number] for number in (1, 2, 3, 5, 6)], ids=lambda scene: scene.name)
def test_what_is_spread_over_addresses_is_found_within_a_minute_and_people_are_left_alone(
    usual: Any, scene: Scene
) -> None:
    result = run(scene, usual, 7, DAYS)
    assert result.named is not None
    assert result.named < 60
    assert result.convicted[0] > 0
    assert result.people[0] <= 1
    assert result.people[1] > 30


@pytest.mark.parametrize("scene", [SCENES[number] for number in (9, 12, 13)], ids=lambda scene: scene.name)
def test_offices_and_monitoring_and_people_are_not_found(usual: Any, scene: Scene) -> None:
    result = run(scene, usual, 7, DAYS)
    assert result.named is None
    assert result.people[0] == 0


def test_intervals_are_those_of_wilson() -> None:
    assert interval(20, 20) == "84 to 100 %"
    assert interval(0, 3000) == "0.00 to 0.13 %"
    assert interval(5, 0) == "-"
