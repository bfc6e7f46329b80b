"""`botproxy detections`: what JavaScript detections could not do, for the operator to mend."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from botproxy.cli.operator import admin_options, ask


@click.group()
def detections() -> None:
    """What JavaScript detections could not do."""


@detections.command()
@admin_options
def pages(admin: str, token_file: Path | None) -> None:
    """List the last pages that did not get the script, why, and how often.

    Such as those whose Content-Security-Policy refuses it. At most 200, the newest first, since the proxy began.
    """
    status, said = ask(admin, token_file, "GET", "/api/detections/pages")
    if status != 200:
        raise click.ClickException(str(said.get("error", f"the proxy answered {status}")))
    for row in said.get("pages") or []:
        when = datetime.fromtimestamp(float(row["at"]), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        click.echo(f"{when}  {row['zone']}  {row['reason']:12}  {row['number']:6}  {row['path']}")
