"""The original's API of a zone's bot settings, and its feedback, below `/client/v4/zones/{id}/bot_management`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from botproxy.admin.analytics import ANALYTICS
from botproxy.admin.auditing import noted
from botproxy.admin.client_v4 import PREFIX
from botproxy.admin.configuration import ForbiddenError
from botproxy.admin.operator import Operator, operator_of
from botproxy.admin.zones import failed, succeeded, zone_tag
from botproxy.errors import OperatorError

WRONG: Final = 1004
UNKNOWN: Final = 1001
FORBIDDEN: Final = 10000


class BotManagement(Protocol):
    """What the supervisor offers about bot settings and feedback of a zone. Every answer is ready for JSON.

    Raises OperatorError, with `problems` when there are several, and ForbiddenError.
    """

    async def settings(self, operator: Operator, zone: str) -> dict[str, Any]:
        """The settings under the original's names."""
        ...

    async def set(self, operator: Operator, zone: str, body: bytes) -> dict[str, Any]:
        """Set those that are named; all of them after, and with `change` what the audit says."""
        ...

    async def feedback(self, operator: Operator, zone: str) -> list[dict[str, Any]]:
        """What was said of this zone's scores, the newest first."""
        ...

    async def add_feedback(self, operator: Operator, zone: str, body: bytes) -> dict[str, Any]:
        """Say what requests of this zone were."""
        ...


BOTS: Final[web.AppKey[BotManagement | None]] = web.AppKey("bot_management")

_Asked = Callable[[BotManagement, web.Request, str], Awaitable[Any]]


def add_routes(app: web.Application) -> None:
    """Add the routes to an application that has `BOTS`, `ANALYTICS` and `AUDIT`."""
    path = f"{PREFIX}/zones/{{tag}}/bot_management"
    app.router.add_get(path, _answering(lambda bots, request, zone: bots.settings(operator_of(request), zone)))
    app.router.add_put(path, _answering(_set))
    app.router.add_patch(path, _answering(_set))
    app.router.add_get(
        f"{path}/feedback", _answering(lambda bots, request, zone: bots.feedback(operator_of(request), zone))
    )
    app.router.add_post(f"{path}/feedback", _answering(_feedback))


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _answering(ask: _Asked) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        bots = request.app[BOTS]
        if bots is None:
            return _json(failed(WRONG, "there is no configuration here"), 503)
        tag = request.match_info["tag"]
        zone = next((name for name in request.app[ANALYTICS]().zones if zone_tag(name) == tag), None)
        if zone is None:
            return _json(failed(UNKNOWN, "there is no zone with this id"), 404)
        try:
            return _json({"result": await ask(bots, request, zone), **succeeded()})
        except ForbiddenError as error:
            return _json(failed(FORBIDDEN, str(error)), 403)
        except OperatorError as error:
            several = [str(each) for each in getattr(error, "problems", ())] or [str(error)]
            errors = [{"code": WRONG, "message": text} for text in several]
            return _json({**failed(WRONG, ""), "errors": errors}, 400)

    return handle


async def _set(bots: BotManagement, request: web.Request, zone: str) -> Any:
    said = await bots.set(operator_of(request), zone, await request.read())
    change = said.pop("change", None)
    if change is not None:
        await noted(request, "config", zone, change["before"], change["version"], change["what"])
    return said


async def _feedback(bots: BotManagement, request: web.Request, zone: str) -> Any:
    said = await bots.add_feedback(operator_of(request), zone, await request.read())
    await noted(request, "label", zone, None, said["type"], str(said["expression"]))
    return said
