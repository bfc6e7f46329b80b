"""`botproxy clients`: clients that are known by their TLS and their HTTP/2, learned from recorded events."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from botproxy.tls import KnownClient, KnownClients

MOST_FINGERPRINTS: Final = 100_000
MOST_ADDRESSES: Final = 1_000
AGREEING: Final = 0.95
_PRODUCT: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,31})/")


class Learned(NamedTuple):
    """What events say of one fingerprint."""

    fingerprint: str  # a JA4, or of HTTP/2
    requests: int
    addresses: int
    claims: tuple[tuple[str, int], ...]  # client and how often, the most frequent first


class _Seen:
    __slots__ = ("addresses", "claims", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.addresses: set[str] = set()
        self.claims: Counter[str] = Counter()


def gather(events: Iterable[dict[str, Any]], claim: Any) -> list[Learned]:
    """Every JA4 and every fingerprint of HTTP/2 with who claimed to be it. A request that was found to be a bot, or is
    a verified bot's, is no witness for a browser.

    `claim(user_agent)` is the client and whether it is a browser. Beyond 100,000 fingerprints new ones are left out.
    """
    found: dict[str, _Seen] = {}
    for event in events:
        agent = event.get("ClientRequestUserAgent")
        if not isinstance(agent, str):
            continue
        client, browser = claim(agent)
        bot = event.get("BotScore") == 1 or bool(event.get("VerifiedBotCategory"))
        if not client or (browser and bot):
            continue
        for column in ("JA4", "BotproxyHTTP2Fingerprint"):
            fingerprint = event.get(column)
            if not isinstance(fingerprint, str) or not fingerprint:
                continue
            seen = found.get(fingerprint)
            if seen is None:
                if len(found) >= MOST_FINGERPRINTS:
                    continue
                seen = found[fingerprint] = _Seen()
            seen.requests += 1
            if len(seen.addresses) < MOST_ADDRESSES:
                seen.addresses.add(str(event.get("ClientIP")))
            if client in seen.claims or len(seen.claims) < 100:
                seen.claims[client] += 1
    learned = [
        Learned(fingerprint, seen.requests, len(seen.addresses), tuple(seen.claims.most_common()))
        for fingerprint, seen in found.items()
    ]
    return sorted(learned, key=lambda each: (-each.requests, each.fingerprint))


def _known(known: KnownClients, fingerprint: str) -> KnownClient | None:
    return known.find_http2(fingerprint) if _is_http2(fingerprint) else known.find(fingerprint)


def _is_http2(fingerprint: str) -> bool:
    return "|" in fingerprint


def conclude(learned: Iterable[Learned], known: KnownClients, requests: int, addresses: int) -> Iterator[KnownClient]:
    """Those that are new, seen often enough from enough addresses, and of whom nearly all requests say the same."""
    for each in learned:
        client, number = each.claims[0]
        enough = each.requests >= requests and each.addresses >= addresses
        if enough and number >= AGREEING * each.requests and _known(known, each.fingerprint) is None:
            seen = f"{each.requests} requests from {each.addresses} addresses"
            if _is_http2(each.fingerprint):
                yield KnownClient(client, http2=each.fingerprint, seen=seen)
            else:
                yield KnownClient(client, ja4=each.fingerprint, seen=seen)


def claimed_client(agent: str) -> tuple[str, bool]:
    """The client that a User-Agent names, and whether it is a browser; "" when it names none."""
    from botproxy.rules import claimed_tls_client

    expected = claimed_tls_client(agent.encode("utf-8", "replace"))
    if expected:
        return expected, True
    product = _PRODUCT.match(agent)
    name = product[1].lower() if product is not None else ""
    return ("" if name == "mozilla" else name), False


def written(clients: Iterable[KnownClient]) -> str:
    """Entries as a file of known clients has them."""
    lines = []
    for each in clients:
        fingerprint = f'http2: "{each.http2}"' if each.http2 else f"ja4: {each.ja4}"
        lines.append(f'- {{client: {each.client}, {fingerprint}, seen: "{each.seen}"}}\n')
    return "".join(lines)


def _events(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    import orjson

    for path in files:
        with path.open("rb") as opened:
            for line in opened:
                try:
                    event = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue  # the last line of a file that is being written
                if isinstance(event, dict):
                    yield event


@click.command()
@click.argument("events", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--into", type=click.Path(dir_okay=False, path_type=Path), help="Add what was learned to this file.")
@click.option("--requests", type=click.IntRange(1), default=20, show_default=True, help="Needed of one fingerprint.")
@click.option(
    "--addresses", type=click.IntRange(1), default=3, show_default=True, help="That these come from at least."
)
def clients(events: tuple[Path, ...], into: Path | None, requests: int, addresses: int) -> None:
    """Learn from recorded events which client has which fingerprint of TLS and of HTTP/2.

    \b
    botproxy clients data/events.jsonl
    botproxy clients data/events.jsonl --into clients.yaml
    """
    from botproxy.tls import KnownClientsError, shipped_clients_text

    texts: dict[str, str] = {}
    before = ""
    if into is not None and into.exists():
        before = into.read_text("utf-8")
        texts[str(into)] = before
    try:
        known = KnownClients.read({**texts, "known_clients.yaml": shipped_clients_text()})
    except KnownClientsError as error:
        raise click.ClickException("\n".join(error.problems)) from None
    learned = gather(_events(events), claimed_client)
    new = list(conclude(learned, known, requests, addresses))
    fresh = {each.http2 or each.ja4 for each in new}
    for each in learned:
        fits = _known(known, each.fingerprint)
        claims = ", ".join(f"{client} {number}" for client, number in each.claims[:4])
        what = "new" if each.fingerprint in fresh else "" if fits is None else f"known: {fits.client}"
        counted = f"{each.requests:>8} from {each.addresses:>4}  {claims}  {what}"
        click.echo(f"{each.fingerprint}  {counted}".rstrip(), err=True)
    if into is None:
        click.echo(written(new), nl=False)
    elif new:
        into.write_text((before if before.endswith("\n") or not before else before + "\n") + written(new), "utf-8")
        click.echo(f"{len(new)} added to {into}: name it in scoring.heuristics.tls_clients, and reload", err=True)
