"""What a request claims to be: browser and platform by its User-Agent. Only a claim; heuristics hold it against it."""

from __future__ import annotations

from typing import Any, Final

from botproxy.model import Facts
from botproxy.rules import byteset
from botproxy.rules.derived import remembered_with_headers
from botproxy.rules.patterns import many

_LONGEST = 1024
# In the order in which they are asked: nearly all of them name Chrome and Safari too.
_BROWSERS = (
    (b"Edg/", b"edge"),
    (b"EdgA/", b"edge"),
    (b"EdgiOS/", b"edge"),
    (b"OPR/", b"opera"),
    (b"SamsungBrowser/", b"samsung"),
    (b"FxiOS/", b"firefox"),
    (b"Firefox/", b"firefox"),
    (b"CriOS/", b"chrome"),
    (b"Chrome/", b"chrome"),
)
_PLATFORMS = (
    (b"Windows NT", b"windows"),
    (b"Android", b"android"),
    (b"iPhone", b"ios"),
    (b"iPad", b"ios"),
    (b"iPod", b"ios"),
    (b"Macintosh", b"macos"),
    (b"Linux", b"linux"),
    (b"X11", b"linux"),
    (b"CrOS", b"linux"),
)
_SAFARI = ((b"Safari/", b"safari"), (b"Version/", b"safari"))


_TOKENS: Final = [token for token, _ in (*_PLATFORMS, *_BROWSERS, *_SAFARI)]
_SAFARI_AT: Final = len(_PLATFORMS) + len(_BROWSERS)
_MATCHERS: Final = many([byteset.literal_regex(token, False) for token in _TOKENS])


def _claim(facts: Facts) -> tuple[bytes, int | None, bytes]:
    return claim(facts.request.headers.first(b"user-agent") or b"")


def claim(agent: bytes) -> tuple[bytes, int | None, bytes]:
    """Browser, its major version and platform that a User-Agent claims; empty and None for what it does not."""
    agent = agent[:_LONGEST]
    found = [at for match in _MATCHERS for at in match(agent) or ()]
    found.sort()
    platform = _PLATFORMS[found[0]][1] if found and found[0] < len(_PLATFORMS) else b""
    if not agent.startswith(b"Mozilla/5.0 ("):
        return b"", None, platform
    for at in found:
        if len(_PLATFORMS) <= at < _SAFARI_AT:
            token, name = _BROWSERS[at - len(_PLATFORMS)]
            return name, _major(agent, token), platform
    if found[-2:] == [_SAFARI_AT, _SAFARI_AT + 1]:
        return b"safari", _major(agent, b"Version/"), platform
    return b"", None, platform


def _major(agent: bytes, token: bytes) -> int | None:
    begin = agent.find(token) + len(token)
    end = begin
    while end < len(agent) and end - begin < 6 and 0x30 <= agent[end] <= 0x39:
        end += 1
    return int(agent[begin:end]) if end > begin else None


_read = remembered_with_headers("claim", _claim)


def browser(facts: Facts) -> Any:
    """Name of the claimed browser, empty when none is."""
    return _read(facts)[0]


def major(facts: Facts) -> Any:
    """Major version of the claimed browser, or None."""
    return _read(facts)[1]


def platform(facts: Facts) -> Any:
    """Name of the claimed platform, empty when none is."""
    return _read(facts)[2]
