"""What an event costs the worker that records it and the supervisor that writes it, in microseconds.

Run as `python -m benchmarks.telemetry`. Budgets: 3 µs in the worker, 25 µs in the supervisor, with the file of events
and with the event store. What the supervisor takes is processor time of all of its threads: to read the link, to write
the file, and to store, the log and the packing of DuckDB included.
"""

from __future__ import annotations

import asyncio
import gc
import random
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from botproxy.link import Downlink, Modes, Uplink
from botproxy.link.frames import Kind, encode
from botproxy.model import Event
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import Retention
from botproxy.store.memory import MemoryStore
from botproxy.supervisor.supervisor import COLLECT
from botproxy.telemetry import EventWriter, Settings

EVENTS = 100_000
BATCH = 256
ROUNDS = 5
FRAMES = 40
RATES = (1000, 2000)
"""Events a second of rounds that are not as fast as can be: above the higher one a store keeps a sample."""

WARM_SECONDS, SECONDS = 4, 12

EVENT = Event(
    ray="0123456789abcdef", start=1767323045.123, end=1767323045.223, zone="shop", mode="observe",
    client_ip="203.0.113.7", client_port=51234, client_country="DE", client_asn=64496, client_ssl_protocol="TLSv1.3",
    client_ssl_cipher="TLS_AES_128_GCM_SHA256", ja3="e7d705a3286e19ea42f587b344ee6865",
    ja4="t13d1516h2_8daaf6152771_02713d6af862", method="GET", scheme="https", host="www.example.com",
    path="/products/shoes/index.html", query="size=*&colour=*", protocol="HTTP/1.1",
    user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    referer="https://www.example.com/", x_requested_with="", request_bytes=612, status=200, response_bytes=5123,
    body_bytes=4800, content_type="text/html; charset=utf-8", first_byte_ms=12, origin="127.0.0.1:3000",
    origin_status=200, origin_ms=11, score=50, score_source="Not Computed", score_group="likely_human",
    detection_ids=(), detection_tags=(), reasons=(), bot_tags=(), verified_bot_category="", js_detection="missing",
    static_resource=False, session="aabbccddeeff0011", actions=(), rule_ids=(), sources=(), action="unknown",
    would="", rule_id="", rule_description="", originator_ray="", scoring_failed=False, unevaluated=0,
    ending="finished", detail="",
)  # fmt: skip


class Nobody:
    """The worker's listener, which hears nothing here."""

    def on_drain(self, ending: bool) -> None: ...
    def on_lost(self) -> None: ...


class Reader:
    """The supervisor's reader: hands batches to the writer. Nothing else comes up here."""

    def __init__(self, writer: EventWriter) -> None:
        self.put = writer.put

    def on_events(self, payload: bytes) -> None:
        self.put(payload)

    def on_state(self, word: str) -> None:
        pass

    def on_counters(self, snapshot: dict[str, Any]) -> None:
        pass

    def _unheard(self, payload: bytes) -> None:
        pass

    on_rates = on_profiles = on_bot_question = on_report = on_passed_over = _unheard

    def on_gone(self) -> None:
        pass


def drained(link: socket.socket) -> None:
    """Take from the link what comes, so that the worker's side never meets a full buffer."""
    while link.recv(1 << 20):
        pass


async def worker() -> tuple[float, float]:
    """Seconds to record and send an event, and to count it."""
    theirs, ours = socket.socketpair()
    threading.Thread(target=drained, args=(theirs,), daemon=True).start()
    uplink = Uplink(ours, Modes(), asyncio.get_running_loop())
    uplink.start(Nobody())
    # CPU time of this thread alone: the reader stands for another process.
    began = time.thread_time()
    for _ in range(EVENTS):
        uplink.record(EVENT)
    recorded = time.thread_time() - began
    began = time.thread_time()
    for _ in range(EVENTS):
        uplink.counters.event(EVENT)
    counted = time.thread_time() - began
    uplink.close()
    return recorded / EVENTS, counted / EVENTS


