"""`botproxy check`: everything that is wrong with a configuration, before anything is started with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botproxy.config import Config, LoadedLists, Problem
    from botproxy.worker.compose import DataPlane


@click.command()
@click.argument("file", type=click.Path(exists=False, dir_okay=True))
def check(file: str) -> None:
    """Check the configuration FILE, with rules, fingerprints and certificates; print every problem as
    FILE:LINE:COLUMN.

    The exit code is 0 when it can be used, 1 otherwise. Warnings do not count.
    """
    from botproxy.config import ConfigError, Source, examine

    try:
        examined = examine(Source.from_file(file))
    except ConfigError as error:
        print_problems(error.problems)
        raise _refused(file, len(error.problems)) from None
    config = examined.config
    _compose(file, config, examined.lists)
    print_problems(examined.warnings, "warning: ")
    _print_secret_warning(config)
    print_expansions(config)
    rules = sum(len(zone.rules) for zone in config.zones)
    click.echo(f"{file} is right: {_count(len(config.zones), 'zone')}, {_count(rules, 'rule')}, mode {config.mode}")


def print_expansions(config: Config) -> None:
    """Show the rules that presets and bot management stand for, so that they can be copied and changed."""
    import yaml

    from botproxy.rulesets import built_in, expand
    from botproxy.rulesets.presets import DEFAULT

    for zone in config.zones:
        if DEFAULT in zone.presets:
            click.echo(f"zone {zone.name}: the preset `{DEFAULT}` is what `botproxy rules preset` prints")
        stand_for = [
            rule.model_dump(mode="json", exclude_defaults=True)
            for rule in expand(each for each in zone.presets if each != DEFAULT)
        ]
        settings = [
            {"setting": rule.rule_id, "expression": rule.expression, "action": rule.action.value}
            for rule in built_in(zone.bot_management)
        ]
        for what, several in (("presets", stand_for), ("bot_management", settings)):
            if several:
                click.echo(f"zone {zone.name}: `{what}` stands for")
                text = yaml.safe_dump(several, sort_keys=False, width=1000, allow_unicode=True)
                click.echo("".join(f"    {line}\n" for line in text.splitlines()), nl=False)


def _compose(file: str, config: Config, lists: LoadedLists) -> None:
    """Put together what `serve` would start workers from, with a secret that nobody keeps, and a worker's inside."""
    import asyncio

    from botproxy.cookies import KeyRing, new_secret
    from botproxy.errors import OperatorError
    from botproxy.worker.compose import DataPlane

    try:
        plane = DataPlane(config, KeyRing.from_text(new_secret()), lists)
        _ = plane.plan
        asyncio.run(_rehearse(plane))
    except OperatorError as error:
        told = [str(problem) for problem in getattr(error, "problems", ())] or [str(error)]
        for problem in told:
            click.echo(click.style(file, bold=True) + f": {problem}")
        raise _refused(file, len(told)) from None


async def _rehearse(plane: DataPlane) -> None:
    """Compose as a worker does, on a link that leads nowhere, and accept nothing."""
    import asyncio
    import socket

    from botproxy.link import Modes, Uplink

    class Nowhere:
        draining = False

        def __init__(self, link: socket.socket) -> None:
            self.modes = Modes()
            self.uplink = Uplink(link, self.modes, asyncio.get_running_loop())

    ours, theirs = socket.socketpair()
    with ours, theirs:
        plane.compose(Nowhere(ours))


def _refused(file: str, problems: int) -> SystemExit:
    click.echo(f"{file} cannot be used: {_count(problems, 'problem')}", err=True)
    return SystemExit(1)


def _print_secret_warning(config: Config) -> None:
    """Say what `serve` would miss. It may have what this machine has not, so that it is no problem of the file's."""
    from botproxy.config import ConfigError, load_keyring

    if config.secret_file is None:
        try:
            load_keyring(config)
        except ConfigError as error:
            print_problems(error.problems, "warning: ")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def print_problems(problems: Iterable[Problem], word: str = "") -> None:
    """Print problems as compilers do, in colour where a terminal shows it."""
    for problem in problems:
        place, what = str(problem).split(": ", 1)
        click.echo(click.style(place, bold=True) + ": " + click.style(word, fg="yellow") + what)
