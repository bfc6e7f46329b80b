"""A model is fitted, judged on families that it has not seen, written, read and refused where it is worse."""

from __future__ import annotations

import numpy as np
import pytest

from botproxy.scoring.ml import NAMES, Group, Model, decode, encode
from botproxy.training.evaluation import Evaluation, compare, evaluate, refusal, says
from botproxy.training.fitting import Recipe, adjusted, fit
from botproxy.training.report import catalogue, markdown, most_asked, reliability_picture
from botproxy.training.samples import Sample, Table, table

RECIPE = Recipe(trees=30, depth=4, learning_rate=0.2)


def drawn(human: bool, family: str, seed: int, telling: float = 1.0) -> list[Sample]:
    """People send many headers in a coherent way; how much that tells is `telling`, from 0 to 1."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(60):
        vector = random.normal(0, 1, len(NAMES)).astype(np.float32)
        like_people = human if random.random() < telling else random.random() < 0.5
        vector[NAMES.index("headers")] = 14 + random.normal() if like_people else 6 + random.normal()
        vector[NAMES.index("fetch_coherent")] = float(like_people)
        rows.append(
            Sample(vector, human, family, family, "crawl", f"{family}{number}", 0, not human and number % 2 == 0)
        )
    return rows


def rows_of(seed: int, telling: float = 0.9) -> Table:
    return table([one for at in range(8) for one in drawn(at % 2 == 0, f"{seed}-{at}", 100 * seed + at, telling)])


@pytest.fixture(scope="module")
def fitted() -> Model:
    return fit(rows_of(1), RECIPE, "first", {"made": "here"})


@pytest.fixture(scope="module")
def judged(fitted: Model) -> Evaluation:
    plain = fit(rows_of(1), RECIPE._replace(left_out=(Group.USER_AGENT,)), "second", {})
    return evaluate(fitted, rows_of(1), rows_of(2), [("without the User-Agent", plain, (Group.USER_AGENT,))])


def test_a_model_finds_what_tells_people_from_bots(fitted: Model, judged: Evaluation) -> None:
    assert judged.compared[0].area > 0.9
    assert {"headers", "fetch_coherent"} & {name for name, _ in most_asked(fitted)}
    assert not set(judged.held_back_names) & set(rows_of(1).families.tolist())


def test_fitting_again_gives_the_same_bytes(fitted: Model) -> None:
    assert encode(fit(rows_of(1), RECIPE, "first", {"made": "here"})) == encode(fitted)


def test_a_fitted_model_goes_through_its_file(fitted: Model) -> None:
    vectors = rows_of(3).vectors
    assert np.array_equal(says(decode(encode(fitted), NAMES))(vectors), says(fitted)(vectors))


def test_another_prior_moves_every_score_the_same_way(fitted: Model) -> None:
    vectors = rows_of(3).vectors
    fewer = adjusted(fitted, 0.2)
    assert fewer.prior == 0.2
    assert (says(fewer)(vectors) < says(fitted)(vectors)).all()


def test_a_model_that_is_no_better_than_a_coin_is_refused() -> None:
    blind = fit(rows_of(4, telling=0.0), RECIPE, "blind", {})
    assert refusal(evaluate(blind, rows_of(4, 0.0), rows_of(2)), None)


def test_a_model_that_is_worse_than_the_one_before_is_refused(fitted: Model, judged: Evaluation) -> None:
    assert refusal(judged, None) == ""
    assert refusal(judged, judged.compared[0]) == ""
    better = compare("before", np.where(rows_of(2).human, 0.99, 0.01), rows_of(2), fitted.prior)
    assert "before" in refusal(judged, better)


def test_the_report_says_who_was_held_back_and_how_each_family_fared(fitted: Model, judged: Evaluation) -> None:
    text = markdown(fitted, judged)
    for part in ("2-0", "2-7", "logistic regression", "heuristics alone", "without the User-Agent", "n = 60"):
        assert part in text
    assert reliability_picture(judged.reliability).startswith("<svg")


def test_every_feature_stands_in_the_catalogue() -> None:
    assert all(f"| `{name}` |" in catalogue() for name in NAMES)
