"""What a report of JavaScript detections is worth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from botproxy.model import Detection, Headers
from botproxy.scoring.jsd.agreement import disagreements
from botproxy.scoring.jsd.payload import read
from botproxy.scoring.jsd.programs import PUBLIC, Programs
from botproxy.scoring.jsd.sealing import open_report
from botproxy.scoring.jsd.signals import CAPS, CONTRADICTED, CONVICTS, FAMILY, SIGNALS, STRONG, Signal
from botproxy.scoring.jsd.work import Evidence, examine


class Judgement(NamedTuple):
    """`passed` is None where the report shows too little to tell, or is none: it counts as no report at all."""

    passed: bool | None
    detections: tuple[Detection, ...]  # heaviest first; of a report that passed they are what was found odd
    reason: str  # "passed", "automated", "contradicted", "unproven" or "unreadable"
    points: int = 0  # that the signs weigh together; 100 with a strong one among them convict


def judge(report: bytes, *, seed: bytes, headers: Headers, programs: Programs = PUBLIC, now: float = 0.0) -> Judgement:
    """Judge a report as it was sent, with the seed of its bootstrap and the headers of the request that brought it.

    `programs` are those of the scripts that were served, `now` is seconds since the epoch. It passes on evidence alone:
    the answers that a browser gives to the work which this seed chose. Whether the seed is fresh, unused and this
    visitor's is for the caller to know.
    """
    text = open_report(report, seed)
    payload = None if text is None else read(text)
    if payload is None:
        return Judgement(None, (), "unreadable")
    numbers = {number for number in payload.signs if number < CONTRADICTED} | disagreements(payload, headers)
    evidence = examine(payload.answers, payload.seen, seed, programs.taken(payload.program, now))
    if evidence is Evidence.CONTRADICTED:
        numbers.add(CONTRADICTED)
    found = sorted((SIGNALS[number] for number in numbers if number in SIGNALS), key=lambda one: -one.weight)
    points = weigh(found)
    detections = tuple(Detection(FAMILY | one.number, one.tag, one.reason) for one in found)
    if evidence is Evidence.CONTRADICTED:
        return Judgement(False, detections, "contradicted", points)
    if convicts(found):
        return Judgement(False, detections, "automated", points)
    if evidence is Evidence.NONE:
        return Judgement(None, detections, "unproven", points)
    return Judgement(True, detections, "passed", points)


def weigh(signals: Iterable[Signal]) -> int:
    """Points of the signs together, each family up to its cap."""
    families: dict[str, int] = {}
    for signal in signals:
        families[signal.family] = families.get(signal.family, 0) + signal.weight
    return sum(min(CAPS[family], points) for family, points in families.items())


def convicts(signals: Iterable[Signal]) -> bool:
    """Whether these signs are enough: never weak ones alone."""
    found = list(signals)
    return any(signal.weight >= STRONG for signal in found) and weigh(found) >= CONVICTS
