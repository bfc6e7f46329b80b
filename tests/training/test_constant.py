"""Constant training step by step: a model is fitted, tried, promoted or dropped, and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from botproxy.scoring import TrainingSettings
from botproxy.scoring.ml.registry import Registry, Trial
from botproxy.training.constant import Outcome, solve_rate, step
from botproxy.training.drift import reference
from botproxy.training.fitting import Recipe
from tests.training.own import START, event, site, vector, written

RECIPE = Recipe(trees=10, depth=3, learning_rate=0.3)
HOUR = 3600.0
DAY = 86400.0
NIGHT = START - START % DAY + DAY + 3 * HOUR
"""Three o'clock after the events of a site."""

SETTINGS = TrainingSettings(enabled=True, hours=(3,), trial=DAY, share=4)


def later(events: list[dict[str, Any]], by: float, **more: Any) -> list[dict[str, Any]]:
    return [{**each, "EdgeStartTimestamp": each["EdgeStartTimestamp"] + int(by), **more} for each in events]


def act(data: Path, now: float) -> Outcome:
    return step(data, SETTINGS, now, RECIPE)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    data = tmp_path_factory.mktemp("data")
    events = site()
    written(data, events)
    assert act(data, NIGHT - 2 * HOUR).what == "steady", "it is not the hour"
    assert Registry(data).state().last == 0
    outcome = act(data, NIGHT)
    assert (outcome.what, outcome.model) == ("trained", 1), outcome
    return data, events


@pytest.fixture
def tried(trained: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A data directory of its own in which model 1 is on trial."""
    data, events = trained
    (tmp_path / "models").mkdir()
    for name in ("0001.model", "0001.json", "models.json", "constant.json"):
        (tmp_path / "models" / name).write_bytes((data / "models" / name).read_bytes())
    return written(tmp_path, events), events


def test_a_new_model_is_on_trial_and_decides_nothing(tried: tuple[Path, list[dict[str, Any]]]) -> None:
    data, _ = tried
    state = Registry(data).state()
    assert (state.active, state.trial) == (0, Trial(1, 4, NIGHT, NIGHT + DAY))
    assert act(data, NIGHT + HOUR).what == "waiting"
    assert Registry(data).card(1)["by"] == "constant training"


def test_a_model_that_did_no_worse_on_what_came_since_is_promoted(tried: tuple[Path, list[dict[str, Any]]]) -> None:
    data, events = tried
    written(data, [*events, *later(site(seed=4), NIGHT - START + HOUR)])
    assert act(data, NIGHT + DAY).what == "promoted"
    state = Registry(data).state()
    assert (state.active, state.chosen, state.trial) == (1, 0, None)
    assert act(data, NIGHT + DAY + HOUR).what == "steady"


@pytest.mark.parametrize("why", ["few", "more bots"])
def test_a_model_that_cannot_show_that_it_is_no_worse_is_dropped(
    tried: tuple[Path, list[dict[str, Any]]], why: str
) -> None:
    data, events = tried
    since = later(site(40 if why == "few" else 800, seed=4), NIGHT - START + HOUR)
    if why == "more bots":
        since = [{**each, "BotproxyShadowScore": 9} for each in since]
    written(data, [*events, *since])
    outcome = act(data, NIGHT + DAY)
    assert outcome.what == "dropped"
    assert ("too few" if why == "few" else "requests bots") in outcome.why
    assert (Registry(data).state().active, Registry(data).state().trial) == (0, None)


@pytest.fixture
def promoted(tried: tuple[Path, list[dict[str, Any]]]) -> tuple[Path, list[dict[str, Any]], float]:
    data, events = tried
    asked = [
        event(20_000 + at, b"", SecurityActions=["managedChallenge"], BotScore=9, BotproxyFeatures="")
        for at in range(60)
    ]
    events = [*events, *later(site(seed=4), NIGHT - START + HOUR), *later(asked, NIGHT - START)]
    written(data, events)
    assert act(data, NIGHT + DAY).what == "promoted"
    return data, events, NIGHT + DAY + HOUR


def unbiased(seed: int, by: float, headers: float = 0.0) -> list[dict[str, Any]]:
    """What the reference of a site was made of, and the same with more headers."""
    found = []
    for at, each in enumerate(site(1200, seed)):
        human = at % 2 == 0
        drawn = np.frombuffer(vector(human, np.random.default_rng(seed * 5000 + at)), "<f4").copy()
        drawn[0] += headers
        made = event(at, drawn.tobytes(), RayID=f"00{at:014x}")
        found.append({**each, **made, "SecurityActions": [], "BotScoreSrc": "Machine Learning"})
    return later(found, by)


def test_a_promoted_model_is_taken_back_when_what_it_is_asked_has_changed(
    promoted: tuple[Path, list[dict[str, Any]], float],
) -> None:
    data, events, now = promoted
    registry = Registry(data)
    usual = unbiased(3, now - START - 2000)
    then = np.stack([np.frombuffer(vector(at % 2 == 0, np.random.default_rng(at)), "<f4") for at in range(1200)])
    card = {**registry.card(1), "reference": reference(registry.read(1), then.astype(np.float32))._asdict()}
    (registry.folder / "0001.json").write_bytes(orjson.dumps(card))
    written(data, [*events, *usual])
    steady = act(data, now)
    assert steady.what == "steady"
    assert 0 < steady.drift < 0.25
    written(data, [*events, *unbiased(3, now - START - 2000, headers=9)])
    gone = act(data, now)
    assert gone.what == "demoted", gone
    assert "moved by" in gone.why
    assert registry.state().active == 0


def test_what_an_operator_chose_is_told_of_and_stays(promoted: tuple[Path, list[dict[str, Any]], float]) -> None:
    data, events, now = promoted
    registry = Registry(data)
    registry.add(registry.read(1), registry.card(1))
    registry.use(2)
    written(data, [*events, *unbiased(3, now - START - 2000, headers=9)])
    outcome = act(data, now)
    assert outcome.what == "steady"
    assert "an operator chose it" in outcome.why
    assert registry.state().active == 2


def test_a_promoted_model_is_taken_back_when_more_of_its_challenges_are_solved(
    promoted: tuple[Path, list[dict[str, Any]], float],
) -> None:
    data, events, now = promoted
    found = []
    for at in range(80):
        asked = event(50_000 + at, b"", SecurityActions=["managedChallenge"], BotScore=9, BotproxyFeatures="")
        word = "managedChallengeNonInteractiveSolved"
        solved = event(60_000 + at, b"", SecurityActions=[word], OriginatorRayID=asked["RayID"], BotproxyFeatures="")
        found += [asked, solved] if at % 2 else [asked]
    written(data, [*events, *later(found, now + 600 - START - 50_000)])
    assert solve_rate(data, now, now + DAY).value == pytest.approx(0.5)
    outcome = act(data, now + 4 * HOUR)
    assert outcome.what == "demoted", outcome
    assert "solved more often" in outcome.why
    assert Registry(data).state().active == 0


def test_too_little_traffic_is_no_failure(tmp_path: Path) -> None:
    written(tmp_path, site(40))
    outcome = act(tmp_path, NIGHT)
    assert outcome.what == "too_few"
    assert act(tmp_path, NIGHT + 60).what == "steady", "and is not tried again the same night"
