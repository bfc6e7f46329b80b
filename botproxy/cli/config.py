"""`botproxy config`: what was changed on the running proxy, on top of its configuration, and the way back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from botproxy.cli.operator import NobodyAnswersError, admin_options, ask

if TYPE_CHECKING:
    from botproxy.config.overlay.versions import Versions

CHANGE_SECONDS = 200.0  # as a reload: the proxy itself bounds it
LOOK_SECONDS = 150.0

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


PLACES = ("botproxy.yaml", "/etc/botproxy/botproxy.yaml")
"""Where configurations usually are."""


def _offline(command: F) -> F:
    """`--config` and `--data`, for when no proxy runs."""
    return click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Look into this data directory, of a proxy without a file; no proxy is asked.",
    )(_with_file(command))


def _with_file(command: F) -> F:
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
def show(version: int | None, file: str | None, data: Path | None, admin: str, token_file: Path | None) -> None:
    """Show what is different from the file: the changes that hold, or those of VERSION."""
    import yaml

    def kept(versions: Versions) -> tuple[int, Any]:
        from botproxy.config.overlay.versions import changes_in, number_of

        overlay = versions.current() if version is None else versions.get(version)
        if overlay is None:
            raise click.ClickException(f"version {version} is not kept")
        return number_of(overlay), changes_in(overlay)

    def asked() -> tuple[int, Any]:
        number = version
        if number is None:
            number = int(_answered(ask(admin, token_file, "GET", "/api/config/versions"))["version"])
        if not number:
            return 0, {}
        said = _answered(ask(admin, token_file, "GET", f"/api/config/versions/{number}", seconds=LOOK_SECONDS))
        return said["version"], said["changes"]

    number, changes = _either(file, data, kept, asked)
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
def history(file: str | None, data: Path | None, as_json: bool, admin: str, token_file: Path | None) -> None:
    """List the versions that are kept, the newest first."""
    rows = _either(
        file,
        data,
        lambda versions: [each._asdict() for each in versions.listed()],
        lambda: _answered(ask(admin, token_file, "GET", "/api/config/versions"))["versions"],
    )
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
def rollback(version: int, file: str | None, data: Path | None, admin: str, token_file: Path | None) -> None:
    """Go back to VERSION, by a new version that is like it. 0 takes all changes back.

    It works on a proxy that is not running as well, such as one that no longer starts with its changes: on the data
    directory that --config or --data names, or without them on the only one that is where one would look.
    """

    def kept(versions: Versions) -> tuple[int, dict[str, Any]] | None:
        number = _roll_back(versions, version)
        click.echo(f"version {number} is like version {version}; it holds from the next start on")
        return None

    def asked() -> tuple[int, dict[str, Any]] | None:
        return ask(admin, token_file, "POST", "/api/config/rollback", {"version": version}, CHANGE_SECONDS)

    answer = _either(file, data, kept, asked)
    if answer is None:
        return
    status, said = answer
    _print_problems(said)
    if status != 200:
        error = said.get("error", "the proxy did not take it, and goes on as before")
        raise click.ClickException(str(error))
    for warning in said.get("warnings") or []:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"version {said['version']}, which is like version {version}, is in use")


@config.command()
@_with_file
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


def _either(file: str | None, data: Path | None, kept: Callable[[Versions], T], asked: Callable[[], T]) -> T:
    """What is kept in the data directory that is meant, whatever else is wrong there, or what a running proxy says."""
    from botproxy.cli.check import print_problems
    from botproxy.config import ConfigError
    from botproxy.config.overlay.versions import Versions

    if file is not None and data is not None:
        raise click.UsageError("--config or --data: the configuration names its data directory")
    try:
        if data is None:
            data = _data_of(file) if file is not None else None
        if data is None:
            try:
                return asked()
            except NobodyAnswersError as nobody:
                data = _usual(nobody)
        return kept(Versions(data))
    except ConfigError as error:
        print_problems(error.problems)
        raise SystemExit(1) from None


def _usual(nobody: NobodyAnswersError) -> Path:
    """The only data directory with changes that is where one would look."""
    from botproxy.config import ConfigError
    from botproxy.config.overlay.versions import DIRECTORY

    candidates = [Path("data")]  # of `serve --origin`
    for file in PLACES:
        if Path(file).exists():
            with suppress(ConfigError):
                candidates.append(_data_of(file))
    found = list({each.resolve(): each for each in candidates if (each / DIRECTORY).is_dir()}.values())
    if len(found) != 1:
        there = f", such as {' or '.join(map(str, found))}" if found else ""
        raise click.ClickException(
            f"{nobody.message} If it does not run, --config FILE or --data DIR says which one is meant{there}"
        )
    click.echo(f"no proxy answers, so this is about {found[0]}", err=True)
    return found[0]


def _data_of(file: str) -> Path:
    """The data directory that this configuration names, whatever else is wrong with it. Raises ConfigError."""
    from botproxy.config import ConfigError
    from botproxy.config.document import read
    from botproxy.config.load import data_directory
    from botproxy.config.source import read_text

    document = read(read_text(file), file)
    if document.problems:
        raise ConfigError(document.problems)
    return data_directory(document, Path(file).parent)


def _roll_back(versions: Versions, version: int) -> int:
    import fcntl
    import os

    from botproxy.config.overlay.versions import changes_in, number_of

    target = versions.get(version)
    if target is None:
        raise click.ClickException(f"version {version} is not kept: botproxy config history says which are")
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
        raise click.ClickException(
            "the proxy is running: leave --config and --data out, so that it is asked, and say where with --admin"
        ) from None
    except OSError as error:
        raise click.ClickException(f"{versions.data} cannot be written to: {error.strerror}") from None
    finally:
        os.close(lock)
    return number_of(after)
