"""The files of the dashboard, read once, under names that change with their content."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple

KINDS: Final = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
}
BUILT: Final = (
    *("dashboard.js", "dashboard.css", "dashboard.licences.txt"),
    *("graphiql.js", "graphiql.css", "graphiql.licences.txt"),
)


class Asset(NamedTuple):
    """One file. `name` has 12 digits of its hash, so that browsers may keep it for ever."""

    name: str
    kind: str
    content: bytes
    packed: bytes  # gzip


class NotBuiltError(Exception):
    """A file is not there; the text says what makes it."""


@cache
def asset(name: str) -> Asset:
    """The built file of this name, like "dashboard.js". Raises `NotBuiltError`."""
    try:
        content = files(__name__).joinpath("built", name).read_bytes()
    except FileNotFoundError:
        raise NotBuiltError(
            f"{name}, which runs in browsers, was not built: `make setup` in the source tree builds it, "
            "and so does tools/assets.py; an installed wheel carries it"
        ) from None
    stem, _, ending = name.rpartition(".")
    hashed = f"{stem}.{sha256(content).hexdigest()[:12]}.{ending}"
    return Asset(hashed, KINDS[ending], content, gzip.compress(content, 6, mtime=0))


def find(hashed: str) -> Asset | None:
    """The file of this name with its hash; None for any other. Raises `NotBuiltError`."""
    for name in BUILT:
        if hashed.startswith(name.rpartition(".")[0] + "."):
            found = asset(name)
            if found.name == hashed:
                return found
    return None
