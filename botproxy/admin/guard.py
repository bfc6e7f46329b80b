"""Who may speak to the admin listener: a token, or this machine alone and no web page."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from botproxy.admin.dashboard import is_open
from botproxy.admin.operator import LOOPBACK, Operator, let_in

OPEN_PATHS = frozenset({"/healthz"})


def guard(token: str | None) -> Middleware:
    """The middleware that refuses everyone else.

    With a token every request has to carry it, `/healthz` and the pages of the dashboard apart, which are empty without
    it. Without one the listener is on loopback, and what is left is a browser on this machine: a page that rebinds its
    name to 127.0.0.1 is refused by its Host, a page that posts across sites by what the browser says of it and by the
    content type that it cannot set unasked.
    """
    expected = None if token is None else f"Bearer {token}".encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in OPEN_PATHS and request.method in ("GET", "HEAD"):
            return await handler(request)
        if expected is not None:
            given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
            if not is_open(request.method, request.path) and not hmac.compare_digest(given, expected):
                return _refuse(401, "this address needs the admin token: Authorization: Bearer TOKEN")
        elif not _local(request.headers.get("Host", "")):
            return _refuse(403, "without a token the Host has to be localhost or a loopback address")
        if request.method not in ("GET", "HEAD") and _foreign(request):
            return _refuse(403, "a page of another site may not ask for this")
        if request.method not in ("GET", "HEAD") and request.content_type != "application/json":
            return _refuse(415, "send Content-Type: application/json")
        let_in(request, LOOPBACK if expected is None else Operator("token"))
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
