"""Rows of events, as they come over a link, to columns as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from botproxy.store.events.agents import agent
from botproxy.store.events.columns import EVENT_COLUMNS, Kind, joined

_EMPTY: Final = ("",)


def columns(rows: Sequence[Sequence[Any]], intervals: Sequence[int]) -> dict[str, Sequence[Any]]:
    """Columns by name, all but `sequence`. Of at least one row; ValueError for one of another width than an event's."""
    made: dict[str, Sequence[Any]] = {}
    for (name, kind), values in zip(EVENT_COLUMNS, zip(*rows, strict=True), strict=True):
        if kind is Kind.MICROSECONDS:
            made[name] = [int(value * 1e6) for value in values]
        elif kind is Kind.TEXTS or kind is Kind.INTEGERS:
            made[name] = [joined(value) if value else "" for value in values] if any(values) else _EMPTY * len(values)
        else:
            made[name] = values
    statuses, kinds = made["status"], made["content_type"]
    views = [200 <= status < 300 and kind.startswith("text/html") for status, kind in zip(statuses, kinds, strict=True)]
    made["page_view"] = views
    made["visit"] = [
        view and not _same(referer, host)
        for view, referer, host in zip(views, made["referer"], made["host"], strict=True)
    ]
    agents = [agent(text) for text in made["user_agent"]]
    made["browser"], made["os"], made["device"] = zip(*agents, strict=True)
    made["sample_interval"] = intervals
    return made


def _same(referer: str, host: str) -> bool:
    """Whether this referer is a page of the host."""
    if not referer:
        return False
    authority = referer.partition("://")[2].partition("/")[0].partition("?")[0]
    name = authority.partition("]")[0] + "]" if authority.startswith("[") else authority.partition(":")[0]
    return name.lower() == host
