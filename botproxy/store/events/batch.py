"""Rows of events, as they come over a link, to columns as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from botproxy.model import Event
from botproxy.store.events.agents import agent
from botproxy.store.events.columns import EVENT_COLUMNS, Kind, joined

_WIDTH: Final = len(EVENT_COLUMNS)
_AT: Final = {name: at for at, name in enumerate(Event._fields)}


def columns(rows: Sequence[Sequence[Any]], intervals: Sequence[int], first: int) -> dict[str, list[Any]]:
    """Columns by name. `first` is the sequence number of the first row. ValueError for a row of another width."""
    if any(len(row) != _WIDTH for row in rows):
        raise ValueError(f"a row of an event has {_WIDTH} values")
    made: dict[str, list[Any]] = {}
    for (name, kind), values in zip(EVENT_COLUMNS, zip(*rows, strict=True), strict=True):
        if kind is Kind.MICROSECONDS:
            made[name] = [int(value * 1e6) for value in values]
        elif kind is Kind.TEXTS or kind is Kind.INTEGERS:
            made[name] = [joined(value) if value else "" for value in values]
        else:
            made[name] = list(values)
    statuses, kinds = made["status"], made["content_type"]
    views = [200 <= status < 300 and kind.startswith("text/html") for status, kind in zip(statuses, kinds, strict=True)]
    made["page_view"] = views
    made["visit"] = [
        view and not _same(referer, host)
        for view, referer, host in zip(views, made["referer"], made["host"], strict=True)
    ]
    agents = [agent(text) for text in made["user_agent"]]
    made["browser"] = [each.browser for each in agents]
    made["os"] = [each.system for each in agents]
    made["device"] = [each.device for each in agents]
    made["sample_interval"] = list(intervals)
    made["sequence"] = list(range(first, first + len(rows)))
    return made


def _same(referer: str, host: str) -> bool:
    """Whether this referer is a page of the host."""
    if not referer:
        return False
    authority = referer.partition("://")[2].partition("/")[0].partition("?")[0]
    name = authority.partition("]")[0] + "]" if authority.startswith("[") else authority.partition(":")[0]
    return name.lower() == host
