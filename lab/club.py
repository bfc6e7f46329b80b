"""Pages of the laboratory's site on which a browser does what it does beside pages.

WebSockets, event streams, workers of three kinds, preflights of another host, beacons, uploads, downloads, prefetching,
ranges of a film. Each page does some of it, drawn anew, as sites do.
"""

from __future__ import annotations

from typing import Final

from aiohttp import WSCloseCode, web

START: Final = "/club"

_PAGE: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Club</title>
<link rel="icon" href="/favicon.ico"><link rel="stylesheet" href="/assets/site.css">
<link rel="manifest" href="/club/app.webmanifest"></head><body><nav><a href="/">home</a> <a href="/shop">shop</a>
<a class="item" href="/club?page=PAGE">more</a> <a class="item" href="/journal/storm-0">storm</a>
<a id="manual" href="/club/manual.pdf" download>manual</a></nav><form action="/search"><input id="q" name="q"></form>
<iframe name="sink" src="about:blank"></iframe>
<form id="upload" method="post" action="/club/upload" enctype="multipart/form-data" target="sink">
<input name="a" value="1"></form>
<form id="say" method="post" action="/club/say" target="sink"><input name="a" value="1"></form><h1>Club</h1>
<script>
const other = location.origin.replace('site.test', 'other.test');
const wait = ms => new Promise(r => setTimeout(r, ms));
const quietly = async f => { try { await Promise.race([f(), wait(1500)]); } catch (e) {} };
const put = (name, values) => { const e = document.createElement(name); Object.assign(e, values);
  document.head.append(e); return wait(60); };
