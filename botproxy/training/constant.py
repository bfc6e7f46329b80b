"""Constant training: one step of it, in a process of its own. `python -m botproxy.training.constant ORDER`.

A step does one thing and ends: it judges a model whose trial is over, or looks whether what was promoted still fits, or
fits a new model and puts it on trial. What it did stands in `models/constant.json`, for the supervisor to tell.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from botproxy.errors import OperatorError
from botproxy.model import ScoreSource
from botproxy.scoring import MachineLearningSettings, TrainingSettings, load_model
from botproxy.scoring.ml import Model, ModelError
from botproxy.scoring.ml.registry import SHIPPED, Registry, State, Trial
from botproxy.simulation import SOLVED
from botproxy.store import whole_file
from botproxy.training import drift
from botproxy.training.evaluation import compare, evaluate, refusal, says
from botproxy.training.feedback import feedback_of
from botproxy.training.fitting import Recipe
from botproxy.training.laboratory import laboratory
from botproxy.training.learning import FEWEST_JUDGES, Part, TooFewError, joined, learn
from botproxy.training.measuring import Share
from botproxy.training.own_events import Own, event_files, events, read
from botproxy.training.samples import Table, table
from botproxy.training.splitting import by_time, held_back

NOTES: Final = "constant.json"
LOOKED_BACK: Final = 86400.0
"""Seconds of events that say whether what was promoted still fits."""

AGAIN_SECONDS: Final = 20 * 3600.0
"""Between two models."""

FEWEST_CHALLENGES: Final = 50
MORE_BOTS: Final = 0.05
"""Share of all requests by which a new model may call more of them bots than the one in use."""

FEWEST_SHADOWED: Final = 200
LOWEST_PRIORITY: Final = 19

_CHALLENGED: Final = frozenset(("jschallenge", "managedChallenge", "challenge"))


class Outcome(NamedTuple):
    """What a step did."""

    what: str  # promoted, dropped, demoted, trained, refused, too_few, steady, waiting
    why: str
    model: int = 0
    drift: float = 0.0


class Notes(NamedTuple):
    """What is remembered from step to step."""

    fitted: float = 0.0  # when a model was fitted last, in seconds since the epoch
    promoted: int = 0  # the model that was promoted last, by a step
    promoted_at: float = 0.0
    solved: int = 0  # challenges of the learned score before that, and
    challenged: int = 0  # how many there were


def step(data: Path, settings: TrainingSettings, now: float, recipe: Recipe | None = None) -> Outcome:
    """Do what is to be done now. `now` in seconds since the epoch. Raises `OperatorError`."""
    registry = Registry(data)
    notes = _notes(registry)
    state = registry.state()
    if state.trial is not None:
        if now < state.trial.until:
            return Outcome("waiting", f"model {state.trial.number} is on trial", state.trial.number)
        outcome, notes = _judge(data, registry, state, state.trial, notes, now)
        _note(registry, notes)
        return outcome
    looked = _look(data, registry, state, notes, now)
    if looked.what == "demoted":
        return looked
    hour = time.gmtime(now).tm_hour
    if hour not in settings.hours or now - notes.fitted < AGAIN_SECONDS:
        return looked
    _note(registry, notes._replace(fitted=now))
    return _train(data, registry, state, settings, now, recipe)


def _train(
    data: Path, registry: Registry, state: State, settings: TrainingSettings, now: float, recipe: Recipe | None
) -> Outcome:
    own = _own(data, now - settings.since)
    before, after = by_time(own)
    fitted: list[Table] = [table(before)]
    parts = [Part("newer events", table(after))]
    for path in settings.data:
        rows = laboratory((path,), ())
        held = held_back(rows, ())
        fitted.append(rows.where(~held))
        parts.append(Part(path.name, rows.where(held)))
    said = {
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "from": ["own events", *(path.name for path in settings.data)],
        "own": dict(own.counts),
        "by": "constant training",
    }
    try:
        learned = learn(
            joined(fitted),
            parts,
            (recipe or Recipe())._replace(threads=settings.threads),
            said=said,
            before=_active(registry, state),
            unlabelled=own.unlabelled,
            variants=False,
        )
    except TooFewError as few:
        return Outcome("too_few", str(few))
    if learned.refusal:
        return Outcome("refused", learned.refusal)
    number = registry.add(learned.model, learned.card)
    registry.begin_trial(Trial(number, settings.share, now, now + settings.trial))
    return Outcome("trained", f"on trial beside model {state.active}", number)


def _judge(
    data: Path, registry: Registry, state: State, trial: Trial, notes: Notes, now: float
) -> tuple[Outcome, Notes]:
    why = _against(data, registry, state, trial)
    if why:
        registry.end_trial()
        return Outcome("dropped", why, trial.number), notes
    rate = solve_rate(data, trial.since, now)
    registry.promote(trial.number)
    notes = notes._replace(promoted=trial.number, promoted_at=now, solved=rate.part, challenged=rate.whole)
    return Outcome("promoted", f"no worse than model {state.active} on what came since", trial.number), notes


def _against(data: Path, registry: Registry, state: State, trial: Trial) -> str:
    """What speaks against a model whose trial is over; "" when nothing does."""
    new = registry.read(trial.number)
    old = _active(registry, state)
    if old is None:
        return "there is no model to compare it with"
    shadowed, lower_new, lower_old = 0, 0, 0
    for _, event in events(event_files([data]), trial.since):
        score = event.get("BotproxyShadowScore")
        if isinstance(score, int) and score > 0 and event.get("BotScoreSrc") == ScoreSource.MACHINE_LEARNING.value:
            shadowed += 1
            lower_new += score < 30
            lower_old += int(event.get("BotScore") or 0) - int(event.get("BotproxyScoreLift") or 0) < 30
    if shadowed >= FEWEST_SHADOWED and lower_new - lower_old > MORE_BOTS * shadowed:
        return f"it calls {lower_new} of {shadowed} requests bots, the one in use {lower_old}"
    rows = table(one.sample for one in _own(data, trial.since).taken)
    people, bots = int(rows.human.sum()), int((~rows.human).sum())
    if min(people, bots) < FEWEST_JUDGES:
        return f"{people} labelled requests of people and {bots} of bots since then are too few to judge by"
    found = evaluate(new, rows, rows, baseline=False)
    return refusal(found, compare("the one in use", says(old)(rows.vectors), rows, new.prior))


def _look(data: Path, registry: Registry, state: State, notes: Notes, now: float) -> Outcome:
    """Whether the model in use still fits. One that an operator chose is told of, and stays."""
    if state.active == SHIPPED:
        return Outcome("steady", "the model that comes with the product is in use")
    then = drift.read_reference(registry.card(state.active).get("reference"))
    worst, index = "", 0.0
    since = now - LOOKED_BACK
    if then is not None:
        vectors = _own(data, since).unlabelled
        if len(vectors) >= drift.FEWEST:
            moved = drift.moved(then, registry.read(state.active), np.stack(list(vectors)).astype(np.float32))
            worst, index = moved.worst
    why = f"{worst} moved by {index:.2f}, more than {drift.MOVED}" if index > drift.MOVED else ""
    if not why and notes.promoted == state.active:
        before = Share(notes.solved, notes.challenged)
        rate = solve_rate(data, max(since, notes.promoted_at), now)
        if min(rate.whole, before.whole) >= FEWEST_CHALLENGES and rate.interval[0] > before.interval[1]:
            why = f"challenges are solved more often since it is in use: {rate}, before {before}"
    if not why:
        return Outcome("steady", "what it is asked is what it was", state.active, index)
    if notes.promoted != state.active:
        return Outcome("steady", f"{why}; an operator chose it, so it stays", state.active, index)
    after = registry.demote()
    return Outcome("demoted", f"{why}; model {after.active} is in use again", state.active, index)


def solve_rate(data: Path, since: float, until: float) -> Share:
    """How many of the challenges of the learned score were solved: people who were taken for bots do that."""
    challenged: set[str] = set()
    solved: set[str] = set()
    for when, event in events(event_files([data]), since):
        if when > until:
            continue
        actions = event.get("SecurityActions")
        if not isinstance(actions, list) or not actions:
            continue
        if actions[-1] in _CHALLENGED and event.get("BotScoreSrc") == ScoreSource.MACHINE_LEARNING.value:
            challenged.add(str(event.get("RayID")))
        elif not SOLVED.isdisjoint(map(str, actions)):
            solved.add(str(event.get("OriginatorRayID")))
    return Share(len(challenged & solved), len(challenged))


def _own(data: Path, since: float) -> Own:
    return read(event_files([data]), feedback_of([data]), since)


def _active(registry: Registry, state: State) -> Model | None:
    if state.active == SHIPPED:
        return load_model(MachineLearningSettings(enabled=True))
    try:
        return registry.read(state.active)
    except ModelError:
        return load_model(MachineLearningSettings(enabled=True))


def _notes(registry: Registry) -> Notes:
    try:
        said = orjson.loads((registry.folder / NOTES).read_bytes())["notes"]
        return Notes(**{name: type(getattr(Notes(), name))(said[name]) for name in Notes._fields})
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return Notes()


def _note(registry: Registry, notes: Notes, outcome: Outcome | None = None) -> None:
    registry.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    said: dict[str, Any] = {"notes": notes._asdict(), "outcome": None if outcome is None else outcome._asdict()}
    whole_file.write(registry.folder / NOTES, orjson.dumps(said, option=orjson.OPT_INDENT_2))


def main(order: Mapping[str, Any]) -> int:
    """One step at the lowest priority; the exit status."""
    os.nice(LOWEST_PRIORITY)
    data = Path(order["data"])
    registry = Registry(data)
    try:
        outcome = step(data, TrainingSettings.model_validate(order["settings"]), time.time())
    except OperatorError as problem:
        outcome = Outcome("failed", str(problem))
    _note(registry, _notes(registry), outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main(orjson.loads(sys.argv[1])))
