"""What every test of configurations takes for granted."""

from __future__ import annotations

import pytest

from botproxy.config import bounds


@pytest.fixture(autouse=True)
def open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that lets a process open as many files as it likes, whatever this one allows."""
    monkeypatch.setattr(bounds, "most_files", lambda: 1_000_000)
