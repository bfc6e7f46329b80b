"""Who may speak to the admin listener: a token, or this machine alone and no web page."""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from botproxy.admin.access import Access, Refusal
from botproxy.admin.dashboard import is_open
from botproxy.admin.operator import asking

OPEN_PATHS = frozenset({"/healthz"})


READING = frozenset(
    {"/client/v4/graphql", "/client/v4/graphql/", "/api/simulate", "/api/simulate/expression", "/api/config/preview"}
)
"""What is asked with POST and changes nothing."""

UNLIMITED = ("/metrics", "/api/reload")
"""What is of all zones, and not for those who may see some."""


def guard(access: Access) -> Middleware:
    """The middleware that refuses everyone else.

    With tokens every request has to carry one, or an identity that a proxy in front vouches for; `/healthz` apart, and
    the pages of the dashboard, which are empty without it. Without any the listener is on loopback, and what is left is
    a browser on this machine: a page that rebinds its name to 127.0.0.1 is refused by its Host, a page that posts
    across sites by what the browser says of it and by the content type that it cannot set unasked.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        changes = request.method not in ("GET", "HEAD")
        if request.path in OPEN_PATHS and not changes:
            return await handler(request)
        refusal = access.admits(request.remote)
        if refusal is not None:
            return _refuse(*refusal)
        if not access.asks and not _local(request.headers.get("Host", "")):
            return _refuse(403, "without a token the Host has to be localhost or a loopback address")
        operator = access.who(request)
        if isinstance(operator, Refusal):
            return await handler(request) if is_open(request.method, request.path) else _refuse(*operator)
        if changes and _foreign(request):
            return _refuse(403, "a page of another site may not ask for this")
        if changes and request.content_type != "application/json":
            return _refuse(415, "send Content-Type: application/json")
        if changes and operator.role == "read" and request.path not in READING:
            return _refuse(403, f"{operator.name} may look, and change nothing")
        if operator.zones is not None and request.path in UNLIMITED:
            return _refuse(403, f"{operator.name} may see some zones only, and this is of all of them")
        with asking(request, operator):
            return await handler(request)

    return check


def _foreign(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return True
    origin = request.headers.get("Origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("Host", "")


def _local(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    if name.lower() == "localhost":
        return True
    try:
        return ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _refuse(status: int, error: str) -> web.Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return web.json_response({"error": error}, status=status, headers=headers)