const acts = [
  () => new Promise(done => { const w = new WebSocket(location.origin.replace('http', 'ws') + '/club/socket');
    w.onclose = w.onerror = done; }),
  () => new Promise(done => { const e = new EventSource('/club/events'); e.onmessage = e.onerror = () => { e.close(); done(); }; }),
  () => new Promise(done => { const w = new Worker('/club/worker.js'); w.onmessage = w.onerror = done; }),
  () => new Promise(done => { const w = new SharedWorker('/club/shared.js'); w.onerror = done; setTimeout(done, 300); }),
  () => navigator.serviceWorker.register('/club/sw.js'),
  () => fetch(other + '/club/api', {headers: {'X-Custom': '1'}}),
  () => fetch(other + '/club/api', {method: 'DELETE', headers: {Authorization: 'Bearer x'}}),
  () => fetch(other + '/club/api', {method: 'POST', body: '{}', headers: {'Content-Type': 'application/json'}}),
  () => fetch(other + '/club/api'),
  () => fetch(other + '/club/api', {mode: 'no-cors', method: 'POST', body: 'x'}),
  () => fetch('/club/api', {method: 'PUT', body: 'x'}),
  () => fetch('/club/api', {method: 'DELETE'}),
  () => fetch('/club/api', {method: 'HEAD'}),
  () => fetch('/club/api', {cache: 'no-store'}),
  () => fetch('/club/api', {method: 'POST', body: '{}', headers: {'Content-Type': 'application/json'}}),
  () => fetch('/club/api', {method: 'POST', body: new URLSearchParams({a: 1}), keepalive: true}),
  () => fetch('/club/api', {cache: 'reload', credentials: 'omit', referrerPolicy: 'no-referrer'}),
  () => fetch('/club/api', {headers: {Accept: 'application/json', 'X-Requested-With': 'fetch'}}),
  () => fetch('/media/film.mp4', {headers: {Range: 'bytes=0-99'}}),
  () => new Promise(done => { const x = new XMLHttpRequest(); x.open('POST', '/club/api'); x.onloadend = done;
    x.setRequestHeader('X-Requested-With', 'XMLHttpRequest'); x.send('a=1'); }),
  () => navigator.sendBeacon('/club/api', 'x'),
  () => navigator.sendBeacon('/club/api', new Blob(['{}'], {type: 'application/json'})),
  () => put('link', {rel: 'prefetch', href: '/shop?page=2'}),
  () => put('link', {rel: 'preload', as: 'font', crossOrigin: 'anonymous', href: '/assets/late.woff2'}),
  () => put('script', {src: other + '/club/cors.js', crossOrigin: 'anonymous'}),
  () => put('script', {src: other + '/assets/cross.js'}),
  () => put('script', {type: 'module', src: '/club/module.mjs'}),
  () => put('link', {rel: 'stylesheet', href: other + '/assets/cross.css'}),
  () => put('script', {type: 'speculationrules', textContent: '{"prefetch":[{"urls":["/shop"],"eagerness":"immediate"}]}'}),
  async () => { const i = new Image(); i.crossOrigin = 'use-credentials'; i.src = other + '/club/cors.png'; document.body.append(i); },
  async () => { const i = new Image(); i.src = other + '/img/cross.png'; document.body.append(i); },
  async () => { const f = document.createElement('iframe'); f.src = '/about'; document.body.append(f); await wait(150); },
  async () => { const f = document.createElement('iframe'); f.sandbox = 'allow-scripts'; f.src = '/club/boxed';
    document.body.append(f); await wait(150); },
  async () => { document.getElementById('manual').click(); await wait(200); },
  async () => { document.getElementById('upload').submit(); await wait(200); },
  async () => { document.getElementById('say').submit(); await wait(200); },
  async () => { const v = document.createElement('video'); v.preload = 'auto'; v.src = '/media/film.mp4'; document.body.append(v); },
  async () => { const a = new Audio('/media/sound.mp4'); a.preload = 'auto'; document.body.append(a); },
];
addEventListener('load', async () => {
  const left = acts.slice();
  for (let n = 6 + Math.floor(Math.random() * 14); n; n--)
    await quietly(left.splice(Math.floor(Math.random() * left.length), 1)[0]);
});
addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'hidden') navigator.sendBeacon('/api/seen', location.pathname); });
</script></body></html>"""  # noqa: E501 - a page as it is sent

_SCRIPTS: Final = {
    "worker.js": "fetch('/club/api?worker').then(() => postMessage(1)); importScripts('/club/part.js');",
    "shared.js": "fetch('/club/api?shared');",
    "sw.js": "self.addEventListener('install', () => self.skipWaiting());"
    "self.addEventListener('activate', e => e.waitUntil(clients.claim()));"
    "self.addEventListener('fetch', e => e.respondWith(fetch(e.request)));",
    "module.mjs": "import '/club/inner.mjs';",
    "app.webmanifest": '{"name":"club","start_url":"/club"}',
}


async def _page(request: web.Request) -> web.Response:
    number = request.query.get("page", "1")
    following = (int(number) if number.isdigit() else 0) % 9 + 1
    text = _PAGE.replace("PAGE", str(following))
    return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-cache"})


async def _socket(request: web.Request) -> web.StreamResponse:
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return web.Response(status=426)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.close(code=WSCloseCode.OK)
    return socket


async def _rest(request: web.Request) -> web.Response:
    await request.read()
    name = request.match_info["rest"]
    allowed = {
        "Access-Control-Allow-Origin": request.headers.get("Origin", "*"), "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Headers": "x-custom, content-type, authorization",
        "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    }  # fmt: skip
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=allowed)
    if name == "events":
        return web.Response(text="data: 1\n\n", content_type="text/event-stream", headers=allowed)
    if name == "manual.pdf":
        disposition = {"Content-Disposition": "attachment; filename=manual.pdf"}
        return web.Response(body=b"%PDF-1.4\n", content_type="application/pdf", headers=disposition)
    if name.endswith((".js", ".mjs")):
        return web.Response(text=_SCRIPTS.get(name, ""), content_type="text/javascript", headers=allowed)
    if name == "app.webmanifest":
        return web.Response(text=_SCRIPTS[name], content_type="application/manifest+json", headers=allowed)
    if name == "boxed":
        text = "<script>fetch('/club/api', {mode: 'no-cors'}); new Image().src = '/img/boxed.png';</script>"
        return web.Response(text=text, content_type="text/html")
    return web.json_response({"said": 1}, headers=allowed)


def routes() -> tuple[web.RouteDef, ...]:
    """For the application of the site."""
    return (
        web.get(START, _page),
        web.get(f"{START}/socket", _socket),
        web.route("*", f"{START}/{{rest:.*}}", _rest),
    )