SYSTEMS = ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "Linux; Android 14")


def varied(number: int) -> list[Event]:
    """Events that differ as those of a site do: a store that meets the same row again and again does less. Four in ten
    are of programs, with what was found out about them; one in ten is blocked."""
    chance = random.Random(1)

    def ranked(most: int) -> int:
        return min(most, int(chance.paretovariate(0.9))) - 1

    def one() -> Event:
        score = chance.choice((1, 1, 1, 5, 12, 29, 50, 80, 90, 95, 99, 99, chance.randrange(1, 100)))
        blocked = score < 5 and chance.random() < 0.5
        address = ranked(100_000)
        version = f"{chance.randrange(100, 145)}.0.{chance.randrange(4)}.0"
        rule = f"{ranked(20):032x}" if blocked else ""
        return EVENT._replace(
            ray=f"{chance.getrandbits(64):016x}",
            zone="shop" if chance.random() < 0.7 else "blog",
            mode="enforce",
            client_ip=f"10.{address >> 16}.{address >> 8 & 255}.{address & 255}",
            client_port=chance.randrange(1024, 65536),
            client_country=("DE", "US", "FR", "GB", "NL", "CN")[ranked(6)],
            client_asn=64500 + ranked(3000),
            ja3=f"{ranked(200):032x}",
            ja4=f"t13d1516h2_8daaf6152771_{ranked(200):012x}",
            method="GET" if chance.random() < 0.9 else "POST",
            path=f"/products/{chance.choice(('shoes', 'hats', 'coats'))}/{ranked(20_000)}",
            query=chance.choice(("", "", "size=*&colour=*", "page=*&q=*")),
            protocol=chance.choice(("HTTP/2", "HTTP/1.1")),
            user_agent=f"Mozilla/5.0 ({chance.choice(SYSTEMS)}) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"Chrome/{version} Safari/537.36",
            referer="" if chance.random() < 0.5 else f"https://www.example.com/products/{ranked(500)}",
            request_bytes=chance.randrange(400, 900),
            status=403 if blocked else chance.choice((200, 200, 200, 304, 404)),
            response_bytes=chance.randrange(50_000),
            body_bytes=chance.randrange(50_000),
            content_type=chance.choice(("text/html; charset=utf-8", "image/webp", "application/javascript")),
            first_byte_ms=chance.randrange(300),
            origin_ms=chance.randrange(300),
            score=score,
            score_source="Heuristics" if score == 1 else "Machine Learning",
            score_group="automated" if score == 1 else "likely_automated" if score < 30 else "likely_human",
            detection_ids=(33554817, 50331650) if score == 1 else (),
            detection_tags=("go", "scripted") if score == 1 else (),
            reasons=(f"the order of headers is that of a script ({chance.randrange(40)})", "no Accept-Language")
            if score < 30
            else ("like a browser of this version", f"a history of {ranked(400)} pages"),
            js_detection=chance.choice(("passed", "missing")),
            session=f"{chance.getrandbits(64):016x}",
            actions=("block",) if blocked else (),
            rule_ids=(rule,) if blocked else (),
            sources=("firewallCustom",) if blocked else (),
            action="block" if blocked else "unknown",
            rule_id=rule,
            rule_description="bots that ask for prices" if blocked else "",
            http2_fingerprint="1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p",
            cloud="aws" if score == 1 else "",
            hosting=score == 1,
            header_fingerprint=f"ge11nn{ranked(90):012x}",
        )

    return [one() for _ in range(number)]


def framed() -> list[bytes]:
    """What a worker sends for so many full batches."""
    events = [tuple(event) for event in varied(FRAMES * BATCH)]
    return [encode(Kind.EVENTS, orjson.dumps(events[at : at + BATCH])) for at in range(0, len(events), BATCH)]


