"""What it costs that workers and nodes know what the others counted, and how long a learned score takes to fit.

Run as `python -m benchmarks.merging`, or as a part of all measurements. Figures are of one second in which so many
requests come from so many callers that are known already, each with a session, half of the requests at either worker;
processor time alone, so that a busy machine disturbs little. Between nodes a real Redis or Valkey passes on what is
told, and its own processor time is given beside that of a node.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import NamedTuple, final

from redis.asyncio import Redis

from benchmarks import report
from benchmarks.machine import Running, free_port
from botproxy.link.frames import Kind
from botproxy.link.profiles import KEYS_A_TICK as CALLERS_A_TICK
from botproxy.link.profiles import SLICE
from botproxy.link.rates import KEYS_A_TICK as COUNTERS_A_TICK
from botproxy.link.slices import TICK
from botproxy.model import Client, Headers, Request, Tls
from botproxy.supervisor.profiles import SharedProfiles
from botproxy.supervisor.rates import TELL_SECONDS, Rates
from botproxy.supervisor.state import SharedState
from botproxy.traffic import CountedRule, Keys, Profiles, RateCounts, Seen, decode, encode

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "lab" / "data" / "traffic.jsonl.xz"
LOADS = tuple((callers, rate) for callers in (100, 1_000, 10_000) for rate in (1_000, 8_000))
SECONDS = 2
TICKS = int(SECONDS / TICK)
NOW = 1_700_000_000.0
ROWS = (2_000, 6_000)
_SECRET = b"merging" * 5


class Cost(NamedTuple):
    """Of one second."""

    callers: int
    rate: int  # requests
    bytes: float  # that a worker, or a node, tells
    teller: float  # microseconds of a worker, or of a node
    between: float  # of the supervisor, or of the server
    left: int  # keys of callers that wait for a later tick, at the end; between nodes, payloads that were not told


@final
class Worker:
    """What a worker counts of callers, and of one rate limit by address."""

    def __init__(self, number: int, callers: int) -> None:
        self.number = number
        self.profiles = Profiles(_SECRET, os.urandom, crowds=False)
        self.counts = RateCounts(_SECRET, os.urandom, 100_000)
        self.rule = self.counts.register(CountedRule(b"rule", 60, 1_000_000))
        self.asked = [_request(each) for each in range(callers)]
        self.keys = [
            self.profiles.keys(request, client, f"session {each}") for each, (request, client) in enumerate(self.asked)
        ]

    def count(self, who: int, now: float) -> None:
        """One request."""
        keys: Keys = self.keys[who]
        request, client = self.asked[who]
        self.profiles.observe(keys, request, Seen(now, 200, b"text/html", False, 50, False))
        key = self.counts.key(self.rule, client.text.encode())
        place = self.counts.find(self.rule, key, now)
        if place < 0:
            place = self.counts.admit(self.rule, key, now)
        self.counts.add(place, now, 1)

    def told(self, now: float) -> tuple[list[bytes], list[bytes]]:
        """What goes up in one tick: of callers, and of the limit."""
        callers, left = [], CALLERS_A_TICK
        while left > 0 and (payload := self.profiles.take(min(SLICE, left), now)):
            callers.append(payload)
            left -= SLICE
        records = self.counts.take(COUNTERS_A_TICK)
        counters = [encode(some) for some in iter(lambda: list(islice(records, SLICE)), [])]
        return callers, counters


@final
class Down:
    """The way down to a worker, which keeps what came."""

    def __init__(self) -> None:
        self.open = True
        self.unread = 0
        self.came: list[tuple[Kind, bytes]] = []

    def tell(self, kind: Kind, payload: bytes) -> None:
        """See `Downlink.tell`."""
        self.came.append((kind, payload))


def _request(who: int) -> tuple[Request, Client]:
    address = ip_address(0x0A000000 + who * 7)
    headers = Headers(((b"Host", b"a"), (b"User-Agent", b"Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")))
    request = Request("0" * 16, NOW, b"GET", b"/a", b"/a", None, "HTTP/2", True, b"a", "a", headers, 0)
    return request, Client(address, str(address), 1, str(address), Tls("TLSv1.3", "x", ja4="t13d1516h2_a_b"))


@final
class Spent:
    """Seconds of processor time within its blocks, while `counting`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.counting = False
        self._begun = 0.0

    def __enter__(self) -> None:
        self._begun = time.process_time()

    def __exit__(self, *_: object) -> None:
        if self.counting:
            self.seconds += time.process_time() - self._begun


