"""Pages with the script of JavaScript detections put into them beside the same pages untouched, in the same moment.

Run as `python -m benchmarks.injection [PROGRAM]`; the program is a `botproxy` to measure instead of this one. Every
request is a first visit: nobody has a result, so every page gets the script. Throughput is to reach 0.7 of what it is
without, and the first byte to come at most 1 ms later at the 95th percentile. On a machine that others use too, the
processor time is the surer figure.
"""

from __future__ import annotations

import asyncio
import gzip
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import ClassVar, NamedTuple, cast

import uvloop

from benchmarks.http2 import HEADERS, spent
from benchmarks.machine import Running, cores, free_port
from benchmarks.subjects import BOTPROXY, Bench

SECONDS = 3
ROUNDS = 3
CONNECTIONS = 32
FIRST_BYTES = 1500


def page(size: int) -> bytes:
    """A page of this many bytes that compresses as pages do."""
    chance = random.Random(size)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randint(2, 9))) for _ in range(900)]
    made = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>A page</title>\n</head>\n<body>\n'
    ]
    length = 0
    while length < size:
        text = " ".join(chance.choices(words, k=40))
        made.append(
            f'<article id="a{len(made)}" class="card"><a href="/item/{chance.randrange(10**6)}">{text}</a></article>\n'
        )
        length += len(made[-1])
    return "".join(made).encode()[: size - 14] + b"</body></html>"


def bodies() -> dict[str, tuple[str, bytes]]:
    """What is asked for: path to what it is and the coded page."""
    small = gzip.compress(page(100 * 1024), 6)
    large = page(100 * 1024)
    while len(gzip.compress(large, 6)) < 100 * 1024:
        large = page(len(large) * 5 // 4)
    return {
        "/page": (f"page of 100 KB, {len(small) // 1024} KB as gzip", small),
        "/large": (f"page of {len(large) // 1024} KB, 100 KB as gzip", gzip.compress(large, 6)),
    }


class Origin(asyncio.Protocol):
    """Answers every head at once."""

    answers: ClassVar[dict[bytes, bytes]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        for head in data.split(b"\r\n\r\n")[:-1]:
            self._transport.write(self.answers[head.split(b" ", 2)[1]])


async def serve(port: int) -> None:
    """The origin, until SIGTERM."""
    for path, (_, body) in bodies().items():
        Origin.answers[path.encode()] = (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\n"
            b'Cache-Control: private, max-age=0\r\nVary: Accept-Encoding\r\nETag: "5f3-61b2"\r\n'
            b"Strict-Transport-Security: max-age=31536000\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await loop.create_server(Origin, sock=socket.create_server(("127.0.0.1", port), backlog=1024))
    await stop.wait()


class Measured(NamedTuple):
    """One run."""

    rate: float  # requests a second
    cost: float  # microseconds of the proxy's processor for each


def load(proxy: Running, path: str, core: int) -> Measured:
    """One run of h2load."""
    headers = [word for header in HEADERS for word in ("-H", header)]
    command = ["taskset", "--cpu-list", str(core), "h2load", "--h1", f"-D{SECONDS}", f"-c{CONNECTIONS}", *headers]
    before = sum(map(spent, proxy.members()))
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{proxy.port}{path}"], capture_output=True, text=True, check=True
    )
    used = sum(map(spent, proxy.members())) - before
    found = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout)
    if found is None or found[1] == "0":
        raise RuntimeError(done.stdout + done.stderr)
    number = int(found[1])
    return Measured(number / SECONDS, used / number * 1e6)


def first_bytes(proxies: list[Running], path: str) -> list[float]:
    """The 95th percentile of the time to the first byte, in microseconds, of each, asked in turns."""
    head = "".join(f"{header}\r\n" for header in HEADERS)
    request = f"GET {path} HTTP/1.1\r\nhost: bench.example\r\n{head}\r\n".encode()
    clients = [socket.create_connection(("127.0.0.1", proxy.port)) for proxy in proxies]
    taken: list[list[float]] = [[] for _ in proxies]
    for _ in range(FIRST_BYTES):
        for client, times in zip(clients, taken, strict=True):
            began = time.perf_counter()
            client.sendall(request)
            data = client.recv(65536)
            times.append(time.perf_counter() - began)
            found = re.search(rb"content-length: (\d+)", data, re.IGNORECASE)
            if found is None:
                raise RuntimeError(data[:400].decode("latin-1"))
            left = data.index(b"\r\n\r\n") + 4 + int(found[1]) - len(data)
            while left:
                left -= len(client.recv(min(left, 65536)))
    for client in clients:
        client.close()
    return [statistics.quantiles(times, n=20)[-1] * 1e6 for times in taken]


def main() -> None:
    """Print everything once."""
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(int(sys.argv[2])))
        return
    program = Path(sys.argv[1]) if len(sys.argv) > 1 else BOTPROXY
    proxy_core, load_core = cores()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bench = Bench(folder, proxy_core, load_core, folder, folder)
        bench.origin_port = free_port()
        command = [sys.executable, "-m", "benchmarks.injection", "serve", str(bench.origin_port)]
        without = "bot_management: {enable_js: false}"
        with (
            Running(command, bench.origin_port, {load_core}, folder),
            bench.botproxy(zone=without, program=program) as plain,
            bench.botproxy(program=program) as injecting,
        ):
            for path, (what, _) in bodies().items():
                old: list[Measured] = []
                new: list[Measured] = []
                for _ in range(ROUNDS):
                    old.append(load(plain, path, load_core))
                    new.append(load(injecting, path, load_core))
                rates = statistics.median(after.rate / before.rate for before, after in zip(old, new, strict=True))
                costs = statistics.median(before.cost / after.cost for before, after in zip(old, new, strict=True))
                print(what)
                for name, runs in (("untouched", old), ("with the script", new)):
                    rate, cost = (statistics.median(values) for values in zip(*runs, strict=True))
                    print(f"  {name:16} {rate:7.0f} requests/s  {cost:6.0f} µs of the processor each")
                print(f"  ratio {rates:.2f} in requests/s, {costs:.2f} in processor time (budget 0.70)")
                before, after = first_bytes([plain, injecting], path)
                print(f"  first byte, p95: {before:.0f} µs and {after:.0f} µs, {after - before:+.0f} µs (budget +1000)")


if __name__ == "__main__":
    main()