class Spent(NamedTuple):
    """Seconds of processor time of the supervisor's threads, an event."""

    written: float  # read from the link, written to the file, handed to the store and stored
    counted: float  # counted by minute, hour and value, which happens every half minute and every hour


async def supervisor(directory: Path, frames: list[bytes], stored: bool, per_second: int = 0) -> Spent:
    """Take events as fast as they are worked on, or so many a second."""
    above, below = socket.socketpair()
    store = DuckdbStore(directory / "events.duckdb", Retention(86400.0 * 30, 86400.0 * 400, 0)) if stored else None
    if store is not None:
        store.started()
    writer = EventWriter(then=None if store is None else store.put)
    writer.configure(Settings(), directory)
    downlink = Downlink(above, Reader(writer), MemoryStore(), asyncio.get_running_loop())
    batches = EVENTS // BATCH
    before = 0
    if per_second:
        batches, before = (WARM_SECONDS + SECONDS) * per_second // BATCH, WARM_SECONDS * per_second // BATCH
    done, warm = threading.Event(), threading.Event()
    fed = [0.0]

    def feed() -> None:
        start = time.monotonic()
        for number in range(batches):
            if per_second:
                done.wait(max(0.0, start + number * BATCH / per_second - time.monotonic()))
            # As fast as it is worked on, and no faster: nothing may be dropped.
            while number * BATCH - writer.written > 4 * BATCH or (
                store is not None and store.status().waiting > 20_000
            ):
                done.wait(0.001)
            if number >= before:
                warm.set()
            below.sendall(frames[number % len(frames)])
            fed[0] = time.thread_time()

    feeding = threading.Thread(target=feed, daemon=True)
    feeding.start()
    await asyncio.to_thread(warm.wait)
    began, fed_before = time.process_time(), fed[0]
    while writer.written < batches * BATCH:
        if sum(writer.dropped.values()):
            raise RuntimeError(f"events were dropped: {writer.dropped}")
        await asyncio.sleep(0.1 if per_second else 0.01)
    if store is not None:
        await store.flush()
    # The thread that feeds stands for the workers.
    spent = time.process_time() - began - (fed[0] - fed_before)
    began = time.process_time()
    if store is not None:
        await store.forget_imported(None)  # there are none, and before everything is counted
    counted = time.process_time() - began
    downlink.close()
    writer.stop(5.0)
    if store is not None:
        kept = store.status()
        store.close(10.0)
        if kept.stored != batches * BATCH:
            raise RuntimeError(f"not everything was stored: {kept}")
    return Spent(spent / ((batches - before) * BATCH), counted / (batches * BATCH))


def main() -> None:
    """Print the best of some rounds, which is the one that was disturbed least."""
    frames = framed()
    # As the supervisor has it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        workers = [asyncio.run(worker()) for _ in range(ROUNDS)]
        files = [asyncio.run(supervisor(_made(folder / f"file-{n}"), frames, False)) for n in range(ROUNDS)]
        stores = [asyncio.run(supervisor(_made(folder / f"store-{n}"), frames, True)) for n in range(ROUNDS)]
        slow = [
            asyncio.run(supervisor(_made(folder / f"{rate}-{n}"), frames, True, rate)) for n, rate in enumerate(RATES)
        ]
    print(f"worker, record and send        {min(each[0] for each in workers) * 1e6:6.2f} µs an event   (budget 3)")
    print(f"worker, count                  {min(each[1] for each in workers) * 1e6:6.2f} µs an event")
    print(f"supervisor, file               {min(files).written * 1e6:6.2f} µs an event")
    print(f"supervisor, file and store     {min(stores).written * 1e6:6.2f} µs an event   (budget 25)")
    for rate, each in zip(RATES, slow, strict=True):
        print(f"  at {rate:,} a second          {each.written * 1e6:6.2f} µs an event")
    print(f"  counted afterwards           {min(each.counted for each in stores) * 1e6:6.2f} µs an event")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
