"""`python -m benchmarks.storing`: what the event store does to the latency of a worker at 80 % load. As root.

The worker has a core of its own; load generator, origin, supervisor and store have the other one. Generator and origin
go before the supervisor there (real-time scheduling), as if they were machines of their own: otherwise the store delays
the clock that is to judge it. All of them go before whatever else the machine does, which stands still meanwhile. With
`--together` supervisor and store are on the worker's core, the worst place that they can have: then they take what the
worker leaves, and it needs nearly all of it; there niceness decides, as it does in earnest.

Two proxies, one with the store and one without, are loaded in turn for a few seconds each, in pairs whose order
changes; every few pairs others take their place, for one process is some hundredths faster than its like. The figure is
the median of the ratios within pairs, with an interval of 95 % by their order. The load is that of connections which
wait before every request, so that the rate hardly depends on how fast they are answered.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from benchmarks import load
from benchmarks.certificate import certificate_in
from benchmarks.machine import Running, cores
from benchmarks.subjects import Bench

SHARE = 0.8
CONNECTIONS = 64
SETTLE_SECONDS = 2.5
"""After a run: what it left to the store is stored, and is not in the next one."""

SUPERVISOR_FIRST, WORKER_FIRST, ORIGIN_FIRST, GENERATOR_FIRST = 1, 5, 10, 20
"""Priorities among what goes before everything else."""

BEFORE_NEIGHBOURS = -15
"""Niceness of proxies as a whole, with `--together`."""

TICKS = os.sysconf("SC_CLK_TCK")


def spent(running: Running) -> dict[int, float]:
    """Seconds of processor time of every process of the tree."""
    taken = {}
    for pid in running.members():
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        taken[pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return taken


def workers(running: Running) -> set[int]:
    """Processes that serve."""
    return {
        pid for pid in running.members() if b"botproxy.worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    }


def threads(running: Running) -> list[tuple[int, int]]:
    """Process and thread, of all of the tree."""
    return [(pid, int(each.name)) for pid in running.members() for each in Path(f"/proc/{pid}/task").iterdir()]


def arrange(running: Running, worker_core: int, other_core: int) -> None:
    """Leave workers where they are and move everything else; all of it before whatever else the machine does."""
    serving, apart = workers(running), worker_core != other_core
    for pid, thread in threads(running):
        os.sched_setaffinity(thread, {worker_core if pid in serving else other_core})
        if apart:
            # By turns: threads that write and store go on with each other as they do at the same niceness.
            first = WORKER_FIRST if pid in serving else SUPERVISOR_FIRST
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(first))
    if not apart:
        # Of the whole group, in which niceness is as it was; a thread's own counts within its group alone.
        for pid in running.members():
            with suppress(OSError):
                Path(f"/proc/{pid}/autogroup").write_text(str(BEFORE_NEIGHBOURS))


class Pairs(NamedTuple):
    """Ratios with the store to without it."""

    ratios: list[float]

    @property
    def median(self) -> float:
        """Of the ratios."""
        return statistics.median(self.ratios)

    def interval(self) -> tuple[float, float]:
        """In which the median lies with at least 95 %: by the order of the ratios, whatever they are spread like."""
        ordered, number = sorted(self.ratios), len(self.ratios)
        below, cut = 0.0, 0
        while cut < number // 2:
            below += math.comb(number, cut) / 2**number
            if below > 0.025:
                break
            cut += 1
        return (ordered[max(0, cut - 1)], ordered[min(number - 1, number - cut)])


def said(title: str, pairs: Pairs, values: dict[str, list[float]]) -> str:
    """One line of the report."""
    without, beside = (statistics.median(values[each]) / 1000 for each in ("no store", "store"))
    low, high = pairs.interval()
    return (
        f"{title}  {without:.2f} ms without, {beside:.2f} ms with the store: {pairs.median:.3f} "
        f"({low:.3f} to {high:.3f}, {len(pairs.ratios)} pairs)"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Find the highest rate, then send as much as keeps a worker busy for four fifths, with and without the store."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each run of wrk")
    parser.add_argument("--pairs", type=int, default=4, help="of runs in each round")
    parser.add_argument("--rounds", type=int, default=4, help="each with proxies of its own")
    parser.add_argument("--together", action="store_true", help="supervisor and worker on one core")
    given = parser.parse_args(arguments)
    proxy_core, load_core = cores()
    values: dict[str, dict[str, list[float]]] = {each: {"no store": [], "store": []} for each in ("p50", "p99")}
    pause = 0.0
    with tempfile.TemporaryDirectory(prefix="botproxy-bench-") as name:
        folder = Path(name)
        bench = Bench(folder, proxy_core, load_core, *certificate_in(folder))

        def run(running: Running) -> tuple[load.Measured, float, float]:
            """What was measured, and the shares of a core of the workers and of the rest."""
            serving, before = workers(running), spent(running)
            taken = load.run(
                running.port,
                "/100b",
                core=load_core,
                seconds=given.seconds,
                connections=CONNECTIONS,
                pause=pause,
                first=GENERATOR_FIRST,
            )
            shares = [0.0, 0.0]
            for pid, seconds in spent(running).items():
                shares[pid not in serving] += (seconds - before.get(pid, 0.0)) / given.seconds
            return taken, shares[0], shares[1]

        with bench.origin() as origin:
            for _, thread in threads(origin):
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(ORIGIN_FIRST))
            for number in range(given.rounds):
                first, second = ("none", "duckdb") if number % 2 == 0 else ("duckdb", "none")
                with bench.botproxy(store=first) as one, bench.botproxy(store=second) as other:
                    subjects = (
                        {"no store": one, "store": other} if first == "none" else {"no store": other, "store": one}
                    )
                    for running in subjects.values():
                        arrange(running, proxy_core, proxy_core if given.together else load_core)
                    if not number:
                        for _ in range(5):  # a request costs more when fewer come at once: it is found, not computed
                            taken, busy, _ = run(subjects["no store"])
                            wanted = taken.per_second * SHARE / max(busy, SHARE / 2)
                            pause = max(0.1, (CONNECTIONS / wanted - (taken.p50 / 1e6 if pause else 0.0)) * 1000)
                            print(f"{taken.per_second:.0f}/s keep the worker busy for {busy:.0%}", flush=True)
                    for pair in range(given.pairs):
                        for each in sorted(subjects, reverse=pair % 2 == 1):
                            taken, serving, rest = run(subjects[each])
                            values["p50"][each].append(taken.p50)
                            values["p99"][each].append(taken.p99)
                            print(
                                f"{each:9} {taken.per_second:7.0f}/s  p50 {taken.p50 / 1000:6.2f} ms  p99"
                                f" {taken.p99 / 1000:6.2f} ms  worker {serving:.0%}, supervisor {rest:.0%}",
                                flush=True,
                            )
                            time.sleep(SETTLE_SECONDS)
    print()
    for title, by in values.items():
        ratios = [with_it / without for with_it, without in zip(by["store"], by["no store"], strict=True)]
        print(said(title, Pairs(ratios), by))


if __name__ == "__main__":
    main()
