"""HTTP/2 beside HTTP/1.1, over TLS and in the same moment: requests a second, and what each costs of the processor.

Run as `python -m benchmarks.http2`. HTTP/2 is to reach 0.3 of what HTTP/1.1 does. h2load drives both, with the headers
of a browser, and waits for as many requests at a time in each. On a machine that others use too, the processor time is
the surer figure.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple, cast

import uvloop

from benchmarks.machine import Running, cores, free_port
from botproxy.proxy import Exchange, Limits, Listener, OneContext, OriginPool, Pair, Server, Wire, tls_context

SECONDS = 3
ROUNDS = 3
CONNECTIONS = 8
STREAMS = 16
HEADERS = (
    "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "accept-language: en-US,en;q=0.9",
    "accept-encoding: gzip, deflate, br, zstd",
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "sec-fetch-site: none",
    "sec-fetch-mode: navigate",
    "sec-fetch-user: ?1",
    "sec-fetch-dest: document",
    "upgrade-insecure-requests: 1",
    "cookie: basket=7; theme=dark",
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n"


class Measured(NamedTuple):
    """One run."""

    rate: float  # requests a second
    cost: float  # microseconds of the proxy's processor for each


class Origin(asyncio.Protocol):
    """Answers every head at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER * data.count(b"\r\n\r\n"))


async def serve(how: str, port: int, more: list[str]) -> None:
    """An origin, or the proxy in front of one, until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    if how == "origin":
        await loop.create_server(Origin, sock=listener)
    else:
        wire = Wire(Limits(connections_per_address=10_000))
        pool = OriginPool(wire, [more[0]])

        def handler(exchange: Exchange) -> None:
            exchange.forward(pool)

        server = Server(wire, handler, lambda refusal: None)
        context = tls_context(Pair(Path(more[1]), Path(more[2])), protocols=("h2", "http/1.1"))
        await server.start([Listener(listener, OneContext(context))])
    gc.freeze()
    await stop.wait()


def start(how: str, core: int, folder: Path, *more: str) -> Running:
    """A process of `serve`."""
    port = free_port()
    return Running([sys.executable, "-m", "benchmarks.http2", how, str(port), *more], port, {core}, folder)


def spent(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(proxy: Running, core: int, *options: str) -> Measured:
    """One run of h2load."""
    headers = [word for header in HEADERS for word in ("-H", header)]
    command = ["taskset", "--cpu-list", str(core), "h2load", f"-D{SECONDS}", *options, *headers]
    process = proxy.members()[0]
    before = spent(process)
    done = subprocess.run([*command, f"https://127.0.0.1:{proxy.port}/"], capture_output=True, text=True, check=True)
    used = spent(process) - before
    found = re.search(r"status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx", done.stdout)
    if found is None or found[1] == "0":
        raise RuntimeError(done.stdout + done.stderr)
    number = int(found[1])
    return Measured(number / SECONDS, used / number * 1e6)


class Comparison(NamedTuple):
    """Both protocols in rounds one after the other; the figures are medians."""

    old: Measured  # HTTP/1.1
    new: Measured
    rates: float  # of the new to the old in each round
    costs: float  # of the old to the new


def compare(folder: Path, certificate: Path, key: Path, proxy_core: int, load_core: int) -> Comparison:
    """HTTP/1.1 and HTTP/2 by turns; `folder` is for what the processes say."""
    with (
        start("origin", load_core, folder) as origin,
        start("proxy", proxy_core, folder, f"http://127.0.0.1:{origin.port}", str(certificate), str(key)) as proxy,
    ):
        old: list[Measured] = []
        new: list[Measured] = []
        for _ in range(ROUNDS):
            old.append(run(proxy, load_core, "--h1", f"-c{CONNECTIONS * STREAMS}"))
            new.append(run(proxy, load_core, f"-c{CONNECTIONS}", f"-m{STREAMS}"))
    return Comparison(
        _median(old),
        _median(new),
        statistics.median(after.rate / before.rate for before, after in zip(old, new, strict=True)),
        statistics.median(before.cost / after.cost for before, after in zip(old, new, strict=True)),
    )


def _median(runs: list[Measured]) -> Measured:
    return Measured(*(statistics.median(values) for values in zip(*runs, strict=True)))


def main() -> None:
    """Print everything once."""
    if len(sys.argv) > 1:
        uvloop.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3:]))
        return
    from benchmarks.certificate import certificate_in

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = compare(folder, *certificate_in(folder), *cores())
    for name, taken in (("HTTP/1.1", found.old), ("HTTP/2", found.new)):
        print(f"{name:9} {taken.rate:7.0f} requests/s  {taken.cost:6.0f} µs of the processor each")
    print(f"HTTP/2 to HTTP/1.1: {found.rates:.2f} in requests/s, {found.costs:.2f} in processor time (budget 0.30)")


if __name__ == "__main__":
    main()
