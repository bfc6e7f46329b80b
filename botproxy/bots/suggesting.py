"""Bots that say so themselves and that nobody verifies: found in recorded events, with what could verify them.

Pure: events come in as dictionaries under their Logpush names, names of addresses as somebody else found them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import yaml

from botproxy.bots.directory import Bot, Directory
from botproxy.model import Headers

MAX_CANDIDATES: Final = 2_000
MAX_ADDRESSES: Final = 1_000
"""Addresses of one candidate that are kept; more would not say more about it."""

_SAYS_SO: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9_.-]{0,40}?(?:bot|crawler|spider|fetcher|agent|monitor|scanner)[A-Za-z0-9_.-]{0,20})"
    r"(?=[/ ;)]|\Z)",
    re.IGNORECASE,
)
_BROWSER: Final = re.compile(r"Mozilla/|AppleWebKit|Gecko|Chrome/|Safari/|Edg/", re.IGNORECASE)
_SHORTEST: Final = 5
"""Characters of a name; shorter ones name others as well."""


class Candidate(NamedTuple):
    """A bot that says so itself, over all its requests."""

    name: str
    known: Bot | None  # of the directory, None for one that is not there
    requests: int
    addresses: Mapping[str, int]  # requests by address
    asns: Mapping[int, int]  # requests by autonomous system, 0 where that is not known
    user_agent: str  # one of them


class _Tally:
    def __init__(self, known: Bot | None, user_agent: str) -> None:
        self.known = known
        self.user_agent = user_agent
        self.requests = 0
        self.addresses: Counter[str] = Counter()
        self.asns: Counter[int] = Counter()


def candidates(events: Iterable[Mapping[str, Any]], directory: Directory) -> list[Candidate]:
    """Who says in its User-Agent that it is a bot, and is not verified; those with most requests first."""
    found: dict[str, _Tally] = {}
    for event in events:
        user_agent = event.get("ClientRequestUserAgent")
        if not isinstance(user_agent, str) or event.get("BotScoreSrc") == "Verified Bot":
            continue
        bots = directory.claimed(Headers(((b"user-agent", user_agent.encode("utf-8", "replace")),)))
        known = bots[0] if bots else None
        name = known.name if known is not None else declared(user_agent)
        if not name:
            continue
        tally = found.get(name)
        if tally is None:
            if len(found) >= MAX_CANDIDATES:
                continue
            tally = found[name] = _Tally(known, user_agent[:300])
        tally.requests += 1
        address, asn = event.get("ClientIP"), event.get("ClientASN")
        if isinstance(address, str) and (address in tally.addresses or len(tally.addresses) < MAX_ADDRESSES):
            tally.addresses[address] += 1
        if isinstance(asn, int) and (asn in tally.asns or len(tally.asns) < MAX_ADDRESSES):
            tally.asns[asn] += 1
    every = [Candidate(n, t.known, t.requests, t.addresses, t.asns, t.user_agent) for n, t in found.items()]
    return sorted(every, key=lambda each: (-each.requests, each.name))


def declared(user_agent: str) -> str:
    """The name by which a User-Agent that is in no directory says that it is a bot; "" when it does not."""
    for match in _SAYS_SO.finditer(user_agent[:1000]):
        name: str = match[1].strip(".-_")
        if len(name) >= _SHORTEST and _BROWSER.search(name) is None:
            return name
    return ""


def common_domain(names: Iterable[str], registered: Callable[[str], str | None]) -> str:
    """The longest domain below which all these names lie, no shorter than the one that was registered; "" for none."""
    split = [name.split(".") for name in names]
    if not split:
        return ""
    shared: list[str] = []
    for labels in zip(*(reversed(parts[1:]) for parts in split), strict=False):
        if len(set(labels)) > 1:
            break
        shared.insert(0, labels[0])
    domain = ".".join(shared)
    return domain if domain and registered(domain) else ""


def entry(candidate: Candidate, domain: str) -> str:
    """The entry of a file of bots under which this one is verified by names below `domain`; YAML, to be appended to
    `bots:`."""
    known = candidate.known
    named = declared(candidate.user_agent) or candidate.name
    said: dict[str, Any] = {"name": candidate.name if known is None else f"{candidate.name}, by its names"}
    if known is not None and known.operator:
        said["operator"] = known.operator
    said["category"] = "Other" if known is None else known.category
    said["user_agent"] = re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", named)
    said["verify"] = {"domains": [domain]}
    return yaml.safe_dump([said], sort_keys=False, allow_unicode=True, width=118)
