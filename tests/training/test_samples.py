from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.scoring.ml import NAMES, Group
from botproxy.training.samples import Sample, evened, folds, table, weights, without


def sample(human: bool, family: str, number: int = 0) -> Sample:
    return Sample(np.full(len(NAMES), number, np.float32), human, family, family, "crawl", f"s{number}", 0)


def of(**families: tuple[bool, int]) -> list[Sample]:
    return [sample(human, family, at) for family, (human, count) in families.items() for at in range(count)]


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.booleans(), st.integers(1, 40)), min_size=2),
    st.floats(0.1, 0.9),
)
def test_people_together_weigh_what_the_prior_says(families: dict[str, tuple[bool, int]], prior: float) -> None:
    rows = table(of(**families))
    given_weights = weights(rows, prior)
    assert given_weights.sum() == pytest.approx(len(rows))
    if rows.human.any() and not rows.human.all():
        assert given_weights[rows.human].sum() / len(rows) == pytest.approx(prior)


def test_no_family_becomes_the_picture_of_a_human() -> None:
    rows = table(
        of(huge=(True, 1000), one=(True, 10), two=(True, 10), three=(True, 10), four=(True, 10), bot=(False, 9))
    )
    given_weights = weights(rows, 0.5)
    people = given_weights[rows.human].sum()
    assert given_weights[rows.families == "huge"].sum() / people == pytest.approx(0.25)


def test_a_fold_never_parts_a_family_of_bots_or_a_client_of_people_and_has_both_labels() -> None:
    rows = table(of(**{f"p{n}": (True, 5 + n) for n in range(10)}, **{f"b{n}": (False, 7) for n in range(10)}))
    fold = folds(rows, 5, 1)
    for family in sorted(set(rows.families.tolist())):
        assert len(set(fold[rows.families == family].tolist())) == 1
    for number in range(5):
        assert rows.human[fold == number].any()
        assert not rows.human[fold == number].all()


def test_new_versions_of_one_browser_may_be_judged_by_each_other() -> None:
    rows = table([sample(True, "firefox", 1)._replace(client=f"firefox-{at % 5}") for at in range(50)])
    assert len(set(folds(rows, 5, 1).tolist())) == 5


def test_a_group_that_is_left_out_is_missing_and_no_other() -> None:
    vectors = np.ones((2, len(NAMES)), np.float32)
    changed = without(vectors, (Group.CALLER,))
    assert np.isnan(changed[:, NAMES.index("visitor_pace")]).all()
    assert not np.isnan(changed[:, NAMES.index("headers")]).any()
    assert not np.isnan(vectors).any()


def test_people_who_come_back_without_a_referrer_have_their_share_and_all_others_what_they_had() -> None:
    vectors = np.zeros((101, len(NAMES)), np.float32)
    vectors[:, NAMES.index("visitor_pace")] = 0.5
    human = np.arange(101) < 1
    vectors[100, NAMES.index("referer")] = 1.0
    made = evened(np.ones(101), vectors, human, 0.1)
    assert made[:100].sum() == pytest.approx(100)
    assert made[0] == pytest.approx(10)
    assert made[100] == 1
    assert (evened(np.ones(101), vectors, human, 0.001) == 1).all()
