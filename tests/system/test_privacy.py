"""What a running proxy records of addresses, and what is left when somebody asks to be forgotten."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from .conftest import Proxy, Start, browse, until


def run(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "botproxy", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def zones(origin: str) -> list[dict[str, Any]]:
    wanted = (("shop", "full"), ("cut", "truncated"), ("hash", "hashed"))
    return [
        {"name": name, "hosts": [f"{name}.example"], "origins": [origin], "privacy": {"addresses": how}}
        for name, how in wanted
    ]


def recorded(proxy: Proxy) -> dict[str, str]:
    return {event["ZoneName"]: event["ClientIP"] for event in proxy.events()}


def test_a_person_is_shown_and_forgotten(start: Start, demo_origin: str, tmp_path: Path) -> None:
    job = {"name": "siem", "file": {"path": str(tmp_path / "out.jsonl")}, "batch_age": "1s", "fields": ["ClientIP"]}
    proxy = start(config={"zones": zones(demo_origin), "logpush": [job]})
    for host in ("shop.example", "cut.example", "hash.example"):
        browse(proxy.port, host=host)
    until(lambda: len(proxy.events()) == 3, 20, "three events")
    seen = recorded(proxy)
    assert (seen["shop"], seen["cut"]) == ("127.0.0.1", "127.0.0.0")
    assert seen["hash"].startswith("2001:db8:")

    asked = ("--ip", "127.0.0.1", "--admin", proxy.admin_address)

    def stored() -> list[str]:
        return sorted(json.loads(line)["zone"] for line in run("export", *asked).splitlines())

    until(lambda: stored() == ["hash", "shop"], 20, "their stored events, those under a stand-in too")
    lines = [json.loads(line)["ZoneName"] for line in run("export", "--lines", *asked).splitlines()]
    assert sorted(lines) == ["hash", "shop"]
    until(lambda: len(run("export", "--from", "exports", *asked).splitlines()) == 2, 20, "records of the log export")
    assert run("export", "--from", "notes", *asked) == ""

    said = run("forget", *asked)
    assert "stored events: 2 deleted" in said
    assert "lines of events: 2 deleted, in 1 files" in said
    assert "records of log exports: 2 deleted" in said
    assert run("export", "--from", "exports", *asked) == ""
    assert "left: events of 127.0.0.0, which stands for this address and all of its network" in said
    assert stored() == []
    assert run("export", "--lines", *asked) == ""
    left = b"".join(path.read_bytes() for path in proxy.data.glob("events*.jsonl"))
    assert [json.loads(line)["ZoneName"] for line in left.splitlines()] == ["cut"]

    browse(proxy.port, host="shop.example")
    until(lambda: proxy.events(ZoneName="shop"), 20, "recording goes on")
    browse(proxy.port, host="hash.example")
    until(lambda: proxy.events(ZoneName="hash"), 20, "recording goes on")
    proxy.program.stop()

    # And the same where no proxy runs.
    offline = ("--ip", "127.0.0.1", "--data", str(proxy.data), "--config", str(tmp_path / "botproxy.yaml"))
    assert sorted(json.loads(line)["zone"] for line in run("export", *offline).splitlines()) == ["hash", "shop"]
    said = run("forget", *offline)
    assert "stored events: 2 deleted" in said
    assert "records of log exports: 2 deleted" in said
    assert "lines of events: 2 deleted, in 1 files" in said
    assert run("export", *offline) == run("export", "--lines", *offline) == ""
