"""Two nodes, Redis, ClickHouse and HAProxy, as the profile `cluster` has them; one node is killed under load.

The files of the profile are what runs here, with the addresses of this machine.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.store.events.conftest import Clickhouse
from tests.system.conftest import Program, descendants, until
from tests.system.recording import origin, says
from tests.system.test_solved_challenges import EASY, Answer, solution

FILES = Path(__file__).parents[2] / "docker" / "cluster"
LOAD_THREADS = 6
PAUSE_SECONDS = 0.02
COUNTS_SECONDS = 0.25
EVENTS_SECONDS = 2.0
LATE_SECONDS = 0.5
"""What a loaded machine may add to both."""


class Node(NamedTuple):
    """One of the two."""

    program: Program
    port: int
    admin: int
    data: Path

    def metric(self, name: str) -> float:
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=5).read().decode()
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), -1.0)


class Sent(NamedTuple):
    """A request that was answered."""

    path: str
    at: float


def ask(port: int, path: str, cookie: str = "", body: bytes | None = None, direct: bool = True) -> Answer:
    """One request: to a node itself, with the header of a load balancer, or through the real one."""
    headers = {"Host": "shop.example", "User-Agent": "Visitor/1", "Accept": "text/html"}
    if cookie:
        headers["Cookie"] = cookie
    if body is not None:
        headers |= {"Origin": "http://shop.example", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.connect()
    if direct:
        connection.sock.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 80\r\n")
    with contextlib.closing(connection):
        connection.request("GET" if body is None else "POST", path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def command(node: Node, path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{node.admin}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def clickhouse(part: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clickhouse]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    server = Clickhouse(part("clickhouse"), tmp_path_factory.mktemp("clickhouse"), port)
    server.start()
    yield server
    server.stop()


class Cluster:
    """What runs."""

    def __init__(self, folder: Path, free_port: Callable[[], int], url: str, state: str, store: str) -> None:
        self._folder, self._free_port = folder, free_port
        self._running: list[Program] = []
        secret = folder / "secret"
        secret.write_text("Jx0vY3h6c2VjcmV0LWZvci10d28tbWFjaGluZXMtMTIz\n")
        secret.chmod(0o600)
        self._config: dict[str, Any] = yaml.safe_load((FILES / "botproxy.yaml").read_text())
        (zone,) = self._config["zones"]
        challenge = {"ref": "guarded", "expression": 'http.request.uri.path eq "/guarded"', "action": "js_challenge"}
        limit = {"characteristics": ["cf.colo.id", "ip.src"], "period": 60, "requests_per_period": 20}
        limited = {"ref": "limited", "expression": 'http.request.uri.path eq "/limited"', "action": "block"}
        zone |= {"origins": [url], "mode": "enforce", "presets": [], "rules": [challenge]}
        zone["rate_limits"] = [limited | {"ratelimit": limit | {"mitigation_timeout": 60}}]
        self._config |= {"state": state, "secret_file": str(secret), "challenges": EASY, "workers": 1}
        self._config["events"]["store"] = store
        self._config["places"] = {"clouds": "off"}

    def node(self, name: str) -> Node:
        """Start a node, or start it again."""
        port, admin = self._free_port(), self._free_port()
        loopback = ["127.0.0.0/8"]
        own = {
            "data": str(self._folder / name),
            "listeners": [{"address": f"127.0.0.1:{port}", "proxy_protocol": {"peers": loopback}}],
            "health": {"peers": loopback},
            "admin": {"listen": f"127.0.0.1:{admin}"},
        }
        file = self._folder / f"{name}-{port}.json"
        file.write_text(json.dumps({**self._config, **own}))
        program = Program(self._folder / f"{name}-{port}.log", "serve", "--config", str(file))
        self._running.append(program)

        def ready() -> bool:
            assert program.process.poll() is None, program.said()
            with contextlib.suppress(OSError, http.client.HTTPException):
                return ask(port, "/readyz").status == 200
            return False

        until(ready, 60, "a node that is ready")
        return Node(program, port, admin, self._folder / name)

    @contextlib.contextmanager
    def balanced(self, haproxy: str, one: Node, two: Node) -> Iterator[int]:
        """The load balancer before them."""
        port = self._free_port()
        text = (FILES / "haproxy.cfg").read_text()
        for name, by in (("bind :8080", f"bind 127.0.0.1:{port}"), *_servers(one, two)):
            assert name in text
            text = text.replace(name, by)
        file = self._folder / "haproxy.cfg"
        file.write_text(text)
        with subprocess.Popen([haproxy, "-db", "-f", str(file)]) as running:
            try:
                until(lambda: _answers(port), 30, "the load balancer")
                yield port
            finally:
                running.kill()

    def end(self) -> None:
        for program in self._running:
            program.stop()


def _servers(one: Node, two: Node) -> tuple[tuple[str, str], ...]:
    return ("proxy-1:8080", f"127.0.0.1:{one.port}"), ("proxy-2:8080", f"127.0.0.1:{two.port}")


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return ask(port, "/first", direct=False).status == 200
    return False


def kill(node: Node) -> float:
    """End every process of a node at once, as a machine ends; when that was."""
    supervisor = node.program.process.pid
    everybody = [supervisor, *descendants(supervisor)]
    for process in everybody:
        os.kill(process, signal.SIGSTOP)  # so that none outlives another and says so
    at = time.time()
    for process in everybody:
        os.kill(process, signal.SIGKILL)
    node.program.process.wait()
    return at


class Load:
    """Requests without a pause, each for a path of its own."""

    def __init__(self, port: int) -> None:
        self.sent: list[Sent] = []
        self.failed: list[float] = []
        self._port = port
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(LOAD_THREADS)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        step = 0
        while not self._stop.wait(PAUSE_SECONDS):
            step += 1
            path = f"/load/{number}/{step}"
            try:
                answer = ask(self._port, path, direct=False)
            except (OSError, http.client.HTTPException):
                self.failed.append(time.time())
                continue
            if answer.status == 200:
                self.sent.append(Sent(path, time.time()))
            else:
                self.failed.append(time.time())

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)


@pytest.mark.prove
@pytest.mark.timeout(300)
def test_a_node_is_killed_under_load(
    tmp_path: Path,
    free_port: Callable[[], int],
    part: Callable[[str], str],
    redis_server: Any,
    clickhouse: Clickhouse,
    record_property: Callable[[str, object], None],
) -> None:
    store = clickhouse.database()
    with origin(says(b"the page")) as recording:
        cluster = Cluster(tmp_path, free_port, recording.url, redis_server.url, store)
        try:
            one, two = cluster.node("one"), cluster.node("two")
            with cluster.balanced(part("haproxy"), one, two) as port:
                load = Load(port)
                try:
                    time.sleep(4)
                    told = _before(one)
                    at = kill(one)
                    _after(two, told)
                    time.sleep(4)
                finally:
                    load.stop()
                _nobody_is_turned_away(load, at)
                lost = _lost(clickhouse, store, load)
                late = [at - sent.at for sent in lost if sent.at <= at]
                report = {
                    "answered": len(load.sent),
                    "failed": len(load.failed),
                    "events lost": len(lost),
                    "oldest lost, seconds before": round(max(late, default=0.0), 3),
                }
                print(report)
                record_property("cluster", report)
                assert all(sent.at <= at + 0.1 for sent in lost), "events of the node that lives are all there"
                assert max(late, default=0.0) <= EVENTS_SECONDS + LATE_SECONDS

                again = cluster.node("one")
                assert again.metric("botproxy_state_reachable") == 1.0
                assert ask(again.port, *told.replay).status == 409
        finally:
            cluster.end()


class Told(NamedTuple):
    """What the first node said before its end."""

    replay: tuple[str, str, bytes]  # a solution that was taken: path, no cookie, body
    kept: str  # clearances
    revoked: str
    passed: int  # requests that the limit counted


def _clearance(node: Node) -> tuple[str, tuple[str, str, bytes], str]:
    page = ask(node.port, "/guarded")
    path, body = solution(page)
    answer = ask(node.port, path, body=body)
    if answer.status == 425:  # whoever looks like a program has to wait as long as it says
        time.sleep(json.loads(answer.body)["wait"] / 1000)
        answer = ask(node.port, path, body=body)
    assert answer.status == 200, answer.body
    ray = page.headers["Cf-Ray"].split("-")[0]
    return str(answer.headers["Set-Cookie"]).split(";")[0], (path, "", body), ray


def _before(one: Node) -> Told:
    kept, replay, _ = _clearance(one)
    revoked, _, ray = _clearance(one)
    passed = sum(ask(one.port, "/limited").status == 200 for _ in range(15))
    assert passed == 15
    time.sleep(COUNTS_SECONDS + LATE_SECONDS)
    # And at the last moment: a nonce and a revocation have to hold at once.
    _, replay, _ = _clearance(one)
    command(one, "/api/clearance/revoke", {"kind": "ray", "value": ray})
    return Told(replay, kept, revoked, passed)


def _after(two: Node, told: Told) -> None:
    assert ask(two.port, *told.replay).status == 409, "a nonce that was burned on the dead node is burned"
    until(lambda: ask(two.port, "/guarded", told.revoked).status == 403, 2, "a revocation of the dead node to hold")
    assert ask(two.port, "/guarded", told.kept).status == 200
    passed = 0
    while ask(two.port, "/limited").status == 200:
        passed += 1
        assert passed <= 20 - told.passed, "counts from before the last quarter of a second are there"
    assert passed == 20 - told.passed


def _nobody_is_turned_away(load: Load, at: float) -> None:
    """Requests in flight on the dead node break; then everybody is served by the other one."""
    assert [when for when in load.failed if when < at - 0.1] == []
    assert [when for when in load.failed if when > at + 4.0] == []
    assert len(load.failed) <= 10 * LOAD_THREADS
    assert len([sent for sent in load.sent if sent.at > at + 1.0]) > 50


def _lost(clickhouse: Clickhouse, store: str, load: Load) -> list[Sent]:
    """Requests that were answered and have no event, once no more events come."""
    database = re.sub(r".*/", "", store)

    def stored() -> set[str]:
        rows = clickhouse.run(f"SELECT path FROM {database}.events WHERE path LIKE '/load/%'")
        return set(rows.splitlines())

    last = max(load.sent, key=lambda sent: sent.at).path
    until(lambda: last in stored(), 20, "the event of the last request")
    time.sleep(2)
    found = stored()
    return [sent for sent in load.sent if sent.path not in found]
