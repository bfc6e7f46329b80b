"""`botproxy explain`: why a request has its score."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

_MOST_FACTS: Final = 12


def find_event(ray: str, files: Iterable[Path]) -> dict[str, Any] | None:
    """The last event of this ray in files of JSON lines, searched from their ends; the files in the order given."""
    import orjson

    wanted = ray.encode("ascii", "replace")
    for path in files:
        with path.open("rb") as opened:
            if not path.stat().st_size:
                continue
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as held:
                at = held.rfind(wanted)
                while at >= 0:
                    begin = held.rfind(b"\n", 0, at) + 1
                    end = held.find(b"\n", at)
                    try:
                        event = orjson.loads(held[begin : end if end >= 0 else len(held)])
                    except orjson.JSONDecodeError:
                        event = None  # the line that is being written
                    if isinstance(event, dict) and event.get("RayID") == ray:
                        return event
                    at = held.rfind(wanted, 0, begin)
    return None


def event_files(data: Path) -> list[Path]:
    """The files of events in a data directory, the newest first."""
    rotated = sorted(data.glob("events-*Z-*.jsonl"), reverse=True)
    return [path for path in (data / "events.jsonl", *rotated) if path.is_file()]


@click.command()
@click.argument("ray")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The data directory.",
)
@click.option(
    "--events",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Files of events, instead of those in the data directory.",
)
@click.option(
    "--model",
    "model_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The model that was asked, when it is neither the shipped one nor one of the data directory.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def explain(ray: str, data: Path, events: tuple[Path, ...], model_file: Path | None, as_json: bool) -> None:
    """Say why the request with this ray id has its score.

    The ray id stands on every page that botproxy shows, in the header Cf-Ray, and in the events as RayID.

    \b
    botproxy explain 0123456789abcdef --data /var/lib/botproxy
    """
    from botproxy.scoring.explaining import Scored, asked_model
    from botproxy.scoring.explaining import explain as explained

    ray = ray.partition("-")[0].strip().lower()
    event = find_event(ray, events or event_files(data))
    if event is None:
        raise click.ClickException(f"there is no event of the ray {ray}; give the data directory or files of events")
    scored = Scored(
        ray,
        int(event.get("BotScore") or 0),
        str(event.get("BotScoreSrc") or ""),
        int(event.get("BotproxyScoreLift") or 0),
        tuple(str(reason) for reason in event.get("BotproxyReasons") or ()),
        str(event.get("BotproxyFeatures") or ""),
        tuple(int(number) for number in event.get("BotDetectionIDs") or ()),
    )
    told = explained(scored, asked_model(scored, data, model_file))
    if as_json:
        import orjson

        found = {
            "ray": ray,
            "score": scored.score,
            "source": scored.source,
            "sentence": told.sentence,
            "engines": [word._asdict() for word in told.words],
            "base": told.base,
            "contributions": [each._asdict() for each in told.contributions],
            "rounding": told.rounding,
            "changes": told.changes,
            "note": told.note,
            "rules": list(event.get("SecurityRuleIDs") or ()),
            "action": event.get("SecurityAction"),
        }
        click.echo(orjson.dumps(found).decode())
        return
    request = f"{event.get('ClientRequestMethod')} {event.get('ClientRequestHost')}{event.get('ClientRequestURI')}"
    click.echo(f"{request}\nscore {scored.score}, source {scored.source}, action {event.get('SecurityAction')}\n")
    for word in told.words:
        click.echo(f"  {word.engine}: {word.said}")
    if told.contributions:
        click.echo(f"\n  {told.base:+6.1f}  what the model says of a request that it knows nothing of")
        for each in told.contributions[:_MOST_FACTS]:
            click.echo(f"  {each.points:+6.1f}  {each.meaning}")
        rest = told.contributions[_MOST_FACTS:]
        left = sum(each.points for each in rest) + told.rounding
        click.echo(f"  {left:+6.1f}  {len(rest)} other facts, and rounding")
    for change in told.changes:
        click.echo(f"  without this it would have been taken for a person: {change}")
    if told.note:
        click.echo(f"\n  {told.note}")
    click.echo(f"\n{told.sentence}")
