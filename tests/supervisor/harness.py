"""Runs a real supervisor with the stand-in in processes of its own, and talks to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

MAIN = """
import json, sys
from botproxy.supervisor.supervisor import run
def read():
    with open(sys.argv[1]) as opened:
        return json.load(opened)
sys.exit(run(read, "standin:load"))
"""


def until(what: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Wait until `what` gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            result = what()
            if result:
                return result
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)


class Proxy:
    """A running supervisor."""

    def __init__(
        self, directory: Path, prefix: Sequence[str] = (), stdin: int = subprocess.DEVNULL, **source: Any
    ) -> None:
        self.directory = directory
        self.config = directory / "config.json"
        self.source: dict[str, Any] = {
            "listeners": ["127.0.0.1:0"],
            "data": str(directory / "data"),
            "admin": {"listen": "127.0.0.1:0"},
            "events": {"store": "none"},  # a database in every test takes half a second each
            **source,
        }
        self.write()
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", MAIN, str(self.config)],
            stdin=stdin,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(HERE)])},
            cwd=directory,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip())

    def write(self, **changes: Any) -> None:
        """Write the configuration, with these changes from now on."""
        self.source.update(changes)
        draft = self.config.with_suffix(".new")
        draft.write_text(json.dumps(self.source))
        draft.replace(self.config)

    def said(self, pattern: str) -> list[str]:
        """Log lines that match."""
        return [line for line in self.lines if re.search(pattern, line)]

    def wait(self, pattern: str, times: int = 1, seconds: float = 60.0) -> str:
        """Wait until so many lines match; the last of them."""
        try:
            until(lambda: len(self.said(pattern)) >= times, seconds)
        except AssertionError:
            raise AssertionError(f"{pattern!r} was not said:\n" + "\n".join(self.lines)) from None
        return self.said(pattern)[-1]

    def started(self) -> Proxy:
        """Wait until it serves."""
        line = self.wait(r"msg=serving")
        self.port = int(re.search(r"listeners=\S*?:(\d+)", line)[1])
        self.admin_port = int(re.search(r"admin=\S+:(\d+)", line)[1])
        return self

    def get(self, path: str = "/", connection: http.client.HTTPConnection | None = None) -> dict[str, Any]:
        """One request to the data plane, on a connection of its own unless one is given."""
        ours = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            ours.request("GET", path)
            return json.loads(ours.getresponse().read())
        finally:
            if connection is None:
                ours.close()

    def begin_slow(self, seconds: float) -> http.client.HTTPConnection:
        """Begin a request that takes so long; returns once a worker has it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", f"/slow?seconds={seconds}")
        connection.sock.recv(1, socket.MSG_PEEK)
        return connection

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """One request to the admin listener."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=30)
        try:
            content = None if body is None else json.dumps(body)
            if content is not None:
                headers = {"Content-Type": "application/json", **headers}
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            text = response.read().decode()
            return response.status, json.loads(text) if "json" in response.headers["Content-Type"] else text
        finally:
            connection.close()

    def metric(self, name: str) -> float:
        """Sum of a metric over its labels."""
        _, text = self.ask("GET", "/metrics")
        return sum(float(line.split()[-1]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))

    def signal(self, number: int) -> None:
        """Send the supervisor a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """End it the ordinary way; the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()
            self.reader.join(5)
            assert self.process.stderr is not None
            self.process.stderr.close()


class Load:
    """Clients that ask without pause on kept-alive connections, and count what went wrong."""

    def __init__(self, proxy: Proxy, clients: int = 6) -> None:
        self.proxy = proxy
        self.answers: dict[int, int] = {}
        self.bodies: set[str] = set()
        self.errors: list[str] = []
        self.longest = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    @property
    def total(self) -> int:
        """Good answers so far."""
        return sum(self.answers.values())

    def _run(self) -> None:
        asked = 0
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=10)
        while not self._stop.is_set():
            begun = time.monotonic()
            try:
                said = self.proxy.get("/", connection)
            except Exception as error:
                with self._lock:
                    self.errors.append(repr(error))
                connection.close()
                continue
            asked += 1
            if asked % 20 == 0:
                connection.close()  # new connections have to find an accepting worker too
            with self._lock:
                self.longest = max(self.longest, time.monotonic() - begun)
                self.answers[said["pid"]] = self.answers.get(said["pid"], 0) + 1
                self.bodies.add(said["body"])
            time.sleep(0.001)
        connection.close()


def alive(process: int) -> bool:
    """Whether this process still runs (a zombie does not)."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@contextlib.contextmanager
def running(directory: Path, **source: Any) -> Iterator[Proxy]:
    """A supervisor that serves, ended at the end."""
    proxy = Proxy(directory, **source)
    try:
        yield proxy.started()
    finally:
        proxy.stop()
