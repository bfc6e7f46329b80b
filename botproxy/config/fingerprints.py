"""The operator's own fingerprints, compiled: each fault is shown where it stands, in the file that it stands in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from botproxy.config.document import MAX_BYTES, Document, read
from botproxy.config.document import Path as TreePath
from botproxy.config.explain import dotted
from botproxy.config.problems import Problem
from botproxy.config.rules import miswritten
from botproxy.config.tree import Config

if TYPE_CHECKING:
    from botproxy.scoring import Fault

_SECTION: TreePath = ("scoring", "heuristics")


def fingerprints(config: Config, document: Document, file: str) -> Iterator[Problem]:
    """Everything that is wrong in the files of fingerprints, and ids to disable that nobody has.

    `document` and `file` are the configuration's. A file that cannot be read was told by another check.
    """
    settings = config.scoring.heuristics
    zones = [zone for zone in config.zones if zone.heuristics.disabled or zone.heuristics.shadowed]
    if not settings.enabled or not (settings.files or settings.disabled or zones):
        return
    # Who only hands a source on, as the supervisor does, has no use for engines.
    from botproxy.scoring import Heuristics, HeuristicsError, shipped_fingerprints

    texts, documents = shipped_fingerprints(), dict[str, Document]()
    whole = True
    for at, path in enumerate(settings.files):
        name, place = str(path), (*_SECTION, "files", at)
        if name in documents:
            yield Problem(
                file, *document.place(place).value, "this file is here a second time", "remove it", dotted(place)
            )
            continue
        text = _text(path)
        if isinstance(text, str):
            documents[name] = read(text, name)
            yield from documents[name].problems
            if not documents[name].problems:
                texts[name] = text
                continue
        elif text is not None:
            yield text
        whole = False
    try:
        loaded = Heuristics.load(texts, settings.disabled)
        if whole and zones:
            yield from _of_zones(config, {one.detection.id for one in loaded.fingerprints}, document, file)
    except HeuristicsError as error:
        for fault in error.faults:
            if fault.file in documents:
                yield _placed(fault, documents[fault.file])
            elif whole:
                disabled: TreePath = (*_SECTION, "disabled", settings.disabled.index(fault.position))
                right = "the id of one that is there, or remove it"
                yield Problem(file, *document.place(disabled).value, fault.message, right, dotted(disabled))


def _of_zones(config: Config, there: set[int], document: Document, file: str) -> Iterator[Problem]:
    for at, zone in enumerate(config.zones):
        for key, ids in (("disabled", zone.heuristics.disabled), ("shadowed", zone.heuristics.shadowed)):
            for place, number in enumerate(ids):
                if number not in there:
                    path: TreePath = ("zones", at, "heuristics", key, place)
                    what = f"there is no fingerprint {number}"
                    right = "the id of one that is there (`botproxy heuristics list`), or remove it"
                    yield Problem(file, *document.place(path).value, what, right, dotted(path))


def _text(path: Path) -> str | Problem | None:
    try:
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError):
        return None
    if len(content) > MAX_BYTES:
        return Problem(str(path), 0, 0, f"is larger than {MAX_BYTES // 1024**2} MB", "is this the right file?")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return Problem(str(path), 0, 0, "holds bytes that are not UTF-8", "save the file as UTF-8")


def _placed(fault: Fault, document: Document) -> Problem:
    if not fault.position:
        right = "each with id, tag, reason and expression"
        return Problem(fault.file, *document.place(()).value, fault.message, right)
    at = fault.position - 1
    path: TreePath = (at, fault.key) if fault.key else (at,)
    place = document.place(path)
    if fault.error is None:
        return Problem(fault.file, *place.value, fault.message, "", dotted(path))
    entries = document.value
    entry = entries[at] if isinstance(entries, list) else None
    text = str(entry["expression"]) if isinstance(entry, dict) else ""
    # It was compiled without the space around it.
    before = len(text) - len(text.lstrip())
    return Problem(fault.file, *place.inside(before + fault.error.start), miswritten(fault.error), "", dotted(path))
