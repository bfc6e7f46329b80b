"""What is put before an origin's robots.txt (RFC 9309): the bots that are asked to stay away, by their own names."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Final

from botproxy.bots.categories import ai_purpose
from botproxy.bots.directory import Bot

_WORDS: Final = {
    "training": "collect for models of artificial intelligence",
    "search": "collect for searches of artificial intelligence",
    "agent": "act for a person with artificial intelligence",
}
_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_. /")


def managed(bots: Iterable[Bot], disallowed: Set[str]) -> bytes:
    """One group for each of these purposes; b"" without any. Every line ends in a line feed, and so does the text."""
    every = list(bots)
    groups: list[str] = []
    for purpose, words in _WORDS.items():
        if purpose not in disallowed:
            continue
        names: dict[str, None] = {}
        for bot in every:
            if ai_purpose(bot.category, bot.purpose) == purpose:
                names.update(dict.fromkeys(name for name in bot.robots if _NAME.issuperset(name)))
        if names:
            agents = "".join(f"User-agent: {name}\n" for name in sorted(names, key=str.lower))
            groups.append(f"# Bots that {words}\n{agents}Disallow: /\n")
    return "\n".join(groups).encode("ascii")


def joined(ours: bytes, theirs: bytes) -> bytes:
    """Our text before an origin's, which begins after an empty line, so that groups stay apart."""
    theirs = theirs.removeprefix(b"\xef\xbb\xbf")
    return ours + b"\n" + theirs if theirs else ours
