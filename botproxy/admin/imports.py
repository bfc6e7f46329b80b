"""`/api/import`: events made of another server's log, into the store that the proxy has open, and out of it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from botproxy.admin.analytics import ANALYTICS, Analytics
from botproxy.admin.auditing import noted
from botproxy.model import IMPORTED, Event
from botproxy.store.events import EVENT_COLUMNS, Kind, QueryError, StoreUnavailable

PATH: Final = "/api/import"
MAX_BODY: Final = 8 * 1024**2
MAX_ROWS: Final = 2_000
"""Of one request; whoever has more asks again, and is slowed to what the store takes."""

_MODE: Final = Event._fields.index("mode")
_ZONE: Final = Event._fields.index("zone")
_TYPES: Final[Mapping[Kind, tuple[type, ...]]] = {
    Kind.TEXT: (str,),
    Kind.INTEGER: (int,),
    Kind.BOOLEAN: (bool,),
    Kind.MICROSECONDS: (int, float),
    Kind.TEXTS: (list,),
    Kind.INTEGERS: (list,),
}
_WANTED: Final = tuple(_TYPES[column.kind] for column in EVENT_COLUMNS)
_ITEMS: Final = {at: (str if column.kind is Kind.TEXTS else int) for at, column in enumerate(EVENT_COLUMNS)
                 if column.kind in (Kind.TEXTS, Kind.INTEGERS)}  # fmt: skip
_MOST: Final = 2**63

_logger = logging.getLogger(__name__)


def add_routes(app: web.Application) -> None:
    """Add the routes to an application that has `ANALYTICS`."""
    app.router.add_post(PATH, _import)
    app.router.add_post(f"{PATH}/forget", _forget)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value) + b"\n", status=status, content_type="application/json")


async def _import(request: web.Request) -> web.Response:
    analytics: Analytics = request.app[ANALYTICS]()
    if analytics.store is None:
        return _json({"error": "there is no event store: events.store is none"}, 503)
    try:
        content = await _content(request)
        rows, goes_on = await asyncio.to_thread(_read, content, frozenset(analytics.zones))
    except QueryError as error:
        return _json({"error": str(error)}, 422)
    if not goes_on:
        await noted(request, "import", ",".join(sorted({row[_ZONE] for row in rows})) or None)
    if analytics.persons is not None:
        analytics.persons.mask(rows)
    await asyncio.to_thread(analytics.store.put, rows)
    await analytics.store.flush()  # so that whoever sends more than is stored waits for it
    return _json({"taken": len(rows)})


async def _content(request: web.Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.content.iter_chunked(64 * 1024):
        size += len(part)
        if size > MAX_BODY:
            raise QueryError(f"at most {MAX_BODY // 1024**2} MB at once")
        parts.append(part)
    return b"".join(parts)


def _read(content: bytes, zones: frozenset[str]) -> tuple[list[list[Any]], bool]:
    """On a thread. The rows, and whether they go on with what was begun.

    Raises QueryError for what is no event, is not imported, or of no zone that there is.
    """
    try:
        given = orjson.loads(content)
    except orjson.JSONDecodeError:
        given = None
    known = isinstance(given, dict) and given.keys() <= {"rows", "goes_on"}
    rows = given.get("rows") if known else None
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        raise QueryError(f'send {{"rows": [EVENT, …]}}, at most {MAX_ROWS} of them')
    for at, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(_WANTED) or not _fits(row):
            raise QueryError(f"row {at + 1} is no event of this version")
        if row[_MODE] != IMPORTED:
            raise QueryError(f"row {at + 1} does not say that it is imported")
        if row[_ZONE] not in zones:
            raise QueryError(f"row {at + 1} is of no zone: there is {', '.join(sorted(zones))}")
    return rows, given.get("goes_on") is True


def _fits(row: list[Any]) -> bool:
    for at, (value, wanted) in enumerate(zip(row, _WANTED, strict=True)):
        if type(value) not in wanted:
            return False
        if type(value) is list:
            if any(type(item) is not _ITEMS[at] for item in value):
                return False
        elif type(value) in (int, float) and not -_MOST < value * (1 if wanted == (int,) else 1e6) < _MOST:
            return False
    return True


async def _forget(request: web.Request) -> web.Response:
    analytics: Analytics = request.app[ANALYTICS]()
    if analytics.store is None:
        return _json({"error": "there is no event store: events.store is none"}, 503)
    try:
        given = orjson.loads(await request.read())
        zone = given.get("zone") if isinstance(given, dict) and given.keys() <= {"zone"} else 0
        if zone is not None and not isinstance(zone, str):
            raise QueryError('send {"zone": "shop"}, or {} for all of them')
        number = await analytics.store.forget_imported(zone)
    except (QueryError, orjson.JSONDecodeError) as error:
        return _json({"error": str(error)}, 422)
    except StoreUnavailable as error:
        return _json({"error": str(error)}, 503)
    _logger.warning("imported events were deleted", extra={"fields": {"events": number, "zone": zone or "all"}})
    await noted(request, "forget imported", zone, what=f"{number} events")
    return _json({"forgotten": number})
