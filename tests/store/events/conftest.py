"""Every backend of events, for the one suite that all of them have to pass."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made import KEEP, clock

from botproxy.store.clickhouse.backend import ClickhouseStore
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import EventStore

Make = Callable[[], EventStore]

CONFIG = """<yandex><logger><level>warning</level><console>1</console></logger><http_port>{port}</http_port>
<listen_host>127.0.0.1</listen_host><path>{path}/</path><tmp_path>{path}/tmp/</tmp_path>
<users_config>{path}/users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database><mark_cache_size>5368709120</mark_cache_size></yandex>"""
USERS = """<yandex><profiles><default></default></profiles><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas></yandex>"""


class Clickhouse:
    """A real server, which tests stop and start."""

    def __init__(self, program: Path, directory: Path, port: int) -> None:
        self._command = [str(program), f"--config-file={directory / 'config.xml'}"]
        self._directory = directory
        self._numbers = count(1)
        self.port = port
        (directory / "config.xml").write_text(CONFIG.format(port=port, path=directory))
        (directory / "users.xml").write_text(USERS)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._directory)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                self.run("SELECT 1")
                return
            assert time.monotonic() < deadline, (self._directory / "log").read_text()[-2000:]
            assert self._process.poll() is None, (self._directory / "log").read_text()[-2000:]
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def run(self, query: str) -> str:
        """Run a query."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", query.encode(), timeout=30) as answer:
            return answer.read().decode().strip()

    def database(self) -> str:
        """The address of a database of its own."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return f"clickhouse://127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def clickhouse_server(part: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clickhouse]:
    """A server for all tests of a process."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    server = Clickhouse(part("clickhouse"), tmp_path_factory.mktemp("clickhouse"), port)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["duckdb", "clickhouse"])
async def make(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Make]:
    """Opens the same store, again and again."""
    begun: list[EventStore] = []
    address = request.getfixturevalue("clickhouse_server").database() if request.param == "clickhouse" else ""

    def build() -> EventStore:
        for each in begun:
            each.close(10)
        store: Any
        if address:
            store = ClickhouseStore(address, tmp_path / "spill", KEEP, clock=clock)
        else:
            store = DuckdbStore(tmp_path / "events.duckdb", KEEP, clock=clock)
        begun.append(store)
        store.started()
        return begun[-1]

    yield build
    for each in begun:
        await asyncio.to_thread(each.close, 10)


@pytest.fixture
def store(make: Make) -> EventStore:
    """An empty store."""
    return make()
