"""Steps of constant training run as processes of their own, once an hour, and are told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from botproxy.scoring import TrainingSettings
from botproxy.supervisor import training
from botproxy.supervisor.children import Children
from botproxy.supervisor.training import Training
from tests.supervisor.harness import until

SETTINGS = TrainingSettings(enabled=True, hours=(3,)).model_dump(mode="json")


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_step_runs_at_the_next_full_hour_and_what_it_did_is_counted(tmp_path: Path, clock: Clock) -> None:
    children = Children()
    made = Training(children, clock)
    made.tick()
    made.configure(SETTINGS, tmp_path)
    made.tick()
    assert not list(tmp_path.iterdir()), "nothing runs before the hour is over"
    clock.now += 3600

    def done() -> bool:
        made.tick()
        children.reap()
        return bool(made.counts)

    until(done, 60)
    ((key, number),) = made.counts.items()
    assert key in (("training", "steady"), ("training", "too_few"))
    assert number == 1
    assert "training_seconds" in made.gauges()
    made.tick()
    assert sum(made.counts.values()) == 1, "the next one is an hour later"


def test_a_step_that_takes_too_long_is_ended(tmp_path: Path, clock: Clock) -> None:
    children = Children()
    made = Training(children, clock)
    made.configure(SETTINGS, tmp_path)
    clock.now += 3600
    made.tick()
    clock.now += training.LONGEST_SECONDS + 1

    def done() -> bool:
        made.tick()
        children.reap()
        return bool(made.counts)

    until(done, 60)
    assert made.counts == {("training", "failed"): 1}


def test_without_the_extra_nothing_is_trained_and_that_is_said(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(training, "find_spec", lambda name: None)
    made = Training(Children(), clock)
    made.configure(SETTINGS, tmp_path)
    clock.now += 3600
    made.tick()
    assert made.counts == {}
    assert "no model is trained" in caplog.text
