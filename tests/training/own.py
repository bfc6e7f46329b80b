"""Events of a small site: browsers that solve challenges, libraries that fingerprints find, and what nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from botproxy.scoring.asked import Asked, text_of
from botproxy.scoring.ml import NAMES

START = 1_790_000_000
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36"
)


def vector(human: bool, random: np.random.Generator, **values: float) -> bytes:
    drawn = random.normal(0, 1, len(NAMES)).astype(np.float32)
    drawn[NAMES.index("headers")] = 14 + random.normal() if human else 6 + random.normal()
    drawn[NAMES.index("claimed_browser")] = 1.0 if human else 0.0
    for name, value in values.items():
        drawn[NAMES.index(name)] = value
    return drawn.tobytes()


def event(at: int, features: bytes, **more: Any) -> dict[str, Any]:
    return {
        "RayID": f"{at % 16:x}{at:015x}",
        "EdgeStartTimestamp": START + at,
        "ZoneName": "shop",
        "ClientIP": f"198.18.{at // 250 % 250}.{at % 250}",
        "ClientRequestMethod": "GET",
        "ClientRequestHost": "shop.test",
        "ClientRequestPath": "/",
        "ClientRequestUserAgent": BROWSER,
        "JA4": "t13d1516h2_8daaf6152771_d8a2da3f94cd",
        "BotScore": 60,
        "BotScoreSrc": "Machine Learning",
        "SecurityActions": [],
        "JSDetectionPassed": "missing",
        "BotproxyHeaderFingerprint": f"h2-12-en-{at % 7:012x}-000000000000",
        "BotproxyFeatures": text_of(Asked("one", features)),
        **more,
    }


def site(rows: int = 800, seed: int = 1) -> list[dict[str, Any]]:
    """Half people, half bots, in order of time."""
    random = np.random.default_rng(seed)
    found = []
    for at in range(rows):
        human = at % 2 == 0
        if human:
            how = {"JSDetectionPassed": "passed"} if at % 4 else {"SecurityActions": ["managedChallengeBypassed"]}
        else:
            how = {
                "BotScore": 1, "BotScoreSrc": "Heuristics", "ClientRequestUserAgent": "python-requests/2",
                "JA4": "t13d1812h1_85036bcba153_375ca2c5e164",
            }  # fmt: skip
        found.append(event(at, vector(human, random), **how))
    return found


def written(folder: Path, events: list[dict[str, Any]]) -> Path:
    (folder / "events.jsonl").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in events))
    return folder
