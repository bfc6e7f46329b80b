"""`botproxy clearance`: what visitors were let through for, and taking it back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from botproxy.cli.operator import admin_options, ask

_PATH = "/api/clearance/revoke"


@click.group()
def clearance() -> None:
    """Take back what solved challenges gave."""


@clearance.command()
@click.option("--ray", metavar="RAY", help="The challenge with this ray id, as the page and the events name it.")
@click.option("--ip", metavar="ADDRESS", help="All that visitors at this address or in this network hold.")
@click.option("--zone", metavar="NAME", help="All clearances of this zone.")
@admin_options
def revoke(ray: str | None, ip: str | None, zone: str | None, admin: str, token_file: Path | None) -> None:
    """Take back clearances: their visitors are challenged again. On all nodes within a second, for good.

    What is solved afterwards counts. Give one of --ray, --ip and --zone.
    """
    given = [(kind, value) for kind, value in (("ray", ray), ("ip", ip), ("zone", zone)) if value is not None]
    if len(given) != 1:
        raise click.UsageError("give one of --ray, --ip and --zone")
    kind, value = given[0]
    status, said = ask(admin, token_file, "POST", _PATH, {"kind": kind, "value": value})
    if status != 200:
        raise click.ClickException(str(said.get("error", f"the proxy answered {status}")))
    click.echo(f"clearances of {kind} {value} no longer count")
    if said.get("persisted") is False:
        click.echo(f"Warning: this will not outlive a restart: {said.get('error')}", err=True)


@clearance.command()
@admin_options
def revoked(admin: str, token_file: Path | None) -> None:
    """List what was taken back and could still be tried."""
    status, said = ask(admin, token_file, "GET", _PATH)
    if status != 200:
        raise click.ClickException(str(said.get("error", f"the proxy answered {status}")))
    for row in said.get("revoked") or []:
        when = datetime.fromtimestamp(float(row["at"]), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        click.echo(f"{row['kind']:4}  {row['value']}  {when}")
