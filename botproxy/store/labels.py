"""What operators say that requests were, people or bots: for training, and for whoever counts mistakes.

Labels are written by the admin listener and read from the data directory; a later one about the same requests of the
same site replaces an earlier one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

import orjson

from botproxy.store.lines import Lines

HUMAN: Final = "human"
BOT: Final = "bot"

Word = Literal["human", "bot", "none"]
"""`none` takes a label back."""

FILE: Final = Lines("labels", rotate_size=4 * 1024 * 1024, keep_files=4, durable=True)


class Label(NamedTuple):
    """One label. Either `ray` is set, or `expression` with the time that it is about. Times are seconds since 1970."""

    at: float
    zone: str
    label: Word
    who: str  # the operator: name of a token, an identity, or "loopback"
    ray: str = ""  # 16 hexadecimal digits
    expression: str = ""  # in the rules language
    since: float = 0.0
    until: float = 0.0
    source: str = ""  # "report" of a visitor, "feedback", "operator"
    note: str = ""


def append(directory: Path, labels: Sequence[Label]) -> None:
    """Write labels down. Raises OSError."""
    FILE.append(directory, [orjson.dumps(label._asdict()) for label in labels])


def read(directory: Path) -> list[Label]:
    """The labels that hold, the oldest first. What is no label is passed over; without a file there are none."""
    found: dict[tuple[str, str, str, float, float], Label] = {}
    for row in FILE.read(directory):
        label = _read(row)
        if label is None:
            continue
        about = (label.zone, label.ray, label.expression, label.since, label.until)
        found.pop(about, None)
        if label.label != "none":
            found[about] = label
    return list(found.values())


def _read(row: dict[str, Any]) -> Label | None:
    try:
        label = Label(**row)
    except TypeError:  # a field that this version does not know, or one that is missing
        return None
    texts = (label.zone, label.who, label.ray, label.expression, label.source, label.note)
    numbers = (label.at, label.since, label.until)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(each, int | float) for each in numbers):
        return None
    if label.label not in get_args(Word) or bool(label.ray) == bool(label.expression):
        return None
    return label