async def between_workers(callers: int, rate: int) -> Cost:
    """Two workers and their supervisor, without the sockets between them."""
    chance = random.Random(1)
    workers, links = [Worker(number, callers) for number in (1, 2)], [Down(), Down()]
    shared, rates = SharedProfiles(lambda: now), Rates(lambda: now)
    rates.make_room(100_000)
    now = NOW
    for worker, link in zip(workers, links, strict=True):
        shared.join(worker.number, link)
        rates.join(worker.number, link)
    own, middle, size = Spent(), Spent(), 0
    for tick in range(-4, TICKS):
        now = NOW + tick * TICK
        own.counting = middle.counting = tick >= 0
        for worker in workers:
            for who in _visits(chance, tick, callers, rate):
                worker.count(who, now)
        for worker in workers:
            while True:
                with own:
                    of_callers, counters = worker.told(now)
                with middle:
                    for payload in of_callers:
                        shared.take(worker.number, payload)
                    for payload in counters:
                        rates.take(worker.number, payload)
                if tick >= 0:
                    size += sum(map(len, of_callers)) + sum(map(len, counters))
                    break
                if not of_callers and not counters:
                    break
        for _ in range(round(TICK / TELL_SECONDS)):
            with middle:
                rates._tell()
        for worker, link in zip(workers, links, strict=True):
            with own:
                _take_in(worker, link, now)
    deferred = sum(worker.profiles.waiting for worker in workers)
    return Cost(
        callers, rate, size / 2 / SECONDS, own.seconds / 2 / SECONDS * 1e6, middle.seconds / SECONDS * 1e6, deferred
    )


def _visits(chance: random.Random, tick: int, callers: int, rate: int) -> Sequence[int]:
    """Who asks a worker in one tick; all of them before the ticks that count, so that all are known by then."""
    return range(callers) if tick < 0 else [chance.randrange(callers) for _ in range(int(rate * TICK / 2))]


def _take_in(worker: Worker, link: Down, now: float) -> None:
    for kind, payload in link.came:
        if kind is Kind.PROFILES_MERGED:
            worker.profiles.merge(payload, now)
        elif kind is Kind.RATES_MERGED:
            worker.counts.merge(decode(payload), now)
    link.came.clear()


async def between_nodes(callers: int, rate: int, port: int) -> Cost:
    """Two nodes of one worker each; each tells what its own counted, and hears of the other's."""
    chance = random.Random(1)
    workers = [Worker(number, callers) for number in (1, 2)]
    nodes: list[tuple[SharedProfiles, Rates, SharedState]] = []
    server = Redis(port=port)
    await server.flushall()
    for _ in workers:
        profiles, rates = SharedProfiles(), Rates()
        rates.make_room(100_000)
        state = SharedState(rates, profiles)
        await state.configure({"url": f"redis://127.0.0.1:{port}/0", "timeout": 2.0}, _SECRET.hex())
        nodes.append((profiles, rates, state))
    begun = time.time()
    ticks: list[list[tuple[list[bytes], list[bytes]]]] = []
    for tick in range(-4, TICKS):
        for worker in workers:
            for who in _visits(chance, tick, callers, rate):
                worker.count(who, begun)
        ticks.append([worker.told(begun) for worker in workers])
        while tick < 0 and any(any(worker.told(begun)) for worker in workers):
            pass
    await asyncio.sleep(0.5)
    before, spent = await _server(server), time.process_time()
    for told in ticks[4:]:
        for number, ((profiles, rates, _), (of_callers, counters)) in enumerate(zip(nodes, told, strict=True), 1):
            for payload in of_callers:
                profiles.take(number, payload)
            for payload in counters:
                rates.take(number, payload)
        await asyncio.sleep(TICK)
    spent = time.process_time() - spent
    after = await _server(server)
    unheard = sum(profiles.unheard for profiles, _, _ in nodes)
    for _, _, state in nodes:
        await state.end()
    await server.aclose()
    size, took = after[0] - before[0], after[1] - before[1]
    return Cost(callers, rate, size / 2 / SECONDS, spent / 2 / SECONDS * 1e6, took / SECONDS * 1e6, unheard)


