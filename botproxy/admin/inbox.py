"""`/api/reports`: what visitors wrote who did not get through, each with its request, a label, and an exception."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from botproxy.admin.auditing import noted
from botproxy.admin.configuration import ForbiddenError
from botproxy.admin.operator import Operator, operator_of
from botproxy.admin.paging import Page, page_of
from botproxy.errors import OperatorError

PREFIX: Final = "/api/reports"
MAX_REPORTS: Final = 500


class Inbox(Protocol):
    """What the supervisor offers about reports. Every answer is ready for JSON.

    Raises OperatorError for what cannot be read, ForbiddenError, LookupError for a ray that nobody reported.
    """

    async def listed(self, operator: Operator, page: Page, zone: str | None, handled: bool | None) -> dict[str, Any]:
        """The newest reports, each with the stored request and what was done about it."""
        ...

    async def label(self, operator: Operator, ray: str, body: bytes) -> dict[str, Any]:
        """Say what the request was."""
        ...

    async def exempt(self, operator: Operator, ray: str, body: bytes) -> dict[str, Any]:
        """Let such requests through for a time; with `preview`, only say what that would be."""
        ...


INBOX: Final[web.AppKey[Inbox | None]] = web.AppKey("inbox")


def add_routes(app: web.Application) -> None:
    """Add the routes to an application that has `INBOX` and `AUDIT`."""
    ray = "{ray:[0-9a-fA-F]{16}(-[A-Za-z0-9]{1,8})?}"
    app.router.add_get(PREFIX, _answering(_listed))
    app.router.add_post(f"{PREFIX}/{ray}", _answering(_label))
    app.router.add_post(f"{PREFIX}/{ray}/exception", _answering(_exempt))


def _json(value: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value) + b"\n", status=status, content_type="application/json")


def _answering(
    ask: Callable[[Inbox, web.Request], Awaitable[dict[str, Any]]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        inbox = request.app[INBOX]
        if inbox is None:
            return _json({"error": "there are no reports here"}, 503)
        try:
            said = await ask(inbox, request)
        except ForbiddenError as error:
            return _json({"error": str(error)}, 403)
        except OperatorError as error:
            return _json({"error": str(error)}, 422)
        except LookupError as error:
            return _json({"error": str(error.args[0]) if error.args else "not found"}, 404)
        return _json(said, 200 if said.get("ok", True) else 422)

    return handle


async def _listed(inbox: Inbox, request: web.Request) -> dict[str, Any]:
    given = request.query
    page = page_of(given, 50, MAX_REPORTS)
    word = given.get("handled", "")
    if word not in ("", "yes", "no"):
        raise OperatorError("handled is yes or no")
    handled = None if not word else word == "yes"
    return await inbox.listed(operator_of(request), page, given.get("zone") or None, handled)


def _ray(request: web.Request) -> str:
    return request.match_info["ray"].partition("-")[0].lower()


async def _label(inbox: Inbox, request: web.Request) -> dict[str, Any]:
    said = await inbox.label(operator_of(request), _ray(request), await request.read())
    await noted(request, "label", said["zone"], said.get("before"), said["label"], f"ray {said['ray']}")
    return said


async def _exempt(inbox: Inbox, request: web.Request) -> dict[str, Any]:
    said = await inbox.exempt(operator_of(request), _ray(request), await request.read())
    if said.get("ok") and not said.get("preview"):
        what = f"ray {said['ray']}, until {said['until']}"  # not whose: an address in here would be kept for long
        await noted(request, "exception", said["zone"], said.get("before"), said.get("version"), what)
    return said
