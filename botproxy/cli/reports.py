"""`botproxy reports`: what visitors wrote who did not get through."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group()
def reports() -> None:
    """What visitors wrote who did not get through."""


@reports.command(name="list")
@click.option("--config", metavar="CONFIG", help="Configuration whose data directory is read.")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=None, help="The data directory itself."
)
@click.option("--zone", metavar="NAME", help="Of this site alone.")
@click.option("--ray", metavar="ID", help="Of this Ray ID alone.")
@click.option("--last", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many, the newest.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(config: str | None, data: Path | None, zone: str | None, ray: str | None, last: int, as_json: bool) -> None:
    """Show the newest reports, the newest at the end.

    Strangers wrote them: what a terminal would obey is shown as an escape.
    """
    from collections import deque

    from botproxy.telemetry import report_file

    directory = _directory(config) if data is None else data
    wanted = ray.partition("-")[0].lower() if ray else None
    try:
        kept = deque(
            (
                report
                for report in report_file.read(directory)
                if (zone is None or report.get("zone") == zone) and (wanted is None or report.get("ray") == wanted)
            ),
            maxlen=last,
        )
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be read: {error.strerror}") from None
    if not kept:
        click.echo(f"no reports in {directory}", err=True)
    for report in kept:
        if as_json:
            click.echo(json.dumps(report))
            continue
        said = {
            name: _shown(report.get(name, "")) for name in ("at", "zone", "host", "ray", "seen", "ip", "user_agent")
        }
        click.echo("{at}  {zone}  {host}  {seen}  ray {ray}  {ip}".format_map(said))
        click.echo(f"    {said['user_agent']}")
        for line in str(report.get("note", "")).split("\n"):
            click.echo(f"    > {_shown(line)}")
        if report.get("address"):
            click.echo(f"    answer to: {_shown(report['address'])}")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:1000])


def _directory(config: str | None) -> Path:
    if config is None:
        return Path("data")
    from botproxy.cli.check import print_problems
    from botproxy.config import ConfigError, Source, load

    try:
        return load(Source.from_file(config)).data
    except ConfigError as error:
        print_problems(error.problems)
        raise SystemExit(1) from None
