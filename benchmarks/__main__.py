"""`python -m benchmarks [--seconds N] [--write]`: all measurements in a row, and a table of ratios at the end.

Every figure has a run of plain nginx right beside it, because only ratios of one moment mean something on a machine
whose speed changes from minute to minute. `--write` puts the table into README.md.
"""

from __future__ import annotations

import argparse
import functools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import load, report
from benchmarks.certificate import certificate_in
from benchmarks.machine import Running, cores
from benchmarks.subjects import BOTPROXY, COMPILED, Bench

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import parts  # noqa: E402

Start = Callable[[], Running]


class Campaign:
    """All measurements of one run, as sections of Markdown."""

    def __init__(self, bench: Bench, seconds: int) -> None:
        self.bench = bench
        self.seconds = seconds
        self.sections: list[str] = []
        self.wrong: list[str] = []

    def beside(
        self, subject: Running, reference: Running, path: str, *, differ: bool = False, tls: bool = False
    ) -> tuple[load.Measured, load.Measured]:
        """(subject, plain nginx), one right after the other."""
        taken = []
        for running, name in ((reference, "nginx"), (subject, "subject")):
            measured = load.run(
                running.port, path, core=self.bench.load_core, seconds=self.seconds, differ=differ, tls=tls
            )
            if measured.errors:
                self.wrong.append(f"{name} {path}: {measured.errors} errors")
            taken.append(measured)
        return taken[1], taken[0]

    def section(self, title: str, head: list[str], rows: list[list[str]], note: str = "") -> None:
        text = f"**{title}**\n\n{report.table(head, rows)}" + (f"\n{note}\n" if note else "")
        print(f"\n{text}", flush=True)
        self.sections.append(text)

    def throughput(self, subjects: dict[str, Start]) -> None:
        head = ["small body, 64 connections", "requests/s", "nginx beside it", "ratio", "header block"]
        rows = []
        with self.bench.nginx() as reference:
            for name, start in subjects.items():
                with start() as subject:
                    for differ in (False, True):
                        taken, beside = self.beside(subject, reference, "/100b", differ=differ)
                        ratio = report.ratio(taken.per_second, beside.per_second)
                        block = "differs" if differ else "repeats"
                        rows.append(
                            [name, report.count(taken.per_second), report.count(beside.per_second), ratio, block]
                        )
        self.section("Requests per second, bodies of 100 bytes", head, rows)

    def bodies(self, subjects: dict[str, Start]) -> None:
        rows = []
        with self.bench.nginx() as reference:
            for name, start in subjects.items():
                row = [name]
                with start() as subject:
                    for path in ("/50kb", "/1mb"):
                        taken, beside = self.beside(subject, reference, path)
                        row += [
                            report.count(taken.per_second),
                            report.count(beside.per_second),
                            report.ratio(taken.per_second, beside.per_second),
                        ]
                rows.append(row)
        head = ["", "50 KB: requests/s", "nginx beside it", "ratio", "1 MB: requests/s", "nginx beside it", "ratio"]
        self.section("Larger bodies", head, rows)

    def latency(self, subjects: dict[str, Start], origin: Running) -> None:
        rows = []
        for name, start in subjects.items():
            with start() as subject:
                alone, through = (
                    load.run(port, "/100b", core=self.bench.load_core, seconds=self.seconds, connections=1, differ=True)
                    for port in (origin.port, subject.port)
                )
            rows.append(
                [
                    name,
                    *(report.microseconds(value) for value in (through.p50 - alone.p50, through.p99 - alone.p99)),
                    *(report.microseconds(value) for value in (alone.p50, alone.p99)),
                ]
            )
        head = ["", "p50 added", "p99 added", "origin alone p50", "origin alone p99"]
        self.section("Latency added, microseconds, one connection, header blocks differ", head, rows)

    def growth(self) -> None:
        rows = []
        with self.bench.nginx() as reference:
            for rules in (1, 10, 100, 1000):
                with self.bench.botproxy(rules=rules) as subject:
                    taken, beside = self.beside(subject, reference, "/100b", differ=True)
                rows.append(
                    [
                        report.count(rules),
                        report.count(taken.per_second),
                        report.count(beside.per_second),
                        report.ratio(taken.per_second, beside.per_second),
                        report.microseconds(1_000_000 / taken.per_second),
                    ]
                )
        head = ["rules", "requests/s", "nginx beside it", "ratio", "µs a request"]
        self.section("Growth with the number of rules, header blocks differ", head, rows)

    def tls(self) -> None:
        rows = []
        for name, program in programs().items():
            with self.bench.nginx(tls=True) as reference, self.bench.botproxy(tls=True, program=program) as subject:
                for differ in (False, True):
                    taken, beside = self.beside(subject, reference, "/100b", differ=differ, tls=True)
                    rows.append(
                        [
                            name,
                            "differs" if differ else "repeats",
                            report.count(taken.per_second),
                            report.count(beside.per_second),
                            report.ratio(taken.per_second, beside.per_second),
                        ]
                    )
        head = ["", "header block", "requests/s", "nginx with TLS beside it", "ratio"]
        self.section("TLS to the visitor, HTTP/1.1, bodies of 100 bytes", head, rows)

    def http2(self) -> None:
        from benchmarks import http2

        bench = self.bench
        found = http2.compare(bench.folder, bench.certificate, bench.key, bench.proxy_core, bench.load_core)
        rows = [
            [name, report.count(taken.rate), report.microseconds(taken.cost)]
            for name, taken in (("HTTP/1.1", found.old), ("HTTP/2", found.new))
        ]
        self.section(
            "HTTP/2 beside HTTP/1.1 over TLS, forwarded with nothing decided",
            ["", "requests/s", "µs of the processor each"],
            rows,
            f"HTTP/2 does {found.rates:.2f} of the requests of HTTP/1.1, and {found.costs:.2f} for the same processor"
            f" time; h2load with {http2.CONNECTIONS} connections of {http2.STREAMS} streams, and as many of HTTP/1.1.",
        )

    def workers(self) -> None:
        free = sorted(os.sched_getaffinity(0) - {self.bench.load_core})
        shared = len(free) < 2
        two = [self.bench.proxy_core, self.bench.load_core] if shared else free[:2]
        rates = []
        for workers in (1, 2):
            with self.bench.botproxy(workers=workers, cores=two) as subject:
                rates.append(
                    load.run(
                        subject.port, "/100b", core=self.bench.load_core, seconds=self.seconds, differ=True
                    ).per_second
                )
        rows = [[report.count(rates[0]), report.count(rates[1]), f"{rates[1] / rates[0]:.2f}"]]
        self.section(
            "Two workers against one, on two cores",
            ["one worker", "two workers", "ratio"],
            rows,
            "Load generator and origin share the two cores with the workers here, so this is less than two free cores"
            " would give."
            if shared
            else "",
        )

    def deciding(self) -> None:
        from benchmarks import deciding

        rows = [
            [cost.phase, report.microseconds(cost.p50), report.microseconds(cost.p99)] for cost in deciding.by_phase()
        ]
        self.section("Deciding by phase, microseconds, 50 rules, header blocks differ", ["phase", "p50", "p99"], rows)
        grown = [
            [report.count(rules), report.microseconds(cost.p50), report.microseconds(cost.p99)]
            for rules, cost in deciding.by_rules()
        ]
        self.section("The phase `rule` alone, microseconds", ["rules", "p50", "p99"], grown)

    def merging(self) -> None:
        from benchmarks import merging

        self.section("Merging what callers did between two workers", merging.HEAD, merging.rows_of(merging.workers()))
        rows = merging.rows_of(merging.nodes())
        if rows:
            self.section("The same between two nodes, by way of Redis or Valkey", merging.HEAD, rows)
        fitted = merging.fitted_rows(merging.training())
        if fitted:
            self.section("Fitting a learned score, one thread", merging.FITTED_HEAD, fitted)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=4, help="of each run of wrk")
    arguments.add_argument("--write", action="store_true", help="put the table into README.md")
    arguments.add_argument("--only", default="", help="sections, separated by commas, such as throughput,tls")
    given = arguments.parse_args()
    parts.install(parts.BENCHMARK_PARTS)
    for need in ("nginx", "wrk"):
        if parts.find(need) is None:
            sys.exit(f"make bench needs {need}; Debian: apt-get install {parts.BENCHMARK_PARTS[need].package}")

    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"this machine is busy (load {busy:.1f}): the figures will be poor", file=sys.stderr)
    began = time.monotonic()
    proxy_core, load_core = cores()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="botproxy-bench-")))
        certificate, key = certificate_in(folder)
        bench = Bench(folder, proxy_core, load_core, certificate, key)
        origin = stack.enter_context(bench.origin())
        campaign = Campaign(bench, given.seconds)
        others: dict[str, Start] = {"aiohttp, plain proxy": bench.aiohttp}
        if not parts.missing({name: parts.BENCHMARK_PARTS[name] for name in ("modsecurity", "owasp-crs")}):
            others = {"nginx + ModSecurity + OWASP rules": bench.modsecurity, **others}
        else:
            print("left out, not on this machine: nginx with ModSecurity and the OWASP rules")
        ours: dict[str, Start] = {
            name: functools.partial(bench.botproxy, program=program) for name, program in programs().items()
        }
        quiet: dict[str, Start] = {"botproxy, events off": lambda: bench.botproxy(events=False)}
        plain: dict[str, Start] = {"nginx, plain proxy": bench.nginx}
        sections: dict[str, Callable[[], None]] = {
            "throughput": lambda: campaign.throughput(others | ours | quiet),
            "bodies": lambda: campaign.bodies(others | ours),
            "latency": lambda: campaign.latency(plain | others | ours, origin),
            "growth": campaign.growth,
            "tls": campaign.tls,
            **({"http2": campaign.http2} if shutil.which("h2load") is not None else {}),
            "workers": campaign.workers,
            "deciding": campaign.deciding,
            "merging": campaign.merging,
        }
        for name in given.only.split(",") if given.only else sections:
            sections[name]()

    machine = (
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {versions()}; proxy on one"
        f" core, load generator and origin on another; runs of {given.seconds} s; {time.monotonic() - began:.0f} s in"
        f" all; load of the machine before, {busy:.1f}. Ratios below 15 % apart are ties."
    )
    print(f"\n{machine}")
    if campaign.wrong:
        print("not every response was right:\n  " + "\n  ".join(campaign.wrong), file=sys.stderr)
        return 1
    if given.write:
        report.put_into(ROOT / "README.md", "\n".join([*campaign.sections, machine]))
    return 0


def programs() -> dict[str, Path]:
    """botproxy as it is installed here: as Python, and compiled if `make compiled` was possible."""
    found = {"botproxy, enforcing": BOTPROXY}
    return found | {"botproxy, enforcing, compiled": COMPILED} if COMPILED.exists() else found


def versions() -> str:
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr
    return said.strip().rpartition(": ")[2]


if __name__ == "__main__":
    sys.exit(main())
