"""What looking at ClientHellos costs: new TLS connections a second with and without it, and connections that dribble.

Run as `python -m benchmarks.handshakes`. Budgets: 25 µs a handshake, 10 % fewer new connections, and 5 % of a core for
1,000 connections of which each sends a byte ten times a second.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop

from benchmarks.machine import Running, cores, free_port
from botproxy.proxy import Exchange, Limits, Listener, OneContext, Pair, Server, Wire, tls_context
from botproxy.proxy.front import FrontConnection
from botproxy.tls import hello_facts, parse_client_hello

SECONDS = 3
ROUNDS = 4
DRIBBLERS = 1_000
DRIBBLE_SECONDS = 5.0
HELLOS = Path(__file__).resolve().parents[1] / "tests" / "data" / "client_hellos.jsonl"


async def serve(how: str, port: int, certificate: str, key: str) -> None:
    """Answer every request at once; connections are taken in by ourselves (`looking`) or by the loop (`plain`)."""
    wire = Wire(Limits(connections=20_000, connections_per_address=20_000))

    def handler(exchange: Exchange) -> None:
        exchange.respond(200, ((b"Content-Type", b"text/plain"),), b"hello")

    server = Server(wire, handler, lambda refusal: None)
    context = tls_context(Pair(Path(certificate), Path(key)))
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    if how == "looking":
        await server.start([Listener(listener, OneContext(context))])
    else:
        listener.setblocking(False)
        make = partial(FrontConnection, wire)
        await asyncio.get_running_loop().create_server(make, sock=listener, ssl=context, backlog=4096)
    gc.freeze()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()


def server(how: str, certificate: Path, key: Path, core: int, folder: Path) -> Running:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.handshakes", how, str(port), str(certificate), str(key)]
    return Running(command, port, {core}, folder)


class Rate(NamedTuple):
    """New connections with a whole handshake and one request each."""

    a_second: float
    cost: float  # seconds of the server's processor time for each: the machine's other work does not count


def new_connections(running: Running, core: int) -> Rate:
    """What wrk reaches with connections that carry one request."""
    command = ["taskset", "--cpu-list", str(core), "wrk", "-t1", "-c32", f"-d{SECONDS}s", "-H", "Connection: close"]
    before = ticks(running.members()[0])
    said = subprocess.run(
        [*command, f"https://127.0.0.1:{running.port}/"], capture_output=True, text=True, check=True
    ).stdout
    spent = ticks(running.members()[0]) - before
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    number = re.search(r"(\d+) requests in", said)
    if rate is None or number is None:
        raise RuntimeError(said)
    return Rate(float(rate[1]), spent / int(number[1]))


def ticks(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def dribble(running: Running, hello: bytes) -> float:
    """The share of a core that a server spends while a thousand connections send their hello byte by byte."""
    server_process = running.members()[0]
    sockets = []
    for _ in range(DRIBBLERS):
        one = socket.create_connection(("127.0.0.1", running.port))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets.append(one)
    time.sleep(0.5)
    at = 0
    began, spent = time.monotonic(), ticks(server_process)
    while time.monotonic() - began < DRIBBLE_SECONDS:
        for one in sockets:
            with suppress(OSError):
                one.send(hello[at : at + 1])
        at += 1
        time.sleep(max(0.0, began + 0.1 * at - time.monotonic()))
    share = (ticks(server_process) - spent) / (time.monotonic() - began)
    for one in sockets:
        one.close()
    return share


def fingerprint_cost(hellos: list[bytes]) -> float:
    """Microseconds to read a hello and take both fingerprints; the best of some rounds."""
    best = float("inf")
    for _ in range(200):
        began = time.perf_counter()
        for each in hellos:
            hello_facts(parse_client_hello(each))
        best = min(best, (time.perf_counter() - began) / len(hellos))
    return best * 1e6


def main() -> None:
    """Print everything once."""
    if len(sys.argv) > 1:
        uvloop.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]))
        return
    from benchmarks.certificate import certificate_in

    hellos = [bytes.fromhex(each) for line in HELLOS.read_text().splitlines() for each in json.loads(line)["records"]]
    print(f"hello to facts            {fingerprint_cost(hellos):7.1f} µs       (budget 25)")
    proxy_core, load_core = cores()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = certificate_in(folder)
        with (
            server("plain", *files, proxy_core, folder) as plain,
            server("looking", *files, proxy_core, folder) as looking,
        ):
            pairs = [(new_connections(plain, load_core), new_connections(looking, load_core)) for _ in range(ROUNDS)]
            for name, at in (("without", 0), ("with", 1)):
                rate = statistics.median(each[at].a_second for each in pairs)
                cost = statistics.median(each[at].cost for each in pairs) * 1e6
                print(f"new connections, {name:8} {rate:7.0f} a second, {cost:5.0f} µs of processor time each")
            ratio = statistics.median(each[0].cost / each[1].cost for each in pairs)
            print(f"with against without      {ratio:7.2f} by processor time (budget 0.90)")
            share = dribble(looking, hellos[0])
            print(f"1,000 that dribble        {share * 100:7.1f} % of a core (budget 5)")


if __name__ == "__main__":
    main()
