"""`/api/simulate`: what a rule or a threshold would have done with the stored requests, before there is one.

Reading is the store's, in pages; trying is a thread's, which gives way often. The supervisor's loop does neither.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Annotated, Any, Final, Literal, final

import orjson
from aiohttp import web
from pydantic import ConfigDict, Field, ValidationError

from botproxy.admin import queries
from botproxy.admin.analytics import ANALYTICS, Analytics
from botproxy.admin.misread import misread
from botproxy.errors import OperatorError
from botproxy.schema import Section
from botproxy.store.events import QueryError, StoreUnavailable

PATH: Final = "/api/simulate"
EXPRESSION: Final = f"{PATH}/expression"
AT_ONCE: Final = 2
"""Trials that run at the same time."""
LINES: Final = "application/x-ndjson"
"""Who accepts it is told how far a trial is while it runs, a line for each page; the last line is the answer."""

WAITING: Final = 4
"""Trials that wait; more are refused with 429."""


_RIGHT: Final = (
    '{"expression": TEXT, "action": "block" | "js_challenge" | "managed_challenge" | "challenge" | "log", '
    '"since": SECONDS, "until": SECONDS, "zone": NAME}'
)


class SimulateRequest(Section):
    """Body of `POST /api/simulate`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    expression: Annotated[str, Field(max_length=64 * 1024)]
    """Of the rule, in the rules language."""

    action: Literal["block", "js_challenge", "managed_challenge", "challenge", "log"] = "block"

    since: float = -86400.0
    """Seconds since 1970; below 0: so long ago."""

    until: float | None = None
    """Seconds since 1970; left out, now."""

    zone: str | None = None
    """One zone; left out, all of them."""


class ExpressionRequest(Section):
    """Body of `POST /api/simulate/expression`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    expression: Annotated[str, Field(max_length=64 * 1024)]


class Busy(Exception):  # noqa: N818 - a state, not a fault
    """Too many trials run and wait already."""


@final
class Turns:
    """At most `AT_ONCE` trials at a time, and `WAITING` that wait for their turn."""

    def __init__(self) -> None:
        self._running: Final = asyncio.Semaphore(AT_ONCE)
        self._asked = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and have it. Raises Busy."""
        if self._asked >= AT_ONCE + WAITING:
            raise Busy
        self._asked += 1
        try:
            async with self._running:
                yield
        finally:
            self._asked -= 1


TURNS: Final[web.AppKey[Turns]] = web.AppKey("simulate_turns")


def add_routes(app: web.Application) -> None:
    """Add the routes to an application that has `ANALYTICS`."""
    app[TURNS] = Turns()
    app.router.add_post(PATH, _simulate)
    app.router.add_post(EXPRESSION, _expression)
    app.router.add_get(f"{PATH}/thresholds", _thresholds)
    app.router.add_get(f"{PATH}/events", _events)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value) + b"\n", status=status, content_type="application/json")


def _unable(analytics: Analytics, zones: Sequence[str]) -> web.Response | None:
    if analytics.store is None:
        return _json({"error": "there is no event store: events.store is none"}, 503)
    unknown = [zone for zone in zones if zone not in analytics.zones]
    if unknown:
        return _json({"error": f"there is no zone {unknown[0]!r}; there is {', '.join(analytics.zones)}"}, 404)
    return None


