"""`botproxy bots`: what the directory knows, whether somebody is the bot that he says he is, and who could be added."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from botproxy.bots import Bot, Directory, Knowledge
    from botproxy.bots import Settings as BotSettings
    from botproxy.bots.suggesting import Candidate
    from botproxy.bots.verifying.names import Resolver
    from botproxy.model import Address

VERIFIED, REFUSED, UNVERIFIED = 0, 1, 2

_CONFIG = click.option(
    "--config", "config", metavar="CONFIG", help="Configuration whose bots, resolvers and lists are used."
)
_RESOLVED = 20
"""Addresses of one candidate that DNS is asked about."""


@click.group()
def bots() -> None:
    """Bots that say who they are, and how that is verified."""


@bots.command(name="list")
@_CONFIG
@click.option("--category", metavar="WORDS", help="Of this category alone.")
@click.option("--verifiable", is_flag=True, help="Those alone that can be verified.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(config: str | None, category: str | None, verifiable: bool, as_json: bool) -> None:
    """List the bots of the directory."""
    _, _, directory = _load(config)
    chosen = [
        bot
        for bot in directory.bots
        if (category is None or bot.category.lower() == category.lower()) and (bot.verifiable or not verifiable)
    ]
    if as_json:
        for bot in chosen:
            said = {"name": bot.name, "operator": bot.operator, "category": bot.category, "purpose": bot.purpose}
            click.echo(json.dumps({**said, "verified_by": _ways(bot), "robots": bot.robots, "tags": bot.tags}))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "operator", "category", "purpose", "verified by", box=None, pad_edge=False)
    for bot in chosen:
        table.add_row(bot.name, bot.operator, bot.category, bot.purpose, ", ".join(_ways(bot)) or "-")
    Console().print(table)
    known = sum(bot.verifiable for bot in chosen)
    click.echo(f"{len(chosen)} bots, {known} of them can be verified", err=True)


@bots.command()
@click.argument("user_agent")
@click.argument("address")
@_CONFIG
def check(user_agent: str, address: str, config: str | None) -> None:
    """Say whether ADDRESS is the bot that USER_AGENT names.

    Published lists are taken from the data directory, names from DNS. The exit code is 0 when it is, 1 when it is not,
    2 when nobody can tell.
    """
    from botproxy.addresses import parse_address
    from botproxy.bots import Knowledge, Recogniser
    from botproxy.bots.errand import LISTS
    from botproxy.bots.published import read_lists

    found = parse_address(address)
    if found is None:
        raise click.BadParameter(f"{address!r} is no address", param_hint="ADDRESS")
    settings, data, directory = _load(config)
    knowledge = Knowledge(100)
    from botproxy.addresses import NetworkSet

    for name, each in read_lists(data / LISTS, directory.lists).items():
        knowledge.learn_list(name, NetworkSet(each.networks), each.fetched)
    request, client = _as_request(user_agent, found)
    claimed = directory.claimed(request.headers)
    if not claimed:
        click.echo("no bot of the directory is named")
        raise SystemExit(UNVERIFIED)
    for bot in claimed:
        click.echo(f"{bot.name} ({bot.operator or 'operator unknown'}), {bot.category}")
        for line in _told(bot, knowledge, found):
            click.echo(f"  {line}")
    recogniser = Recogniser(directory, knowledge, settings)
    recognition = recogniser.recognise(request, client)
    if recognition is not None and recognition.questions:
        asyncio.run(_find_out(settings, knowledge, recognition.questions))
        recognition = recogniser.recognise(request, client, settled=True)
    assert recognition is not None
    click.echo(f"{address} is {recognition.claim.status}")
    raise SystemExit({"verified": VERIFIED, "refused": REFUSED}.get(recognition.claim.status, UNVERIFIED))


@bots.command()
@click.argument("events", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@_CONFIG
@click.option("--requests", type=click.IntRange(1), default=10, show_default=True, help="Fewest requests of a bot.")
@click.option("--resolve/--no-resolve", default=True, show_default=True, help="Whether DNS is asked about addresses.")
@click.option("--most", type=click.IntRange(1, 1000), default=20, show_default=True, help="Most bots to look at.")
@click.option("--write", "file", metavar="FILE", help="Append an entry for each bot that can be verified to this file.")
def suggest(
    events: tuple[str, ...], config: str | None, requests: int, resolve: bool, most: int, file: str | None
) -> None:
    """List bots in recorded EVENTS that say so themselves and are not verified, and what would verify them."""
    from botproxy.bots.suggesting import candidates

    settings, _, directory = _load(config)
    found = [each for each in candidates(_events(events), directory) if each.requests >= requests][:most]
    domains = asyncio.run(_resolve(settings, found)) if resolve else {}
    written = 0
    for each in found:
        known = "in the directory" if each.known is not None else "unknown"
        asns = ", ".join(f"AS{asn}" for asn, _ in _most(each.asns) if asn)
        click.echo(f"{each.name}: {each.requests} requests from {len(each.addresses)} addresses, {known}")
        click.echo(f"  {each.user_agent}")
        if asns:
            click.echo(f"  {asns}")
        names, domain = domains.get(each.name, ("", ""))
        if names:
            click.echo(f"  {names}")
        if domain:
            written += _write(each, domain, file)
    if file is not None:
        click.echo(f"{written} entries were added to {file}; look at them, then: botproxy check CONFIG", err=True)


def _write(candidate: Candidate, domain: str, file: str | None) -> int:
    """Show an entry, or append it to a file that has none of this name; how many were written."""
    from botproxy.bots.suggesting import entry

    text = entry(candidate, domain)
    if file is None:
        click.echo("".join(f"  {line}\n" for line in text.splitlines()), nl=False)
        return 0
    path = Path(file)
    before = path.read_text("utf-8") if path.exists() else "bots:\n"
    first = text.splitlines()[0]
    if first in before:
        return 0
    if "bots:" not in before:
        before += "bots:\n"
    path.write_text(before.rstrip("\n") + "\n" + text, "utf-8")
    return 1


def _load(config: str | None) -> tuple[BotSettings, Path, Directory]:
    from botproxy.bots import DirectoryError, Settings, load_directory

    settings, data = Settings(), Path("data")
    if config is not None:
        from botproxy.cli.check import print_problems
        from botproxy.config import ConfigError, Source, load

        try:
            loaded = load(Source.from_file(config))
        except ConfigError as error:
            print_problems(error.problems)
            raise SystemExit(1) from None
        settings, data = loaded.bots, loaded.data
    try:
        return settings, data, load_directory(settings)
    except DirectoryError as error:
        raise click.ClickException(str(error)) from None


def _ways(bot: Bot) -> list[str]:
    ways = [f"list {name}" for name in bot.lists]
    if bot.networks is not None:
        ways.append("networks")
    ways += [f"names in {domain}" for domain in bot.domains]
    if bot.signature_agent:
        ways.append(f"signatures of {bot.signature_agent}")
    if bot.keys:
        ways.append("signatures with its own key")
    return ways


def _told(bot: Bot, knowledge: Knowledge, address: Address) -> Iterator[str]:
    """What the ways that need no question say."""
    if not bot.verifiable:
        yield "nothing verifies it"
    if bot.networks is not None:
        yield f"networks: {'yes' if address in bot.networks else 'no'}"
    for name in bot.lists:
        published = knowledge.lists.get(name)
        if published is None:
            yield f"list {name}: never fetched"
            continue
        age = (time.time() - published.fetched) / 3600
        yield f"list {name}: {'yes' if address in published.networks else 'no'}, fetched {age:.0f} hours ago"
    if bot.domains:
        yield f"names in {', '.join(bot.domains)}"
    if bot.signature_agent or bot.keys:
        yield "signatures: they are in requests alone"


def _as_request(user_agent: str, address: Address) -> Any:
    from botproxy.model import Client, Headers, Request

    headers = Headers(((b"User-Agent", user_agent.encode("utf-8", "replace")),))
    request = Request(
        "0" * 16, time.time(), b"GET", b"/", b"/", None, "HTTP/1.1", True, b"localhost", "localhost", headers, 0
    )
    return request, Client(address, str(address), 0, str(address))


async def _find_out(settings: BotSettings, knowledge: Knowledge, questions: Iterable[Any]) -> None:
    from botproxy.bots.asking import take
    from botproxy.bots.knowledge import NAMES

    resolver = _resolver(settings)
    try:
        for question in questions:
            if question.kind != NAMES:
                continue
            from botproxy.addresses import parse_address

            address = parse_address(question.subject)
            assert address is not None
            confirmed = await resolver.confirmed(address, question.details)
            word = {True: "confirmed", False: "not confirmed", None: "nobody could say"}[confirmed]
            names = await resolver.names(address)
            click.echo(f"  {', '.join(names) if names else 'no name'}: {word}")
            take(knowledge, question, {"confirmed": confirmed, "seconds": 60.0}, time.time())
    finally:
        await resolver.close()


async def _resolve(settings: BotSettings, found: list[Candidate]) -> dict[str, tuple[str, str]]:
    """By name of a candidate: what its addresses are called, in words, and the domain that verifies it, or ""."""
    resolver = _resolver(settings)
    try:
        return {each.name: await _names(resolver, each) for each in found}
    finally:
        await resolver.close()


async def _names(resolver: Resolver, candidate: Candidate) -> tuple[str, str]:
    from publicsuffixlist import PublicSuffixList

    from botproxy.addresses import parse_address
    from botproxy.bots.suggesting import common_domain

    addresses = [parse_address(text) for text, _ in _most(candidate.addresses, _RESOLVED)]
    asked = [address for address in addresses if address is not None]
    every = await asyncio.gather(*(resolver.names(address) for address in asked))
    names = [each[0] for each in every if each]
    if not names:
        return "no names in DNS", ""
    shown = f"{len(names)} of {len(asked)} addresses have names, such as {names[0]}"
    domain = common_domain(names, PublicSuffixList(only_icann=False).privatesuffix) if len(names) == len(asked) else ""
    if not domain:
        return shown, ""
    confirmed = await asyncio.gather(*(resolver.confirmed(address, (domain,)) for address in asked))
    if all(confirmed):
        return f"{shown}; all are confirmed below {domain}", domain
    return f"{shown}; {sum(bool(each) for each in confirmed)} are confirmed below {domain}", ""


def _resolver(settings: BotSettings) -> Resolver:
    from botproxy.bots.verifying.names import Resolver as Made

    return Made(settings.names.servers, settings.names.timeout)


def _most(counted: Mapping[Any, int], number: int = 5) -> list[tuple[Any, int]]:
    return sorted(counted.items(), key=lambda each: -each[1])[:number]


def _events(files: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Events of files with one a line; what is none is passed over."""
    for file in files:
        with Path(file).open("rb") as opened:
            for line in opened:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    yield event
