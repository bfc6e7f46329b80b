from __future__ import annotations

import numpy as np
import pytest

from botproxy.training.calibration import calibrate, probability, reliability


def test_probabilities_come_true_after_calibration() -> None:
    random = np.random.default_rng(1)
    true = random.normal(0, 1.5, 20_000)
    human = random.random(20_000) < probability(true)
    said_too_surely = true * 3 + 0.7
    slope, offset = calibrate(said_too_surely, human, np.ones(20_000))
    bars = reliability(probability(slope * said_too_surely + offset), human, np.ones(20_000))
    assert all(bar.said == pytest.approx(bar.came, abs=0.05) for bar in bars)


@pytest.mark.parametrize("distance", [1.0, 30.0, 1e6])
def test_families_that_are_told_apart_without_a_mistake_make_nothing_certain(distance: float) -> None:
    human = np.array([True, False] * 500)
    slope, offset = calibrate(np.where(human, distance, -distance), human, np.ones(1_000))
    assert 0.05 <= slope <= 1
    assert abs(offset) < 10


def test_bars_without_rows_are_left_out() -> None:
    bars = reliability(np.array([0.05, 0.95]), np.array([False, True]), np.ones(2))
    assert [(bar.low, bar.came) for bar in bars] == [(0.0, 0.0), (0.9, 1.0)]