@final
class _Hearer:
    """Whoever asked for a trial: told how far it is where they take lines, and missed when they are gone."""

    def __init__(self, request: web.Request) -> None:
        self._request: Final = request
        self._lines: Final = LINES in request.headers.get("Accept", "")
        self._response: web.StreamResponse | None = None

    async def heard(self, progress: dict[str, Any]) -> bool:
        """Tell how far the trial is; whether anybody is there."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            return False
        if self._lines:
            await self._write({"progress": progress})
        return True

    async def end(self, said: dict[str, Any], status: int = 200) -> web.StreamResponse:
        """The answer, or the last line of it."""
        if self._response is None:
            return _json(said, status)
        await self._write(said)
        await self._response.write_eof()
        return self._response

    async def _write(self, line: dict[str, Any]) -> None:
        if self._response is None:
            self._response = web.StreamResponse(headers={"Content-Type": LINES, "X-Accel-Buffering": "no"})
            await self._response.prepare(self._request)
        await self._response.write(orjson.dumps(line) + b"\n")


async def _simulate(request: web.Request) -> web.StreamResponse:
    try:
        wanted = SimulateRequest.model_validate_json(await request.read())
    except ValidationError as error:
        return misread(error, _RIGHT)
    analytics: Analytics = request.app[ANALYTICS]()
    zones: tuple[str, ...] | None = (wanted.zone,) if wanted.zone is not None else None
    refusal = _unable(analytics, zones or ())
    if refusal is not None:
        return refusal
    assert analytics.store is not None
    trying = await asyncio.to_thread(_engine)
    hearer = _Hearer(request)
    try:
        given = {"since": str(wanted.since)} | ({} if wanted.until is None else {"until": str(wanted.until)})
        span = queries.read_view(given, time.time()).span
        async with request.app[TURNS].turn():
            lists = await _lists(analytics, wanted.expression)
            found = await trying.tried(
                wanted.expression, wanted.action, lists, analytics.store, span, zones, hearer.heard
            )
            return await (hearer.end({"error": "nobody waits for this"}, 499) if found is None else hearer.end(found))
    except trying.RuleError as error:
        return _json(_fault(error), 400)
    except QueryError as error:
        return await hearer.end({"error": str(error)}, 400)
    except OperatorError as error:
        return _json({"error": f"the lists of the configuration cannot be read: {error}"}, 409)
    except Busy:
        return _json({"error": f"{AT_ONCE} trials run and {WAITING} wait already: try again in a moment"}, 429)
    except StoreUnavailable as error:
        return await hearer.end({"error": str(error)}, 503)


def _fault(error: Any) -> dict[str, Any]:
    """A RuleError, with its place."""
    names = ("message", "start", "end", "line", "column")
    return {"error": str(error), **{name: getattr(error, name) for name in names}}


async def _expression(request: web.Request) -> web.Response:
    try:
        wanted = ExpressionRequest.model_validate_json(await request.read())
    except ValidationError as error:
        return misread(error, '{"expression": TEXT}')
    trying = await asyncio.to_thread(_engine)
    try:
        lists = await _lists(request.app[ANALYTICS](), wanted.expression)
        await asyncio.to_thread(trying.checked, wanted.expression, lists)
    except trying.RuleError as error:
        fault = {**_fault(error), "near": trying.near(error)}
        return _json({"fault": fault})  # what was asked is answered, and a browser complains of nothing
    except OperatorError as error:
        return _json({"error": f"the lists of the configuration cannot be read: {error}"}, 409)
    return _json({"fault": None})


def _engine() -> ModuleType:
    """On a thread: whoever never asks for a trial has no use for a compiler of rules, which takes a while to load."""
    from botproxy.admin import trying

    return trying


async def _lists(analytics: Analytics, expression: str) -> Any:
    """The lists of the running configuration, where the rule names one."""
    if "$" not in expression or analytics.lists is None:
        return None
    return await asyncio.to_thread(analytics.lists)


async def _thresholds(request: web.Request) -> web.Response:
    analytics: Analytics = request.app[ANALYTICS]()
    try:
        view = queries.read_view(request.query, time.time())
        refusal = _unable(analytics, view.zones or ())
        if refusal is not None:
            return refusal
        assert analytics.store is not None
        trying = await asyncio.to_thread(_engine)
        async with request.app[TURNS].turn():
            return _json(await trying.slid(analytics.store, view))
    except QueryError as error:
        return _json({"error": str(error)}, 400)
    except Busy:
        return _json({"error": f"{AT_ONCE} trials run and {WAITING} wait already: try again in a moment"}, 429)
    except StoreUnavailable as error:
        return _json({"error": str(error)}, 503)


async def _events(request: web.Request) -> web.StreamResponse:
    """What is recorded of each request, as much as rules look at, in the order in which it was stored: for `botproxy
    simulate`. `solved=yes` gives only those that solved a challenge."""
    analytics: Analytics = request.app[ANALYTICS]()
    response: web.StreamResponse | None = None
    try:
        view = queries.read_view(request.query, time.time())
        refusal = _unable(analytics, view.zones or ())
        if refusal is not None:
            return refusal
        assert analytics.store is not None
        trying = await asyncio.to_thread(_engine)
        async for lines in trying.lines(analytics.store, view, bool(request.query.get("solved"))):
            if response is None:
                response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
                await response.prepare(request)
            await response.write(lines)
    except (QueryError, StoreUnavailable) as error:
        if response is None:
            return _json({"error": str(error)}, 400 if isinstance(error, QueryError) else 503)
        raise  # a list that ends too early must not look whole
    assert response is not None
    await response.write_eof()
    return response
