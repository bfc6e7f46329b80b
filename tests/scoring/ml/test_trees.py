from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import catboost
import numpy as np
import pytest

from botproxy.scoring.ml import Calibration, Model, Trees
from botproxy.scoring.ml.contributions import explain, log_odds_contributions


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Model, Any]:
    random = np.random.default_rng(7)
    rows = random.normal(size=(1_500, 12)).astype(np.float32)
    rows[:, 3] = np.round(rows[:, 3])
    rows[random.random(rows.shape) < 0.2] = np.nan
    known = np.nan_to_num(rows)
    labels = (known[:, 0] + known[:, 3] * known[:, 5] > 0).astype(int)
    machine = catboost.CatBoostClassifier(
        iterations=60, depth=5, verbose=0, thread_count=1, allow_writing_files=False, random_seed=1
    )
    machine.fit(rows, labels)
    path: Path = tmp_path_factory.mktemp("model") / "model.json"
    machine.save_model(str(path), format="json")
    made = json.loads(path.read_text())
    trees = made["oblivious_trees"]
    features = np.zeros((len(trees), 5), np.intp)
    borders = np.full((len(trees), 5), np.inf, np.float32)
    leaves = np.zeros((len(trees), 32))
    weights = np.zeros((len(trees), 32), np.float32)
    for number, tree in enumerate(trees):
        for level, split in enumerate(tree["splits"]):
            features[number, level] = split["float_feature_index"]
            borders[number, level] = split["border"]
        size = len(tree["leaf_values"])
        leaves[number, :size] = tree["leaf_values"]
        weights[number, :size] = tree["leaf_weights"]
    scale, (bias,) = made["scale_and_bias"]
    model = Model(
        version="t",
        features=tuple(f"f{number}" for number in range(12)),
        trees=Trees(features, borders, leaves, scale, bias),
        weights=weights,
        calibration=Calibration(0.8, -0.3),
        prior=0.5,
        card={},
    )
    return machine, model, rows


def test_inference_equals_that_of_catboost_missing_values_too(fitted: tuple[Any, Model, Any]) -> None:
    machine, model, rows = fitted
    theirs = machine.predict(rows, prediction_type="RawFormulaVal")
    assert np.abs(model.trees.values(rows) - theirs).max() < 1e-9


def test_contributions_add_up_to_the_log_odds(fitted: tuple[Any, Model, Any]) -> None:
    _, model, rows = fitted
    for row in rows[:5]:
        base, added = log_odds_contributions(model, row)
        assert base + float(added.sum()) == pytest.approx(model.log_odds(row), abs=1e-6)


def test_points_add_up_to_the_score(fitted: tuple[Any, Model, Any]) -> None:
    _, model, rows = fitted
    for row in rows[5:10]:
        told = explain(model, row)
        assert told.base + sum(points for _, points in told.points) == pytest.approx(
            100 * model.probability(row), abs=1e-6
        )
        assert [abs(points) for _, points in told.points] == sorted(
            (abs(points) for _, points in told.points), reverse=True
        )


def test_a_feature_that_no_tree_asks_for_adds_nothing(fitted: tuple[Any, Model, Any]) -> None:
    _, model, rows = fitted
    used = {model.features[number] for number in model.trees.splits[0].reshape(-1).tolist()}
    told = {name for name, _ in explain(model, rows[0]).points}
    assert told <= used
