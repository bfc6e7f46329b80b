"""`botproxy bots`: listing, checking and suggesting, with DNS at the side."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bots"))
from servers import ScriptedDns

from botproxy.bots.published import Fetched, write_list
from botproxy.cli import main
from botproxy.config import Source, load

OWN = """
lists: {seeker: {urls: [https://seek.example/list]}}
bots:
  - {name: Seeker, operator: Seek, category: Aggregator, user_agent: Seeker/, verify: {domains: [seek.example]}}
  - {name: Listed, user_agent: Listed/, verify: {lists: [seeker]}}
  - {name: Hearsay, user_agent: Hearsay/}
"""


@pytest.fixture
def dns() -> Iterator[tuple[ScriptedDns, str]]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = ScriptedDns()
    yield server, asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def config(tmp_path: Path, dns: tuple[ScriptedDns, str]) -> str:
    (tmp_path / "own.yaml").write_text(OWN)
    path = tmp_path / "botproxy.yaml"
    path.write_text(
        f"data: data\nbots: {{shipped: false, files: [own.yaml], names: {{servers: ['{dns[1]}'], timeout: 1s}}}}\n"
        "secret_file: auto\nzones: [{name: a, hosts: [a.example], origins: ['http://127.0.0.1:1']}]\n"
    )
    return str(path)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["bots", *arguments])
    return result.exit_code, result.output


def test_the_shipped_bots_are_listed() -> None:
    status, said = run("list", "--category", "AI Crawler", "--json")
    assert status == 0
    listed = [json.loads(line) for line in said.splitlines()]
    assert {"GPTBot", "ClaudeBot"} <= {bot["name"] for bot in listed}
    assert {bot["category"] for bot in listed} == {"AI Crawler"}


def test_bots_are_listed_with_what_verifies_them(config: str) -> None:
    status, said = run("list", "--config", config, "--verifiable")
    assert status == 0
    assert "names in seek.example" in said
    assert "Hearsay" not in said


def test_an_address_is_checked_against_dns_and_lists(config: str, dns: tuple[ScriptedDns, str]) -> None:
    dns[0].name("192.0.2.7", "crawl.seek.example")
    dns[0].host("crawl.seek.example", "192.0.2.7")
    dns[0].name("192.0.2.8", "crawl.seek.example")
    status, said = run("check", "Seeker/1.0", "192.0.2.7", "--config", config)
    assert (status, said.splitlines()[-1]) == (0, "192.0.2.7 is verified")
    assert "crawl.seek.example: confirmed" in said
    status, said = run("check", "Seeker/1.0", "192.0.2.8", "--config", config)
    assert (status, said.splitlines()[-1]) == (1, "192.0.2.8 is refused")
    assert run("check", "Hearsay/1", "192.0.2.7", "--config", config)[0] == 2
    assert run("check", "Nobody/1", "192.0.2.7", "--config", config)[0] == 2
    assert run("check", "Listed/1", "1.1.1.1", "--config", config)[0] == 2
    lists = load(Source.from_file(config)).data / "bots" / "lists"
    write_list(lists, Fetched("seeker", (), time.time() - 7200, (ip_network("1.1.1.0/24"),)))
    status, said = run("check", "Listed/1", "1.1.1.1", "--config", config)
    assert status == 0
    assert "list seeker: yes, fetched 2 hours ago" in said
    assert run("check", "Listed/1", "8.8.8.8", "--config", config)[0] == 1


def test_what_is_no_address_is_refused(config: str) -> None:
    status, said = run("check", "Seeker/1", "nonsense", "--config", config)
    assert status == 2
    assert "is no address" in said


def test_bots_are_suggested_and_written_once_they_can_be_verified(
    config: str, dns: tuple[ScriptedDns, str], tmp_path: Path
) -> None:
    for number in (1, 2):
        dns[0].name(f"192.0.2.{number}", f"c{number}.crawl.new-bot.com")
        dns[0].host(f"c{number}.crawl.new-bot.com", f"192.0.2.{number}")
    events = tmp_path / "events.jsonl"
    lines = [
        {"ClientRequestUserAgent": agent, "ClientIP": address, "ClientASN": 64500, "BotScoreSrc": "Heuristics"}
        for agent, address in (("NewBot/1", "192.0.2.1"), ("NewBot/1", "192.0.2.2"), ("OddBot/1", "192.0.2.3"))
    ]
    events.write_text("".join(json.dumps(line) + "\n" for line in lines) + "nonsense\n")
    status, said = run("suggest", str(events), "--config", config, "--requests", "1")
    assert status == 0
    assert "NewBot: 2 requests from 2 addresses, unknown" in said
    assert "AS64500" in said
    assert "all are confirmed below crawl.new-bot.com" in said
    assert "domains:" in said
    assert "OddBot: 1 requests from 1 addresses, unknown" in said
    assert "no names in DNS" in said
    file = tmp_path / "new.yaml"
    for _ in range(2):
        assert run("suggest", str(events), "--config", config, "--requests", "1", "--write", str(file))[0] == 0
    assert file.read_text().count("name: NewBot") == 1
    Path(config).write_text(Path(config).read_text().replace("[own.yaml]", "[own.yaml, new.yaml]"))
    status, said = run("check", "NewBot/1", "192.0.2.1", "--config", config)
    assert status == 0
