"""The engine with the fingerprints that come with the product."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from botproxy.scoring import Heuristics, shipped_fingerprints


@pytest.fixture(scope="session")
def shipped() -> Heuristics:
    return Heuristics.load(shipped_fingerprints())
