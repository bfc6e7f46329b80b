"""`botproxy explain` tells why a request has its score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from botproxy.cli import main
from botproxy.scoring.asked import Asked, text_of
from botproxy.scoring.ml import NAMES, Calibration, Model, Trees, encode
from botproxy.scoring.ml.registry import Registry

RAY = "00112233445566ff"


def model() -> Model:
    """Two trees: one asks for headers, the other for Sec-Fetch."""
    return Model(
        version="2026.1",
        features=("headers", "fetch_headers"),
        trees=Trees(
            np.array([[0], [1]], np.intp),
            np.array([[8.0], [1.0]], np.float32),
            np.array([[-1.0, 1.0], [-1.5, 1.5]]),
        ),
        weights=np.ones((2, 2), np.float32),
        calibration=Calibration(1.0, 0.0),
        prior=0.5,
        card={},
    )


def features(**values: float) -> str:
    vector = np.full(len(NAMES), np.nan, np.float32)
    for name, value in values.items():
        vector[NAMES.index(name)] = value
    return text_of(Asked("2026.1", vector.tobytes()))


def explained(folder: Path, *options: str, **event: Any) -> Result:
    written = {
        "RayID": RAY,
        "ClientRequestMethod": "GET",
        "ClientRequestHost": "shop.test",
        "ClientRequestURI": "/",
        "BotScore": 8,
        "BotScoreSrc": "Machine Learning",
        "SecurityAction": "unknown",
        **event,
    }
    lines = [json.dumps({**written, "RayID": "f" * 16, "BotScore": 99}), json.dumps(written), '{"RayID": "001122']
    (folder / "events.jsonl").write_text("\n".join(lines))
    (folder / "own.model").write_bytes(encode(model()))
    return CliRunner().invoke(
        main, ["explain", f"{RAY}-FRA", "--data", str(folder), "--model", str(folder / "own.model"), *options]
    )


def test_points_add_up_to_the_score(tmp_path: Path) -> None:
    done = explained(tmp_path, "--json", BotproxyFeatures=features(headers=5, fetch_headers=0))
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["base"] + sum(each["points"] for each in told["contributions"]) + told["rounding"] == pytest.approx(8)
    assert [each["feature"] for each in told["contributions"]] == ["fetch_headers", "headers"]
    assert told["changes"]


def test_the_model_is_found_in_the_registry(tmp_path: Path) -> None:
    Registry(tmp_path).add(model(), {})
    told = features(headers=5, fetch_headers=0)
    explained(tmp_path, BotproxyFeatures=told)
    done = CliRunner().invoke(main, ["explain", RAY, "--data", str(tmp_path), "--json"])
    assert [each["feature"] for each in json.loads(done.output)["contributions"]] == ["fetch_headers", "headers"]


def test_the_sentence_can_be_sent_to_a_customer(tmp_path: Path) -> None:
    done = explained(tmp_path, BotproxyFeatures=features(headers=5, fetch_headers=0))
    assert "bot score of 8 of 99, mainly because of these facts: of Sec-Fetch-Site" in done.output


def test_a_fingerprint_speaks_for_itself(tmp_path: Path) -> None:
    done = explained(
        tmp_path, BotScore=1, BotScoreSrc="Heuristics", BotproxyReasons=["The User-Agent says that this is curl."]
    )
    assert "bot score of 1 of 99: The User-Agent says that this is curl." in done.output


def test_an_anomaly_is_told_with_what_was_expected(tmp_path: Path) -> None:
    reason = "90 failed logins a minute from this address; expected here at this time are at most 8"
    done = explained(
        tmp_path, BotScore=1, BotScoreSrc="Behavioral Analysis", BotproxyReasons=[reason], BotDetectionIDs=[201326592]
    )
    assert f"anomaly detection: {reason}" in done.output
    assert f"bot score of 1 of 99: {reason}." in done.output


def test_what_the_session_lent_is_told(tmp_path: Path) -> None:
    told = features(headers=5, fetch_headers=0)
    done = explained(tmp_path, BotScore=28, BotproxyScoreLift=20, BotproxyFeatures=told)
    assert "lends 20 points" in done.output


@pytest.mark.parametrize(
    ("event", "note"),
    [
        ({}, "was not kept"),
        ({"BotproxyFeatures": "2025.1:AAAA"}, "2025.1, is not here any more"),
        ({"BotproxyFeatures": "2026.1:AAAA"}, "another version of the program"),
        ({"BotproxyFeatures": "junk"}, "was not kept"),
    ],
)
def test_what_cannot_be_told_is_said(tmp_path: Path, event: dict[str, Any], note: str) -> None:
    done = explained(tmp_path, **event)
    assert done.exit_code == 0, done.output
    assert note in done.output


def test_a_ray_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("")
    done = CliRunner().invoke(main, ["explain", RAY, "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "no event of the ray" in done.output
