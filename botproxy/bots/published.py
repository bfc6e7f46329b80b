"""Published lists of addresses: from what an operator of bots serves to ranges, to disk and back, and down a link.

A list is taken whole or not at all: one line that is no network, or one network that cannot be anybody's on the
internet, and the last good list stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from botproxy.addresses import NetworkSet
from botproxy.bots.directory import PublishedList
from botproxy.errors import BotproxyError
from botproxy.store import whole_file

Network = IPv4Network | IPv6Network

MAX_NETWORKS: Final = 10_000
MAX_DEPTH: Final = 12
WIDEST4: Final = 8
WIDEST6: Final = 19
MAX_FILE: Final = 8 * 1024**2

_NETWORK: Final = re.compile(r"[0-9A-Fa-f.:]{2,45}(?:/[0-9]{1,3})?\Z")
_NOBODYS: Final = tuple(
    ip_network(text)
    for text in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                 "192.168.0.0/16", "224.0.0.0/3", "::/96", "fc00::/7", "fe80::/10", "ff00::/8")
)  # fmt: skip


class ListError(BotproxyError):
    """What was served is no list of addresses. The text says why."""


class Fetched(NamedTuple):
    """A list as it was fetched."""

    name: str
    urls: tuple[str, ...]
    fetched: float  # seconds since the epoch
    networks: tuple[Network, ...]


def parse_published(raw: bytes, wanted: PublishedList) -> tuple[Network, ...]:
    """The networks of a JSON document, a CSV table (first column), or a text with one a line. Raises `ListError`."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ListError("it is not UTF-8") from None
    start = text.lstrip()[:1]
    if start == "<":
        raise ListError("it is a web page")
    texts = _of_json(raw, wanted) if start in ("{", "[") else _of_lines(text)
    networks: dict[Network, None] = {}
    for each in texts:
        networks[_checked(each)] = None
        if len(networks) > MAX_NETWORKS:
            raise ListError(f"it has more than {MAX_NETWORKS} networks")
    if not networks:
        raise ListError("it has no networks")
    return tuple(networks)


def _checked(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ListError(f"{network} is an IPv4 address in disguise")
    if network.prefixlen < (WIDEST4 if isinstance(network, IPv4Network) else WIDEST6):
        raise ListError(f"{network} is too much of the internet")
    if any(network.version == other.version and network.overlaps(other) for other in _NOBODYS):
        raise ListError(f"{network} is not part of the internet")
    return network


def _of_lines(text: str) -> Iterator[Network]:
    for number, line in enumerate(text.splitlines(), 1):
        said = re.split(r"[,;\s]", line.partition("#")[0].strip(), maxsplit=1)[0].strip('"')
        if not said:
            continue
        network = _network(said)
        if network is not None:
            yield network
        elif number > 1:  # a table may have a line of titles
            raise ListError(f"line {number} begins with no network")


def _of_json(raw: bytes, wanted: PublishedList) -> Iterator[Network]:
    try:
        document = orjson.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise ListError(f"it is broken JSON: {error}") from None
    if wanted.key:
        document = document.get(wanted.key) if isinstance(document, dict) else None
    yield from _walk(document, dict(wanted.where), 0)


def _walk(value: Any, where: dict[str, str], depth: int) -> Iterator[Network]:
    if depth > MAX_DEPTH:
        raise ListError("it is nested too deeply")
    if isinstance(value, str):
        network = _network(value) if not where else None
        if network is not None:
            yield network
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, where, depth + 1)
    elif isinstance(value, dict):
        chosen = bool(where) and all(value.get(key) == word for key, word in where.items())
        for each in value.values():
            yield from _walk(each, {} if chosen else where, depth + 1)


def _network(text: str) -> Network | None:
    if _NETWORK.match(text) is None or not ("." in text or ":" in text):
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


# On disk


def read_lists(directory: Path, names: Iterable[str]) -> dict[str, Fetched]:
    """The lists of these names that were fetched before; a file that cannot be understood is none."""
    found: dict[str, Fetched] = {}
    for name in names:
        path = directory / f"{name}.json"
        try:
            with path.open("rb") as opened:
                said = orjson.loads(opened.read(MAX_FILE))
            found[name] = Fetched(
                name,
                tuple(str(url) for url in said["urls"]),
                float(said["fetched"]),
                tuple([_checked(ip_network(text)) for text in said["networks"]][:MAX_NETWORKS]),
            )
        except (OSError, ValueError, KeyError, TypeError, ListError):
            continue
    return found


def write_list(directory: Path, fetched: Fetched) -> None:
    """Keep a list: after a crash there is the old one or the new one. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    said = {"urls": fetched.urls, "fetched": fetched.fetched, "networks": [str(each) for each in fetched.networks]}
    whole_file.write(directory / f"{fetched.name}.json", orjson.dumps(said, option=orjson.OPT_INDENT_2))


# Down a link


def pack(fetched: Fetched) -> bytes:
    """A list as ranges, quick to take up again: what a worker's loop does with it is to cost little."""
    ranges = NetworkSet(fetched.networks).ranges()
    low = [pair for pair in ranges if isinstance(pair[0], IPv4Address)]
    high = [pair for pair in ranges if isinstance(pair[0], IPv6Address)]
    return orjson.dumps(
        [
            fetched.name,
            fetched.fetched,
            [int(first) for first, _ in low],
            [int(last) for _, last in low],
            [f"{int(first):x}" for first, _ in high],
            [f"{int(last):x}" for _, last in high],
        ]
    )


def unpack(payload: bytes) -> tuple[str, float, NetworkSet]:
    """Name, time of fetching in seconds since the epoch, and networks of what `pack` made."""
    name, fetched, starts4, ends4, starts6, ends6 = orjson.loads(payload)
    wide = ([int(each, 16) for each in starts6], [int(each, 16) for each in ends6])
    return name, fetched, NetworkSet.of_ranges(starts4, ends4, *wide)
