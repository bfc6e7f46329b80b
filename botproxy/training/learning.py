"""From labelled requests to a model that may be used, or the reason why it may not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from botproxy.errors import OperatorError
from botproxy.scoring.ml import Group, Model, encode
from botproxy.training.drift import reference
from botproxy.training.evaluation import Evaluation, compare, evaluate, refusal, says
from botproxy.training.fitting import Recipe, adjusted, fit
from botproxy.training.samples import Matrix, Numbers, Table

FEWEST: Final = 200
"""Of each label, in what is fitted on; of fewer nothing is learned that holds."""

FEWEST_JUDGES: Final = 50
"""Of each label, in a part that judges by itself."""

FEWEST_FAMILIES: Final = 4
"""Client families among people: each may supply a quarter of the human labels at most."""

FEWEST_FOR_PRIOR: Final = 500
_PRIORS: Final = (0.05, 0.95)


class TooFewError(OperatorError):
    """There is not enough to learn from; nothing was fitted."""


class Part(NamedTuple):
    """Some of what judges, which is asked by itself as well."""

    name: str
    rows: Table


class Learned(NamedTuple):
    """A model, and what came of judging it."""

    model: Model
    evaluation: Evaluation
    refusal: str  # why it may not be used; "" when it may
    card: Mapping[str, Any]  # for the registry


def learn(
    fitted: Table,
    parts: Sequence[Part],
    recipe: Recipe,
    *,
    version: str = "",
    said: Mapping[str, Any] | None = None,
    before: Model | None = None,
    unlabelled: Sequence[Any] = (),
    variants: bool = True,
) -> Learned:
    """Fit a model on `fitted`, judge it by all `parts` together and by each that is large enough.

    `before` is the model whose place it would take, `said` what its card is to say, `unlabelled` vectors of an unbiased
    part of a site's requests: then the prior is estimated anew. `variants` are models without what a caller did and
    without the User-Agent, for the report. Raises `TooFewError`.
    """
    _enough(fitted)
    judged = joined([part.rows for part in parts])
    if not judged.human.any() or judged.human.all():
        raise TooFewError("what is left to judge by has no people, or no bots")
    note = {**(said or {}), "requests": len(fitted), "people": int(fitted.human.sum()), "recipe": recipe._asdict()}
    model = fit(fitted, recipe, version or "unnamed", note)
    if len(unlabelled) >= FEWEST_FOR_PRIOR:
        model = adjusted(model, estimated_prior(says(model)(np.stack(list(unlabelled))), model.prior))
    if not version:
        model = model._replace(version=hashlib.sha256(encode(model)).hexdigest()[:12])
    others: list[tuple[str, Model, tuple[Group, ...]]] = []
    if variants:
        others = [
            (
                f"the model, without {what}",
                fit(fitted, recipe._replace(left_out=(group,), folds=min(2, recipe.folds)), "without", {}),
                (group,),
            )
            for what, group in (
                ("the text of the User-Agent", Group.USER_AGENT),
                ("what the caller did before", Group.CALLER),
            )
        ]
    found = evaluate(model, fitted, judged, others)
    why_not = gate(model, found, parts, judged, before)
    card = {
        **note,
        "version": model.version,
        "prior": model.prior,
        "figures": {
            each.name: {
                "area": round(each.area, 4),
                "loss": round(each.loss, 4),
                "bots_below_30": str(each.bots_found),
                "people_below_30": str(each.people_hit),
            }
            for each in found.compared
        },
        "judged_by": {part.name: len(part.rows) for part in parts},
        "gate": why_not or ("better than heuristics" if before is None else f"no worse than {before.version}"),
        "reference": reference(model, _unbiased(unlabelled, judged))._asdict(),
    }
    return Learned(model, found, why_not, card)


def gate(model: Model, found: Evaluation, parts: Sequence[Part], judged: Table, before: Model | None) -> str:
    """Why a model may not take the place of the one before; "" when it may. A part that is large enough to say
    something has a veto of its own: what is better for the laboratory must not be worse for the site.
    """
    old = None if before is None else compare("before", says(before)(judged.vectors), judged, model.prior)
    why = refusal(found, old)
    if why or before is None or len(parts) < 2:
        return why
    for part in parts:
        rows = part.rows
        if min(int(rows.human.sum()), int((~rows.human).sum())) < FEWEST_JUDGES:
            continue
        alone = evaluate(model, rows, rows, baseline=False)
        why = refusal(alone, compare("before", says(before)(rows.vectors), rows, model.prior))
        if why:
            return f"judged by {part.name}: {why}"
    return ""


def estimated_prior(said: Numbers, prior: float) -> float:
    """The share of people in a site's requests, by expectation and maximisation (M. Saerens, 2002) over what a model
    says of an unbiased part of them; `prior` is what it was calibrated for.
    """
    ratio = np.clip(said, 1e-6, 1 - 1e-6)
    ratio = ratio / (1 - ratio) * (1 - prior) / prior
    share = prior
    for _ in range(200):
        odds = ratio * share / (1 - share)
        new = float((odds / (1 + odds)).mean())
        new = min(_PRIORS[1], max(_PRIORS[0], new))
        if abs(new - share) < 1e-6:
            break
        share = new
    return round(share, 4)


def joined(tables: Sequence[Table]) -> Table:
    """One table of several."""
    return Table(*(np.concatenate([each[column] for each in tables]) for column in range(len(Table._fields))))


def _enough(rows: Table) -> None:
    people, bots = int(rows.human.sum()), int((~rows.human).sum())
    if min(people, bots) < FEWEST:
        raise TooFewError(
            f"{people} labelled requests of people and {bots} of bots are too few to learn from: {FEWEST} of each"
        )
    families = len(set(rows.families[rows.human].tolist()))
    if families < FEWEST_FAMILIES:
        raise TooFewError(
            f"the labels of people come from {families} families of clients (TLS and headers); from fewer than "
            f"{FEWEST_FAMILIES} a program that solves challenges would become the picture of a person"
        )


def _unbiased(unlabelled: Sequence[Any], judged: Table) -> Matrix:
    if len(unlabelled) >= FEWEST_FOR_PRIOR:
        return np.stack(list(unlabelled)).astype(np.float32)
    return judged.vectors
