"""Fingerprints proposed from events: what bots have in common, never what a person or a verified bot has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from botproxy.cli import main
from botproxy.scoring import Heuristics
from botproxy.store import labels
from botproxy.training.own_events import event_files
from botproxy.training.proposing import Asked, Candidate, agent_form, candidates
from tests.training.own import BROWSER, event, written

STRANGE = "h1-05-00-aaaaaaaaaaaa-bbbbbbbbbbbb"
PEOPLE = "h2-12-en-cccccccccccc-dddddddddddd"
JA4 = "t13d0101h1_aaaaaaaaaaaa_bbbbbbbbbbbb"


def bots(number: int, **more: Any) -> list[dict[str, Any]]:
    said = {
        "JSDetectionPassed": "failed", "JA4": "", "BotproxyHeaderFingerprint": STRANGE, "BotproxyFeatures": "",
        "ClientRequestUserAgent": BROWSER, **more,
    }  # fmt: skip
    return [event(at * 250, b"", **said) for at in range(number)]


def people(number: int, **more: Any) -> list[dict[str, Any]]:
    said = {"JSDetectionPassed": "passed", "BotproxyHeaderFingerprint": PEOPLE, "BotproxyFeatures": "", **more}
    return [event(100_000 + at, b"", **said) for at in range(number)]


def proposed(folder: Path, *events: dict[str, Any]) -> list[Candidate]:
    return candidates(event_files([written(folder, list(events))]), Asked())


def test_what_bots_share_and_no_person_has_is_proposed_with_what_it_would_touch(tmp_path: Path) -> None:
    nobody = event(7, b"", BotproxyHeaderFingerprint=STRANGE, JA4="", BotScore=70, ClientRequestUserAgent="x")
    found = proposed(tmp_path, *bots(60), *people(30), nobody)
    assert found == [Candidate("headers", STRANGE, 60, 60, 60, 0, 1, 0)]
    assert found[0].expression == f'botproxy.header_fingerprint eq "{STRANGE}"'


@pytest.mark.parametrize(
    "more",
    [
        people(1, BotproxyHeaderFingerprint=STRANGE),
        [event(5, b"", BotproxyHeaderFingerprint=STRANGE, VerifiedBotCategory="Search Engine Crawler")],
        [event(at, b"", BotproxyHeaderFingerprint=STRANGE, BotScore=80) for at in range(9)],
    ],
    ids=["a person has it", "a verified bot has it", "many that nobody knows have it"],
)
def test_what_may_be_somebody_else_is_not_proposed(tmp_path: Path, more: list[dict[str, Any]]) -> None:
    assert proposed(tmp_path, *bots(60), *people(30), *more) == []


def test_what_is_found_already_or_comes_from_one_address_is_not_proposed(tmp_path: Path) -> None:
    assert proposed(tmp_path, *bots(60, BotScoreSrc="Heuristics", BotScore=1), *people(30)) == []
    assert proposed(tmp_path, *bots(60, ClientIP="198.18.0.1"), *people(30)) == []
    assert proposed(tmp_path, *bots(10), *people(30)) == []


def test_a_proposal_that_finds_nothing_more_is_left_out(tmp_path: Path) -> None:
    agents = bots(40, ClientRequestUserAgent="Grabber/1.2 (+x)", JA4=JA4)
    later = bots(40, ClientRequestUserAgent="Grabber/1.10 (+x)", JA4=JA4)
    found = proposed(tmp_path, *agents, *later, *people(30))
    assert [(one.kind, one.new) for one in found] == [("user agent", 80)]
    assert re.fullmatch(found[0].value, "Grabber/22.3 (+x)")
    assert not re.fullmatch(found[0].value, "Grabber/22x3 (+x)")


@pytest.mark.parametrize("agent", ["a.b*c(d)[e]{f}^$|\\", "Mozilla/5.0 (X; Y) Z/1", 'quo"ted/3'])
def test_the_form_of_a_user_agent_matches_it(agent: str) -> None:
    assert re.fullmatch(agent_form(agent), agent)


@pytest.mark.parametrize("agent", ["", "x" * 500, "tab\there", "Ünï/1"])
def test_what_is_no_plain_user_agent_has_no_form(agent: str) -> None:
    assert agent_form(agent) == ""


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["heuristics", *words])


def test_proposals_are_added_to_a_file_that_can_be_used_at_once(tmp_path: Path) -> None:
    events = bots(30, JSDetectionPassed="missing", ClientRequestUserAgent="it's a 'Grabber'/1", BotScore=60)
    written(tmp_path, [*events, *people(30)])
    said = labels.Label(1.0, "shop", "bot", "ana", expression='http.user_agent contains "Grabber"', until=9e9)
    labels.append(tmp_path, [said])
    own = tmp_path / "own.yaml"
    own.write_text("- {id: 8388700, tag: own, reason: r, expression: ssl}")
    words = ("propose", "--data", str(tmp_path), "--since", "36500d", "--into", str(own))
    done = run(*words)
    assert done.exit_code == 0, done.output
    assert "1 proposed" in done.output
    entries = yaml.safe_load(own.read_text())
    assert [entry["id"] for entry in entries] == [8388700, 8388701]
    assert "Grabber" in entries[1]["expression"]
    assert len(Heuristics.load({"own": own.read_text()}).fingerprints) == 2
    assert str(0x2000000 | 8388701) in run("list", "--file", str(own)).output
