"""`botproxy mode`, `under-attack`, `reload` and `health`: a proxy that is running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from botproxy.cli.operator import admin_options, ask

RELOAD_SECONDS = 200.0  # loading and starting are bounded by the proxy itself; this only ends a wait for a stuck one


@click.command()
@click.argument("mode", type=click.Choice(["observe", "enforce", "configured"]), required=False)
@click.option("--zone", metavar="NAME", help="One zone; left out, all of them.")
@admin_options
def mode(mode: str | None, zone: str | None, admin: str, token_file: Path | None) -> None:
    """Show the mode of a running proxy, or switch it. The choice outlives reload and restart.

    `observe` scores and records, `enforce` acts as well, and `configured` goes back to what the configuration says.
    """
    if mode is None:
        status, said = ask(admin, token_file, "GET", "/api/mode")
    else:
        wanted = {"mode": None if mode == "configured" else mode} | ({"zone": zone} if zone is not None else {})
        status, said = ask(admin, token_file, "PUT", "/api/mode", wanted)
    _switched(status, said)
    for line in mode_lines(said, zone):
        click.echo(line)
    _say_lost(said)


@click.command()
@click.argument("switch", type=click.Choice(["on", "off", "configured"]), required=False)
@click.option("--zone", metavar="NAME", help="One zone; left out, all of them.")
@admin_options
def under_attack(switch: str | None, zone: str | None, admin: str, token_file: Path | None) -> None:
    """Show which sites of a running proxy are under attack, or switch it. The choice outlives reload and restart.

    Under attack every new visitor gets a managed challenge. `configured` goes back to what the configuration says.
    """
    if switch is None:
        status, said = ask(admin, token_file, "GET", "/api/under-attack")
    else:
        on = {"on": True, "off": False, "configured": None}[switch]
        wanted = {"under_attack": on} | ({"zone": zone} if zone is not None else {})
        status, said = ask(admin, token_file, "PUT", "/api/under-attack", wanted)
    _switched(status, said)
    for line in attack_lines(said, zone):
        click.echo(line)
    observing = [name for name in said.get("observing") or [] if zone in (None, name)]
    if observing:
        names = ", ".join(sorted(observing))
        click.echo(f"Warning: nobody is challenged in {names}, which only observes: botproxy mode enforce", err=True)
    _say_lost(said)


def attack_lines(said: dict[str, Any], zone: str | None) -> list[str]:
    """What an answer of `/api/under-attack` says, for people: one line a zone, or one when all are alike."""
    zones = dict(said.get("zones") or {})
    in_file = dict(dict(said.get("configured") or {}).get("zones") or {})
    if zone is not None and zone not in zones:
        raise click.ClickException(f"there is no zone {zone}; there is " + (", ".join(sorted(zones)) or "none"))
    words = {
        name: "on"
        if on and in_file.get(name)
        else "on (switched)"
        if on
        else "off (switched)"
        if in_file.get(name)
        else "off"
        for name, on in sorted(zones.items())
    }
    if zone is not None:
        return [f"{zone}: {words[zone]}"]
    if len(set(words.values())) == 1:
        return [next(iter(words.values()))]
    return [f"{name}: {word}" for name, word in words.items()]


def _switched(status: int, said: dict[str, Any]) -> None:
    if status != 200:
        raise click.ClickException(str(said.get("error", f"the proxy answered {status}")))


def _say_lost(said: dict[str, Any]) -> None:
    if said.get("persisted") is False:
        click.echo(
            f"Warning: this will not outlive a restart: {said.get('error', 'it was not written down')}", err=True
        )


def mode_lines(said: dict[str, Any], zone: str | None) -> list[str]:
    """What an answer of `/api/mode` says, for people: the instance first, then the zones that differ from it."""
    instance, zones = str(said.get("mode", "unknown")), dict(said.get("zones") or {})
    file = dict(said.get("configured") or {})
    in_file = str(file.get("mode") or instance)
    zones_in_file = {name: str(each or in_file) for name, each in dict(file.get("zones") or {}).items()}
    if zone is not None:
        if zone not in zones:
            raise click.ClickException(f"there is no zone {zone}; there is " + (", ".join(sorted(zones)) or "none"))
        return [f"{zone}: {_compared(str(zones[zone]), zones_in_file.get(zone))}"]
    lines = [_compared(instance, in_file)]
    for name, each in sorted(zones.items()):
        if each != instance:
            lines.append(f"{name}: {_compared(str(each), zones_in_file.get(name))}")
    return lines


def _compared(mode: str, in_file: str | None) -> str:
    return mode if in_file in (None, mode) else f"{mode} (switched; the configuration says {in_file})"


@click.command()
@admin_options
def reload(admin: str, token_file: Path | None) -> None:
    """Have a running proxy load its configuration anew, without losing a request.

    When anything is wrong with it, all of that is printed, and the proxy goes on with what it has.
    """
    status, said = ask(admin, token_file, "POST", "/api/reload", {}, RELOAD_SECONDS)
    for problem in said.get("problems") or []:
        click.echo(str(problem))
    if status != 200 or not said.get("ok"):
        raise click.ClickException(
            str(said.get("error", "the configuration was not taken; the proxy goes on as before"))
        )
    click.echo("the configuration is in use")


@click.command()
@click.option("--quiet", "-q", is_flag=True, help="Say nothing, only exit 0 or 1.")
@admin_options
def health(quiet: bool, admin: str, token_file: Path | None) -> None:
    """Exit 0 when the running proxy is well, 1 otherwise; for health checks of containers."""
    try:
        status, said = ask(admin, token_file, "GET", "/healthz", seconds=4.0)
    except click.ClickException:
        if quiet:
            raise SystemExit(1) from None
        raise
    if not quiet:
        click.echo(str(said.get("status", status)))
    raise SystemExit(0 if status == 200 else 1)
