"""What release 0.1 left on disk and in browsers opens in this version: nothing is asked again, nothing is lost.

`tests/data/release-0.1` is a data directory as that release left it, its configuration, and the cookies of a visitor.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import orjson

from botproxy.addresses import parse_address
from botproxy.cookies import Jar, KeyRing, Revocations, Settings, read_revocation
from botproxy.model import Event, Headers
from botproxy.telemetry import EXTENSION_NAMES, LOGPUSH_NAMES

from .conftest import Start, browse, until
from .recording import origin, says
from .test_rate_limits import metric
from .test_solved_challenges import ask

RELEASE = Path(__file__).parents[1] / "data" / "release-0.1"
VISITOR: dict[str, Any] = json.loads((RELEASE / "visitor.json").read_text())


def left(directory: Path) -> Path:
    """The data directory, as that release left it."""
    data = directory / "data"
    data.mkdir()
    for name in ("state.json", "secret", "events.jsonl", "revocations.json", "audit.jsonl"):
        shutil.copy(RELEASE / name, data / name)
    (data / "secret").chmod(0o600)
    (data / "events.duckdb").write_bytes(gzip.decompress((RELEASE / "events.duckdb.gz").read_bytes()))
    return data


def test_its_configuration_and_data_directory_open(start: Start, tmp_path: Path) -> None:
    data = left(tmp_path)
    config = json.loads((RELEASE / "botproxy.yaml").read_text())
    with origin(says(b"the page")) as recording:
        config["zones"][0]["origins"] = [recording.url]
        ours = {name: config[name] for name in ("mode", "challenges", "zones")}
        # However long ago that was, its events are still within the time that they are kept.
        proxy = start(config={**ours, "events": {"store_age": "3660d", "store_counts_age": "3660d"}}, data=data)
        assert ask(proxy, "/guarded").status == 403, "the mode that an operator switched to holds"
        browse(proxy.port, "/after")
        until(lambda: metric(proxy, "botproxy_events_stored_total") >= 2, 20, "new events in the old store")
        proxy.program.stop()
    lines = [orjson.loads(line) for line in (data / "events.jsonl").read_bytes().splitlines()]
    assert len(lines) == VISITOR["events"] + 2, "the file goes on where it ended"
    with duckdb.connect(str(data / "events.duckdb"), read_only=True) as connection:
        stored = connection.execute("SELECT count(*), count(DISTINCT sequence) FROM events").fetchone()
        assert stored == (VISITOR["events"] + 2, VISITOR["events"] + 2)
        columns = {name for (name,) in connection.execute("SELECT column_name FROM duckdb_columns()").fetchall()}
        assert set(Event._fields) <= columns, "columns that are new were added"


def test_its_cookies_open_and_what_was_taken_back_stays_so() -> None:
    ring = KeyRing.from_text((RELEASE / "secret").read_text())
    revocations = Revocations()
    for _, body, _ in json.loads((RELEASE / "revocations.json").read_text()):
        said = read_revocation(bytes.fromhex(body))
        assert said is not None
        revocations.learn(said)
    address = parse_address("127.0.0.1")
    assert address is not None
    now = VISITOR["captured"] + 60.0

    def holds(cookie: str, revoked: Revocations | None) -> bool:
        headers = Headers(((b"Host", b"shop.example"), (b"User-Agent", b"Visitor/1"), (b"Cookie", cookie.encode())))
        settings = Settings(challenge_ttl=31_536_000)
        found = Jar(ring, "shop", settings, revocations=revoked).clearance(headers, address, now)
        return found is not None and found.level > 0

    assert holds(VISITOR["kept"], revocations)
    assert holds(VISITOR["revoked"], None)
    assert not holds(VISITOR["revoked"], revocations)


def test_its_events_can_be_read_by_programs_that_read_ours() -> None:
    known = {*LOGPUSH_NAMES.values(), *EXTENSION_NAMES.values()}
    lines = [orjson.loads(line) for line in (RELEASE / "events.jsonl").read_bytes().splitlines()]
    assert len(lines) == VISITOR["events"]
    assert all(line.keys() <= known for line in lines), "no name of a field went away"
