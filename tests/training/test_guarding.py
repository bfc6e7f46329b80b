"""First requests are given the benefit of the doubt, and impersonators keep what they did."""

from __future__ import annotations

import numpy as np
import pytest

from botproxy.scoring.ml import NAMES, Calibration, Group, Trees
from botproxy.scoring.ml.vector import FEATURES
from botproxy.training.calibration import probability
from botproxy.training.guarding import (
    LANGUAGES,
    MOST,
    MOZILLA,
    PARTS,
    TLS,
    Shifts,
    guarded,
    shifts,
)
from botproxy.training.impersonating import impersonated
from botproxy.training.samples import PAST, PURPOSE, REFERER, Matrix, as_first, untold


def vectors(rows: int, seed: int = 1) -> Matrix:
    drawn = np.random.default_rng(seed).random((rows, len(NAMES))).astype(np.float32) + 1
    drawn[:, NAMES.index("accept")] = 2
    drawn[:, NAMES.index("method")] = 0
    drawn[:, PURPOSE] = 1
    drawn[:, PARTS] = 0
    drawn[:, REFERER] = 0
    return drawn


def test_no_more_people_than_stated_are_below_30_without_a_past() -> None:
    rows = vectors(8_000)
    rows[:4_000] = as_first(rows[:4_000])
    rows[2_000:4_000, TLS] = np.nan
    human = np.ones(8_000, np.bool_)
    unseen = np.random.default_rng(2).normal(-1, 1, 8_000)
    calibration = Calibration(0.8, -0.3)
    added = shifts(rows, unseen, human, calibration, 0.01, 0.01)
    assert added.begin_told > 0 < added.begin_untold
    assert added.told == added.untold == 0, "none of these was led to by a page of the site"
    trees = Trees(np.zeros((1, 3), np.intp), np.full((1, 3), np.inf, np.float32), np.zeros((1, 8)), 0.5, 0.25)
    made, weights = guarded(trees, np.zeros((1, 8), np.float32), rows, added)
    moved = unseen + made.values(rows) - 0.25
    said = probability(moved * calibration.slope + calibration.offset)
    assert 0.005 < (said[:4_000] < 0.345).mean() <= 0.0105
    assert np.array_equal(moved[4_000:], unseen[4_000:]), "who has a past is judged as before"
    assert weights[1].sum() == weights[2].sum() == weights[3].sum() == 8_000


def test_text_browsers_do_not_decide_for_all_and_few_decide_nothing() -> None:
    rows = as_first(vectors(400))
    human = np.ones(400, np.bool_)
    unseen = np.full(400, 3.0)
    unseen[:40] = -9.0
    rows[:40, NAMES.index("claimed_browser")] = 0
    assert shifts(rows, unseen, human, Calibration(), 0.01, 0.01)[:4] == (0.0, 0.0, 0.0, 0.0)
    assert shifts(rows[:50], np.full(50, -9.0), human[:50], Calibration(), 0.01, 0.01)[:4] == (0.0, 0.0, 0.0, 0.0)


def test_what_a_visit_begins_with_is_moved_by_itself_and_only_who_comes_as_browsers_do() -> None:
    rows = as_first(vectors(3_000))
    rows[1_000:, REFERER] = 1
    rows[2_000:2_300, LANGUAGES] = np.nan
    rows[2_300:, MOZILLA] = 0
    human = np.ones(3_000, np.bool_)
    unseen = np.where(np.arange(3_000) < 1_000, -2.0, 3.0)
    added = shifts(rows, unseen, human, Calibration(), 0.01, 0.01)
    assert 1 < added.begin_told < 2
    assert added.told == 0
    trees = Trees(np.zeros((1, 3), np.intp), np.full((1, 3), np.inf, np.float32), np.zeros((1, 8)), 0.5, 0.25)
    rows[2_000:, REFERER] = 0
    made, _ = guarded(trees, np.zeros((1, 8), np.float32), rows, added)
    moved = made.values(rows) - 0.25
    assert np.allclose(moved[:1_000], added.begin_told)
    assert np.allclose(moved[1_000:], 0)


