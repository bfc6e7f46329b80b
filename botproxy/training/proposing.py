"""Candidates for fingerprints, from an operator's own events: what bots have in common and no person has.

A candidate is a header fingerprint, a JA4, both together, or the form of a User-Agent. It has to find bots that no
fingerprint finds yet, from several addresses, and nobody who is labelled a person; of those whom nobody labelled and
who score like people it may touch few, and it says how many. One that would find a verified bot or a feed reader is
none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from botproxy.model import ScoreSource
from botproxy.scoring import OWN
from botproxy.training.feedback import Feedback
from botproxy.training.own_events import events, label_of, solved_rays

MOST_KEYS: Final = 100_000
"""Values of each kind that are counted; later ones are left out."""

MOST_ADDRESSES: Final = 1_000
LONGEST_AGENT: Final = 400
LIKELY: Final = 30

HEADERS, TLS, BOTH, AGENT = "headers", "ja4", "headers and ja4", "user agent"
KINDS: Final = (AGENT, HEADERS, TLS, BOTH)
"""In the order in which candidates are preferred: those that a person can read first."""

_DIGITS: Final = re.compile(r"\d+")
_SPECIAL: Final = re.compile(r"([.^$*+?{}\[\]\\|()\"])")


class Asked(NamedTuple):
    """What a candidate has to be."""

    support: int = 20  # requests of bots that no fingerprint finds yet
    addresses: int = 3
    people: int = 0  # labelled people who may match
    likely_share: float = 0.02  # of all matches, those that nobody labelled and that score 30 or more


class Candidate(NamedTuple):
    """One fingerprint that could be, and what it would have found."""

    kind: str
    value: str
    bots: int  # by labels
    new: int  # of them, those that no fingerprint finds yet
    addresses: int
    people: int  # by labels
    likely: int  # nobody labelled, and like people by their score
    unknown: int  # nobody labelled, and unlike people

    @property
    def expression(self) -> str:
        """In the rules language."""
        if self.kind == AGENT:
            return f'http.user_agent matches r"^{self.value}$"'
        fields = {HEADERS: ("botproxy.header_fingerprint",), TLS: ("cf.bot_management.ja4",)}.get(
            self.kind, ("botproxy.header_fingerprint", "cf.bot_management.ja4")
        )
        return " and ".join(f'{field} eq "{value}"' for field, value in zip(fields, self.value.split(" "), strict=True))


class _Seen:
    __slots__ = ("addresses", "bots", "likely", "new", "people", "spared", "unknown")

    def __init__(self) -> None:
        self.bots = self.new = self.people = self.likely = self.unknown = self.spared = 0
        self.addresses: set[str] = set()


def candidates(
    files: list[Path], asked: Asked, feedback: Feedback | None = None, since: float = 0.0
) -> list[Candidate]:
    """What may be proposed, the most useful first. One that finds nothing beyond those before it is left out."""
    feedback = feedback or Feedback()
    solved = solved_rays(files)
    counted: dict[tuple[str, str], _Seen] = {}
    sizes = dict.fromkeys(KINDS, 0)
    for when, event in events(files, since):
        human, why = _label(event, when, feedback, solved)
        for key in _keys(event):
            seen = counted.get(key)
            if seen is None:
                if sizes[key[0]] >= MOST_KEYS:
                    continue
                sizes[key[0]] += 1
                seen = counted[key] = _Seen()
            _count(seen, event, human, why)
    found = [
        Candidate(*key, seen.bots, seen.new, len(seen.addresses), seen.people, seen.likely, seen.unknown)
        for key, seen in counted.items()
        if _fits(seen, asked)
    ]
    found.sort(key=lambda one: (KINDS.index(one.kind), -one.new, one.value))
    return _without_covered(files, found, asked, feedback, solved, since)


def entries(found: Iterable[Candidate], first: int = OWN.start + 1) -> str:
    """The candidates as a file of fingerprints has them, with ids from `first` on, which no release ever gives out."""
    lines = []
    for number, one in enumerate(found, first):
        quoted = one.expression.replace("'", "''")
        lines += [
            f"# {one.kind}: {one.bots:,} requests of bots, {one.new:,} of them not found before, from "
            f"{one.addresses:,} addresses;",
            f"# {one.people:,} of people, {one.likely:,} nobody labelled that score like people, "
            f"{one.unknown:,} others.",
            f"- id: {number}",
            "  tag: own",
            f"  reason: 'What {one.new:,} requests of bots from {one.addresses:,} addresses had in common "
            f"({one.kind}).'",
            f"  expression: '{quoted}'",
        ]
    return "".join(f"{line}\n" for line in lines)


def agent_form(agent: str) -> str:
    """A pattern of this User-Agent and of its other versions; "" for one that is too long, or not plain text."""
    if not agent or len(agent) > LONGEST_AGENT or not agent.isascii() or not agent.isprintable():
        return ""
    return _DIGITS.sub(r"\\d+", _SPECIAL.sub(r"\\\1", agent).replace('\\"', "."))


def _keys(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    headers, ja4 = str(event.get("BotproxyHeaderFingerprint") or ""), str(event.get("JA4") or "")
    agent = agent_form(str(event.get("ClientRequestUserAgent") or ""))
    found = []
    if agent:
        found.append((AGENT, agent))
    if headers and " " not in headers:
        found.append((HEADERS, headers))
    if ja4 and " " not in ja4 and '"' not in ja4:
        found.append((TLS, ja4))
        if headers and " " not in headers:
            found.append((BOTH, f"{headers} {ja4}"))
    return found


def _label(event: Mapping[str, Any], when: float, feedback: Feedback, solved: set[str]) -> tuple[bool | None, str]:
    told = feedback.human(event, when)
    return (told, "operator") if told is not None else label_of(event, solved)


def _count(seen: _Seen, event: Mapping[str, Any], human: bool | None, why: str) -> None:
    score = event.get("BotScore")
    if human is False:
        seen.bots += 1
        seen.new += event.get("BotScoreSrc") != ScoreSource.HEURISTICS.value
        if len(seen.addresses) < MOST_ADDRESSES:
            seen.addresses.add(str(event.get("ClientIP")))
    elif human:
        seen.people += 1
    elif why in ("verified bot", "feed"):
        seen.spared += 1
    elif not isinstance(score, int) or score <= 0:
        return
    elif score >= LIKELY:
        seen.likely += 1
    else:
        seen.unknown += 1


def _fits(seen: _Seen, asked: Asked) -> bool:
    every = seen.bots + seen.people + seen.likely + seen.unknown
    return (
        seen.new >= asked.support
        and len(seen.addresses) >= asked.addresses
        and seen.people <= asked.people
        and not seen.spared
        and seen.likely <= asked.likely_share * every
    )


def _without_covered(
    files: list[Path], found: list[Candidate], asked: Asked, feedback: Feedback, solved: set[str], since: float
) -> list[Candidate]:
    """Those that still find enough when all before them are in force."""
    order = {(one.kind, one.value): at for at, one in enumerate(found)}
    gains = [0] * len(found)
    if not found:
        return []
    for when, event in events(files, since):
        if event.get("BotScoreSrc") == ScoreSource.HEURISTICS.value:
            continue
        places = [order[key] for key in _keys(event) if key in order]
        if places and _label(event, when, feedback, solved)[0] is False:
            gains[min(places)] += 1
    return [one for one, gain in zip(found, gains, strict=True) if gain >= asked.support]
