"""`botproxy heuristics`: fingerprints that are there, and new ones proposed from your own events."""

from __future__ import annotations

import time
from pathlib import Path

import click

from botproxy.cli.spans import Span


@click.group()
def heuristics() -> None:
    """Fingerprints of bots: list those that are there, or propose new ones from your own events."""


@heuristics.command(name="list")
@click.option("--file", "files", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def list_(files: tuple[Path, ...]) -> None:
    """List fingerprints with their detection ids, those of your own files included."""
    from botproxy.scoring import Heuristics, shipped_fingerprints

    texts = shipped_fingerprints() | {str(path): path.read_text("utf-8") for path in files}
    for one in Heuristics.load(texts).fingerprints:
        click.echo(f"{one.detection.id}  {one.detection.tag:<16}  {one.detection.reason}")


@heuristics.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The data directory, with its events and what operators said.",
)
@click.option(
    "--events", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Files instead."
)
@click.option("--since", type=Span(), default="7d", show_default=True, help="How old events may be: 12h, 7d.")
@click.option("--support", type=click.IntRange(1), default=20, show_default=True, help="New requests of bots needed.")
@click.option("--addresses", type=click.IntRange(1), default=3, show_default=True, help="That they come from.")
@click.option("--people", type=click.IntRange(0), default=0, show_default=True, help="Labelled people who may match.")
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), help="Add them to this file of yours.")
def propose(
    data: Path,
    events: tuple[Path, ...],
    since: float,
    support: int,
    addresses: int,
    people: int,
    into: Path | None,
) -> None:
    """Propose fingerprints: what bots of your events have in common, and no person has.

    Bots are those that told themselves: failed JavaScript detections, and what operators labelled. Each proposal says
    how many it would have found and how many people it would have touched. Nothing is in force until a file with it
    stands in scoring.heuristics.files; try it shadowed first.

    \b
    botproxy heuristics propose --data data --since 7d
    botproxy heuristics propose --data data --into own.yaml
    """
    from botproxy.scoring import FAMILY, OWN, Heuristics, shipped_fingerprints
    from botproxy.training.feedback import feedback_of
    from botproxy.training.own_events import event_files
    from botproxy.training.proposing import Asked, candidates, entries

    before = into.read_text("utf-8") if into is not None and into.exists() else ""
    texts = shipped_fingerprints()
    if before.strip():
        texts[str(into)] = before
    numbers = [one.detection.id ^ FAMILY for one in Heuristics.load(texts).fingerprints]
    first = max([OWN.start, *(number for number in numbers if number in OWN)]) + 1
    files = event_files(list(events) or [data])
    found = candidates(files, Asked(support, addresses, people), feedback_of([data]), time.time() - since)
    text = entries(found, first)
    Heuristics.load({**texts, "proposals": text} if text else texts)  # what cannot be used is not proposed
    if into is None:
        click.echo(text, nl=False)
    elif text:
        into.write_text((before if before.endswith("\n") or not before else before + "\n") + text, "utf-8")
    click.echo(f"{len(found)} proposed" + (f", added to {into}" if into is not None and found else ""), err=True)
