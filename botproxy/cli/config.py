"""`botproxy config`: what was changed on the running proxy, on top of its configuration, and the way back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from botproxy.cli.operator import admin_options, ask

if TYPE_CHECKING:
    from botproxy.config.overlay.versions import Versions

CHANGE_SECONDS = 200.0  # as a reload: the proxy itself bounds it
LOOK_SECONDS = 150.0

F = TypeVar("F", bound=Callable[..., Any])


def _offline(command: F) -> F:
    """`--config`, for when no proxy runs."""
    return click.option(
        "--config",
        "file",
        metavar="FILE",
        help="Look into the data directory of this configuration; no proxy is asked.",
    )(command)


@click.group()
def config() -> None:
    """What was changed on the running proxy, on top of its configuration, and the way back.

    Changes are made on the admin listener. Each is a version of the overlay in the data directory.
    """


@config.command()
@click.argument("version", type=click.IntRange(0), required=False)
@_offline
@admin_options
def show(version: int | None, file: str | None, admin: str, token_file: Path | None) -> None:
    """Show what is different from the file: the changes that hold, or those of VERSION."""
    import yaml

    if file is not None:
        from botproxy.config.overlay.versions import changes_in, number_of

        versions = _versions(file)
        overlay = versions.current() if version is None else versions.get(version)
        if overlay is None:
            raise click.ClickException(f"version {version} is not kept")
        number, changes = number_of(overlay), changes_in(overlay)
    else:
        if version is None:
            version = int(_answered(ask(admin, token_file, "GET", "/api/config/versions"))["version"])
        said: dict[str, Any] = {"version": 0, "changes": {}}
        if version:
            said = _answered(ask(admin, token_file, "GET", f"/api/config/versions/{version}", seconds=LOOK_SECONDS))
        number, changes = said["version"], said["changes"]
    click.echo(f"# version {number}" if number else "# nothing is changed")
    if changes:
        click.echo(yaml.safe_dump(changes, sort_keys=False, allow_unicode=True, width=1000), nl=False)


@config.command()
@click.argument("version", type=click.IntRange(1), required=False)
@admin_options
def diff(version: int | None, admin: str, token_file: Path | None) -> None:
    """Show what VERSION changed, or the newest one, as a diff of the whole configuration."""
    if version is None:
        version = int(_answered(ask(admin, token_file, "GET", "/api/config/versions"))["version"])
        if not version:
            click.echo("nothing is changed", err=True)
            return
    said = _answered(ask(admin, token_file, "GET", f"/api/config/versions/{version}", seconds=LOOK_SECONDS))
    _print_problems(said)
    for line in str(said.get("diff", "")).splitlines():
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.echo(click.style(line, fg=colour))


@config.command()
@_offline
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@admin_options
def history(file: str | None, as_json: bool, admin: str, token_file: Path | None) -> None:
    """List the versions that are kept, the newest first."""
    if file is not None:
        rows = [each._asdict() for each in _versions(file).listed()]
    else:
        rows = _answered(ask(admin, token_file, "GET", "/api/config/versions"))["versions"]
    for row in rows:
        if as_json:
            click.echo(json.dumps(row))
            continue
        at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(float(row["at"])))
        click.echo(f"{row['version']:>6}  {at}  {_plain(row['who'])}  {_plain(row['what'])}")
    if not rows:
        click.echo("nothing is changed", err=True)


@config.command()
@click.argument("version", type=click.IntRange(0))
@_offline
@admin_options
def rollback(version: int, file: str | None, admin: str, token_file: Path | None) -> None:
    """Go back to VERSION, by a new version that is like it. 0 takes all changes back.

    With --config it works on a proxy that is not running, such as one that no longer starts with its changes.
    """
    if file is not None:
        number = _roll_back(_versions(file), version)
        click.echo(f"version {number} is like version {version}; it holds from the next start on")
        return
    status, said = ask(admin, token_file, "POST", "/api/config/rollback", {"version": version}, CHANGE_SECONDS)
    _print_problems(said)
    if status != 200:
        error = said.get("error", "the proxy did not take it, and goes on as before")
        raise click.ClickException(str(error))
    for warning in said.get("warnings") or []:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"version {said['version']}, which is like version {version}, is in use")


@config.command()
@_offline
@admin_options
def export(file: str | None, admin: str, token_file: Path | None) -> None:
    """Print the configuration with all changes as one file, which needs no overlay."""
    if file is not None:
        from botproxy.cli.check import print_problems
        from botproxy.config import ConfigError, Source
        from botproxy.config.load import read_whole
        from botproxy.config.overlay.effective import exported

        try:
            click.echo(exported(read_whole(Source.from_file(file))), nl=False)
        except ConfigError as error:
            print_problems(error.problems)
            raise SystemExit(1) from None
        return
    said = _answered(ask(admin, token_file, "GET", "/api/config/export", seconds=LOOK_SECONDS))
    click.echo(str(said["text"]), nl=False)


def _answered(answer: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    status, said = answer
    if status != 200:
        raise click.ClickException(str(said.get("error", f"the proxy answered {status}")))
    return said


def _print_problems(said: dict[str, Any]) -> None:
    for problem in said.get("problems") or []:
        click.echo(str(problem["text"]))


def _plain(value: object) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(value))


def _versions(file: str) -> Versions:
    """The versions in the data directory that this configuration names, whatever else is wrong with it."""
    from botproxy.cli.check import print_problems
    from botproxy.config import ConfigError
    from botproxy.config.document import read
    from botproxy.config.load import data_directory
    from botproxy.config.overlay.versions import Versions
    from botproxy.config.source import read_text

    try:
        document = read(read_text(file), file)
        if document.problems:
            raise ConfigError(document.problems)
    except ConfigError as error:
        print_problems(error.problems)
        raise SystemExit(1) from None
    return Versions(data_directory(document, Path(file).parent))


def _roll_back(versions: Versions, version: int) -> int:
    import fcntl
    import os

    from botproxy.config.overlay.versions import changes_in, number_of

    target = versions.get(version)
    if target is None:
        raise click.ClickException(f"version {version} is not kept: botproxy config history --config FILE")
    try:
        lock = os.open(versions.data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise click.ClickException(f"{versions.data} cannot be written to: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        after = versions.next(
            versions.left(), changes_in(target), "command line", f"back to version {version}", version
        )
        versions.draft(after)
        versions.take(after)
    except BlockingIOError:
        raise click.ClickException("the proxy is running: leave --config out, so that it is asked") from None
    except OSError as error:
        raise click.ClickException(f"{versions.data} cannot be written to: {error.strerror}") from None
    finally:
        os.close(lock)
    return number_of(after)
