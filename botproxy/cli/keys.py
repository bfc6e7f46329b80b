"""`botproxy keys`: the secrets that cookies are sealed with."""

from __future__ import annotations

import sys

import click


@click.group()
def keys() -> None:
    """Make secrets."""


@keys.command()
def new() -> None:
    """Print a fresh secret: `botproxy keys new > botproxy.secret`, then name the file in `secret_file`.

    To change a secret, put the new one on the first line and leave the old one below it until everything that was
    sealed with it has run out; docs/configuration.md says when that is.
    """
    from botproxy.cookies import new_secret

    click.echo(new_secret())
    if sys.stdout.isatty():
        click.echo("Keep it from others: botproxy keys new > botproxy.secret && chmod 600 botproxy.secret", err=True)