def test_what_is_beside_pages_is_measured_by_itself_and_where_few_were_seen_it_is_left_alone() -> None:
    rows = as_first(vectors(2_000))
    rows[:1_000, PURPOSE] = 5
    rows[:, TLS] = np.nan
    human = np.ones(2_000, np.bool_)
    unseen = np.where(np.arange(2_000) < 1_000, -4.0, 3.0)
    added = shifts(rows, unseen, human, Calibration(), 0.01, 0.01)
    assert added.begin_untold == 0
    assert 2 < added.beside_untold < MOST
    assert added.beside_told == MOST, "none was seen with TLS"
    trees = Trees(np.zeros((1, 3), np.intp), np.full((1, 3), np.inf, np.float32), np.zeros((1, 8)), 0.5, 0.25)
    made, weights = guarded(trees, np.zeros((1, 8), np.float32), rows, added)
    moved = made.values(rows) - 0.25
    assert np.allclose(moved[:1_000], added.beside_untold)
    assert np.allclose(moved[1_000:], 0)
    assert (weights[2][8], weights[2][8 + 4]) == (1_000, 1_000), "with a language, and beside pages or not"


def test_with_a_past_those_are_moved_who_load_parts_and_those_of_whom_it_is_not_known() -> None:
    rows = vectors(3_000)
    rows[:1_000, PARTS] = 4
    rows[1_000:2_000, PARTS] = np.nan
    human = np.ones(3_000, np.bool_)
    unseen = np.repeat([-3.0, -2.0, -4.0], 1_000)
    added = shifts(rows, unseen, human, Calibration(), 0.01, 0.01)
    assert added[:4] == (0, 0, 0, 0)
    assert added.loads == pytest.approx(added.few_pages + 1)
    trees = Trees(np.zeros((1, 3), np.intp), np.full((1, 3), np.inf, np.float32), np.zeros((1, 8)), 0.5, 0.25)
    made, _ = guarded(trees, np.zeros((1, 8), np.float32), rows, added)
    expected = np.repeat([added.loads, added.few_pages, 0], 1_000)
    assert np.allclose(made.values(rows) - 0.25, expected), "who loads no parts is judged as before"


def test_trees_that_are_too_shallow_say_the_same_when_one_more_is_added() -> None:
    rows = vectors(50)
    trees = Trees(np.array([[0, 1, 2]]), np.full((1, 3), 1.5, np.float32), np.arange(8.0).reshape(1, 8), 0.5, 0.25)
    made, weights = guarded(trees, np.ones((1, 8), np.float32), rows, Shifts(1, 1, 1, 1, 1, 1, 1, 1, 1))
    assert np.allclose(made.values(rows), trees.values(rows)), "none of these is moved"
    assert weights.shape == (4, 64)


def test_a_first_request_has_no_session_and_the_version_of_http_is_always_known() -> None:
    rows = vectors(3)
    first, behind = as_first(rows), untold(rows)
    assert (first[:, NAMES.index("session")] == 0).all()
    assert np.isnan(first[:, PAST]).all()
    assert np.isnan(behind[:, TLS]).all()
    assert (behind[:, NAMES.index("http_version")] == rows[:, NAMES.index("http_version")]).all()


def test_an_impersonator_has_a_browser_s_facts_and_its_own_doings() -> None:
    rows = vectors(200)
    human = np.arange(200) < 100
    rows[150:] = as_first(rows[150:])
    changed, made = impersonated(rows, human, 1.0, np.random.default_rng(1))
    assert np.flatnonzero(made).tolist() == list(range(100, 150))
    caller = np.array([feature.group is Group.CALLER for feature in FEATURES])
    assert np.array_equal(changed[:100], rows[:100])
    assert np.array_equal(changed[100:150][:, caller], rows[100:150][:, caller])
    headers = NAMES.index("headers")
    assert set(changed[100:150, headers].tolist()) <= set(rows[:100, headers].tolist())
    assert np.array_equal(changed[150:], rows[150:], equal_nan=True), "who has no past has done nothing yet"


def test_a_past_that_several_share_is_moved_by_itself_even_where_no_parts_were_loaded() -> None:
    rows = vectors(2_000)
    rows[:1_000, NAMES.index("visitor_idle")] = np.nan
    human = np.ones(2_000, np.bool_)
    unseen = np.where(np.arange(2_000) < 1_000, -3.0, 3.0)
    added = shifts(rows, unseen, human, Calibration(), 0.01, 0.01)
    assert 2 < added.several < 3
    trees = Trees(np.zeros((1, 3), np.intp), np.full((1, 3), np.inf, np.float32), np.zeros((1, 8)), 0.5, 0.25)
    made, _ = guarded(trees, np.zeros((1, 8), np.float32), rows, added)
    assert np.allclose(made.values(rows) - 0.25, np.repeat([added.several, 0], 1_000))
