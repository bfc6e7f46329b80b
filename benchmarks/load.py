"""wrk, and what it measured."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

SCRIPT = Path(__file__).with_name("browser.lua")
_UNITS = {"us": 1.0, "ms": 1000.0, "s": 1_000_000.0, "m": 60_000_000.0}


class Measured(NamedTuple):
    """One run of wrk. Latencies in microseconds, of whole exchanges."""

    per_second: float
    p50: float
    p99: float
    errors: int  # responses that were neither 2xx nor 3xx, and socket errors


def run(
    port: int,
    path: str,
    *,
    core: int,
    seconds: int,
    connections: int = 64,
    differ: bool = False,
    tls: bool = False,
    pause: float = 0.0,
    first: int = 0,
) -> Measured:
    """Load `path` with the header block of a browser, the same each time or a different one each time.

    `pause` is the mean of what each connection waits before a request, in milliseconds. `first` is a priority of
    SCHED_FIFO, which only root can give: wrk goes before whatever else is on its core.
    """
    scheme = "https" if tls else "http"
    command = [
        *(["chrt", "--fifo", str(first)] if first else []),
        *["taskset", "--cpu-list", str(core), "wrk", "--threads", "1", "--connections", str(connections)],
        *["--duration", f"{seconds}s", "--timeout", "10s", "--latency", "--script", str(SCRIPT)],
        f"{scheme}://127.0.0.1:{port}{path}",
    ]
    environment = os.environ | {"BENCHMARK_PATH": path, "BENCHMARK_DIFFER": "1" if differ else ""}
    environment["BENCHMARK_PAUSE"] = f"{pause:.3f}"
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"wrk failed: {done.stderr or done.stdout}")
    return read(done.stdout)


def read(output: str) -> Measured:
    """What wrk's report says."""
    rate = re.search(r"^Requests/sec:\s+([\d.]+)", output, re.MULTILINE)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    if rate is None:
        raise RuntimeError(f"wrk said something else:\n{output}")
    errors = int(wrong[1]) if wrong else 0
    errors += sum(map(int, sockets.groups())) if sockets else 0
    return Measured(float(rate[1]), _percentile(output, "50"), _percentile(output, "99"), errors)


def _percentile(output: str, which: str) -> float:
    found = re.search(rf"^\s+{which}%\s+([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")
