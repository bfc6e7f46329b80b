"""The addresses of our own that JavaScript detections use, after those of the original (reference section 5.4)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from botproxy.proxy.own_paths import PREFIX

BASE: Final = PREFIX + "challenge-platform/"
MAIN: Final = BASE + "scripts/jsd/main.js"
"""What pages load; it leads to the script of this version, which browsers keep."""

API: Final = BASE + "scripts/jsd/api.js"
"""What the site's own pages load in manual mode, as `api.js?onload=NAME`."""

FRESH: Final = BASE + "h/b/jsd/b"
"""GET: a bootstrap for a page that has none that counts. Never cached."""

REPORT: Final = BASE + "h/b/jsd/r/"
"""POST, followed by the version of the script and the ray of the page."""

_SCRIPT: Final = re.compile(rb"/cdn-cgi/challenge-platform/h/[bg]/scripts/jsd/([0-9a-f]{12})/(main|api)\.js\Z")
_REPORT: Final = re.compile(rb"/cdn-cgi/challenge-platform/h/[bg]/jsd/r/([0-9a-f]{1,64})/([0-9a-f]{16})\Z")


class Route(NamedTuple):
    """What one of these addresses is for."""

    what: str  # "main", "api", "script", "fresh" or "report"
    method: bytes
    version: bytes = b""  # of the script, where the path names it


_FIXED: Final = {
    MAIN.encode(): Route("main", b"GET"),
    API.encode(): Route("api", b"GET"),
    FRESH.encode(): Route("fresh", b"GET"),
}


def script(version: str, name: str = "main") -> str:
    """The address of the script in this version (12 hex digits)."""
    return f"{BASE}h/b/scripts/jsd/{version}/{name}.js"


def route(path: bytes) -> Route | None:
    """What an own path, as the original spells it, is for; None when it is none of these."""
    found = _FIXED.get(path)
    if found is not None:
        return found
    match = _SCRIPT.match(path)
    if match is not None:
        return Route("script", b"GET", match[1])
    match = _REPORT.match(path)
    if match is not None:
        return Route("report", b"POST", match[1])
    return None
