"""What a model does on requests of clients that it was never fitted on, one by one, beside others that judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from botproxy.scoring.ml import Group, Model, score_of
from botproxy.scoring.ml.vector import chosen
from botproxy.training.baselines import LogisticRegression
from botproxy.training.calibration import Bin, probability, reliability
from botproxy.training.measuring import Share, area, below, log_loss
from botproxy.training.samples import Matrix, Numbers, Table, Truths, weights, without

Say = Callable[[Matrix], Numbers]
"""Probabilities that people sent the requests of these vectors."""


_LATER: Final = 4
MOST_NAMED: Final = 60
"""Clients of people, and families of bots, that a report names."""


class Row(NamedTuple):
    """One line of a report: what came out for some of the requests."""

    name: str
    human: bool
    below_30: Share
    median: float  # score


class Compared(NamedTuple):
    """One way of judging, on all requests that were held back."""

    name: str
    area: float  # under the ROC curve
    loss: float
    bots_found: Share  # scored below 30
    people_hit: Share  # likewise


class Evaluation(NamedTuple):
    """Everything that a report shows."""

    rows: tuple[Row, ...]
    compared: tuple[Compared, ...]
    reliability: tuple[Bin, ...]
    fitted_on: int
    held_back: int
    held_back_names: tuple[str, ...]  # families of bots, clients of people


def scores(said: Numbers) -> Numbers:
    """Scores of probabilities."""
    return np.array([score_of(float(each)) for each in said], np.float64)


def says(model: Model) -> Say:
    """What a model says."""
    slope, offset = model.calibration
    places = chosen(model.features)

    def say(vectors: Matrix) -> Numbers:
        asked = vectors if places is None else vectors[:, places]
        return probability(model.trees.values(asked) * slope + offset)

    return say


def by_heuristics(rows: Table, prior: float) -> Numbers:
    """What the fingerprints of the heuristics alone would say: surely a bot, or as likely as anybody."""
    return np.where(rows.heuristics, 0.01, prior)


def compare(name: str, said: Numbers, rows: Table, prior: float) -> Compared:
    """Figures of one way of judging."""
    given = scores(said)
    return Compared(
        name,
        area(said, rows.human),
        log_loss(said, rows.human, weights(rows, prior)),
        below(given[~rows.human]),
        below(given[rows.human]),
    )


def evaluate(
    model: Model,
    fitted: Table,
    held: Table,
    variants: Iterable[tuple[str, Model, Sequence[Group]]] = (),
    baseline: bool = True,
) -> Evaluation:
    """`held` shares no family of bots and no client of people with `fitted`.

    `variants` are models that were fitted without some groups, and those groups; `baseline` is whether a logistic
    regression is fitted to compare with.
    """
    say = says(model)
    said = say(held.vectors)
    compared = [compare("the model", said, held, model.prior)]
    for name, variant, groups in variants:
        compared.append(compare(name, says(variant)(without(held.vectors, groups)), held, model.prior))
    if baseline:
        logistic = LogisticRegression(fitted.vectors, fitted.human, weights(fitted, model.prior))
        compared.append(compare("logistic regression", logistic.probabilities(held.vectors), held, model.prior))
    compared.append(compare("heuristics alone", by_heuristics(held, model.prior), held, model.prior))
    unfound = held.where(~held.heuristics)
    if unfound.human.any() and not unfound.human.all():
        compared.append(compare("the model, where no fingerprint matches", say(unfound.vectors), unfound, model.prior))
    rows = tuple(_rows(scores(said), held))
    return Evaluation(
        rows=rows,
        compared=tuple(compared),
        reliability=reliability(said, held.human, weights(held, model.prior)),
        fitted_on=len(fitted),
        held_back=len(held),
        held_back_names=tuple(sorted({str(row.name) for row in rows if ":" not in row.name})),
    )


def _rows(given: Numbers, rows: Table) -> Iterable[Row]:
    first = rows.steps == 0
    later = rows.steps >= _LATER
    for human in (True, False):
        label = rows.human == human
        groups = rows.clients if human else rows.families
        for name in _largest(groups[label]):
            yield _row(name, human, given, label & (groups == name))
        for behaviour in sorted({str(name) for name in rows.behaviours[label]}):
            chosen = label & (rows.behaviours == behaviour)
            yield _row(f"{behaviour}: first request", human, given, chosen & first)
            if (chosen & later).any():
                yield _row(f"{behaviour}: from the {_LATER + 1}th request on", human, given, chosen & later)


def _largest(names: NDArray[np.str_]) -> list[str]:
    """The names of a report, in order; of very many those with most rows."""
    found, count = np.unique(names, return_counts=True)
    order = sorted(range(len(found)), key=lambda at: -int(count[at]))[:MOST_NAMED]
    return sorted(str(found[at]) for at in order)


def _row(name: str, human: bool, given: Numbers, chosen: Truths) -> Row:
    scored = given[chosen]
    return Row(name, human, below(scored), float(np.median(scored)) if len(scored) else float("nan"))


SLACK: Final = 0.02
"""Share by which the loss of a new model may be above that of the one before: less is noise."""


def refusal(new: Evaluation, old: Compared | None) -> str:
    """Why a model may not take the place of the one before, judged on the same requests; "" when it may."""
    this = new.compared[0]
    heuristics = next(each for each in new.compared if each.name == "heuristics alone")
    if not this.area > 0.5:
        return f"it tells people from bots no better than a coin (area {this.area:.3f})"
    if this.loss >= heuristics.loss:
        return f"heuristics alone say more (loss {heuristics.loss:.3f} against {this.loss:.3f})"
    if old is None:
        return ""
    if this.loss > old.loss * (1 + SLACK):
        return f"its loss is {this.loss:.4f}, that of the one before {old.loss:.4f}"
    if this.people_hit.interval[0] > old.people_hit.interval[1]:
        return f"it takes more people for bots: {this.people_hit}, before {old.people_hit}"
    if this.bots_found.interval[1] < old.bots_found.interval[0]:
        return f"it finds fewer bots: {this.bots_found}, before {old.bots_found}"
    return ""
