"""The site of the laboratory: a shop with pages and their parts, an API, a login, a cart, a guest book and a feed.

It has what the behaviours need and what a browser then does by itself. Its contents are made from numbers.
"""

from __future__ import annotations

import asyncio
import json
import struct
import zlib

from aiohttp import web

from lab import club

PRODUCTS = tuple(f"{word}-{number}" for number in range(12) for word in ("lantern", "blanket", "kettle", "rope"))
ARTICLES = tuple(f"{word}-{number}" for number in range(8) for word in ("storm", "harbour", "winter"))
PAGES = (
    "/", "/shop", "/journal", "/about", "/contact", "/guestbook", "/login", "/search?q=lantern",
    *(f"/shop/{name}" for name in PRODUCTS), *(f"/journal/{name}" for name in ARTICLES),
    *(f"/shop?page={number}" for number in range(2, 6)),
)  # fmt: skip
_PASSWORD = "sea"
_STYLE = (
    "@font-face{font-family:t;src:url(/assets/text.woff2)}body{font-family:t,serif;margin:2rem;max-width:60rem}"
    "h1{background:url(/assets/wave.png)}.far{margin-top:1600px}"
)
_SCRIPT = """
addEventListener('load', () => {
  const item = document.body.dataset.item;
  if (item) fetch('/api/stock/' + item).then(r => r.json()).then(s => { document.getElementById('stock').textContent = s.left; });
  const box = document.getElementById('q');
  if (box) box.addEventListener('input', () => { if (box.value.length > 2) fetch('/api/suggest?q=' + encodeURIComponent(box.value)); });
  addEventListener('visibilitychange', () => { if (document.visibilityState === 'hidden') navigator.sendBeacon('/api/seen', location.pathname); });
});
"""  # noqa: E501 - a script as it is sent


def _png(shade: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(((shade + x) % 256, shade % 256, 90)) * 40 for x in range(40))
    size = struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _page(title: str, body: str, item: str = "") -> web.Response:
    menu = "".join(f'<a href="{path}">{path.strip("/") or "home"}</a> ' for path in PAGES[:7])
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<link rel="icon" href="/favicon.ico"><link rel="stylesheet" href="/assets/site.css">'
        '<link rel="alternate" type="application/rss+xml" href="/feed.xml">'
        '<script src="/assets/site.js" defer></script></head>'
        f'<body data-item="{item}"><nav>{menu}<form action="/search"><input id="q" name="q"></form></nav>'
        f"<h1>{title}</h1>{body}</body></html>"
    )
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-cache"})


def _list(items: list[tuple[str, str]]) -> str:
    return "<ul>" + "".join(f'<li><a class="item" href="{path}">{name}</a></li>' for path, name in items) + "</ul>"


async def _home(_: web.Request) -> web.Response:
    pictures = "".join(f'<img src="/img/{name}.png" alt="">' for name in PRODUCTS[:6])
    links = [(f"/shop/{name}", name) for name in PRODUCTS[:6]] + [(f"/journal/{name}", name) for name in ARTICLES[:4]]
    return _page("Things for weather", pictures + _list(links))


async def _shop(request: web.Request) -> web.Response:
    try:
        page = min(max(int(request.query.get("page", "1")), 1), 5)
    except ValueError:
        page = 1
    shown = PRODUCTS[(page - 1) * 10 : page * 10]
    pictures = "".join(f'<img src="/img/{name}.png" loading="lazy" alt="">' for name in shown)
    more = f'<a class="item" rel="next" href="/shop?page={page % 5 + 1}">more</a>'
    return _page("Shop", pictures + _list([(f"/shop/{name}", name) for name in shown]) + more)


