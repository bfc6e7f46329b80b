"""The addresses of our own that a challenge page uses, after those of the original (reference section 5.4)."""

from __future__ import annotations

from typing import Final

from botproxy.challenges.assets import SCRIPT_VERSION

PREFIX: Final = "/cdn-cgi/"
BASE: Final = PREFIX + "challenge-platform/h/b/"

SCRIPT: Final = BASE + "orchestrate/chl_page/v1"
FLOW: Final = BASE + "flow/ov1/"
"""Followed by the ray of the challenged request, for the logs; the token alone decides."""

PROBE: Final = BASE + "clearance"

PLAIN: Final = BASE + "plain/"
"""Followed by a token: the form for browsers without JavaScript; with `pixel/` between, the picture before it."""

REPORT: Final = BASE + "report"
"""Where the form of a page sends what a visitor has to say."""

VERSIONED_SCRIPT: Final = f"{SCRIPT}?v={SCRIPT_VERSION}"


def under(prefix: str, path: str) -> str:
    """One of these paths as visitors of an instance with this prefix see it."""
    return prefix + path.removeprefix(PREFIX)
