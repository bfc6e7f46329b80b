"""The demo shop as an aiohttp application: the table of routes, and what every response says about security."""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from aiohttp import web

from botproxy.demo import downloads, live, pages, pictures
from botproxy.demo.catalogue import ARTICLES, PRODUCTS, Product, article_named, product_named

_ASSETS: Final = {
    "site.css": "text/css",
    "site.js": "text/javascript",
    "favicon.svg": "image/svg+xml",
}
_KEPT: Final = {"Cache-Control": "public, max-age=3600"}
_LARGEST_BODY: Final = 64 * 1024
_ENTRIES_KEPT: Final = 20
_SECURITY: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'self'; "
    "form-action 'self'; object-src 'none'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_BOOK: Final = web.AppKey("book", deque[tuple[str, str]])


def application() -> web.Application:
    """A fresh shop: an empty chat and a visitors' book with one entry."""
    app = web.Application(middlewares=[_answer_errors], client_max_size=_LARGEST_BODY)
    app[live.ROOM] = live.Room()
    app[_BOOK] = deque([("The daughters", "The kettle is on.")], maxlen=_ENTRIES_KEPT)
    app.on_response_prepare.append(_secure)
    app.on_shutdown.append(_close)
    app.add_routes(
        [
            web.get("/", _home),
            web.get("/shop", _shop),
            web.get("/shop/{slug}", _product),
            web.get("/journal", _journal),
            web.get("/journal/{slug}", _article),
            web.get("/guestbook", _guestbook),
            web.post("/guestbook", _sign),
            web.get("/chat", _chat),
            web.get("/chat/socket", live.chat),
            web.get("/tide", _tide),
            web.get("/tide/stream", live.tide),
            web.get("/downloads", _downloads),
            web.get("/files/{name}", downloads.send),
            web.get("/headers", _headers),
            web.get("/pictures/postcard.png", _postcard),
            web.get("/pictures/{slug}.svg", _picture),
            web.get("/assets/{name}", _asset),
            web.get("/favicon.ico", _favicon),
            web.get("/robots.txt", _robots),
            web.get("/api/products", _api_products),
            web.get("/api/products/{slug}", _api_product),
            web.route("*", "/api/echo", _api_echo),
        ]
    )
    return app


def run(host: str, port: int) -> None:
    """Serve the shop until SIGINT or SIGTERM, and say on standard output where. OSError when the port is taken."""
    web.run_app(application(), host=host, port=port, print=_announce, access_log=None, shutdown_timeout=2.0)


def _announce(banner: str) -> None:
    sys.stdout.write(banner.splitlines()[0].strip("= ") + "\n")
    sys.stdout.flush()


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        if request.path.startswith("/api/"):
            return web.json_response({"error": "not found"}, status=404)
        return _html(pages.not_found(request.path), status=404)


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _SECURITY.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "demo"  # aiohttp has put its own there by now


async def _close(app: web.Application) -> None:
    await app[live.ROOM].close()


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-cache"})


async def _home(request: web.Request) -> web.Response:
    return _html(pages.home())


async def _shop(request: web.Request) -> web.Response:
    return _html(pages.shop(request.query.get("kind", "")[:40], request.query.get("q", "")[:80]))


async def _product(request: web.Request) -> web.Response:
    return _html(pages.product(_product_of(request)))


async def _journal(request: web.Request) -> web.Response:
    return _html(pages.journal())


async def _article(request: web.Request) -> web.Response:
    item = article_named(request.match_info["slug"])
    if item is None:
        raise web.HTTPNotFound
    return _html(pages.article(item))


async def _guestbook(request: web.Request) -> web.Response:
    book = request.app[_BOOK]
    return _html(pages.guestbook(book))


async def _sign(request: web.Request) -> web.Response:
    form = await request.post()
    book = request.app[_BOOK]
    name, message = (_one_line(form.get(field), limit) for field, limit in (("name", 60), ("message", 500)))
    if not name or not message:
        return _html(pages.guestbook(book, "A name and a message, please."), status=422)
    book.appendleft((name, message))
    raise web.HTTPSeeOther("/guestbook")


def _one_line(value: object, limit: int) -> str:
    return re.sub(r"\s+", " ", value).strip()[:limit] if isinstance(value, str) else ""


async def _chat(request: web.Request) -> web.Response:
    return _html(pages.chat())


async def _tide(request: web.Request) -> web.Response:
    return _html(pages.tide())


async def _downloads(request: web.Request) -> web.Response:
    return _html(pages.downloads((name, downloads.size_text(size)) for name, size in downloads.FILES.items()))


async def _headers(request: web.Request) -> web.Response:
    version = f"HTTP/{request.version.major}.{request.version.minor}"
    return _html(pages.headers(f"{request.method} {request.raw_path} {version}", list(request.headers.items())))


async def _postcard(request: web.Request) -> web.Response:
    return web.Response(body=pictures.postcard(), content_type="image/png", headers=_KEPT)


async def _picture(request: web.Request) -> web.Response:
    slug = request.match_info["slug"]
    drawn = pictures.product_picture(slug)
    if drawn is None and (article_named(slug) or slug == "things-for-weather"):
        drawn = pictures.seascape(slug)
    if drawn is None:
        raise web.HTTPNotFound
    return web.Response(text=drawn, content_type="image/svg+xml", headers=_KEPT)


async def _asset(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _ASSETS:
        raise web.HTTPNotFound
    body = files("botproxy.demo").joinpath("assets", name).read_text()
    return web.Response(text=body, content_type=_ASSETS[name], headers=_KEPT)


async def _favicon(request: web.Request) -> web.Response:
    raise web.HTTPFound("/assets/favicon.svg", headers=_KEPT)


async def _robots(request: web.Request) -> web.Response:
    return web.Response(text="User-agent: *\nDisallow: /api/\n", headers=_KEPT)


def _product_of(request: web.Request) -> Product:
    item = product_named(request.match_info["slug"])
    if item is None:
        raise web.HTTPNotFound
    return item


def _as_json(item: Product) -> dict[str, object]:
    return {**item._asdict(), "stock": sum(item.slug.encode()) % 9, "url": f"/shop/{item.slug}"}


async def _api_products(request: web.Request) -> web.Response:
    body = {"products": [_as_json(item) for item in PRODUCTS], "articles": [item.slug for item in ARTICLES]}
    return web.json_response(body, headers={"Cache-Control": "no-store"})


async def _api_product(request: web.Request) -> web.Response:
    return web.json_response(_as_json(_product_of(request)), headers={"Cache-Control": "no-store"})


async def _api_echo(request: web.Request) -> web.Response:
    """What arrived, as JSON: method, target, headers in order, body as text."""
    body = await request.read()
    answer = {
        "method": request.method,
        "target": request.raw_path,
        "headers": [list(pair) for pair in request.headers.items()],
        "body": body.decode("utf-8", "replace"),
        "body_bytes": len(body),
    }
    return web.json_response(answer, headers={"Cache-Control": "no-store"})
