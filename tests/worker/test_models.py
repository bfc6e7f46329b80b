"""Which model a configuration's engines ask: the registry's active one, the chosen one, and never a damaged one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from botproxy.config import Config
from botproxy.scoring import Engine
from botproxy.scoring.ml import MachineLearning
from botproxy.scoring.ml.registry import Registry, Trial
from botproxy.worker.models import Engines, engines
from tests.scoring.ml.test_registry import model


def config(data: Path, **learning: Any) -> Config:
    zones = [
        {"name": name, "hosts": [f"{name}.test"], "origins": ["http://127.0.0.1:1"],
         "bot_management": {"auto_update_model": name == "moving"}}
        for name in ("moving", "staying")
    ]  # fmt: skip
    said = {"data": str(data), "zones": zones, "scoring": {"machine_learning": {"enabled": True, **learning}}}
    return Config.model_validate(said)


def version(engine: Engine | None) -> str:
    assert isinstance(engine, MachineLearning)
    return engine.model.version


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    made = Registry(tmp_path)
    for name in ("one", "two"):
        made.add(model(name), {})
    return made


def test_without_a_model_in_use_the_shipped_one_scores(tmp_path: Path, registry: Registry) -> None:
    made = engines(config(tmp_path))
    assert version(made.active) == version(made.chosen)
    assert version(made.active) not in ("one", "two")
    assert engines(config(tmp_path, enabled=False)) == Engines()


def test_zones_that_do_not_update_stay_with_what_was_chosen(tmp_path: Path, registry: Registry) -> None:
    registry.use(1)
    registry.promote(2)
    made = engines(config(tmp_path))
    assert (version(made.active), version(made.chosen)) == ("two", "one")


def test_a_model_on_trial_is_asked_beside_the_active_one_where_zones_update(tmp_path: Path, registry: Registry) -> None:
    registry.use(1)
    registry.begin_trial(Trial(2, 4, 0.0, 1.0))
    made = engines(config(tmp_path))
    assert isinstance(made.active, MachineLearning)
    assert isinstance(made.chosen, MachineLearning)
    assert made.active.trial is not None
    assert made.active.trial.version == "two"
    assert made.chosen.trial is None
    (registry.folder / "0002.model").write_bytes(b"junk")
    after = engines(config(tmp_path)).active
    assert isinstance(after, MachineLearning)
    assert after.trial is None, "what is damaged is not tried, and the active one goes on"


def test_a_file_that_was_damaged_later_is_passed_over_for_the_one_before(
    tmp_path: Path, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.use(1)
    registry.use(2)
    (registry.folder / "0002.model").write_bytes(b"junk")
    assert version(engines(config(tmp_path)).active) == "one"
    assert "passed over" in caplog.text
    registry.state_file.write_bytes(b"{")
    assert version(engines(config(tmp_path)).active) not in ("one", "two")


def test_what_is_watched_changes_when_another_model_is_to_be_used(tmp_path: Path, registry: Registry) -> None:
    ((path, before),) = engines(config(tmp_path)).watched
    registry.use(1)
    ((_, after),) = engines(config(tmp_path)).watched
    assert before != after
    assert os.stat(path).st_size == after[1]


def test_a_file_that_is_named_is_asked_instead(tmp_path: Path, registry: Registry) -> None:
    registry.use(1)
    made = engines(config(tmp_path, model=str(registry.folder / "0002.model")))
    assert version(made.active) == version(made.chosen) == "two"
    assert made.watched == ()
