"""Trials of rules and thresholds over an event store. It knows the rules language, which the supervisor otherwise does
not: whoever imports it does so when somebody asks.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from difflib import get_close_matches
from typing import Any, Final

import orjson

from botproxy.admin import queries
from botproxy.admin.analytics import ANSWER_SECONDS
from botproxy.rules import FIELDS, Lists, RuleError, compile_expression
from botproxy.simulation import SOLVED, STORED, Solvers, Trial, from_store
from botproxy.simulation import thresholds as sliding
from botproxy.store.events import (
    COUNT,
    MICROSECONDS,
    All,
    Condition,
    Events,
    EventStore,
    Filter,
    Groups,
    Measure,
    Order,
    Span,
)

__all__ = ["RuleError", "checked", "lines", "near", "slid", "tried"]

MAX_SCANNED: Final = 200_000
"""Stored events that one trial looks at: the newest."""

MAX_SECONDS: Final = 20.0
"""After which a trial says what it has found so far."""

PAGE: Final = 5_000

YIELD: Final = 16
"""Requests after which whoever else wants the interpreter gets it."""

MAX_VISITORS: Final = 5_000
"""Who solved challenges and is looked at for thresholds."""


def checked(expression: str, lists: Lists | None) -> None:
    """Nothing, for an expression that is right. Raises RuleError."""
    compile_expression(expression, lists=lists)


def near(error: RuleError) -> list[str]:
    """Names of fields that are near one that does not exist; none for another fault."""
    word = error.source[error.start : error.end]
    return get_close_matches(word, FIELDS.fields, 3, 0.75) if error.message == "unknown identifier" else []


async def tried(
    expression: str,
    action: str,
    lists: Lists | None,
    store: EventStore,
    span: Span,
    zones: tuple[str, ...] | None,
    heard: Callable[[dict[str, Any]], Awaitable[bool]],
) -> dict[str, Any] | None:
    """What a rule would have done, ready for JSON. `heard` is told after each page how far the trial is, and says
    whether anybody still waits for it: None when not. Raises RuleError, QueryError, StoreUnavailable."""
    trial = Trial(expression, action, Solvers(), lists)  # what is wrong with it is said before anything is read
    began = time.monotonic()
    until = began + MAX_SECONDS
    await _learn(trial.solvers, store, span, zones)
    before: int | None = None
    oldest = span.until / MICROSECONDS
    whole = False
    stored = await store.ask(Groups(span, (), (Measure("stored"),), zones, All(()), (), 1), ANSWER_SECONDS)
    number = min(MAX_SCANNED, int(stored.rows[0][0] or 0) if stored.rows else 0)
    while not whole and trial.scanned < MAX_SCANNED and time.monotonic() < until:
        if not await heard({"scanned": trial.scanned, "of": number, "matched": trial.matched, "since": oldest}):
            return None
        part: Filter = All(()) if before is None else Condition("sequence", "lt", before)
        limit = min(PAGE, MAX_SCANNED - trial.scanned)
        query = Events(span, STORED, zones, part, (Order("sequence", True),), limit)
        answer = await store.ask(query, ANSWER_SECONDS)
        whole = len(answer.rows) < limit
        if not answer.rows:
            break
        done, oldest, before = await asyncio.to_thread(_try, trial, answer.rows, until, oldest)
        whole = whole and done
    return {
        **trial.result(),
        "sampled": not whole,
        "since": span.since / MICROSECONDS if whole else oldest,
        "until": span.until / MICROSECONDS,
        "seconds": round(time.monotonic() - began, 3),
    }


def _try(trial: Trial, rows: Sequence[Sequence[Any]], until: float, oldest: float) -> tuple[bool, float, int]:
    """On a thread. Whether all rows were tried, the oldest beginning so far, and the sequence number of the last."""
    before = 0
    for at, row in enumerate(rows):
        if at % YIELD == 0:
            os.sched_yield()
            if time.monotonic() >= until:
                return False, oldest, before
        recorded = from_store(row)
        trial.add(recorded)
        oldest = min(oldest, recorded.start)
        before = recorded.sequence
    return True, oldest, before


async def _learn(solvers: Solvers, store: EventStore, span: Span, zones: tuple[str, ...] | None) -> None:
    """Who solved challenges in this time, and a little before."""
    earlier = Span(max(0, span.since - int(solvers.seconds * MICROSECONDS)), span.until)
    solved = Condition("action", "in", tuple(sorted(SOLVED)))
    fields = ("client_ip", "user_agent", "start", "action")
    answer = await store.ask(Events(earlier, fields, zones, solved, (Order("start", True),), 10_000), ANSWER_SECONDS)
    for client_ip, user_agent, start, action in answer.rows:
        solvers.solved(client_ip, user_agent, start / MICROSECONDS, action)


async def slid(store: EventStore, view: queries.View) -> dict[str, Any]:
    """What every threshold would catch, ready for JSON. Raises QueryError, StoreUnavailable."""
    caught = All(
        (
            view.filter,
            Condition("score", "gt", 0),
            Condition("verified_bot_category", "eq", ""),
            Condition("static_resource", "eq", False),
        )
    )
    by = ("score", "js_detection")
    answer = await store.ask(Groups(view.span, by, (COUNT,), view.zones, caught, (), 1000), ANSWER_SECONDS)
    scores = [(score, number) for score, _, number in answer.rows]
    passed = [(score, number) for score, word, number in answer.rows if word == "passed"]
    solved = Condition("action", "in", tuple(sorted(SOLVED)))
    visitors = await store.ask(
        Groups(view.span, ("client_ip",), (COUNT,), view.zones, solved, (Order("count", True),), MAX_VISITORS),
        ANSWER_SECONDS,
    )
    people: list[tuple[int, int, bool]] = []
    addresses = tuple(address for address, _ in visitors.rows)
    if addresses:
        theirs = All((caught, Condition("client_ip", "in", addresses)))
        answer = await store.ask(Groups(view.span, by, (COUNT,), view.zones, theirs, (), 1000), ANSWER_SECONDS)
        people = [(score, number, word == "passed") for score, word, number in answer.rows]
    rows = sliding.sliding(scores, passed, people)
    return {
        "since": view.span.since / MICROSECONDS,
        "until": view.span.until / MICROSECONDS,
        "expression": sliding.EXPRESSION.format("N"),
        "total": sum(number for _, number in scores),
        "thresholds": sliding.records(rows),
    }


async def lines(store: EventStore, view: queries.View, solved: bool) -> AsyncIterator[bytes]:
    """Rows of `STORED` as JSON lines, a page at a time; at least once. Raises QueryError, StoreUnavailable."""
    after = -1
    chosen = All((view.filter, Condition("action", "in", tuple(sorted(SOLVED))))) if solved else view.filter
    while True:
        part = All((chosen, Condition("sequence", "gt", after)))
        query = Events(view.span, STORED, view.zones, part, (Order("sequence"),), PAGE)
        answer = await store.ask(query, ANSWER_SECONDS)
        yield await asyncio.to_thread(_written, answer.rows)
        if len(answer.rows) < PAGE:
            return
        after = answer.rows[-1][_SEQUENCE]


_SEQUENCE: Final = STORED.index("sequence")


def _written(rows: Sequence[Sequence[Any]]) -> bytes:
    """On a thread."""
    written: list[bytes] = []
    for at, row in enumerate(rows):
        if at % YIELD == 0:
            os.sched_yield()
        written.append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(written)