async def _server(server: Redis) -> tuple[float, float]:
    """Bytes that it was told, and seconds of processor time."""
    said = await server.info()
    return float(said["total_net_input_bytes"]), float(said["used_cpu_user"]) + float(said["used_cpu_sys"])


def workers() -> Iterator[Cost]:
    """Between workers, for every load."""
    for callers, rate in LOADS:
        yield asyncio.run(between_workers(callers, rate))


def nodes() -> Iterator[Cost]:
    """Between nodes, for every load; nothing where there is no server on this machine."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        return
    with tempfile.TemporaryDirectory(prefix="botproxy-bench-") as name:
        port = free_port()
        command = [program, "--port", str(port), "--save", "", "--appendonly", "no", "--dir", name]
        with Running(command, port, os.sched_getaffinity(0), Path(name)):
            for callers, rate in LOADS:
                yield asyncio.run(between_nodes(callers, rate, port))


class Fitting(NamedTuple):
    """Processor seconds for so many rows: to live them through again, and to fit trees."""

    rows: int
    replayed: float
    fitted: float


def training() -> Iterator[Fitting]:
    """What `botproxy train` does with the first rows of the shipped data; nothing without CatBoost."""
    from botproxy.training import dataset, fitting
    from botproxy.training.replaying import replay
    from botproxy.training.samples import table

    for number in ROWS:
        begun = time.process_time()
        rows = table(islice(replay(dataset.read(DATA)), number))
        replayed = time.process_time() - begun
        try:
            fitting.fit(rows, fitting.Recipe(), "benchmark", {})
        except fitting.TrainerError:
            return
        yield Fitting(number, replayed, time.process_time() - begun - replayed)


HEAD = ["callers", "requests/s", "KB/s", "µs/s of each", "µs/s between"]


def rows_of(costs: Iterator[Cost]) -> list[list[str]]:
    """For a table under `HEAD`."""
    return [
        [
            report.count(cost.callers),
            report.count(cost.rate),
            report.microseconds(cost.bytes / 1000),
            report.count(cost.teller),
            report.count(cost.between) + (f", {cost.left} left" if cost.left else ""),
        ]
        for cost in costs
    ]


def fitted_rows(costs: Iterator[Fitting]) -> list[list[str]]:
    """For a table: rows, and what each of them took."""
    return [
        [
            report.count(cost.rows),
            report.microseconds(cost.replayed / cost.rows * 1e6),
            report.microseconds(cost.fitted / cost.rows * 1e6),
            f"{cost.replayed + cost.fitted:.1f}",
        ]
        for cost in costs
    ]


FITTED_HEAD = ["rows", "µs to live one through again", "µs to fit one", "seconds in all"]


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.merging", description=__doc__)
    arguments.add_argument("--training", action="store_true", help="only how long a learned score takes to fit")
    given = arguments.parse_args()
    if not given.training:
        print("Two workers; between them the supervisor\n\n" + report.table(HEAD, rows_of(workers())))
        print("Two nodes; between them the server\n\n" + report.table(HEAD, rows_of(nodes())))
    print("Fitting a learned score\n\n" + report.table(FITTED_HEAD, fitted_rows(training())))


if __name__ == "__main__":
    main()
