"""What a list of a million members costs: loading, memory, a lookup, and what forked workers share. Prints a table.

python -m benchmarks.lists [ip4] [ip6] [string] [hostname]      without any: ip4
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

from botproxy.config.document import read
from botproxy.config.lists import load_lists
from botproxy.rules.lists import NamedList
from botproxy.rules.settings import ListSettings

MEMBERS = 1_000_000
LOOKUPS = 200_000


def networks4(choice: random.Random) -> Iterator[str]:
    """Half addresses, half /24 networks, as block lists have them."""
    for number in range(MEMBERS):
        address = choice.getrandbits(32)
        yield f"{IPv4Address(address & ~255)}/24" if number % 2 else str(IPv4Address(address))


def networks6(choice: random.Random) -> Iterator[str]:
    """/48 and /64 networks, and single addresses."""
    for number in range(MEMBERS):
        high = 0x2001 << 112 | choice.getrandbits(48) << 64
        yield (f"{IPv6Address(high >> 80 << 80)}/48", f"{IPv6Address(high)}/64", str(IPv6Address(high | 5)))[number % 3]


def strings(choice: random.Random) -> Iterator[str]:
    """User agents."""
    for number in range(MEMBERS):
        yield f"Scraper/{number:08d} (+https://a.example/{number:08d})"


def hostnames(choice: random.Random) -> Iterator[str]:
    """Names and patterns."""
    for number in range(MEMBERS):
        yield f"{'*.' if number % 10 == 0 else ''}site-{number}.example"


def resident() -> int:
    """Bytes of memory of this process that no other one shares."""
    found = re.search(r"^Private_Dirty:\s+(\d+)", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def load(kind: str, path: Path) -> NamedList:
    """The list, read from its file as a configuration does."""
    settings = ListSettings(name="long", kind=kind, file=path)  # type: ignore[arg-type]
    found = load_lists([settings], read("{}", ""), "")
    assert not found.problems, found.problems[:3]
    return found.lists["long"]


def each_lookup(members: NamedList, values: list[Any]) -> float:
    """Microseconds of one lookup, in the mean of many, the loop around it taken off."""
    held = members.members
    begun = time.process_time()
    for value in values:
        value in held  # noqa: B015  the lookup is what is measured
    middle = time.process_time()
    for _ in values:
        pass
    return (2 * middle - begun - time.process_time()) / len(values) * 1e6


def dirtied(members: NamedList, values: list[Any]) -> int:
    """Bytes of memory that a forked worker no longer shares after all these lookups, beside what it has without."""
    held = members.members

    def measure(look_up: bool) -> int:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            gc.disable()
            for value in values:
                if look_up:
                    value in held  # noqa: B015
                else:
                    hash(value)
            os.write(writing, str(resident()).encode())
            os._exit(0)
        os.close(writing)
        said = os.read(reading, 100)
        os.close(reading)
        os.waitpid(child, 0)
        return int(said)

    return max(0, measure(True) - measure(False))


def peak() -> int:
    """The most bytes of memory that this process ever had at once."""
    found = re.search(r"^VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def measured(name: str, kind: str, path: Path, values: list[Any]) -> str:
    """One line of the table."""
    before, begun = peak(), time.process_time()
    members = load(kind, path)
    seconds, most = time.process_time() - begun, (peak() - before) / 1e6
    gc.collect()
    gc.freeze()
    size, found, own = members.members.size / 1e6, each_lookup(members, values), dirtied(members, values) / 1e6
    return f"| {name} | {seconds:.1f} s | {most:.0f} MB | {size:.0f} MB | {found:.1f} µs | {own:.1f} MB |"


KINDS: dict[str, tuple[str, str, Callable[[random.Random], Iterator[str]]]] = {
    "ip4": ("IPv4 networks", "ip", networks4),
    "ip6": ("IPv6 networks", "ip", networks6),
    "string": ("strings of 45 bytes", "string", strings),
    "hostname": ("host names", "hostname", hostnames),
}


def main() -> None:
    choice = random.Random(7)
    print(f"{MEMBERS:,} members each; a lookup is the mean of {LOOKUPS:,}, half of them found")
    print()
    print("| list | loading, CPU | more memory meanwhile | memory | a lookup | a worker's own after all lookups |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, kind, items in (KINDS[word] for word in sys.argv[1:] or ["ip4"]):
            path = Path(folder, kind)
            with path.open("w") as opened:
                opened.writelines(f"{item}\n" for item in items(choice))
            values = sought(kind, path, choice)
            # Each in a process of its own, so that what one needed is not counted for the next.
            with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
                print(pool.submit(measured, name, kind, path, values).result(), flush=True)


def sought(kind: str, path: Path, choice: random.Random) -> list[Any]:
    """Values to look up, every other one of the list."""
    with path.open() as opened:
        listed = [line.rstrip("\n") for line in opened]
    known = [choice.choice(listed) for _ in range(LOOKUPS // 2)]
    if kind == "ip":
        other: Any = IPv6Address if ":" in known[0] else IPv4Address
        bits = 128 if other is IPv6Address else 32
        found = [ip_address(text.partition("/")[0]) for text in known]
        return [each for address in found for each in (address, other(choice.getrandbits(bits)))]
    return [each for text in known for each in (text.replace("*", "a").encode(), text.encode() + b"-")]


if __name__ == "__main__":
    main()
