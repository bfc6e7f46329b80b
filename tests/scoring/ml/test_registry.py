"""The registry of models: numbers, the way back, and files that are refused without a change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from botproxy.errors import OperatorError
from botproxy.scoring.ml import MAX_BYTES, Calibration, Model, ModelError, Trees
from botproxy.scoring.ml.registry import MOST, SHIPPED, Registry, RegistryError, State, Trial


def model(version: str, leaf: float = 1.0) -> Model:
    return Model(
        version=version,
        features=("headers",),
        trees=Trees(np.array([[0]], np.intp), np.array([[8.0]], np.float32), np.array([[-leaf, leaf]])),
        weights=np.ones((1, 2), np.float32),
        calibration=Calibration(),
        prior=0.5,
        card={},
    )


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    made = Registry(tmp_path)
    for name in ("one", "two"):
        made.add(model(name), {"version": name, "gate": "better"})
    return made


def test_nothing_is_made_before_something_is_kept(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    assert registry.state() == State()
    assert registry.versions() == []
    assert not list(tmp_path.iterdir())


def test_a_model_is_kept_with_its_card_and_used_by_number(registry: Registry) -> None:
    assert [(each.number, each.card["version"], each.problem) for each in registry.versions()] == [
        (1, "one", ""),
        (2, "two", ""),
    ]
    assert registry.state().active == SHIPPED
    registry.use(2)
    state = registry.state()
    assert (state.active, state.chosen, state.before) == (2, 2, (0,))
    assert registry.read(2).version == "two"


def test_roll_back_goes_step_by_step_to_the_shipped_one_and_no_further(registry: Registry) -> None:
    registry.use(1)
    registry.use(2)
    assert registry.rollback().active == 1
    assert registry.rollback().active == SHIPPED
    with pytest.raises(RegistryError, match="no version before"):
        registry.rollback()
    assert registry.state().active == SHIPPED


@pytest.mark.parametrize("harm", ["cut", "bit", "large", "gone"])
def test_a_damaged_file_is_refused_and_the_active_one_stays(registry: Registry, harm: str) -> None:
    registry.use(1)
    path = registry.folder / "0002.model"
    content = path.read_bytes()
    if harm == "cut":
        path.write_bytes(content[:-40])
    elif harm == "bit":
        path.write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])
    elif harm == "large":
        path.write_bytes(content + bytes(MAX_BYTES))
    else:
        path.unlink()
    for act in (registry.use, registry.promote):
        with pytest.raises(ModelError, match=r"0002\.model"):
            act(2)
    with pytest.raises(OperatorError):
        registry.begin_trial(Trial(2, 8, 0.0, 1.0))
    assert registry.state().active == 1
    if harm != "gone":
        assert registry.versions()[1].problem


def test_roll_back_passes_over_what_cannot_be_read(registry: Registry) -> None:
    registry.use(1)
    registry.use(2)
    (registry.folder / "0001.model").write_bytes(b"junk")
    assert registry.rollback().active == SHIPPED


def test_what_is_promoted_leaves_what_an_operator_chose(registry: Registry) -> None:
    registry.use(1)
    registry.begin_trial(Trial(2, 8, 10.0, 20.0))
    assert registry.state().trial == Trial(2, 8, 10.0, 20.0)
    registry.promote(2)
    state = registry.state()
    assert (state.active, state.chosen, state.trial) == (2, 1, None)
    assert registry.demote().active == 1
    assert registry.state().chosen == 1


def test_the_number_of_versions_is_bounded_and_those_in_use_stay(registry: Registry) -> None:
    registry.use(1)
    for number in range(MOST + 5):
        registry.add(model(f"more{number}"), {})
    kept = [each.number for each in registry.versions()]
    assert len(kept) == MOST
    assert 1 in kept
    assert max(kept) == MOST + 7
    (registry.folder / f"{max(kept):04d}.model").unlink()
    assert registry.add(model("next"), {}) == MOST + 8, "a number is never given twice"


@pytest.mark.parametrize("content", ["{", "[]", '{"active": -1}', '{"active": "x", "chosen": 0}'])
def test_a_state_that_cannot_be_understood_is_told_and_not_obeyed(registry: Registry, content: str) -> None:
    registry.state_file.write_text(content)
    with pytest.raises(RegistryError, match=r"models\.json"):
        registry.state()
    with pytest.raises(RegistryError):
        registry.use(1)
