"""What is to be verified and fetched, as it travels from a loaded configuration to whoever does it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from botproxy.bots.directory import Directory, PublishedList
from botproxy.bots.settings import Settings
from botproxy.errors import OperatorError

LISTS: Final = Path("bots") / "lists"
"""Below the data directory, where published lists are kept."""

NAMES: Final = Path("bots") / "names.json"
"""Below the data directory, where confirmed names of addresses are kept."""

MAX_SIZE: Final = 100 * 1024
"""Bytes, so that it fits into one packet."""


class Errand(NamedTuple):
    """What to do."""

    settings: Settings
    lists: tuple[PublishedList, ...]
    agents: frozenset[str]


def describe(settings: Settings, directory: Directory) -> dict[str, Any]:
    """An errand, ready for JSON. Raises `OperatorError` when the directory has more than can be said of it."""
    said = {
        "settings": settings.model_dump(mode="json"),
        "lists": [list(each) for each in directory.lists.values()],
        "agents": sorted(directory.agents),
    }
    size = len(orjson.dumps(said))
    if size > MAX_SIZE:
        raise OperatorError(
            f"bots.files: {len(directory.lists)} lists with {size} bytes of URLs; {MAX_SIZE} are possible"
        )
    return said


def understand(said: Mapping[str, Any]) -> Errand:
    """The errand that `describe` described."""
    lists = [
        PublishedList(name, tuple(urls), key, tuple((field, word) for field, word in where))
        for name, urls, key, where in said["lists"]
    ]
    return Errand(Settings.model_validate(said["settings"]), tuple(lists), frozenset(said["agents"]))
