"""`botproxy import`: a log becomes analytics, what cannot be read is told, and all of it can be deleted again."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiohttp.test_utils import TestServer
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "store" / "events"))

from made import KEEP, event

from botproxy.addresses import places
from botproxy.admin.access import Access, Token
from botproxy.admin.analytics import Analytics
from botproxy.admin.application import application
from botproxy.admin.operator import Operator
from botproxy.cli import main
from botproxy.store.duckdb.backend import DuckdbStore
from botproxy.store.events import Condition, Groups, Span
from botproxy.supervisor.directory import Directory

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
_clouds = cache(places.load_clouds)
ZONES = """
zones:
  - {name: shop, hosts: [shop.example], origins: [http://127.0.0.1:1], rules: [
      {ref: login, expression: 'http.request.uri.path eq "/login"', action: block}]}
  - {name: blog, hosts: [blog.example], origins: [http://127.0.0.1:1]}
"""


@pytest.fixture(autouse=True)
def _loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eighty thousand networks of clouds take a second to read."""
    monkeypatch.setattr(places, "load_clouds", _clouds)


def line(ago: float = 60.0, path: str = "/", agent: str = "curl/8.5.0", address: str = "192.0.2.7") -> str:
    when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(time.time() - ago))
    return f'{address} - - [{when}] "GET {path} HTTP/1.1" 200 512 "-" "{agent}"\n'


def log(folder: Path, *lines: str) -> str:
    (folder / "access.log").write_text("".join(lines), "utf-8")
    return str(folder / "access.log")


def imported(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["import", "--data", str(folder / "data"), *options])


def stored(folder: Path, asked: str) -> list[Any]:
    with duckdb.connect(str(folder / "data" / "events.duckdb"), read_only=True) as connection:
        return connection.execute(asked).fetchall()


def test_a_log_becomes_events_and_a_summary(tmp_path: Path) -> None:
    file = log(tmp_path, *[line()] * 3, line(agent=CHROME), line(path="/login", agent=CHROME), "rubbish\x1b\n", "\n")
    done = imported(tmp_path, file)
    assert done.exit_code == 0, done.output
    assert "combined, 6 lines, 5 requests of default" in done.output
    assert "60.0 %  automated (score 1)" in done.output
    assert "js_challenge" in done.output
    assert "5 events were stored" in done.output
    assert "1 lines could not be read" in done.stderr
    assert "line 6: not as ADDRESS" in done.stderr
    assert "\x1b" not in done.output
    rows = stored(tmp_path, "SELECT mode, zone, score, would, count(*) FROM events GROUP BY ALL ORDER BY score")
    assert rows == [("imported", "default", 1, "jschallenge", 3), ("imported", "default", 50, "", 2)]


def test_gzip_and_json_for_programs(tmp_path: Path) -> None:
    (tmp_path / "access.log.gz").write_bytes(gzip.compress((line() + line(agent=CHROME)).encode()))
    done = imported(tmp_path, str(tmp_path / "access.log.gz"), "--json")
    found = json.loads(done.stdout)
    assert (found["imported"], found["stored"], found["groups"]) == (2, 2, {"automated": 1, "other": 1})
    assert found["rules"]["js_challenge"] == 1
    assert found["addresses"] == [["192.0.2.7", 1]]


def test_the_rules_of_a_configuration_are_tried(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(ZONES)
    file = log(tmp_path, line(path="/login", agent=CHROME), line())
    config = ("--config", str(tmp_path / "own.yaml"))
    assert "which site is it of? --zone shop or --zone blog" in imported(tmp_path, file, *config).output
    done = imported(tmp_path, file, *config, "--zone", "shop", "--json")
    found = json.loads(done.stdout)
    assert (found["rules"]["block"], found["rules"]["forward"]) == (1, 1)
    assert stored(tmp_path, "SELECT DISTINCT zone, host FROM events") == [("shop", "shop.example")]


def test_addresses_are_stored_as_the_site_wants_it(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        ZONES.replace("hosts: [shop.example],", "hosts: [shop.example], privacy: {addresses: truncated},")
    )
    config = ("--config", str(tmp_path / "own.yaml"), "--zone", "shop")
    assert imported(tmp_path, log(tmp_path, line()), *config).exit_code == 0
    assert stored(tmp_path, "SELECT client_ip FROM events") == [("192.0.2.0",)]


def test_what_is_older_than_the_store_keeps_is_told_and_can_be_moved_to_now(tmp_path: Path) -> None:
    file = log(tmp_path, line(100 * 86400), line(100 * 86400 - 60))
    done = imported(tmp_path, file)
    assert "2 are older than the store keeps events (events.store_age, 30 days)" in done.output
    assert "--shift" in done.output
    assert json.loads(imported(tmp_path, file, "--shift", "--json").stdout)["stored"] == 2
    ((first, last),) = stored(tmp_path, 'SELECT min("start"), max("start") FROM events')
    assert last - first == 60_000_000
    assert abs(last / 1e6 - time.time()) < 60


def test_only_the_summary_touches_no_disk(tmp_path: Path) -> None:
    done = imported(tmp_path, log(tmp_path, line()), "--no-store")
    assert "nothing was stored" in done.output
    assert not (tmp_path / "data").exists()


def test_what_was_imported_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    imported(tmp_path, log(tmp_path, line(), line(path="/a")))
    store = DuckdbStore(tmp_path / "data" / "events.duckdb", KEEP)
    now = time.time()
    store.put([tuple(event(zone="default", mode="observe", path="/real")._replace(start=now - 60, end=now))])
    asyncio.run(store.flush())
    assert store.close(10)
    done = imported(tmp_path, "--forget")
    assert (done.exit_code, done.output) == (0, "2 imported events were deleted\n")
    assert stored(tmp_path, "SELECT mode, path FROM events") == [("observe", "/real")]
    assert stored(tmp_path, "SELECT mode, sum(requests) FROM hours GROUP BY ALL") == [("observe", 1)]
    assert stored(tmp_path, "SELECT value, sum(requests) FROM tops_path GROUP BY ALL") == [("/real", 1)]
    assert imported(tmp_path, "--forget").output == "0 imported events were deleted\n"


class Control:
    def __init__(self, store: DuckdbStore, zones: tuple[str, ...]) -> None:
        self._analytics = Analytics(store, zones)

    def analytics(self) -> Analytics:
        return self._analytics


async def test_a_running_proxy_takes_it_through_its_admin_listener(tmp_path: Path, aiohttp_client: Any) -> None:
    directory = Directory()
    directory.claim(tmp_path / "data")
    store = DuckdbStore(tmp_path / "data" / "events.duckdb", KEEP, rate=1)
    control: Any = Control(store, ("shop",))
    client = await aiohttp_client(TestServer(application(control, None)))
    admin = ("--admin", f"127.0.0.1:{client.port}")
    file = log(tmp_path, *[line(path=f"/{at}") for at in range(30)])
    done = await asyncio.to_thread(imported, tmp_path, file, *admin, "--json")
    assert json.loads(done.stdout)["stored"] == 30, done.output
    now = int(time.time() * 1e6)
    asked = Groups(Span(now - 3600 * 10**6, now), ("zone",), filter=Condition("mode", "eq", "imported"))
    assert (await store.ask(asked)).rows == [("shop", 30)]
    assert store.status().interval == 1  # what is imported is not what there is now
    other = await asyncio.to_thread(imported, tmp_path, file, *admin, "--zone", "blog")
    assert "the running proxy has no zone blog; it has shop" in other.output
    gone = await asyncio.to_thread(imported, tmp_path, "--forget", *admin)
    assert gone.output == "30 imported events were deleted\n"
    bad = await client.post("/api/import", json={"rows": [[1]]})
    assert (bad.status, (await bad.json())["error"]) == (422, "row 1 is no event of this version")
    live = list(event(zone="shop", mode="observe"))
    assert "does not say that it is imported" in await (await client.post("/api/import", json={"rows": [live]})).text()
    foreign = list(event(zone="x", mode="imported"))
    assert "of no zone" in await (await client.post("/api/import", json={"rows": [foreign]})).text()
    assert (await client.post("/api/import", json=[])).status == 422
    assert (await client.post("/api/import/forget", json={"zone": 1})).status == 422
    # Nobody answers, and the directory is in use: a sentence, and nothing is lost but time.
    refused = await asyncio.to_thread(imported, tmp_path, file, "--admin", "127.0.0.1:1")
    assert "no proxy answers at 127.0.0.1:1" in refused.output
    await asyncio.to_thread(store.close, 10)
    directory.release()


async def test_who_has_some_zones_imports_and_forgets_in_those_alone(tmp_path: Path, aiohttp_client: Any) -> None:
    store = DuckdbStore(tmp_path / "events.duckdb", KEEP)
    control: Any = Control(store, ("shop", "blog"))
    tokens = (
        Token("a" * 16, Operator("ada", "operator", frozenset(("shop",)))),
        Token("r" * 16, Operator("reader", "read")),
    )
    client = await aiohttp_client(TestServer(application(control, Access(tokens))))

    async def post(path: str, body: Any, token: str = "a") -> int:
        headers = {"Authorization": f"Bearer {token * 16}"}
        answer = await client.post(f"/api/{path}", json=body, headers=headers)
        return int(answer.status)

    mine, other = (list(event(zone=zone, mode="imported")) for zone in ("shop", "blog"))
    assert await post("import", {"rows": [mine]}) == 200
    assert await post("import", {"rows": [mine, other]}) == 422
    assert await post("import", {"rows": [mine]}, "r") == 403
    assert await post("import/forget", {}) == 403
    assert await post("import/forget", {"zone": "blog"}) == 403
    assert await post("import/forget", {"zone": "shop"}) == 200
    trial = {"expression": "ssl", "zone": "blog"}
    assert await post("simulate", trial) == 404
    assert await post("simulate", trial, "r") == 200
    await asyncio.to_thread(store.close, 10)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "give a LOG"),
        (("/nowhere.log",), "does not exist"),
        (("LOG", "--forget"), "give a LOG"),
        (("LOG", "--format", "w3c"), "Invalid value"),
        (("LOG", "--config", "/nowhere.yaml"), "/nowhere.yaml"),
    ],
)
def test_a_fault_of_the_call_is_told(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    file = log(tmp_path, line())
    done = imported(tmp_path, *(file if each == "LOG" else each for each in options))
    assert done.exit_code != 0
    assert said in done.output


def test_a_log_in_no_known_format_is_refused(tmp_path: Path) -> None:
    done = imported(tmp_path, log(tmp_path, "#Version: 1.0\n", "2015-05-17 10:05:03 GET / 200\n"))
    assert done.exit_code == 1
    assert "none of its first lines is in a format that is known (combined, common, nginx-json)" in done.output
