"""`botproxy version`."""

from __future__ import annotations

import click


@click.command()
def version() -> None:
    """Print the version of botproxy."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        click.echo(f"botproxy {installed('botproxy')}")
    except PackageNotFoundError:
        click.echo("botproxy, run from its sources and not installed")
