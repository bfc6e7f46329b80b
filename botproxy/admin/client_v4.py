"""The part of the original's API that programs for it ask: zones, accounts, and GraphQL, below `/client/v4`."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import orjson
from aiohttp import web

from botproxy.admin.analytics import ANALYTICS, Analytics
from botproxy.admin.zones import ACCOUNT, described, failed, listed, succeeded, zone_tag

PREFIX: Final = "/client/v4"
MAX_PER_PAGE: Final = 1000


def add_routes(app: web.Application) -> None:
    """Add the routes to an application that has `ANALYTICS`."""
    for path in (f"{PREFIX}/graphql", f"{PREFIX}/graphql/"):
        app.router.add_post(path, _graphql)
    app.router.add_get(f"{PREFIX}/zones", _zones)
    app.router.add_get(f"{PREFIX}/zones/{{tag}}", _zone)
    app.router.add_get(f"{PREFIX}/accounts", _accounts)
    app.router.add_get(f"{PREFIX}/user/tokens/verify", _verified)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _analytics(request: web.Request) -> Analytics:
    analytics: Analytics = request.app[ANALYTICS]()
    return analytics


async def _graphql(request: web.Request) -> web.Response:
    # Few proxies are ever asked, and a schema takes its time to be read.
    answer = await asyncio.to_thread(_answering)
    try:
        given = orjson.loads(await request.read())
    except orjson.JSONDecodeError as error:
        given = None
        said = f"error parsing args: the body is no JSON: {error}"
        return _json({"data": None, "errors": [{"message": said, "path": None, "extensions": {}}]}, 400)
    reply = await answer(_analytics(request), given)
    return _json(reply.body, reply.status)


def _answering() -> Any:
    from botproxy.admin.graphql.execution import answer, prepared

    prepared()
    return answer


async def _zones(request: web.Request) -> web.Response:
    try:
        page = int(request.query.get("page", "1"))
        per_page = int(request.query.get("per_page", "20"))
    except ValueError:
        page = per_page = 0
    if page < 1 or not 1 <= per_page <= MAX_PER_PAGE:
        return _json(failed(1004, f"page is 1 or more, per_page 1 to {MAX_PER_PAGE}"), 400)
    return _json(listed(_analytics(request).zones, request.query.get("name"), page, per_page))


async def _zone(request: web.Request) -> web.Response:
    tag = request.match_info["tag"]
    for name in _analytics(request).zones:
        if zone_tag(name) == tag:
            return _json({"result": described(name), **succeeded()})
    return _json(failed(1001, "there is no zone with this id"), 404)


async def _accounts(_request: web.Request) -> web.Response:
    info = {"page": 1, "per_page": 20, "total_pages": 1, "count": 1, "total_count": 1}
    accounts = [{"id": ACCOUNT, "name": "botproxy", "type": "standard"}]
    return _json({"result": accounts, "result_info": info, **succeeded()})


async def _verified(_request: web.Request) -> web.Response:
    return _json({"result": {"id": ACCOUNT, "status": "active"}, **succeeded()})
