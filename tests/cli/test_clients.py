"""`botproxy clients` learns from events who has which fingerprint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from botproxy.cli import main
from botproxy.tls import KnownClients

NEW = "t13d1516h2_aaaaaaaaaaaa_e5627efa2ab1"
OTHER = "t13d1516h2_bbbbbbbbbbbb_e5627efa2ab1"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"


def write(path: Path, *groups: tuple[int, dict[str, Any]]) -> Path:
    with path.open("a") as file:
        for count, event in groups:
            for number in range(count):
                file.write(json.dumps({"ClientIP": f"192.0.2.{number % 5}", "BotScore": 50, **event}) + "\n")
        file.write('{"JA4": "cut')
    return path


def event(ja4: str, agent: str, **more: Any) -> dict[str, Any]:
    return {"JA4": ja4, "ClientRequestUserAgent": agent, **more}


def test_what_nearly_everybody_says_is_learned_and_the_rest_is_shown(tmp_path: Path) -> None:
    events = write(
        tmp_path / "events.jsonl",
        (40, event(NEW, CHROME)),
        (1, event(NEW, "curl/8")),
        (20, event(OTHER, CHROME)),
        (20, event(OTHER, "okhttp/4.12")),
    )
    into = tmp_path / "clients.yaml"
    done = CliRunner().invoke(main, ["clients", str(events), "--into", str(into)])
    assert done.exit_code == 0, done.output
    known = KnownClients.read({"clients.yaml": into.read_text()})
    found = known.find(NEW)
    assert found is not None
    assert (found.client, found.seen) == ("chromium", "41 requests from 5 addresses")
    assert known.find(OTHER) is None
    assert "chromium 20, okhttp 20" in done.output
    again = CliRunner().invoke(main, ["clients", str(events), "--into", str(into)])
    assert "known: chromium" in again.output
    assert into.read_text().count("- {") == 1


def test_too_few_or_from_one_place_are_not_learned(tmp_path: Path) -> None:
    one = event(NEW, CHROME, ClientIP="192.0.2.1")
    events = write(tmp_path / "events.jsonl", (100, one), (10, event(OTHER, CHROME)))
    done = CliRunner().invoke(main, ["clients", str(events)])
    assert "- {" not in done.output
    done = CliRunner().invoke(main, ["clients", str(events), "--requests", "10", "--addresses", "1"])
    assert done.output.count("- {client: chromium") == 2


def test_requests_that_were_found_to_be_bots_are_no_witnesses_for_a_browser(tmp_path: Path) -> None:
    events = write(
        tmp_path / "events.jsonl", (50, event(NEW, CHROME, BotScore=1)), (50, event(OTHER, "curl/8.5", BotScore=1))
    )
    done = CliRunner().invoke(main, ["clients", str(events)])
    assert NEW not in done.output
    assert "{client: curl, ja4: " + OTHER in done.output


def test_a_verified_bot_is_no_witness_for_the_browser_that_it_names(tmp_path: Path) -> None:
    crawler = event(NEW, CHROME.replace("Mozilla/5.0 (X11", "Mozilla/5.0 (compatible; Googlebot/2.1; X11"))
    events = write(tmp_path / "events.jsonl", (50, crawler | {"VerifiedBotCategory": "Search Engine Crawler"}))
    assert NEW not in CliRunner().invoke(main, ["clients", str(events)]).output
    events = write(tmp_path / "more.jsonl", (50, crawler))
    assert NEW in CliRunner().invoke(main, ["clients", str(events)]).output


def test_a_broken_file_is_not_added_to(tmp_path: Path) -> None:
    events = write(tmp_path / "events.jsonl", (50, event(NEW, CHROME)))
    (tmp_path / "clients.yaml").write_text("- {client: X}\n")
    done = CliRunner().invoke(main, ["clients", str(events), "--into", str(tmp_path / "clients.yaml")])
    assert done.exit_code == 1
    assert "client 1" in done.output


def test_fingerprints_of_http2_are_learned_beside_those_of_tls(tmp_path: Path) -> None:
    http2 = "1:65536;2:0;4:131072;5:16384;9:1|12517377|0|m,p,a,s"
    events = write(tmp_path / "events.jsonl", (40, event(NEW, CHROME, BotproxyHTTP2Fingerprint=http2)))
    into = tmp_path / "clients.yaml"
    done = CliRunner().invoke(main, ["clients", str(events), "--into", str(into)])
    assert done.exit_code == 0, done.output
    known = KnownClients.read({"clients.yaml": into.read_text()})
    for found in (known.find(NEW), known.find_http2(http2)):
        assert found is not None
        assert found.client == "chromium"
    again = CliRunner().invoke(main, ["clients", str(events), "--into", str(into)])
    assert again.output.count("known: chromium") == 2
