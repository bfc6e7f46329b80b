"""The whole product as a user starts it: real processes, real sockets, a real origin."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple, final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

READY_SECONDS = 30.0
EVENT_SECONDS = 10.0

CHROMIUM = (
    ("Connection", "keep-alive"),
    ("Upgrade-Insecure-Requests", "1"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
    ),
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
        "application/signed-exchange;v=b3;q=0.7",
    ),
    ("Accept-Encoding", "gzip, deflate"),
    ("Accept-Language", "en-US,en;q=0.9"),
)
"""What Chromium sends for a page over http from a name that is not loopback, after Host."""


def until(done: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true answer of `done`; fails with `what` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = done()
        if answer:
            return answer
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def children(process: int) -> list[int]:
    """The processes that this one started and that still run."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def descendants(process: int) -> list[int]:
    """Every process below this one."""
    return [each for child in children(process) for each in (child, *descendants(child))]


@final
class Program:
    """A `botproxy` command that runs until it is stopped."""

    def __init__(self, log: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self._log = log.open("wb")
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "botproxy", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**{k: v for k, v in os.environ.items() if not k.startswith("BOTPROXY_")}, **(environment or {})},
        )

    def said(self) -> str:
        """Everything it wrote so far."""
        return self.log.read_text("utf-8", "replace")

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20.0) -> int:
        """End it with a signal; its exit status. One that does not end in time is killed, and the test fails."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                pytest.fail(f"did not end within {seconds} s of signal {number}:\n{self.said()}")
        self._log.close()
        return self.process.returncode


@final
class Proxy:
    """A running proxy."""

    def __init__(self, program: Program, port: int, admin: int, data: Path) -> None:
        self.program = program
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.admin = f"http://127.0.0.1:{admin}"
        self.admin_address = f"127.0.0.1:{admin}"
        self.data = data

    def workers(self) -> list[int]:
        """Process ids of everything below the supervisor that has no children itself."""
        return [process for process in descendants(self.program.process.pid) if not children(process)]

    def events(self, **wanted: object) -> list[dict[str, Any]]:
        """Events recorded so far whose fields have these values."""
        path = self.data / "events.jsonl"
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")[:-1]
        found = [json.loads(line) for line in lines]
        return [event for event in found if all(event[name] == value for name, value in wanted.items())]

    def event(self, **wanted: object) -> dict[str, Any]:
        """The one event with these values, as soon as it is written."""
        found: list[dict[str, Any]] = until(lambda: self.events(**wanted), EVENT_SECONDS, f"an event with {wanted}")
        assert len(found) == 1, found
        return found[0]


class Page(NamedTuple):
    """What a browser got."""

    status: int
    headers: Message
    body: bytes

    @property
    def ray(self) -> str:
        """The ray id, without its label."""
        return str(self.headers["Cf-Ray"]).split("-")[0]


def browse(port: int, path: str = "/", *more: tuple[str, str], host: str = "shop.example") -> Page:
    """Ask for a page exactly as Chromium does; `more` are headers at the end, where it puts Cookie."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
    for name, value in (("Host", host), *CHROMIUM, *more):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    page = Page(answer.status, answer.headers, answer.read())
    connection.close()
    return page


def answers(url: str) -> bool:
    """Whether a server answers there, with whatever status."""
    try:
        urlopen(Request(url), timeout=2).close()
    except HTTPError:
        return True
    except (URLError, OSError):
        return False
    return True


def ready(url: str) -> bool:
    """Whether a proxy says that it is ready."""
    try:
        with urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@pytest.fixture(scope="session")
def demo_origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the demo origin, running in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Program(tmp_path_factory.mktemp("origin") / "log", "demo", "--listen", f"127.0.0.1:{port}")
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(url), READY_SECONDS, f"the demo origin: {program.said()}")
        yield url
    finally:
        program.stop()


Start = Callable[..., Proxy]


@pytest.fixture
def start(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Start]:
    """`start(origin)` runs `botproxy serve --origin`, `start(config={...})` runs it with a file; both end after."""
    running: list[Program] = []

    def begin(
        origin: str = "",
        *options: str,
        config: dict[str, Any] | None = None,
        data: Path | None = None,
        workers: int = 1,
        port: int = 0,
    ) -> Proxy:
        port, admin = port or free_port(), free_port()
        data = data or tmp_path / "data"
        log = tmp_path / f"log-{len(running)}"
        if config is None:
            where = ("--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}")
            program = Program(
                log, "serve", "--origin", origin, *where, "--data", str(data), "--workers", str(workers), *options
            )
        else:
            file = tmp_path / "botproxy.yaml"
            whole = {
                "secret_file": "auto",
                "data": str(data),
                "workers": workers,
                "listeners": [{"address": f"127.0.0.1:{port}"}],
                "admin": {"listen": f"127.0.0.1:{admin}"},
                "places": {"clouds": "off"},  # a third of a second less until it serves; and without numpy as well:
                "scoring": {"machine_learning": {"enabled": False}},
                **config,
            }
            file.write_text(json.dumps(whole))
            program = Program(log, "serve", "--config", str(file), *options)
        running.append(program)
        proxy = Proxy(program, port, admin, data)

        def up() -> bool:
            assert program.process.poll() is None, program.said()
            return ready(proxy.url)

        until(up, READY_SECONDS, "a proxy that is ready")
        return proxy

    yield begin
    for program in running:
        program.stop()
