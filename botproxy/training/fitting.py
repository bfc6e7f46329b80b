"""Boosted trees fitted with CatBoost, and what it made turned into a model of ours. Needs the extra `train`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from botproxy.errors import OperatorError
from botproxy.scoring.ml import NAMES, Calibration, Group, Model, Trees
from botproxy.training import guarding
from botproxy.training.calibration import calibrate
from botproxy.training.impersonating import impersonated
from botproxy.training.samples import Matrix, Numbers, Table, Truths, as_first, evened, folds, untold, weights, without


class Recipe(NamedTuple):
    """Everything that decides what comes out of a table."""

    trees: int = 300
    depth: int = 6
    learning_rate: float = 0.05
    regularisation: float = 6.0
    prior: float = 0.6  # share of requests that people send
    seed: int = 1
    threads: int = 1
    left_out: tuple[Group, ...] = ()  # groups of features that are always missing
    without_past: float = 0.5  # share of the rows that are turned into a caller's first request
    without_tls: float = 0.25  # share of the rows of which nothing of TLS is told
    impersonating: float = 0.3
    """Share of bots' rows with a past that get the headers and the TLS of a person's browser: see
    `training.impersonating`."""
    guard: float = 0.005
    """Share of people's requests without a past that may score below 35, among browsers that the trees have not seen:
    see `training.guarding`. 0 is no guard."""
    guard_later: float = 0.0005
    """The same with a past."""
    returning: float = 0.1
    """Share of people among later requests for a page that no page of ours sent: see `samples.evened`."""
    folds: int = 3
    """Parts of what is fitted on, each judged by trees that have not seen its clients, to calibrate."""


class TrainerError(OperatorError):
    """CatBoost is not installed."""

    def __init__(self) -> None:
        super().__init__("fitting a model needs CatBoost: pip install 'botproxy[train]'")


def fit(rows: Table, recipe: Recipe, version: str, card: Mapping[str, Any]) -> Model:
    """A calibrated model. The calibration is made on families that the trees it judges have not seen."""
    vectors = _forgetful(rows, recipe)
    weight = evened(weights(rows, recipe.prior), vectors, rows.human, recipe.returning)
    fold = folds(rows, recipe.folds, recipe.seed)
    unseen: Numbers = np.zeros(len(rows), np.float64)
    for number in range(recipe.folds):
        held = fold == number
        if held.any() and not held.all():
            trees, _ = _trees(vectors[~held], rows.human[~held], weight[~held], recipe)
            unseen[held] = trees.values(vectors[held])
    trees, leaf_weights = _trees(vectors, rows.human, weight, recipe)
    calibration = calibrate(unseen, rows.human, weight)
    if recipe.guard:
        shifts = guarding.shifts(vectors, unseen, rows.human, calibration, recipe.guard, recipe.guard_later)
        trees, leaf_weights = guarding.guarded(trees, leaf_weights, vectors, shifts)
    return Model(
        version=version,
        features=NAMES,
        trees=trees,
        weights=leaf_weights,
        calibration=calibration,
        prior=recipe.prior,
        card=card,
    )


def adjusted(model: Model, prior: float) -> Model:
    """The same model for a site where people send another share of the requests."""
    shift = _log_odds(prior) - _log_odds(model.prior)
    calibration = Calibration(model.calibration.slope, model.calibration.offset + shift)
    return model._replace(calibration=calibration, prior=prior)


def _log_odds(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _forgetful(rows: Table, recipe: Recipe) -> Matrix:
    changed = without(rows.vectors, recipe.left_out) if recipe.left_out else rows.vectors.copy()
    random = np.random.default_rng(recipe.seed)
    # Without its past nothing tells an impersonator from who it imitates: to call that a bot is to teach a coin.
    alike = np.char.endswith(rows.behaviours, ", tls")
    if recipe.impersonating:
        changed, made = impersonated(changed, rows.human, recipe.impersonating, random)
        alike = alike | made
    first = (random.random(len(changed)) < recipe.without_past) & ~alike
    changed[first] = as_first(changed[first])
    behind = random.random(len(changed)) < recipe.without_tls
    changed[behind] = untold(changed[behind])
    return changed


def _trees(vectors: Matrix, human: Truths, weight: Numbers, recipe: Recipe) -> tuple[Trees, Matrix]:
    try:
        import catboost
    except ImportError:
        raise TrainerError from None
    machine = catboost.CatBoostClassifier(
        iterations=recipe.trees,
        depth=recipe.depth,
        learning_rate=recipe.learning_rate,
        l2_leaf_reg=recipe.regularisation,
        random_seed=recipe.seed,
        thread_count=recipe.threads,
        verbose=0,
        allow_writing_files=False,
    )
    machine.fit(vectors, human.astype(np.int8), sample_weight=weight)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        machine.save_model(str(path), format="json")
        return read_catboost(json.loads(path.read_text()), recipe.depth)


def read_catboost(made: Mapping[str, Any], depth: int) -> tuple[Trees, Matrix]:
    """Trees and the weight of each leaf, from CatBoost's JSON form of a model over numbers alone."""
    listed = made["oblivious_trees"]
    features = np.zeros((len(listed), depth), np.intp)
    borders = np.full((len(listed), depth), np.inf, np.float32)
    leaves = np.zeros((len(listed), 1 << depth), np.float64)
    leaf_weights: Matrix = np.zeros((len(listed), 1 << depth), np.float32)
    for number, tree in enumerate(listed):
        for level, split in enumerate(tree["splits"] or ()):
            features[number, level] = split["float_feature_index"]
            borders[number, level] = split["border"]
        size = len(tree["leaf_values"])
        leaves[number, :size] = tree["leaf_values"]
        leaf_weights[number, :size] = tree["leaf_weights"]
    scale, (bias,) = made["scale_and_bias"]
    return Trees(features, borders, leaves, float(scale), float(bias)), leaf_weights
