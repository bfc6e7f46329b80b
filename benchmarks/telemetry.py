"""What an event costs the worker that records it and the supervisor that writes it, in microseconds.

Run as `python benchmarks/telemetry.py`. Budgets: 3 µs in the worker, 25 µs in the supervisor.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from botproxy.link import Downlink, Modes, Uplink
from botproxy.model import Event
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import EventWriter, Settings

EVENTS = 100_000
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
    """The supervisor's reader: hands batches to the writer."""

    def __init__(self, writer: EventWriter) -> None:
        self.put = writer.put

    def on_state(self, word: str) -> None: ...
    def on_counters(self, snapshot: dict[str, Any]) -> None: ...
    def on_gone(self) -> None: ...

    def on_events(self, payload: bytes) -> None:
        self.put(payload)


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


async def supervisor(directory: Path) -> float:
    """Seconds of processor time to read, rename and write an event."""
    theirs, ours = socket.socketpair()
    uplink = Uplink(ours, Modes(), asyncio.get_running_loop())
    for _ in range(256):
        uplink.record(EVENT)
    frame = theirs.recv(1 << 20)
    uplink.close()
    above, below = socket.socketpair()
    writer = EventWriter()
    writer.configure(Settings(), directory)
    downlink = Downlink(above, Reader(writer), MemoryStore(), asyncio.get_running_loop())
    batches = EVENTS // 256

    def feed() -> None:
        for _ in range(batches):
            below.sendall(frame)

    feeding = threading.Thread(target=feed)
    began = time.process_time()
    feeding.start()
    while writer.written < batches * 256:  # noqa: ASYNC110 - another thread writes
        await asyncio.sleep(0.01)
    spent = time.process_time() - began
    downlink.close()
    writer.stop(5.0)
    return spent / (batches * 256)


def main() -> None:
    """Print the best of some rounds, which is the one that was disturbed least."""
    with tempfile.TemporaryDirectory() as directory:
        workers = [asyncio.run(worker()) for _ in range(ROUNDS)]
        supervisors = [asyncio.run(supervisor(Path(directory) / str(n))) for n in range(ROUNDS)]
    print(f"worker, record and send   {min(each[0] for each in workers) * 1e6:6.2f} µs an event   (budget 3)")
    print(f"worker, count             {min(each[1] for each in workers) * 1e6:6.2f} µs an event")
    print(f"supervisor, read to disk  {min(supervisors) * 1e6:6.2f} µs an event   (budget 25)")


if __name__ == "__main__":
    main()
