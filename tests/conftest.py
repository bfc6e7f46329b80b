"""What every room's tests may ask for: real programs by name, free ports, certificates.

A test that needs a program takes the fixture `part` and is skipped by name where the program is missing. With
BOTPROXY_REQUIRE_ALL=1, as in continuous integration, a skip is a failure, so that nothing is left out unnoticed.
"""

from __future__ import annotations

import collections
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

import hypothesis
import pytest
import trustme

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import parts  # noqa: E402

# How long an example takes says how busy the machine is, and nothing of the product.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

REFERENCE_DATA = ROOT.parent / "shared" / "data"
_MISSING = "missing part: "


def _skip_is_failure(reason: str) -> bool:
    if os.environ.get("BOTPROXY_REQUIRE_ALL") != "1":
        return False
    return not ("shared/data" in reason and not REFERENCE_DATA.exists())


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome == "skipped" and not hasattr(report, "wasxfail") and _skip_is_failure(_reason(report)):
        report.longrepr = f"skipped, but BOTPROXY_REQUIRE_ALL=1 allows no skip: {_reason(report)}"
        report.outcome = "failed"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: collections.Counter[str] = collections.Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = _reason(report).removeprefix("Skipped: ")
        if reason.startswith(_MISSING):
            counts[reason.removeprefix(_MISSING)] += 1
    if counts:
        listed = ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))
        terminalreporter.write_line(f"skipped for missing parts: {counts.total()} ({listed})", yellow=True)


@pytest.fixture(scope="session")
def part() -> Callable[[str], str]:
    """`part("nginx")` is the path of that program; the test is skipped by name where it is missing."""

    def require(name: str) -> str:
        found = parts.find(name)
        if found is None:
            pytest.skip(_MISSING + name)
        return str(found)

    return require


@pytest.fixture
def free_port() -> Callable[[], int]:
    """`free_port()` is a TCP port on 127.0.0.1 that nothing listens on, for programs that cannot bind port 0."""

    def choose() -> int:
        while True:
            number = next(_PORTS)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", number))
                except OSError:
                    continue
                return number

    return choose


def _ports() -> Iterator[int]:
    """Ports below those that the system gives to outgoing connections, another part of them for each process of a run:
    one that is free now is not taken before the program under test listens on it.
    """
    part_of_run = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 10
    first = 12_000 + part_of_run * 2_000
    for step in count(os.getpid() % 2_000):
        yield first + step % 2_000


_PORTS = _ports()


class Certificates(NamedTuple):
    """An authority made for this run, and a certificate that it issued for names under example.test and loopback."""

    authority: trustme.CA
    authority_file: Path
    certificate_file: Path  # with its chain
    key_file: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificate files for servers under test; clients trust `authority_file`."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1", "::1", "example.test", "*.example.test")
    made = Certificates(authority, folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    authority.cert_pem.write_to_path(str(made.authority_file))
    issued.private_key_pem.write_to_path(str(made.key_file))
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(str(made.certificate_file), append=number > 0)
    return made


class RedisServer:
    """A server of Redis or Valkey, on a local socket and on a port of loopback; it forgets all when it is stopped."""

    def __init__(self, program: str, folder: Path, port: int, *options: str) -> None:
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = [
            program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(folder), "--logfile", str(folder / "redis.log"), *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def redis_server(
    part: Callable[[str], str], free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RedisServer]:
    """A running server that nobody else uses."""
    server = RedisServer(part("redis"), tmp_path_factory.mktemp("redis"), free_port())
    server.start()
    yield server
    server.stop()
