"""`python -m benchmarks.storing`: what the event store does to the latency of a worker at 80 % load.

The worker has a core, load generator and origin have another, and the supervisor with the store is beside those; with
`--together` it is on the worker's core, which is the worst place that a store can have: supervisor and worker then need
all of it. With and without the store take turns. The load is that of connections which wait before every request, so
that the rate hardly depends on how fast they are answered.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from benchmarks import load
from benchmarks.certificate import certificate_in
from benchmarks.machine import Running, cores
from benchmarks.subjects import Bench

SHARE = 0.72
"""Of the highest rate: a request costs more when fewer come at once, and the worker is at 80 % then."""

CONNECTIONS = 64
TICKS = os.sysconf("SC_CLK_TCK")


def spent(running: Running) -> dict[int, float]:
    """Seconds of processor time of every process of the tree."""
    taken = {}
    for pid in running.members():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        taken[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return taken


def apart(running: Running, worker_core: int, other_core: int) -> None:
    """Leave workers where they are and move everything else."""
    for pid in running.members():
        worker = b"botproxy.worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {worker_core if worker else other_core})


def main() -> None:
    """Find the highest rate, then send as much as keeps a worker busy for four fifths, with and without the store."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.storing", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=10, help="of each run of wrk")
    arguments.add_argument("--rounds", type=int, default=6)
    arguments.add_argument("--together", action="store_true", help="supervisor and worker on one core")
    given = arguments.parse_args()
    proxy_core, load_core = cores()
    with tempfile.TemporaryDirectory(prefix="botproxy-bench-") as name:
        folder = Path(name)
        bench = Bench(folder, proxy_core, load_core, *certificate_in(folder))
        with bench.origin(), bench.botproxy(store="none") as bare, bench.botproxy() as storing:
            subjects = {"no store": bare, "store": storing}
            if not given.together:
                for running in subjects.values():
                    apart(running, proxy_core, load_core)
            highest = max(
                load.run(bare.port, "/100b", core=load_core, seconds=given.seconds, connections=CONNECTIONS).per_second
                for _ in range(2)
            )
            pause = CONNECTIONS / (highest * SHARE) * 1000
            p50: dict[str, list[float]] = {each: [] for each in subjects}
            p99: dict[str, list[float]] = {each: [] for each in subjects}
            for _ in range(given.rounds):
                for each, running in subjects.items():
                    before = spent(running)
                    taken = load.run(
                        running.port,
                        "/100b",
                        core=load_core,
                        seconds=given.seconds,
                        connections=CONNECTIONS,
                        pause=pause,
                    )
                    after = spent(running)
                    busiest = sorted((after[pid] - before.get(pid, 0.0)) / given.seconds for pid in after)[::-1]
                    p50[each].append(taken.p50)
                    p99[each].append(taken.p99)
                    print(
                        f"{each:9} {taken.per_second:7.0f}/s  p50 {taken.p50 / 1000:6.2f} ms  p99"
                        f" {taken.p99 / 1000:6.2f} ms  processes {', '.join(f'{share:.0%}' for share in busiest[:2])}",
                        flush=True,
                    )
    print(f"\nhighest rate without the store {highest:.0f}/s, pause {pause:.1f} ms")
    for title, figures in (("p50", p50), ("p99", p99)):
        without, beside = (statistics.median(figures[each]) for each in ("no store", "store"))
        print(
            f"{title}  {without / 1000:.2f} ms without, {beside / 1000:.2f} ms with the store: {beside / without:.3f}"
        )


if __name__ == "__main__":
    main()