async def _product(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in PRODUCTS:
        raise web.HTTPNotFound
    body = (
        f'<img src="/img/{name}.png" alt=""><img src="/img/{name}-large.png" alt=""><p>Left: <b id="stock">?</b></p>'
        f'<form method="post" action="/cart"><input type="hidden" name="item" value="{name}">'
        '<button id="buy">Buy</button></form>'
        + _list([(f"/shop/{each}", each) for each in PRODUCTS[len(name) : len(name) + 4]])
    )
    return _page(name, body, name)


async def _journal(_: web.Request) -> web.Response:
    return _page("Journal", _list([(f"/journal/{name}", name) for name in ARTICLES]))


async def _article(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in ARTICLES:
        raise web.HTTPNotFound
    film = '<video src="/media/film.mp4" preload="metadata" controls></video>' if name.endswith("0") else ""
    text = "<p>It blew for three days.</p>" * 30
    picture = '<img class="far" src="/img/late.png" loading="lazy" alt="">'
    return _page(name, text + film + picture + _list([(f"/journal/{each}", each) for each in ARTICLES[:3]]))


async def _plain(request: web.Request) -> web.Response:
    return _page(request.path.strip("/"), "<p>A made-up shop on a made-up island.</p>")


async def _search(request: web.Request) -> web.Response:
    wanted = request.query.get("q", "")[:40]
    return _page("Search", _list([(f"/shop/{name}", name) for name in PRODUCTS if wanted and wanted in name]))


async def _login(request: web.Request) -> web.Response:
    form = (
        '<form method="post" action="/login"><input id="user" name="user"><input id="password" name="password" '
        'type="password"><button id="enter">Log in</button></form>'
    )
    if request.method == "GET":
        return _page("Login", form)
    given = await request.post()
    if given.get("password") == _PASSWORD:
        raise web.HTTPSeeOther("/account", headers={"Set-Cookie": "shop=1; Path=/; HttpOnly"})
    refused = _page("Login", "<p>Wrong.</p>" + form)
    refused.set_status(401)
    return refused


async def _guestbook(request: web.Request) -> web.Response:
    if request.method == "POST":
        await request.post()
        raise web.HTTPSeeOther("/guestbook")
    form = '<form method="post"><input id="name" name="name"><textarea id="message" name="message"></textarea>'
    return _page("Guest book", form + '<button id="sign">Sign</button></form>')


async def _cart(request: web.Request) -> web.Response:
    if request.method == "POST":
        await request.post()
        raise web.HTTPSeeOther("/cart")
    return _page("Cart", '<form method="post" action="/checkout"><button id="pay">Pay</button></form>')


async def _checkout(request: web.Request) -> web.Response:
    await request.read()
    raise web.HTTPSeeOther("/account")


async def _api(request: web.Request) -> web.Response:
    await request.read()
    path = request.path
    if path == "/api/seen":
        return web.Response(status=204)
    if path.startswith("/api/stock/"):
        return web.json_response({"left": len(path) % 5})
    if path == "/api/login":
        return web.json_response({"error": "wrong"}, status=401)
    return web.json_response({"products": PRODUCTS[:10]})


async def _asset(request: web.Request) -> web.Response:
    path = request.path
    kept = {"Cache-Control": "public, max-age=3600"}
    if path.endswith(".css"):
        return web.Response(text=_STYLE, content_type="text/css", headers=kept)
    if path.endswith(".js"):
        return web.Response(text=_SCRIPT, content_type="text/javascript", headers=kept)
    if path.endswith(".woff2"):
        return web.Response(body=b"wOF2" + b"\0" * 400, content_type="font/woff2", headers=kept)
    if path.endswith(".mp4"):
        return web.Response(body=b"\0" * 4096, content_type="video/mp4", headers={"Accept-Ranges": "bytes"})
    return web.Response(body=_png(len(path) * 7), content_type="image/png", headers=kept)


async def _text(request: web.Request) -> web.Response:
    if request.path == "/robots.txt":
        return web.Response(text="User-agent: *\nAllow: /\nSitemap: /sitemap.xml\n")
    items = "".join(f"<item><title>{name}</title><link>/journal/{name}</link></item>" for name in ARTICLES)
    text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Journal</title>{items}</channel></rss>'
    if request.path == "/sitemap.xml":
        text = (
            '<?xml version="1.0"?><urlset>' + "".join(f"<url><loc>{path}</loc></url>" for path in PAGES) + "</urlset>"
        )
    return web.Response(text=text, content_type="application/xml")


@web.middleware
async def _errors(request: web.Request, handler: web.Handler) -> web.StreamResponse:  # type: ignore[name-defined]
    try:
        answer: web.StreamResponse = await handler(request)
    except web.HTTPNotFound:
        missing = _page("Not here", "")
        missing.set_status(404)
        return missing
    return answer


def application() -> web.Application:
    """The site."""
    app = web.Application(middlewares=[_errors])
    app.add_routes(
        [
            web.get("/", _home), web.get("/shop", _shop), web.get("/shop/{name}", _product),
            web.get("/journal", _journal), web.get("/journal/{name}", _article),
            *(web.get(path, _plain) for path in ("/about", "/contact", "/account")),
            web.get("/search", _search), web.get("/login", _login), web.post("/login", _login),
            web.get("/guestbook", _guestbook), web.post("/guestbook", _guestbook),
            web.get("/cart", _cart), web.post("/cart", _cart), web.post("/checkout", _checkout),
            web.route("*", "/api/{rest:.*}", _api),
            *(web.get(path, _text) for path in ("/robots.txt", "/feed.xml", "/sitemap.xml")),
            web.get("/favicon.ico", _asset), web.get("/assets/{name}", _asset), web.get("/img/{name}", _asset),
            web.get("/media/{name}", _asset), *club.routes(),
        ]
    )  # fmt: skip
    return app


def kind(path: str, accept: str, destination: str) -> str:
    """What a request asks for: "page", "part", "api", "feed" or "other"."""
    if path.startswith("/api/"):
        return "api"
    if path in ("/feed.xml", "/sitemap.xml"):
        return "feed"
    if path.startswith(("/assets/", "/img/", "/media/", "/favicon.ico")) or destination in ("image", "script", "style"):
        return "part"
    bare = path.partition("?")[0]
    known = {page.partition("?")[0] for page in PAGES}
    return "page" if bare in known or bare in ("/cart", "/checkout", "/account") or "text/html" in accept else "other"


def json_of(value: object) -> str:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"))


async def serve(app: web.Application) -> int:
    """Serve on a free port of loopback, on the loop that runs, until it ends; the port."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=512).start()
    await asyncio.sleep(0)
    port: int = runner.addresses[0][1]
    return port
