"""`botproxy serve`, `reload` and `mode` with everything real: processes, sockets, the whole composition."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import final

import pytest

SECONDS = 30.0

CONFIG = """\
secret_file: auto
workers: 1
listeners: [{address: 127.0.0.1:%d}]
admin: {listen: 127.0.0.1:%d}
unknown_host: site
limits: {connections: %d}
zones:
  - name: site
    origins: ["http://127.0.0.1:9"]
"""


def environment() -> dict[str, str]:
    """This process's, without what would configure the proxy."""
    return {name: value for name, value in os.environ.items() if not name.startswith("BOTPROXY_")}


def botproxy(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "botproxy", *arguments],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


@final
class Running:
    """`botproxy serve --config botproxy.yaml` in a directory."""

    def __init__(self, directory: Path, port: int, admin: int) -> None:
        self.directory = directory
        self.port = port
        self.admin = f"127.0.0.1:{admin}"
        self.file = directory / "botproxy.yaml"
        self.file.write_text(CONFIG % (port, admin, 1000))
        self.log = directory / "log"
        with self.log.open("wb") as log:
            # With few open files allowed at first, as most systems start programs.
            serve = 'ulimit -S -n 256 && exec "$@"'
            self.process = subprocess.Popen(
                ["sh", "-c", serve, "sh", sys.executable, "-m", "botproxy", "serve", "--config", "botproxy.yaml"],
                cwd=directory,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self, pattern: str) -> str:
        """Wait until the log has it; what was found."""
        end = time.monotonic() + SECONDS
        while (found := re.search(pattern, self.log.read_text())) is None:
            if time.monotonic() > end or self.process.poll() is not None:
                pytest.fail(f"{pattern!r} was not said:\n{self.log.read_text()}")
            time.sleep(0.02)
        return found[0]

    def ask(self, path: str) -> str:
        """What the admin listener answers."""
        with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def status(self) -> int:
        """Of a request of a visitor."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/", headers={"Host": "site.example"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that asks the admin listener."""
        return botproxy(self.directory, *arguments, "--admin", self.admin)


@pytest.fixture
def running(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Running]:
    """A proxy that serves; its origin refuses every connection."""
    proxy = Running(tmp_path, free_port(), free_port())
    try:
        proxy.wait("msg=serving")
        yield proxy
    finally:
        proxy.process.send_signal(signal.SIGTERM)
        try:
            proxy.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            proxy.process.kill()
            proxy.process.wait()


def test_without_a_secret_nothing_starts_and_the_sentence_that_helps_is_said(tmp_path: Path) -> None:
    (tmp_path / "botproxy.yaml").write_text((CONFIG % (0, 0, 10)).replace("secret_file: auto\n", ""))
    done = botproxy(tmp_path, "serve", "--config", "botproxy.yaml")
    assert done.returncode == 1
    assert "there is no secret to seal cookies with" in done.stderr
    assert "botproxy keys new > botproxy.secret" in done.stderr
    assert "BOTPROXY_SECRET" in done.stderr
    assert "secret_file: auto" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_file_changes_nothing_and_every_problem_is_said_where_it_stands(running: Running) -> None:
    """Both ways to reload: the signal says it in the log, the command prints it."""
    good = running.file.read_text()
    bad = good.replace("workers: 1", "workers: none") + (
        "    rules:\n"
        "      - ref: one\n"
        '        expression: http.hots eq "a"\n'
        "        action: block\n"
        "      - ref: two\n"
        "        expression: ssl\n"
        "        action: bloc\n"
    )
    running.file.write_text(bad)
    running.process.send_signal(signal.SIGHUP)
    running.wait("reload failed, nothing has changed")
    problems = [line for line in running.log.read_text().splitlines() if "configuration problem" in line]
    for place in ("2:10: ", "12:21: ", "16:17: "):
        assert sum(f"botproxy.yaml:{place}" in line for line in problems) == 1, problems
    assert len(problems) == 3
    assert running.status() == 502
    assert json.loads(running.ask("/healthz"))["generation"] == 1

    told = running.command("reload")
    assert told.returncode == 1
    assert told.stdout.count("botproxy.yaml:") == 3
    assert "botproxy.yaml:12:21: the expression is wrong" in told.stdout
    assert "the proxy goes on as before" in told.stderr

    running.file.write_text(good.replace("connections: 1000", "connections: 1000000000"))
    assert running.command("reload").returncode == 0
    assert json.loads(running.ask("/healthz"))["generation"] > 1
    running.wait(r"configuration warning.*botproxy\.yaml:6:23: this system lets a process open")
    assert running.status() == 502


def test_a_mode_that_was_not_written_down_is_shown_until_it_is(running: Running) -> None:
    blocker = running.directory / "data" / "state.json.new"
    blocker.mkdir()
    switched = running.command("mode", "enforce")
    assert switched.returncode == 0
    assert "enforce (switched" in switched.stdout
    assert "will not outlive a restart" in switched.stderr
    asked = running.command("mode")
    assert "will not outlive a restart" in asked.stderr
    blocker.rmdir()
    assert running.command("mode", "enforce").stderr == ""
    assert running.command("mode").stderr == ""


def test_a_running_proxy_may_open_as_many_files_as_the_system_allows(running: Running) -> None:
    """In every process of it: connections are the workers'."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    worker = int(re.search(r"process=(\d+)", running.wait('msg="worker serves".*'))[1])  # type: ignore[index]
    for process in (running.process.pid, worker):
        limits = Path(f"/proc/{process}/limits").read_text()
        assert re.search(rf"Max open files\s+{hard}\s+{hard}\s", limits), limits


def test_what_the_wire_counts_is_on_the_metrics_page(running: Running) -> None:
    for _ in range(3):
        assert running.status() == 502
    end = time.monotonic() + SECONDS
    while "botproxy_requests_read_total 3.0" not in (page := running.ask("/metrics")):
        assert time.monotonic() < end, page
        time.sleep(0.1)
    numbers = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    assert float(numbers["botproxy_connections_accepted_total"]) == 3
    for name in ("requests_refused", "requests_retried", "origin_connections_reused", "handler_errors"):
        assert float(numbers[f"botproxy_{name}_total"]) == 0, name
    assert float(numbers["botproxy_origin_connections_opened_total"]) == 0
