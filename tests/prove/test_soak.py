"""Memory does not depend on how many different visitors there were."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.machine import Running, cores
from benchmarks.subjects import Bench

SCRIPT = Path(__file__).with_name("distinct.lua")
REQUESTS = 1_000_000
WARM = 150_000
GROWTH = 24 * 1024**2
WORKER = 250 * 1024**2
SUPERVISOR = 560 * 1024**2
"""160 MB for itself and its libraries, 256 that the event store may use, and what waits for the disk."""

LIMITS = (
    "rate_limits: ["
    + ", ".join(
        f"{{ref: {ref}, expression: not ssl, action: block, ratelimit: "
        f"{{characteristics: [cf.colo.id, {characteristic}], period: 3600, requests_per_period: 100}}}}"
        for ref, characteristic in (("by-address", "ip.src"), ("by-path", "http.request.uri.path"))
    )
    + "]"
)
"""Counters that do not expire while this runs, of more keys than there is room for."""


class Resident(NamedTuple):
    """Bytes that are resident: of the largest worker, and of the supervisor."""

    worker: int
    supervisor: int

    @classmethod
    def of(cls, running: Running) -> Resident:
        workers, supervisors = [], []
        for pid in running.members():
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            if b"botproxy.worker" in command:
                workers.append(pages * os.sysconf("SC_PAGE_SIZE"))
            elif b"serve" in command:
                supervisors.append(pages * os.sysconf("SC_PAGE_SIZE"))
        return cls(max(workers), max(supervisors))


def load(port: int, seed: int, seconds: int, core: int) -> int:
    """Send for so long; the number of requests that were answered."""
    command = ["taskset", "-c", str(core), "wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(SCRIPT)]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/"],
        env=os.environ | {"SOAK_SEED": str(seed)},
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if " requests in " in line)
    return int(line.split()[0])


@pytest.mark.prove
@pytest.mark.timeout(1500)
def test_a_worker_stays_flat_over_a_million_distinct_visitors(tmp_path: Path, part: Callable[[str], str]) -> None:
    for name in ("wrk", "nginx"):
        part(name)
    proxy_core, load_core = cores()
    bench = Bench(tmp_path, proxy_core, load_core, tmp_path, tmp_path)
    extra = "forwarding: {trusted: [127.0.0.0/8], hops: 1}"
    with bench.origin(), bench.botproxy(extra=extra, zone=LIMITS, mode="observe", rules=50) as proxy:
        sent, seed, warm, highest = 0, 0, 0, Resident(0, 0)
        while sent < REQUESTS:
            sent += load(proxy.port, seed, 10, load_core)
            seed += 1
            now = Resident.of(proxy)
            if not warm and sent >= WARM:
                warm = now.worker
            highest = Resident(*map(max, highest, now))
            assert now.worker < WORKER
            assert now.supervisor < SUPERVISOR
            assert seed < 120, "far too slow"
        of_worker, of_supervisor = highest.worker >> 20, highest.supervisor >> 20
        print(f"{sent} visitors; at most {of_worker} MB a worker, {of_supervisor} MB the supervisor")
        assert Resident.of(proxy).worker - warm < GROWTH
