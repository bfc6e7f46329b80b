"""Memory does not depend on how many different visitors there were."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.machine import Running, cores
from benchmarks.subjects import Bench

SCRIPT = Path(__file__).with_name("distinct.lua")
REQUESTS = 1_000_000
WARM = 150_000
GROWTH = 24 * 1024**2
LARGEST = 250 * 1024**2
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


def largest_resident(running: Running) -> int:
    """Bytes of the largest process of the tree: what belongs to it alone, and what it shares."""
    sizes = [0]
    for pid in running.members():
        fields = Path(f"/proc/{pid}/statm").read_text().split()
        sizes.append(int(fields[1]) * os.sysconf("SC_PAGE_SIZE"))
    return max(sizes)


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
        sent, seed, warm = 0, 0, 0
        while sent < REQUESTS:
            sent += load(proxy.port, seed, 10, load_core)
            seed += 1
            if not warm and sent >= WARM:
                warm = largest_resident(proxy)
            assert largest_resident(proxy) < LARGEST
            assert seed < 120, "far too slow"
        assert largest_resident(proxy) - warm < GROWTH
