"""The files that browsers of visitors get, read once, and the version by which they may keep them for ever."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple

from botproxy.errors import OperatorError


class Bundle(NamedTuple):
    """A script built from `web/`, and what changes when it does."""

    content: bytes
    version: str  # 12 hex digits

    @staticmethod
    def of(content: bytes) -> Bundle:
        """With its version."""
        return Bundle(content, sha256(content).hexdigest()[:12])


def bundle(name: str) -> Bundle:
    """The built file of this name, like "jsd.js". Raises `OperatorError` when it was not built."""
    try:
        content = files(__name__).joinpath("built", name).read_bytes()
    except FileNotFoundError:
        raise OperatorError(
            f"{name}, which runs in browsers, was not built: `make setup` in the source tree builds it, "
            "and so does tools/assets.py; an installed wheel carries it"
        ) from None
    return Bundle.of(content)


_CHALLENGE: Final = bundle("challenge.js")

SCRIPT: Final = _CHALLENGE.content
STYLE: Final = files(__name__).joinpath("page.css").read_text("utf-8")
FRAME: Final = files(__name__).joinpath("page.html").read_text("utf-8")

SCRIPT_VERSION: Final = _CHALLENGE.version
