"""`botproxy models`: which model scores, which did before, and the way back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from botproxy.scoring.ml.registry import State

_data = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The data directory.",
)


@click.group()
def models() -> None:
    """Models of the learned score: list them, use one, go back to the one before.

    A running proxy takes another model within seconds, without losing a request. Number 0 is the model that comes with
    the product.
    """


@models.command(name="list")
@_data
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(data: Path, as_json: bool) -> None:
    """List the models of a data directory, and say which one is in use."""
    from botproxy.scoring.ml.registry import Registry

    registry = Registry(data)
    state = registry.state()
    versions = registry.versions()
    if as_json:
        import orjson

        listed = [{**each._asdict(), "card": dict(each.card)} for each in versions]
        click.echo(orjson.dumps({"state": state._asdict(), "versions": listed}, option=orjson.OPT_INDENT_2))
        return
    click.echo(f"{'0':>5}  comes with the product{_uses(0, state)}")
    for each in versions:
        what = each.problem or _line(each.card)
        click.echo(f"{each.number:>5}  {what}{_uses(each.number, state)}")


@models.command()
@click.argument("number", type=click.IntRange(1))
@_data
def show(number: int, data: Path) -> None:
    """Show what is known of a model: what it was fitted on, its figures, and what the gate said."""
    import orjson

    from botproxy.scoring.ml import ModelError
    from botproxy.scoring.ml.registry import Registry

    registry = Registry(data)
    try:
        model = registry.read(number)
    except ModelError as problem:
        raise click.ClickException(str(problem)) from None
    said: dict[str, Any] = {
        "number": number,
        "version": model.version,
        "prior": model.prior,
        "features": len(model.features),
        "trees": len(model.trees.leaves),
        "fitted": dict(model.card),
        "card": registry.card(number),
    }
    click.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2))


@models.command()
@click.argument("number", type=click.IntRange(0))
@_data
def use(number: int, data: Path) -> None:
    """Have every site scored by this model. One that is damaged is refused, and nothing changes."""
    from botproxy.scoring.ml.registry import Registry

    state = Registry(data).use(number)
    click.echo(f"model {state.active} is in use from now on; `botproxy models rollback` goes back")


@models.command()
@_data
def rollback(data: Path) -> None:
    """Go back to the model that was in use before."""
    from botproxy.scoring.ml.registry import Registry

    state = Registry(data).rollback()
    click.echo(f"model {state.active} is in use again" + (" (it comes with the product)" if not state.active else ""))


@models.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_data
def add(file: Path, data: Path) -> None:
    """Keep a file of `botproxy train` under a new number. It is not in use until `botproxy models use`."""
    from botproxy.scoring.ml import MAX_BYTES, NAMES, decode
    from botproxy.scoring.ml.registry import Registry

    if file.stat().st_size > MAX_BYTES:
        raise click.ClickException(f"{file}: more than {MAX_BYTES} bytes; it is not read")
    model = decode(file.read_bytes(), NAMES)
    card = {
        "version": model.version,
        "added": _now(),
        "from": file.name,
        "fitted": dict(model.card),
        "gate": "not asked",
    }
    click.echo(f"{file} is model {Registry(data).add(model, card)}")


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _line(card: Mapping[str, Any]) -> str:
    parts = [str(card.get("version", "?")), str(card.get("made") or card.get("added") or "")]
    parts.append(str(card.get("gate", "")))
    return "  ".join(part for part in parts if part)


def _uses(number: int, state: State) -> str:
    words = [
        word
        for word, there in (
            ("in use", number == state.active),
            ("chosen", number == state.chosen != state.active),
            ("on trial", state.trial is not None and state.trial.number == number),
            ("before", bool(state.before) and state.before[-1] == number != state.active),
        )
        if there
    ]
    return f"  [{', '.join(words)}]" if words else ""
