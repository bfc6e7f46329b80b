"""`botproxy import`: the access log of another server, scored as far as it tells, into analytics."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from botproxy.cli.event_sinks import Sink, open_sink
from botproxy.cli.operator import admin_options

if TYPE_CHECKING:
    from botproxy.cli.judges import Rules
    from botproxy.config.tree import ZoneSettings
    from botproxy.importing import Format, Importer


@click.command(name="import")
@click.argument("log", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["auto", "common", "combined", "nginx-json"]),
    default="auto",
    show_default=True,
    help="How its lines are written.",
)
@click.option("--zone", metavar="NAME", help="The site that it is of, where there are several.")
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="The data directory.  [default: as configured]"
)
@click.option("--config", "file", metavar="FILE", help="The configuration, whose rules are tried on it.")
@click.option("--shift", is_flag=True, help="Move all times so that the log ends now.")
@click.option("--no-store", is_flag=True, help="Only show the summary.")
@click.option("--forget", is_flag=True, help="Delete what was imported before, instead.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@admin_options
def import_(
    log: Path | None,
    format_: str,
    zone: str | None,
    data: Path | None,
    file: str | None,
    shift: bool,
    no_store: bool,
    forget: bool,
    as_json: bool,
    admin: str,
    token_file: Path | None,
) -> None:
    """Import an access LOG of nginx, Apache or another server; gzip too. See your bots before anything is deployed.

    Every line becomes an event that says that it was imported, and analytics show it. A log does not hold most
    headers: what cannot be known without them finds nothing and convicts nobody.

    \b
    botproxy import /var/log/nginx/access.log
    botproxy import access.log.gz --config botproxy.yaml --zone shop
    botproxy import --forget
    """
    from botproxy.errors import OperatorError

    if (log is None) != forget:
        raise click.UsageError("give a LOG, or --forget to delete what was imported before")
    try:
        rules = _configured(file)
        directory = data or rules.config.data
        sink = None if no_store else open_sink(directory, rules.config, admin, token_file)
        try:
            if forget:
                assert sink is not None
                _say_forgotten(sink.forget(zone), as_json)
                return
            assert log is not None
            summary = _imported(log, format_, _zone(rules, zone, sink, file), rules, directory, sink, shift)
        finally:
            if sink is not None:
                sink.close()
    except OperatorError as error:
        raise click.ClickException(str(error)) from None
    _say(summary, as_json, admin)
    if not summary["imported"]:
        raise SystemExit(1)


def _configured(file: str | None) -> Rules:
    from botproxy.cli.judges import Rules, read_rules
    from botproxy.config import Source, examine

    if file is not None:
        return read_rules(file)
    # As `serve --origin` has it: one site with the preset `default`.
    examined = examine(Source.from_origin("http://127.0.0.1:3000"))
    return Rules(examined.config, examined.lists)


def _zone(rules: Rules, name: str | None, sink: Sink | None, file: str | None) -> ZoneSettings:
    """The zone that the log is of, as configured."""
    zones = rules.config.zones
    if file is None:
        known = list(sink.zones) if sink is not None and sink.zones is not None else None
        if name is None:
            if known is not None and len(known) != 1:
                raise click.UsageError(f"which site is it of? --zone {' or --zone '.join(known)}")
            name = known[0] if known else zones[0].name
        elif known is not None and name not in known:
            raise click.UsageError(f"the running proxy has no zone {name}; it has {', '.join(known)}")
        return zones[0].model_copy(update={"name": name})
    if name is None and len(zones) == 1:
        return zones[0]
    found = next((zone for zone in zones if zone.name == name), None)
    if found is None:
        names = " or --zone ".join(zone.name for zone in zones)
        raise click.UsageError(f"which site is it of? --zone {names}")
    return found


def _importer(zone: ZoneSettings, rules: Rules, data: Path) -> Importer:
    from botproxy.addresses import NetworkSet, open_places
    from botproxy.bots import Knowledge, Recogniser, load_directory
    from botproxy.bots.errand import LISTS
    from botproxy.bots.published import read_lists
    from botproxy.cli.judges import judges
    from botproxy.importing import Importer
    from botproxy.pipeline import Redaction
    from botproxy.proxy.target import normalise
    from botproxy.scoring import load_heuristics
    from botproxy.telemetry import redact_query, redact_url
    from botproxy.traffic import Profiles

    config = rules.config.model_copy(update={"zones": (zone,)})
    recogniser = None
    if config.bots.enabled:
        directory = load_directory(config.bots)
        knowledge = Knowledge(config.bots.names.addresses)
        for name, each in read_lists(data / LISTS, directory.lists).items():
            knowledge.learn_list(name, NetworkSet(each.networks), each.fetched)
        recogniser = Recogniser(directory, knowledge, config.bots)
    judge = judges(rules._replace(config=config), zone.name, {})[zone.name]
    host = next((host for host in zone.hosts if "*" not in host), zone.name)
    return Importer(
        zone.name,
        host,
        normalise,
        load_heuristics(config.scoring),
        recogniser,
        judge,
        open_places(config.places),
        Redaction(redact_query, redact_url) if config.events.redact_query else None,
        Profiles(os.urandom(32), os.urandom) if judge.needs_profile else None,
    )


def _imported(
    log: Path, wanted: str, zone: ZoneSettings, rules: Rules, data: Path, sink: Sink | None, shift: bool
) -> dict[str, Any]:
    from botproxy.cli.event_lines import Lines, progress, size
    from botproxy.cli.import_summary import Summary
    from botproxy.importing import LineError, reader

    format_ = _format(log, wanted)
    read = reader(format_)
    importer = _importer(zone, rules, data)
    now = time.time()
    if shift:
        importer.shift = now - _last(log, format_)
    oldest = now - sink.seconds if sink is not None else 0.0
    summary = Summary()
    rows: list[Any] = []
    with progress(f"importing {log.name}", size([log])) as advance:
        lines = Lines([log], advance)
        for line in lines:
            text = line.rstrip(b"\r\n")
            if not text.strip():
                continue
            summary.lines += 1
            try:
                entry = read(text)
                made = None
                if entry is not None:
                    made = importer.make(entry, b"%d %b" % (lines.number, text))
            except LineError as error:
                summary.malformed(lines.number, str(error), text)
                continue
            if made is None:
                summary.refused += 1
                continue
            summary.add(made)
            if sink is None:
                continue
            if made.event.start < oldest:
                summary.too_old += 1
                continue
            rows.append(tuple(made.event))
            if len(rows) >= sink.batch:
                sink.put(rows)
                summary.stored += len(rows)
                rows = []
        if rows and sink is not None:
            sink.put(rows)
            summary.stored += len(rows)
        for _ in range(lines.too_long):
            summary.lines += 1
            summary.malformed(0, "a line of more than a megabyte", b"")
    return {
        "log": str(log),
        "format": format_,
        "zone": zone.name,
        "store": sink is not None,
        "store_age": sink.seconds if sink is not None else 0,
        "shifted": importer.shift,
        **summary.result(),
    }


def _format(log: Path, wanted: str) -> Format:
    from itertools import islice

    from botproxy.cli.event_lines import Lines
    from botproxy.importing import FORMATS, detect
    from botproxy.importing.formats import LOOKED_AT

    for each in FORMATS:
        if each == wanted:
            return each
    found = detect(line.rstrip(b"\r\n") for line in islice(Lines([log]), LOOKED_AT))
    if found is None:
        known = ", ".join(FORMATS)
        raise click.ClickException(f"{log}: none of its first lines is in a format that is known ({known})")
    return found


def _last(log: Path, format_: Format) -> float:
    """The latest time in a log; the whole of it is read, because lines are written when requests end."""
    from botproxy.cli.event_lines import Lines, progress, size
    from botproxy.importing import LineError, reader

    read = reader(format_)
    last = 0.0
    with progress("looking for its end", size([log])) as advance:
        for line in Lines([log], advance):
            try:
                entry = read(line.rstrip(b"\r\n"))
            except LineError:
                continue
            if entry is not None:
                last = max(last, entry.time)
    return last


def _say_forgotten(number: int, as_json: bool) -> None:
    click.echo(f'{{"forgotten": {number}}}' if as_json else f"{number:,} imported events were deleted")


def _say(summary: dict[str, Any], as_json: bool, admin: str) -> None:
    if as_json:
        import orjson

        click.echo(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
        return
    from botproxy.cli.import_summary import told

    for line in told(summary, admin):
        click.echo(line)
    for line in bad_lines(summary):
        click.echo(line, err=True)


def bad_lines(summary: dict[str, Any]) -> Iterator[str]:
    """What to say of lines that could not be read."""
    if not summary["malformed"]:
        return
    yield f"Warning: {summary['malformed']:,} lines could not be read and were passed over; the first of them:"
    for bad in summary["first_malformed"]:
        yield f"  line {bad['line']}: {bad['why']}: {bad['text']}"
