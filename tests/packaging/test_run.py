"""`make run` starts everything, says where to look, and leaves nothing behind."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "run.py"


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The tool, and what it printed until it was ready."""
    command = [sys.executable, str(TOOL), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(90, process.kill)
        watchdog.start()
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("Ctrl-C"):
                    break
            yield process, said
        finally:
            watchdog.cancel()
            if process.poll() is None:
                process.send_signal(signal.SIGINT)


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def ports(free_port: Callable[[], int], tmp_path: Path) -> list[str]:
    return ["--port", str(free_port()), "--admin-port", str(free_port()), "--data", str(tmp_path)]


def seen(admin: str, field: str) -> set[str]:
    """Values of a field in the event store of now."""
    with urllib.request.urlopen(f"http://{admin}/api/analytics/top?since=-600&field={field}", timeout=10) as response:
        return {str(row[0]) for row in json.load(response)["rows"]}


def test_it_enforces_in_front_of_the_demo_and_ends_with_everything(ports: list[str]) -> None:
    with running(*ports) as (process, said):
        assert f"http://127.0.0.1:{ports[1]}/" in said
        assert "mode: enforce" in said
        with pytest.raises(urllib.error.HTTPError) as answered:
            urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/", timeout=10)
        assert answered.value.headers["cf-mitigated"] == "challenge"
        answered.value.close()
        deadline = time.monotonic() + 40
        while (
            len(seen(f"127.0.0.1:{ports[3]}", "client_ip")) < 3
        ):  # demo visitors, so that there is something to look at
            assert time.monotonic() < deadline
            time.sleep(0.5)
        started = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_it_observes_in_front_of_a_site_that_is_named(ports: list[str], free_port: Callable[[], int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as origin:
        threading.Thread(target=answer_once, args=[origin], daemon=True).start()
        with running(*ports, "--origin", f"http://127.0.0.1:{origin.getsockname()[1]}") as (process, said):
            assert "mode: observe" in said
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/", timeout=10) as response:
                assert json.load(response) == {"from": "origin"}
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0


def answer_once(origin: socket.socket) -> None:
    connection, _ = origin.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\n{"from":"origin"}')


def test_a_taken_port_is_named_with_the_way_out(free_port: Callable[[], int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, str(TOOL), "--port", str(port), "--admin-port", str(free_port())]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert "make run PORT=" in done.stderr
