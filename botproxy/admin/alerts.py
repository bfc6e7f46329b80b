"""`/api/alerts`: what was unusual lately."""

from __future__ import annotations

from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from botproxy.admin.operator import Operator, operator_of

MAX_ALERTS: Final = 500


class Alerts(Protocol):
    """What the supervisor offers about alerts."""

    async def listed(self, operator: Operator, limit: int) -> list[dict[str, Any]]:
        """The latest alerts, the newest first; ready for JSON."""
        ...


ALERTS: Final[web.AppKey[Alerts | None]] = web.AppKey("alerts")


def add_routes(app: web.Application) -> None:
    """Add the route to an application that has `ALERTS`."""
    app.router.add_get("/api/alerts", _listed)


async def _listed(request: web.Request) -> web.Response:
    text = request.query.get("limit", "50")
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= MAX_ALERTS:
        return web.json_response({"error": f"limit is a whole number from 1 to {MAX_ALERTS}"}, status=400)
    alerts = request.app[ALERTS]
    found = [] if alerts is None else await alerts.listed(operator_of(request), int(text))
    return web.Response(body=orjson.dumps({"alerts": found}) + b"\n", content_type="application/json")
