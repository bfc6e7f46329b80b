"""`botproxy forget` and `botproxy export`: what is recorded of one visitor, when that person asks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from botproxy.cli.operator import admin_options, ask, ask_lines

if TYPE_CHECKING:
    from botproxy.config import Config
    from botproxy.telemetry.privacy import Masking

FORGET_SECONDS = 600.0

_DATA = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The data directory of a proxy that does not run, instead of asking one that does.",
)
_CONFIG = click.option(
    "--config", metavar="FILE", help="With --data: its configuration, which zones that hash addresses need."
)
_IP = click.option("--ip", "address", required=True, metavar="ADDRESS", help="The address of that person.")


@click.command()
@_IP
@_DATA
@_CONFIG
@admin_options
def forget(address: str, data: Path | None, config: str | None, admin: str, token_file: Path | None) -> None:
    """Delete everything that is recorded of one address: stored events, lines of events.jsonl, reports, log exports on
    this machine, and what operators, alerts and older changes say of it.

    What cannot be reached is named: what was sent away, copies of the store, what still holds.

    \b
    botproxy forget --ip 203.0.113.7
    """
    address = _address(address)
    if data is None:
        status, said = ask(admin, token_file, "POST", "/api/analytics/forget", {"ip": address}, FORGET_SECONDS)
        if status != 200:
            raise click.ClickException(str(said.get("error", f"the proxy answered {status}")))
    else:
        said = _forget(data, config, address)
    click.echo(f"stored events: {said['forgotten']} deleted")
    click.echo(f"lines of events: {said.get('lines', 0)} deleted, in {said.get('files', 0)} files")
    click.echo(f"reports: {said.get('reports', 0)} deleted")
    click.echo(f"records of log exports: {said.get('exported', 0)} deleted")
    click.echo(f"feedback, labels, alerts, audit: taken out of {said.get('notes', 0)} lines")
    click.echo(f"older changes of the configuration: {said.get('versions', 0)} deleted")
    if said.get("shared"):
        click.echo(f"left: events of {said['shared']}, which stands for this address and all of its network")
    for name in said.get("left", ()):
        click.echo(f"left: {name}")


@click.command()
@_IP
@click.option("--lines", is_flag=True, help="The same as --from files.")
@click.option(
    "--from",
    "source",
    type=click.Choice(("store", "files", "exports", "notes")),
    default="store",
    show_default=True,
    help="The stored events; lines of events.jsonl; records of log exports on this machine; reports, feedback, labels, "
    "alerts, audit and changes that name the address.",
)
@_DATA
@_CONFIG
@admin_options
def export(
    address: str, lines: bool, source: str, data: Path | None, config: str | None, admin: str, token_file: Path | None
) -> None:
    """Print what is recorded of one address, a JSON object a line. Ask once for each place.

    \b
    botproxy export --ip 203.0.113.7 > answer.jsonl
    botproxy export --ip 203.0.113.7 --from notes
    """
    address = _address(address)
    source = "files" if lines else source
    out = sys.stdout.buffer
    if data is None:
        for piece in ask_lines(admin, token_file, f"/api/analytics/export?from={source}&ip={address}", FORGET_SECONDS):
            out.write(piece)
    else:
        for line in _stored(data, config, address) if source == "store" else _lines(data, config, address, source):
            out.write(line)
    out.flush()


def _address(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        raise click.BadParameter(f"{text[:80]!r} is no address", param_hint="--ip") from None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _configured(file: str | None) -> Config | None:
    from botproxy.config import Source, examine
    from botproxy.errors import OperatorError

    if file is None:
        return None
    try:
        return examine(Source.from_file(file)).config
    except OperatorError as error:
        raise click.ClickException(str(error)) from None


def masking_of(config: Config | None) -> Masking:
    from botproxy.config import load_keyring
    from botproxy.telemetry.privacy import Masking

    zones = {zone.name: zone.privacy.addresses for zone in config.zones} if config is not None else {}
    masked = {zone: how for zone, how in zones.items() if how != "full"}
    hashed = config is not None and "hashed" in masked.values()
    return Masking(masked, load_keyring(config).shared("privacy") if hashed and config is not None else b"")


def _forms(masking: Masking, config: Config | None, address: str) -> tuple[str, ...]:
    times = [config.events.store_age, *[zone.privacy.keep or 0.0 for zone in config.zones]] if config else [0.0]
    return masking.forms(address, int(max(times) // 86400) + 1)


def _files(data: Path, config: Config | None) -> list[Path]:
    from botproxy.supervisor.persons import events_files

    path = config.events.file if config is not None else None
    return events_files(path or data / "events.jsonl")


def _forget(data: Path, file: str | None, address: str) -> dict[str, Any]:
    from botproxy.config import ConfigError
    from botproxy.errors import BotproxyError, OperatorError
    from botproxy.store import recorded_lines
    from botproxy.store.duckdb import offline
    from botproxy.store.duckdb.file import NAME
    from botproxy.store.named import Named
    from botproxy.store.spill import Spill
    from botproxy.supervisor import persons, written
    from botproxy.supervisor.directory import Directory
    from botproxy.telemetry import logpush_forgetting, logpush_waiting, report_file

    config = _configured(file)
    jobs = config.logpush if config is not None else ()
    masking = masking_of(config)
    forms = _forms(masking, config, address)
    stored_lines = recorded_lines.of(forms, recorded_lines.STORED)
    directory = Directory()
    exported = 0
    try:
        directory.claim(data)
        stored = offline.forget(data / NAME, forms) if (data / NAME).exists() else 0
        stored += Spill(data / "events.spill").without(lambda path: recorded_lines.remove([path], stored_lines).lines)
        removed = recorded_lines.remove(_files(data, config), recorded_lines.of(forms, recorded_lines.CLIENT))
        reports = recorded_lines.remove(report_file.files(data), recorded_lines.of(forms, recorded_lines.REPORTED))
        for job in jobs:
            files = [*logpush_forgetting.rotated_files(job), *([job.file.path] if job.file is not None else [])]
            exported += logpush_forgetting.remove(files, job, logpush_forgetting.of(job, forms))
            exported += logpush_waiting.forget(data, job, forms)
        notes = written.forget(data, Named(forms))
    except OSError as error:
        raise click.ClickException(f"not everything was deleted: {error.strerror or error}") from None
    except ConfigError as error:
        raise click.ClickException(f"not everything was deleted: {error}") from None
    except (BotproxyError, OperatorError) as error:
        raise click.ClickException(f"{error}; to ask a proxy that runs, leave out --data") from None
    finally:
        directory.release()
    unknown = [] if config is not None else ["log exports, if there are any: their files are named in --config"]
    return {
        "forgotten": stored,
        "lines": removed.lines,
        "files": removed.files,
        "reports": reports.lines,
        "exported": exported,
        "notes": notes.notes,
        "versions": notes.versions,
        "shared": masking.network(address),
        "left": [*persons.copies(data), *notes.left, *persons.delivered(jobs), *unknown],
    }


def _lines(data: Path, file: str | None, address: str, source: str) -> Iterator[bytes]:
    from botproxy.store import recorded_lines
    from botproxy.store.named import Named
    from botproxy.supervisor import persons, written

    config = _configured(file)
    forms = _forms(masking_of(config), config, address)
    if source == "exports":
        yield from persons.exported(config.logpush if config is not None else (), data, forms)
    elif source == "notes":
        yield from written.found(data, Named(forms))
    else:
        wanted = recorded_lines.of(forms, recorded_lines.CLIENT)
        yield from recorded_lines.lines(_files(data, config), wanted)


def _stored(data: Path, file: str | None, address: str) -> Iterator[bytes]:
    import orjson

    from botproxy.errors import BotproxyError, OperatorError
    from botproxy.store.duckdb import offline
    from botproxy.store.duckdb.file import NAME
    from botproxy.store.events.columns import COLUMNS

    if not (data / NAME).exists():
        raise click.ClickException(f"there is no event store in {data}; with --lines the files are read")
    config = _configured(file)
    forms = _forms(masking_of(config), config, address)
    try:
        for record in offline.export(data / NAME, forms, [column.name for column in COLUMNS]):
            yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except (BotproxyError, OperatorError) as error:
        raise click.ClickException(f"{error}; to ask a proxy that runs, leave out --data") from None
