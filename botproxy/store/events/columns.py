"""What an event store keeps of a request: every field of `model.Event`, and a few values derived when it is stored.

Both backends keep the same columns, so that one query means the same on either. Times are whole microseconds since
1970. A list of texts or numbers is one text, each item between two separators (`SEPARATOR`), so that "has this item" is
a search for a text; an empty list is the empty text.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple, get_origin, get_type_hints

from botproxy.model import Event

SEPARATOR: Final = "\x1f"


class Kind(Enum):
    """What a column or a field holds."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    MICROSECONDS = "microseconds"
    TEXTS = "texts"
    INTEGERS = "integers"


class Column(NamedTuple):
    """One column of the table of events."""

    name: str
    kind: Kind


_NUMBERS: Final = frozenset(("detection_ids", "shadow_detection_ids"))
"""Fields that hold several numbers; other tuples hold texts. A compiled record has forgotten what its tuples hold."""

_KINDS: Final = {str: Kind.TEXT, int: Kind.INTEGER, bool: Kind.BOOLEAN, float: Kind.MICROSECONDS}


def _of_event() -> tuple[Column, ...]:
    columns = []
    for name, hint in get_type_hints(Event).items():
        if hint is tuple or get_origin(hint) is tuple:
            columns.append(Column(name, Kind.INTEGERS if name in _NUMBERS else Kind.TEXTS))
        else:
            columns.append(Column(name, _KINDS[hint]))
    return tuple(columns)


EVENT_COLUMNS: Final = _of_event()
"""Columns of an event, in its order: a row of a link fits them one by one."""

DERIVED_COLUMNS: Final = (
    Column("page_view", Kind.BOOLEAN),  # a page of HTML that was answered with 2xx
    Column("visit", Kind.BOOLEAN),  # a page view that no page of the same host led to
    Column("browser", Kind.TEXT),  # as far as the User-Agent says so; "Unknown"
    Column("os", Kind.TEXT),
    Column("device", Kind.TEXT),  # "desktop", "mobile", "tablet"
    Column("sample_interval", Kind.INTEGER),  # how many requests this one stands for
    Column("sequence", Kind.INTEGER),  # in which it was stored; grows, never repeats within one store
)

COLUMNS: Final = EVENT_COLUMNS + DERIVED_COLUMNS
KINDS: Final = {column.name: column.kind for column in COLUMNS}


def joined(items: list[str] | list[int] | tuple[str, ...] | tuple[int, ...]) -> str:
    """A list as one text. A separator inside an item, which no item of ours has, becomes a space."""
    if not items:
        return ""
    texts = items if isinstance(items[0], str) else [str(item) for item in items]
    text = SEPARATOR.join(texts)
    if text.count(SEPARATOR) >= len(items):
        text = SEPARATOR.join([str(each).replace(SEPARATOR, " ") for each in texts])
    return f"{SEPARATOR}{text}{SEPARATOR}"


def parted(text: str) -> list[str]:
    """The items of a list that `joined` made."""
    return text[1:-1].split(SEPARATOR) if text else []
