"""The pages of the dashboard: shells that hold no data, and the files that they load.

Anybody who reaches the listener may load them, because a browser cannot send the admin token with an address; what they
show they ask for with the token. Every page of the dashboard is the same shell, so that an address can be shared.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from botproxy.admin.assets import Asset, NotBuiltError, asset, find

PAGES: Final = ("/", "/security", "/rules", "/configuration", "/reports")
GRAPHIQL: Final = "/graphiql"
ASSETS: Final = "/assets/"

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
GRAPHIQL_POLICY: Final = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "font-src 'self'", "font-src 'self' data:"
)
"""Its editor writes style sheets of its own, and its letters come inside its style sheet."""

_FOR_EVER: Final = "public, max-age=31536000, immutable"

_SHELL: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:image/svg+xml,{icon}">
<link rel="stylesheet" href="/assets/{style}">
<script defer src="/assets/{script}"></script>
<div id="app"></div>
<noscript><p>The dashboard needs JavaScript. Without it there are <a href="/healthz">/healthz</a>,
<a href="/metrics">/metrics</a>, and what docs/analytics.md and docs/operations.md describe.</p></noscript>
</html>
"""
_ICON: Final = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cpath fill='%230b5cad' "
    "d='M12 1.5 21 5v6.5c0 5-3.6 9-9 11-5.4-2-9-6-9-11V5z'/%3E%3Cg fill='white'%3E"
    "%3Ccircle cx='8.8' cy='11' r='1.7'/%3E%3Ccircle cx='15.2' cy='11' r='1.7'/%3E"
    "%3Crect x='8' y='15' width='8' height='1.8' rx='.9'/%3E%3C/g%3E%3C/svg%3E"
)


def is_open(method: str, path: str) -> bool:
    """Whether this is a shell or a file of it, which need no token."""
    return method in ("GET", "HEAD") and (path in PAGES or path == GRAPHIQL or path.startswith(ASSETS))


def add_routes(app: web.Application) -> None:
    """Add the pages and their files."""
    for path in PAGES:
        app.router.add_get(path, _dashboard)
    app.router.add_get(GRAPHIQL, _graphiql)
    app.router.add_get(ASSETS + "{name}", _asset)


async def _dashboard(_request: web.Request) -> web.Response:
    return _shell("dashboard", "botproxy", POLICY)


async def _graphiql(_request: web.Request) -> web.Response:
    return _shell("graphiql", "GraphiQL · botproxy", GRAPHIQL_POLICY)


def _shell(bundle: str, title: str, policy: str) -> web.Response:
    try:
        script, style = asset(f"{bundle}.js"), asset(f"{bundle}.css")
    except NotBuiltError as error:
        return web.Response(text=f"{error}\n", status=503)
    page = _SHELL.format(title=title, icon=_ICON, style=style.name, script=script.name)
    return web.Response(
        text=page,
        content_type="text/html",
        headers={"Content-Security-Policy": policy, "Cache-Control": "no-cache"},
    )


async def _asset(request: web.Request) -> web.Response:
    try:
        found = find(request.match_info["name"])
    except NotBuiltError:
        found = None
    if found is None:
        return web.json_response({"error": "there is no such file; load the page anew"}, status=404)
    return _file(found, "gzip" in request.headers.get("Accept-Encoding", "").lower())


def _file(found: Asset, packed: bool) -> web.Response:
    headers = {"Content-Type": found.kind, "Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    return web.Response(body=found.packed if packed else found.content, headers=headers)
