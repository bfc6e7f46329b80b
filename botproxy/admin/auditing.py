"""Every change that is made on the admin listener, as a line that says who, when and what; and `/api/audit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

import orjson
from aiohttp import web

from botproxy.admin.operator import Operator, operator_of
from botproxy.admin.paging import page_of
from botproxy.errors import OperatorError

MAX_ENTRIES: Final = 1000


class Entries(NamedTuple):
    """Changes, the newest first, and how many there are in all."""

    entries: list[dict[str, Any]]
    total: int


class Audit(Protocol):
    """Where changes are written down."""

    async def note(
        self, who: str, action: str, zone: str | None = None, before: Any = None, after: Any = None, what: str = ""
    ) -> None:
        """Write one change down. A disk that is full takes no change back; it is said in the log."""
        ...

    async def entries(self, limit: int, offset: int, wanted: Callable[[dict[str, Any]], bool]) -> Entries:
        """Of the changes that are wanted so many, the newest first, after the newest `offset`."""
        ...


class NoAudit:
    """Writes nothing down; for whoever has no data directory."""

    async def note(
        self, who: str, action: str, zone: str | None = None, before: Any = None, after: Any = None, what: str = ""
    ) -> None:
        """See `Audit`."""

    async def entries(self, limit: int, offset: int, wanted: Callable[[dict[str, Any]], bool]) -> Entries:
        """See `Audit`."""
        return Entries([], 0)


AUDIT: Final[web.AppKey[Audit]] = web.AppKey("audit")


def add_routes(app: web.Application) -> None:
    """Add the route to an application that has `AUDIT`."""
    app.router.add_get("/api/audit", _entries)


async def noted(
    request: web.Request,
    action: str,
    zone: str | None = None,
    before: Any = None,
    after: Any = None,
    what: str = "",
) -> None:
    """Write down what the operator of this request changed."""
    await request.app[AUDIT].note(operator_of(request).name, action, zone, before, after, what)


async def _entries(request: web.Request) -> web.Response:
    try:
        page = page_of(request.query, 100, MAX_ENTRIES)
    except OperatorError as error:
        return web.json_response({"error": str(error)}, status=400)
    operator = operator_of(request)

    def wanted(entry: dict[str, Any]) -> bool:
        return _may_see(operator, entry) and page.finds(entry, ("who", "action", "zone", "what"))

    found = await request.app[AUDIT].entries(page.limit, page.offset, wanted)
    return web.Response(body=orjson.dumps(found._asdict()) + b"\n", content_type="application/json")


def _may_see(operator: Operator, entry: dict[str, Any]) -> bool:
    if operator.zones is None:
        return True
    zone = entry.get("zone")
    return isinstance(zone, str) and bool(zone) and all(operator.sees(each) for each in zone.split(","))
