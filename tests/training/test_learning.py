"""From events to a model in the registry, and the refusals on the way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from botproxy.cli import main
from botproxy.scoring.ml import NAMES
from botproxy.scoring.ml.registry import Registry
from botproxy.training.drift import MOVED, moved, read_reference
from botproxy.training.evaluation import says
from botproxy.training.fitting import Recipe, fit
from botproxy.training.learning import Part, TooFewError, estimated_prior, gate, learn
from botproxy.training.samples import Table, table
from tests.training.own import site, written
from tests.training.test_fitting import rows_of

RECIPE = Recipe(trees=20, depth=3, learning_rate=0.3)


def trained(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["train", "--since", "36500d", "--trees", "10", *words])


def test_a_model_of_own_events_is_kept_with_its_card_and_judged_by_what_came_later(tmp_path: Path) -> None:
    written(tmp_path, site())
    done = trained(tmp_path, "--events", str(tmp_path), "--register", str(tmp_path), "--report", str(tmp_path / "r.md"))
    assert done.exit_code == 0, done.output
    registry = Registry(tmp_path)
    assert registry.state().active == 0, "nothing is used before somebody says so"
    card = registry.card(1)
    assert card["own"]["people: challenge solved"] == 200
    assert card["judged_by"] == {"your own newer events": 200}
    assert "below_30" in str(card["figures"])
    assert {each.name for each in tmp_path.glob("r*")} == {"r.md", "r.svg", "r-scores.svg"}
    assert "your own" not in (tmp_path / "r.md").read_text()
    reference = read_reference(card["reference"])
    assert reference is not None
    model = registry.read(1)
    assert moved(reference, model, _vectors(site(1200, 2))).worst[1] < MOVED
    shifted = _vectors(site(1200, 3))
    shifted[:, NAMES.index("headers")] += 10
    assert moved(reference, model, shifted).worst[1] > MOVED


def _vectors(events: list[dict[str, object]]) -> np.ndarray:
    from botproxy.scoring import read_asked

    asked = [read_asked(str(each["BotproxyFeatures"])) for each in events]
    return np.stack([np.frombuffer(each.vector, "<f4") for each in asked if each is not None]).astype(np.float32)


def test_one_family_that_solves_challenges_is_no_picture_of_people(tmp_path: Path) -> None:
    events = site()
    for each in events:
        if each["BotScore"] != 1:
            each["BotproxyHeaderFingerprint"] = "h2-12-en-aaaaaaaaaaaa-bbbbbbbbbbbb"
    written(tmp_path, events)
    done = trained(tmp_path, "--events", str(tmp_path), "--register", str(tmp_path))
    assert done.exit_code == 1
    assert "families of clients" in done.output
    assert Registry(tmp_path).versions() == []


def test_too_little_is_said_and_nothing_is_fitted(tmp_path: Path) -> None:
    written(tmp_path, site(40))
    done = trained(tmp_path, "--events", str(tmp_path), "--out", str(tmp_path / "m.model"))
    assert "too few to learn from" in done.output
    assert not (tmp_path / "m.model").exists()
    assert trained(tmp_path, "--out", "x").exit_code == 2
    assert trained(tmp_path, "--events", str(tmp_path)).exit_code == 2


@pytest.fixture(scope="module")
def good() -> tuple[Table, Table]:
    return rows_of(1), rows_of(2)


def _turned(rows: Table) -> Table:
    return Table(rows.vectors, ~rows.human, *list(rows)[2:])


def test_a_part_of_the_judges_has_a_veto(good: tuple[Table, Table]) -> None:
    fitted, held = good
    site_rows = _turned(rows_of(5))  # a site where what tells people from bots is the other way round
    before = fit(_turned(rows_of(6)), RECIPE, "before", {})
    parts = [Part("the laboratory", held), Part("the site", site_rows)]
    learned = learn(fitted, [parts[0]], RECIPE, variants=False)
    assert learned.refusal == ""
    assert "judged by the site" in gate(learned.model, learned.evaluation, parts, held, before)


def test_the_share_of_people_is_estimated_from_what_nobody_labelled(good: tuple[Table, Table]) -> None:
    fitted, held = good
    model = fit(fitted, RECIPE, "one", {})
    people, bots = held.vectors[held.human], held.vectors[~held.human]
    few = np.vstack([people[:40], bots[:200]])
    many = np.vstack([people[:200], bots[:40]])
    low = estimated_prior(says(model)(few), model.prior)
    high = estimated_prior(says(model)(many), model.prior)
    assert low < 0.4 < 0.6 < high


def test_without_both_labels_nothing_is_judged(good: tuple[Table, Table]) -> None:
    fitted, held = good
    with pytest.raises(TooFewError):
        learn(fitted, [Part("people alone", held.where(held.human))], RECIPE, variants=False)
    with pytest.raises(TooFewError):
        learn(table([]), [Part("all", held)], RECIPE, variants=False)


def test_a_model_that_is_worse_than_the_one_in_use_is_not_kept(tmp_path: Path) -> None:
    written(tmp_path, site())
    assert trained(tmp_path, "--events", str(tmp_path), "--out", str(tmp_path / "a.model")).exit_code == 0
    events = site(800, 7)
    for person, bot in zip(events[:600:2], events[1:600:2], strict=True):  # what is learned from is the wrong way round
        person["BotproxyFeatures"], bot["BotproxyFeatures"] = bot["BotproxyFeatures"], person["BotproxyFeatures"]
    written(tmp_path, events)
    against = ("--against", str(tmp_path / "a.model"))
    done = trained(tmp_path, "--events", str(tmp_path), "--out", str(tmp_path / "b.model"), *against)
    assert done.exit_code == 1
    assert "is not written" in done.output
    assert not (tmp_path / "b.model").exists()
