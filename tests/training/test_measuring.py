from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.training.measuring import Share, area, below


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60))
def test_the_area_is_how_often_a_person_has_the_higher_value(rows: list[tuple[int, bool]]) -> None:
    people = [value for value, human in rows if human]
    bots = [value for value, human in rows if not human]
    found = area(np.array([float(value) for value, _ in rows]), np.array([human for _, human in rows]))
    if not people or not bots:
        assert math.isnan(found)
        return
    wins = sum(1.0 if person > bot else 0.5 if person == bot else 0.0 for person in people for bot in bots)
    assert found == pytest.approx(wins / (len(people) * len(bots)))


@given(st.integers(1, 5_000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_an_interval_holds_its_share_and_stays_within_bounds(pair: tuple[int, int]) -> None:
    share = Share(*pair)
    low, high = share.interval
    assert 0 <= low <= share.value + 1e-12
    assert share.value - 1e-12 <= high <= 1


def test_nothing_has_every_share() -> None:
    assert Share(0, 0).interval == (0.0, 1.0)
    assert str(Share(0, 0)) == "none"


def test_a_score_of_thirty_is_a_person() -> None:
    assert below(np.array([29.0, 30.0, 99.0])) == Share(1, 3)
    assert str(Share(1, 3)) == "33.3 % (6.1 to 79.2, n = 3)"
