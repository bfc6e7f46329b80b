"""Reports as a browser of a person would send them, to be changed by tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from botproxy.model import Headers
from botproxy.scoring.jsd.programs import PUBLIC
from botproxy.scoring.jsd.sealing import close_report
from botproxy.scoring.jsd.work import expected

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
BRANDS = [["Not:A-Brand", "8"], ["Chromium", "156"]]
HEADERS = {
    "User-Agent": AGENT,
    "Accept-Language": "en-GB,en;q=0.9",
    "Sec-CH-UA": '"Not:A-Brand";v="8", "Chromium";v="156"',
    "Sec-CH-UA-Mobile": "?0",
    "Sec-CH-UA-Platform": '"Linux"',
}


class Report:
    """What a Chromium of a person says, unless it is told otherwise."""

    def __init__(self, seed: bytes, answered: bytes | None = None) -> None:
        """`answered` is the seed whose work the answers belong to."""
        done = seed if answered is None else answered
        program = PUBLIC.current(0)
        seen = program.answers(done)
        right = expected(done, program.run(done, seen).key)
        others = (right.hits, right.curve, right.media)
        self.seed = seed
        self.signs: list[Any] = []
        self.fields: list[Any] = [
            2, self.signs, "v8", AGENT, "Linux", False, BRANDS, "en-GB",
            [list(chain) if chain else [0, 0, 0, 0] for chain in right.chains],
            *([0 if value != value else value for value in row or ()] for row in others),
            31, 12, 1, program.name, seen,
        ]  # fmt: skip

    def sent(self, under: bytes | None = None) -> bytes:
        return close_report(orjson.dumps(self.fields), self.seed if under is None else under)


@pytest.fixture
def headers() -> Callable[..., Headers]:
    """Those of a Chromium, with others in their place."""

    def made(**other: str) -> Headers:
        changed = HEADERS | {name.replace("_", "-"): value for name, value in other.items()}
        return Headers(tuple((name.encode(), value.encode("latin-1")) for name, value in changed.items()))

    return made


@pytest.fixture
def report() -> Callable[..., Report]:
    """A report for a seed."""
    return Report
