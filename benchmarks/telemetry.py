"""What an event costs the worker that records it and the supervisor that writes it, in microseconds.

Run as `python -m benchmarks.telemetry`. Budgets: 3 µs in the worker, 25 µs in the supervisor, with the file of events
and with the event store.
"""

from __future__ import annotations

import asyncio
import random
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from botproxy.link import Downlink, Modes, Uplink
from botproxy.link.frames import HEADER
from botproxy.model import Event
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import Retention
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import EventWriter, Settings

EVENTS = 100_000
BATCH = 256
ROUNDS = 5

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


def varied(number: int) -> list[Event]:
    """Events that differ as those of a site do: a store that meets the same row again and again does less."""
    chance = random.Random(1)
    return [
        EVENT._replace(
            ray=f"{chance.getrandbits(64):016x}",
            client_ip=f"10.{chance.randrange(9)}.{chance.randrange(256)}.{chance.randrange(256)}",
            client_port=chance.randrange(1024, 65536),
            path=f"/products/{chance.randrange(5000)}",
            user_agent=f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{chance.randrange(100, 145)}.0.0.0 Safari/537.36",
            session=f"{chance.getrandbits(64):016x}",
            score=chance.randrange(1, 100),
            response_bytes=chance.randrange(50_000),
        )
        for _ in range(number)
    ]


def framed() -> bytes:
    """What a worker sends for a full batch."""
    theirs, ours = socket.socketpair()
    theirs.settimeout(0.5)
    uplink = Uplink(ours, Modes(), asyncio.get_running_loop())
    for event in varied(BATCH):
        uplink.record(event)
    frame = bytearray()
    with suppress(TimeoutError):
        while len(frame) < HEADER or len(frame) < HEADER + int.from_bytes(frame[:4], "big"):
            frame += theirs.recv(1 << 20)
    uplink.close()
    return bytes(frame)


async def supervisor(directory: Path, stored: bool) -> float:
    """Seconds of processor time to read, rename and write an event, in the file and, if so, in the store."""
    frame = framed()
    above, below = socket.socketpair()
    store = DuckdbStore(directory / "events.duckdb", Retention(86400.0 * 30, 86400.0 * 400, 0)) if stored else None
    if store is not None:
        store.started()
    writer = EventWriter(then=None if store is None else store.put)
    writer.configure(Settings(), directory)
    downlink = Downlink(above, Reader(writer), MemoryStore(), asyncio.get_running_loop())
    batches = EVENTS // BATCH
    done = threading.Event()

    def feed() -> None:
        for number in range(batches):
            # As fast as it is worked on, and no faster: nothing may be dropped.
            while number * BATCH - writer.written > 4 * BATCH or (store is not None and store.status().waiting > 8_000):
                done.wait(0.001)
            below.sendall(frame)

    feeding = threading.Thread(target=feed, daemon=True)
    began = time.process_time()
    feeding.start()
    while writer.written < batches * BATCH:
        if sum(writer.dropped.values()):
            raise RuntimeError(f"events were dropped: {writer.dropped}")
        await asyncio.sleep(0.01)
    if store is not None:
        await store.flush()
    spent = time.process_time() - began
    downlink.close()
    writer.stop(5.0)
    if store is not None:
        kept = store.status()
        store.close(10.0)
        if kept.stored != batches * BATCH:
            raise RuntimeError(f"not everything was stored: {kept}")
    return spent / (batches * BATCH)


def main() -> None:
    """Print the best of some rounds, which is the one that was disturbed least."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        workers = [asyncio.run(worker()) for _ in range(ROUNDS)]
        files = [asyncio.run(supervisor(_made(folder / f"file-{n}"), False)) for n in range(ROUNDS)]
        stores = [asyncio.run(supervisor(_made(folder / f"store-{n}"), True)) for n in range(ROUNDS)]
    print(f"worker, record and send        {min(each[0] for each in workers) * 1e6:6.2f} µs an event   (budget 3)")
    print(f"worker, count                  {min(each[1] for each in workers) * 1e6:6.2f} µs an event")
    print(f"supervisor, file               {min(files) * 1e6:6.2f} µs an event")
    print(f"supervisor, file and store     {min(stores) * 1e6:6.2f} µs an event   (budget 25)")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
