"""Every change that is made on the admin listener, as a line that says who, when and what; and `/api/audit`."""

from __future__ import annotations

from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from botproxy.admin.operator import Operator, operator_of

MAX_ENTRIES: Final = 1000


class Audit(Protocol):
    """Where changes are written down."""

    async def note(
        self, who: str, action: str, zone: str | None = None, before: Any = None, after: Any = None, what: str = ""
    ) -> None:
        """Write one change down. A disk that is full takes no change back; it is said in the log."""
        ...

    async def entries(self, limit: int) -> list[dict[str, Any]]:
        """The latest changes, the newest first."""
        ...


class NoAudit:
    """Writes nothing down; for whoever has no data directory."""

    async def note(
        self, who: str, action: str, zone: str | None = None, before: Any = None, after: Any = None, what: str = ""
    ) -> None:
        """See `Audit`."""

    async def entries(self, limit: int) -> list[dict[str, Any]]:
        """See `Audit`."""
        return []


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
    text = request.query.get("limit", "100")
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= MAX_ENTRIES:
        return web.json_response({"error": f"limit is a whole number from 1 to {MAX_ENTRIES}"}, status=400)
    operator = operator_of(request)
    found = await request.app[AUDIT].entries(MAX_ENTRIES if operator.zones is not None else int(text))
    shown = [each for each in found if _may_see(operator, each)][: int(text)]
    return web.Response(body=orjson.dumps({"entries": shown}) + b"\n", content_type="application/json")


def _may_see(operator: Operator, entry: dict[str, Any]) -> bool:
    if operator.zones is None:
        return True
    zone = entry.get("zone")
    return isinstance(zone, str) and bool(zone) and all(operator.sees(each) for each in zone.split(","))
