"""`botproxy train`: a model from labelled requests, judged before it may take the place of another."""

from __future__ import annotations

import hashlib
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from botproxy.training.samples import Table, Truths

_HELD_OF: Final = 4


def held_back(rows: Table, names: tuple[str, ...]) -> Truths:
    """Which rows nothing is fitted on: those of the named families and clients, or of every fourth by its name's hash.

    Of people whole clients are held back, and not whole families: there are three engines, and all are to be learned.
    """
    import numpy as np

    groups = np.where(rows.human, rows.clients, rows.families)
    there = sorted({*rows.families.tolist(), *rows.clients.tolist()})
    unknown = sorted(set(names) - set(there))
    if unknown:
        raise click.ClickException(f"no requests of {', '.join(unknown)}; there are {', '.join(there)}")
    if names:
        return np.isin(rows.families, names) | np.isin(rows.clients, names)
    chosen = [name for name in sorted(set(groups.tolist())) if _number(name) % _HELD_OF == 0]
    return np.isin(groups, chosen)


def _number(name: str) -> int:
    return hashlib.sha256(name.encode()).digest()[0]


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Where the model goes.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where its report goes (Markdown).")
@click.option("--hold", multiple=True, help="A family or a client to hold back for judging; again for more.")
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The model before.")
@click.option("--prior", type=click.FloatRange(0.01, 0.99), default=0.6, show_default=True, help="Share of people.")
@click.option("--name", "version", default="", help="Version of the model; else a digest of it.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--trees", type=click.IntRange(10, 2000), default=300, show_default=True)
def train(
    data: tuple[Path, ...],
    out: Path,
    report: Path | None,
    hold: tuple[str, ...],
    against: Path | None,
    prior: float,
    version: str,
    seed: int,
    threads: int,
    trees: int,
) -> None:
    """Fit a model on data sets of labelled requests.

    Families of clients that are held back judge it. A model that is worse than the one before is not written.

    \b
    botproxy train lab/data/*.jsonl.xz --out own.model --report own.md
    """
    from botproxy.scoring.ml import NAMES, Group, decode, encode
    from botproxy.training.dataset import read
    from botproxy.training.evaluation import compare, evaluate, refusal, says
    from botproxy.training.fitting import Recipe, fit
    from botproxy.training.replaying import replay
    from botproxy.training.report import markdown, reliability_picture
    from botproxy.training.samples import table
    from botproxy.training.terminated import varied

    as_recorded = (sample for path in data for sample in replay(read(path)))
    otherwise = (sample for path in data for sample in replay(varied(read(path), seed), seed))
    rows = table(chain(as_recorded, otherwise))
    held = held_back(rows, hold)
    fitted_on, judged_on = rows.where(~held), rows.where(held)
    for name, part in (("to fit on", fitted_on), ("to judge by", judged_on)):
        if not part.human.any() or part.human.all():
            raise click.ClickException(f"what is left {name} has no people, or no bots")
    recipe = Recipe(prior=prior, seed=seed, threads=threads, trees=trees)
    card = {
        "data": [path.name for path in data],
        "requests": len(fitted_on),
        "people": int(fitted_on.human.sum()),
        "held_back": sorted({*hold} or {*judged_on.families.tolist()}),
        "recipe": {name: value for name, value in recipe._asdict().items() if isinstance(value, int | float)},
    }
    click.echo(f"fitting on {len(fitted_on):,} requests, judging by {len(judged_on):,}")
    model = fit(fitted_on, recipe, version or "unnamed", card)
    if not version:
        model = model._replace(version=hashlib.sha256(encode(model)).hexdigest()[:12])
    blind = fit(fitted_on, recipe._replace(left_out=(Group.USER_AGENT,)), "blind", {})
    fresh = fit(fitted_on, recipe._replace(left_out=(Group.CALLER,)), "fresh", {})
    variants = [
        ("the model, without the text of the User-Agent", blind, (Group.USER_AGENT,)),
        ("the model, without what the caller did before", fresh, (Group.CALLER,)),
    ]
    found = evaluate(model, fitted_on, judged_on, variants)
    text = markdown(model, found)
    if report is not None:
        report.write_text(text + f"\n![reliability]({report.stem}.svg)\n", "utf-8")
        report.with_suffix(".svg").write_text(reliability_picture(found.reliability), "utf-8")
    else:
        click.echo(text)
    before = None
    if against is not None:
        before = compare("before", says(decode(against.read_bytes(), NAMES))(judged_on.vectors), judged_on, prior)
    why_not = refusal(found, before)
    if why_not:
        raise click.ClickException(f"the model is not written: {why_not}")
    out.write_bytes(encode(model))
    click.echo(f"{out}: model {model.version}")
