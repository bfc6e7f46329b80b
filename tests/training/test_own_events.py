"""Labels from an operator's own events, and who may not supply them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from botproxy.scoring.ml import NAMES
from botproxy.store import labels
from botproxy.training.feedback import Feedback, feedback_of
from botproxy.training.own_events import MOST_OF_CALLER, event_files, label_of, read
from botproxy.training.splitting import by_time
from tests.training.own import START, event, site, vector, written

RANDOM = np.random.default_rng(1)


@pytest.mark.parametrize(
    ("said", "human"),
    [
        ({"BotScoreSrc": "Heuristics", "BotScore": 1}, False),
        ({"JSDetectionPassed": "failed"}, False),
        ({"JSDetectionPassed": "passed"}, True),
        ({"SecurityActions": ["managedChallengeBypassed"]}, True),
        ({"SecurityActions": ["challengeBypassed"]}, True),
        ({"SecurityActions": ["jschallengeBypassed"]}, None),
        ({"BotScoreSrc": "Heuristics", "SecurityActions": ["managedChallengeBypassed"]}, False),
        ({"VerifiedBotCategory": "Search Engine Crawler", "JSDetectionPassed": "passed"}, None),
        ({"BotScoreSrc": "Verified Bot"}, None),
        ({"ClientRequestUserAgent": "FeedBurner/1.0", "JSDetectionPassed": "passed"}, None),
        ({}, None),
    ],
)
def test_labels_are_made_as_the_original_makes_them(said: dict[str, Any], human: bool | None) -> None:
    assert label_of(event(1, b"", **said), set())[0] is human


def test_a_challenge_that_was_solved_labels_the_request_that_had_been_challenged(tmp_path: Path) -> None:
    challenged = event(5, vector(True, RANDOM))
    other = event(6, vector(True, RANDOM))
    solving = {**event(7, b""), "BotproxyFeatures": "", "SecurityActions": ["managedChallengeNonInteractiveSolved"]}
    plain = {**solving, "SecurityActions": ["jschallengeSolved"], "OriginatorRayID": other["RayID"]}
    solving["OriginatorRayID"] = challenged["RayID"]
    own = read(event_files([written(tmp_path, [challenged, other, solving, plain])]))
    assert [(one.when, one.sample.human) for one in own.taken] == [(START + 5, True)]
    assert own.counts["left out: nobody knows"] == 1


def test_the_word_of_an_operator_outweighs_what_told_itself(tmp_path: Path) -> None:
    events = [event(at, vector(False, RANDOM), BotScoreSrc="Heuristics", BotScore=1) for at in range(4)]
    events.append(event(4, vector(True, RANDOM), ClientRequestPath="/api/x"))
    labels.append(
        tmp_path,
        [
            labels.Label(1.0, "shop", "human", "ana", ray=events[1]["RayID"]),
            labels.Label(2.0, "shop", "bot", "ana", expression='http.request.uri.path contains "/api"', until=9e9),
            labels.Label(3.0, "else", "human", "ana", expression='http.host eq "shop.test"', until=9e9),
            labels.Label(4.0, "shop", "human", "ana", expression='http.cookie contains "x"', until=9e9),
        ],
    )
    written(tmp_path, events)
    feedback = feedback_of([tmp_path])
    own = read(event_files([tmp_path]), feedback)
    assert [one.sample.human for one in own.taken] == [False, True, False, False, False]
    assert own.counts["people: operator"] == own.counts["bots: operator"] == 1
    assert feedback.passed_over == 1, "an event does not hold cookies"


def test_one_address_is_one_witness_however_much_it_solves(tmp_path: Path) -> None:
    passed = {"JSDetectionPassed": "passed", "ClientIP": "198.18.0.1"}
    events = [event(at, vector(True, RANDOM), **passed) for at in range(MOST_OF_CALLER + 30)]
    own = read(event_files([written(tmp_path, events)]))
    assert len(own.taken) == MOST_OF_CALLER
    assert own.counts["left out: enough of this address"] == 30


def test_vectors_of_another_version_and_broken_lines_are_left_out(tmp_path: Path) -> None:
    events = [event(0, b"1234", JSDetectionPassed="passed"), *site(6)]
    folder = written(tmp_path, events)
    with (folder / "events.jsonl").open("ab") as file:
        file.write(b'{"BotproxyFeatures":"one:AAAA", "RayID"\nnull\n' + b"x" * 400_000 + b"\n")
    own = read(event_files([folder]))
    assert len(own.taken) == 6
    assert own.counts["left out: features of another version"] == 1


def test_the_newest_judge_and_no_session_is_on_both_sides(tmp_path: Path) -> None:
    events = site(100)
    for each in events[60:90]:
        each["BotproxySession"] = "long"
    before, after = by_time(read(event_files([written(tmp_path, events)])))
    assert len(before) == 75
    assert {one.session for one in before}.isdisjoint({one.session for one in after})
    assert len(after) == 10
    assert all(one.vector.shape == (len(NAMES),) for one in before)


def test_events_older_than_asked_for_are_passed_over(tmp_path: Path) -> None:
    files = event_files([written(tmp_path, site(100))])
    assert len(read(files, Feedback(), START + 40).taken) == 60
