"""Supervisors for the tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import Proxy


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Callable[..., Proxy]]:
    """Starts supervisors with the stand-in; they are ended after the test."""
    begun: list[Proxy] = []

    def start(wait: bool = True, **source: Any) -> Proxy:
        made = Proxy(tmp_path, **source)
        begun.append(made)
        return made.started() if wait else made

    yield start
    for each in begun:
        each.stop()
