"""An operator's own events as labelled vectors, with labels as the original makes them.

Nobody looks at requests one by one. What is labelled is what told itself: fingerprints of the heuristics and failed
JavaScript detections are bots; who solved a managed or interactive challenge, or passed JavaScript detections, is a
person, unless a fingerprint matched; the word of an operator outweighs all of them. Verified bots and feeds are
neither. What nobody told apart is left out.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from botproxy.model import ScoreSource
from botproxy.rules.user_agent import claim
from botproxy.scoring import read_asked
from botproxy.scoring.ml import NAMES
from botproxy.simulation import SOLVED, when
from botproxy.training.feedback import Feedback
from botproxy.training.samples import PAST, Sample

MOST: Final = 200_000
"""Labelled vectors that are kept, the newest: 75 MB."""

MOST_OF_CALLER: Final = 200
"""Human labels that one address may supply: who solves challenges for a crowd is one witness, not many."""

MOST_SOLVED: Final = 1_000_000
LINE: Final = 256 * 1024

_SOLVED: Final = SOLVED - {"jschallengeSolved"}
_PASSED: Final = frozenset(("managedChallengeBypassed", "challengeBypassed"))
"""By a clearance of these levels; one of a plain `js_challenge` is given to anything that runs a script."""

_FEED_AGENTS: Final = (b"feed", b"rss", b"podcast", b"newsblur", b"miniflux")
_SAMPLED: Final = "08"
"""Rays below it are those whose vector is kept whatever became of them (`pipeline`)."""


class Taken(NamedTuple):
    """One labelled request, and when it was."""

    when: float  # seconds since the epoch
    sample: Sample


class Own(NamedTuple):
    """What events gave."""

    taken: tuple[Taken, ...]  # in order of time
    counts: Mapping[str, int]  # by where the label came from, and what was left out and why
    unlabelled: tuple[Any, ...]  # vectors of an unbiased part of all scored requests, to estimate a prior with


def event_files(places: Iterable[Path]) -> list[Path]:
    """The files of events in these data directories, or these files themselves, the oldest first."""
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += sorted(place.glob("events-*Z-*.jsonl"))
            found += [path for path in (place / "events.jsonl",) if path.is_file()]
        else:
            found.append(place)
    return found


def lines(files: Iterable[Path]) -> Iterator[bytes]:
    """Lines of events; those that are too long, and a file that was just deleted, are passed over."""
    for path in files:
        try:
            opened = path.open("rb")
        except FileNotFoundError:
            continue
        with opened:
            while line := opened.readline(LINE):
                yield line


def events(files: Iterable[Path], since: float = 0.0) -> Iterator[tuple[float, dict[str, Any]]]:
    """Events and when they were, in seconds since the epoch."""
    for line in lines(files):
        event = _event(line)
        if event is None:
            continue
        at = when(event.get("EdgeStartTimestamp"))
        if at is not None and at >= since:
            yield at, event


def label_of(event: Mapping[str, Any], solved: frozenset[str] | set[str]) -> tuple[bool | None, str]:
    """Whether a person sent it, None where nobody can tell; and why. `solved` are rays of challenges that were solved
    at the level of a managed or interactive one.
    """
    source = event.get("BotScoreSrc")
    if event.get("VerifiedBotCategory") or source == ScoreSource.VERIFIED_BOT.value:
        return None, "verified bot"
    agent = str(event.get("ClientRequestUserAgent") or "").lower().encode("utf-8", "replace")
    if any(word in agent for word in _FEED_AGENTS):
        return None, "feed"
    if source == ScoreSource.HEURISTICS.value:
        return False, "heuristics"
    detections = event.get("JSDetectionPassed")
    if detections == "failed" or source == ScoreSource.JS_FINGERPRINTING.value:
        return False, "javascript detections failed"
    actions = event.get("SecurityActions")
    if event.get("RayID") in solved or (isinstance(actions, list) and not _PASSED.isdisjoint(actions)):
        return True, "challenge solved"
    if detections == "passed":
        return True, "javascript detections passed"
    return None, "nobody knows"


def read(files: list[Path], feedback: Feedback | None = None, since: float = 0.0) -> Own:
    """Labelled vectors of these files. A vector of another version of the program is left out, and counted."""
    feedback = feedback or Feedback()
    solved = solved_rays(files)
    counts: Counter[str] = Counter()
    taken: deque[Taken] = deque(maxlen=MOST)
    unbiased: deque[Any] = deque(maxlen=50_000)
    callers: Counter[str] = Counter()
    for line in lines(files):
        if b'"BotproxyFeatures":""' in line or b'"BotproxyFeatures"' not in line:
            continue
        event = _event(line)
        at = None if event is None else when(event.get("EdgeStartTimestamp"))
        if event is None or at is None or at < since:
            continue
        asked = read_asked(str(event.get("BotproxyFeatures")))
        if asked is None or len(asked.vector) != 4 * len(NAMES):
            counts["left out: features of another version"] += 1
            continue
        vector = np.frombuffer(asked.vector, "<f4").astype(np.float32)
        if not np.isfinite(vector[~np.isnan(vector)]).all():
            counts["left out: no numbers"] += 1
            continue
        if str(event.get("RayID")) < _SAMPLED:
            unbiased.append(vector)
        told = feedback.human(event, at)
        human, why = (told, "operator") if told is not None else label_of(event, solved)
        if human is None:
            counts[f"left out: {why}"] += 1
            continue
        address = str(event.get("ClientIP"))
        if human and told is None:
            if callers[address] >= MOST_OF_CALLER:
                counts["left out: enough of this address"] += 1
                continue
            if address in callers or len(callers) < MOST_SOLVED:
                callers[address] += 1
        counts[f"{'people' if human else 'bots'}: {why}"] += 1
        taken.append(Taken(at, _sample(event, vector, human, why, address)))
    return Own(tuple(sorted(taken, key=lambda one: one.when)), dict(sorted(counts.items())), tuple(unbiased))


def _sample(event: Mapping[str, Any], vector: Any, human: bool, why: str, address: str) -> Sample:
    family = family_of(event)
    browser, _, platform = claim(str(event.get("ClientRequestUserAgent") or "").encode("utf-8", "replace"))
    named = f"{browser.decode('ascii') or 'other'}-{platform.decode('ascii') or 'other'}"
    part = hashlib.sha256(family.encode()).digest()[0] % 4
    return Sample(
        vector,
        human,
        family,
        f"own {named} ({part + 1} of 4)" if human else family,
        f"own, {why}",
        str(event.get("BotproxySession") or address),
        4 if vector[PAST] > 0 else 0,
        event.get("BotScoreSrc") == ScoreSource.HEURISTICS.value,
    )


def family_of(event: Mapping[str, Any]) -> str:
    """What tells clients apart: their TLS, and how they write headers."""
    headers = (
        str(event.get("BotproxyHeaderFingerprint") or "")
        or hashlib.sha256(str(event.get("ClientRequestUserAgent")).encode("utf-8", "replace")).hexdigest()[:12]
    )
    return f"own {event.get('JA4') or 'no-tls'} {headers}"


def solved_rays(files: list[Path]) -> set[str]:
    """Rays of requests whose challenge was solved, of the levels that only people are meant to pass."""
    found: set[str] = set()
    for line in lines(files):
        if b"Solved" not in line:
            continue
        event = _event(line)
        if event is None or len(found) >= MOST_SOLVED:
            continue
        actions = event.get("SecurityActions")
        if isinstance(actions, list) and not _SOLVED.isdisjoint(map(str, actions)) and event.get("OriginatorRayID"):
            found.add(str(event["OriginatorRayID"]))
    return found


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None  # the line that is being written
    return event if isinstance(event, dict) else None
