"""`botproxy feedback`: what requests really were, for training, and for whoever counts mistakes."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from botproxy.cli.operator import admin_options, ask

ADD_SECONDS = 150.0


@click.group()
def feedback() -> None:
    """What requests really were: people that scored as bots, or bots that did not."""


@feedback.command()
@click.option("--zone", metavar="NAME", required=True, help="The site.")
@click.option("--type", "kind", type=click.Choice(["false_positive", "false_negative"]), required=True)
@click.option("--expression", required=True, help="Which requests, with their scores: cf.bot_management.score lt 30 …")
@click.option("--since", metavar="TIME", help="The first of them, as 2026-01-31T00:00:00Z.  [default: a day ago]")
@click.option("--until", metavar="TIME", help="The last of them.  [default: now]")
@click.option("--description", default="", help="What you know of them.")
@admin_options
def add(
    zone: str,
    kind: str,
    expression: str,
    since: str | None,
    until: str | None,
    description: str,
    admin: str,
    token_file: Path | None,
) -> None:
    """Say what requests were: false_positive is people that scored as bots, false_negative the other way round."""
    now = time.time()
    body = {
        "type": kind,
        "expression": expression,
        "description": description,
        "first_request_seen_at": since or _written(now - 86400),
        "last_request_seen_at": until or _written(now),
    }
    path = f"{_path(zone, admin, token_file)}/bot_management/feedback"
    said = _result(ask(admin, token_file, "POST", path, body, ADD_SECONDS))
    click.echo(f"feedback {said['id']} was taken")


@feedback.command(name="list")
@click.option("--zone", metavar="NAME", required=True, help="The site.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@admin_options
def list_(zone: str, as_json: bool, admin: str, token_file: Path | None) -> None:
    """Show the feedback about a site, the newest first."""
    rows = _result(ask(admin, token_file, "GET", f"{_path(zone, admin, token_file)}/bot_management/feedback"))
    for row in rows:
        if as_json:
            click.echo(json.dumps(row))
            continue
        times = f"{row['first_request_seen_at']} to {row['last_request_seen_at']}"
        click.echo(f"{_written(float(row['created_at']))}  {row['type']}  by {row.get('who', '')}  {times}")
        click.echo(f"    {_plain(row['expression'])}")
        if row.get("description"):
            click.echo(f"    {_plain(row['description'])}")
    if not rows:
        click.echo(f"there is no feedback about {zone}", err=True)


def _path(zone: str, admin: str, token_file: Path | None) -> str:
    found = _result(ask(admin, token_file, "GET", f"/client/v4/zones?name={quote(zone)}"))
    if not found:
        raise click.ClickException(f"there is no zone {zone}")
    return f"/client/v4/zones/{found[0]['id']}"


def _result(answer: tuple[int, dict[str, Any]]) -> Any:
    status, said = answer
    if status == 200 and said.get("success"):
        return said["result"]
    errors = [str(each.get("message", "")) for each in said.get("errors") or [] if isinstance(each, dict)]
    raise click.ClickException("\n".join(errors) or str(said.get("error", f"the proxy answered {status}")))


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(value: object) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(value))
