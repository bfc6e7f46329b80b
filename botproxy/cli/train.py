"""`botproxy train`: a model from labelled requests, judged before it may take the place of another."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from botproxy.cli.spans import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from botproxy.scoring.ml import Model
    from botproxy.training.learning import Learned, Part
    from botproxy.training.own_events import Own
    from botproxy.training.samples import Table


@click.command()
@click.argument("data", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--events",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A data directory, or a file of events, to learn from your own traffic; again for more.",
)
@click.option("--since", type=Span(), default="30d", show_default=True, help="How old events may be: 12h, 30d.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where the model goes.")
@click.option(
    "--register",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A data directory that keeps it under a number, see `botproxy models`; judged against the one in use there.",
)
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where its report goes (Markdown).")
@click.option("--hold", multiple=True, help="A family or a client to hold back for judging; again for more.")
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The model before.")
@click.option(
    "--prior",
    type=click.FloatRange(0.01, 0.99),
    help="Share of people. Left out it is estimated from --events, and else 0.6.",
)
@click.option("--name", "version", default="", help="Version of the model; else a digest of it.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--trees", type=click.IntRange(10, 2000), default=300, show_default=True)
def train(
    data: tuple[Path, ...],
    events: tuple[Path, ...],
    since: float,
    out: Path | None,
    register: Path | None,
    report: Path | None,
    hold: tuple[str, ...],
    against: Path | None,
    prior: float | None,
    version: str,
    seed: int,
    threads: int,
    trees: int,
) -> None:
    """Fit a model on data sets of labelled requests, on your own events, or on both.

    Families of clients that are held back judge it, and the newest quarter of your own events. A model that is worse
    than the one before is not written.

    \b
    botproxy train lab/data/*.jsonl.xz --out own.model --report own.md
    botproxy train --events data --register data
    """
    from botproxy.scoring.ml import NAMES, decode, encode
    from botproxy.training.fitting import Recipe
    from botproxy.training.laboratory import laboratory
    from botproxy.training.learning import Part, joined, learn
    from botproxy.training.samples import table
    from botproxy.training.splitting import by_time, held_back

    if not data and not events:
        raise click.UsageError("nothing to learn from: name data sets, --events, or both")
    if out is None and register is None:
        raise click.UsageError("nowhere to put the model: name --out, --register, or both")
    fitted: list[Table] = []
    parts: list[Part] = []
    said: dict[str, Any] = {"made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "from": []}
    if data:
        rows = laboratory(data, hold, seed)
        held = held_back(rows, hold)
        fitted.append(rows.where(~held))
        parts.append(Part("the laboratory's clients", rows.where(held)))
        said["from"] += [path.name for path in data]
        said["held_back"] = sorted({*hold} or {*parts[0].rows.families.tolist()})
    own: Own | None = None
    if events:
        own = _own(events, time.time() - since)
        before, after = by_time(own)
        fitted.append(table(before))
        parts.append(Part("your own newer events", table(after)))
        said["from"].append("own events")
        said["own"] = dict(own.counts)
        for what, number in own.counts.items():
            click.echo(f"{number:>9,}  {what}")
    rows = joined(fitted)
    click.echo(f"fitting on {len(rows):,} requests, judging by {sum(len(part.rows) for part in parts):,}")
    estimated = own.unlabelled if own is not None and prior is None else ()
    learned = learn(
        rows,
        parts,
        Recipe(prior=prior or 0.6, seed=seed, threads=threads, trees=trees),
        version=version,
        said=said if own is not None or register is not None else {key: said[key] for key in said if key != "made"},
        before=decode(against.read_bytes(), NAMES) if against is not None else _in_use(register),
        unlabelled=estimated,
        variants=report is not None,
    )
    _report(learned, parts, report)
    if learned.refusal:
        raise click.ClickException(f"the model is not written: {learned.refusal}")
    if out is not None:
        out.write_bytes(encode(learned.model))
        click.echo(f"{out}: model {learned.model.version}")
    if register is not None:
        from botproxy.scoring.ml.registry import Registry

        number = Registry(register).add(learned.model, learned.card)
        click.echo(f"model {number} of {register}; `botproxy models use {number} --data {register}` has it score")


def _own(places: tuple[Path, ...], since: float) -> Own:
    from botproxy.training.feedback import feedback_of
    from botproxy.training.own_events import event_files, read

    return read(event_files(places), feedback_of(place for place in places if place.is_dir()), since)


def _in_use(register: Path | None) -> Model | None:
    if register is None:
        return None
    from botproxy.scoring import MachineLearningSettings, load_model
    from botproxy.scoring.ml.registry import SHIPPED, Registry

    registry = Registry(register)
    number = registry.state().active
    return load_model(MachineLearningSettings(enabled=True)) if number == SHIPPED else registry.read(number)


def _report(learned: Learned, parts: Sequence[Part], path: Path | None) -> None:
    from botproxy.training.evaluation import says, scores
    from botproxy.training.report import markdown, reliability_picture, scores_picture

    text = markdown(learned.model, learned.evaluation)
    if path is None:
        click.echo(text)
        return
    said = [scores(says(learned.model)(part.rows.vectors)) for part in parts]
    people = [float(each) for one, part in zip(said, parts, strict=True) for each in one[part.rows.human]]
    bots = [float(each) for one, part in zip(said, parts, strict=True) for each in one[~part.rows.human]]
    pictures = f"\n![reliability]({path.stem}.svg)\n\n![scores]({path.stem}-scores.svg)\n"
    path.write_text(text + pictures, "utf-8")
    path.with_suffix(".svg").write_text(reliability_picture(learned.evaluation.reliability), "utf-8")
    path.with_name(f"{path.stem}-scores.svg").write_text(scores_picture(people, bots), "utf-8")
