"""What the recorder answers: a site whose start page makes a browser do everything a browser does."""

# ruff: noqa: E501 - the pages keep the lines that a browser is served

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

TOUR = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>tour</title>
<link rel="stylesheet" href="/style.css"><link rel="preload" href="/preload.js" as="script">
<link rel="preload" href="/font.woff2" as="font" type="font/woff2" crossorigin>
<link rel="modulepreload" href="/module-preload.mjs"><link rel="prefetch" href="/prefetched">
<link rel="dns-prefetch" href="OTHER"><link rel="preconnect" href="OTHER">
<link rel="manifest" href="/app.webmanifest"><link rel="icon" href="/icon.png">
<link rel="stylesheet" href="OTHER/cross.css"><script src="/script.js"></script>
<script src="/defer.js" defer></script><script type="module" src="/module.mjs"></script>
<script src="OTHER/cross.js"></script><script src="OTHER/cors.js" crossorigin="anonymous"></script>
<script type="speculationrules">{"prefetch":[{"urls":["/speculated"],"eagerness":"immediate"}],
"prerender":[{"urls":["/prerendered"],"eagerness":"immediate"}]}</script></head><body>
<p id="text">tour</p><img src="/image.png"><img src="/lazy.png" loading="lazy"><img src="OTHER/cross.png">
<img src="/cors.png" crossorigin="use-credentials"><picture><source srcset="/picture.avif" type="image/avif">
<img src="/picture.png"></picture><svg><use href="/sprite.svg#a"></use></svg>
<video src="/movie.mp4" preload="auto" controls></video><audio src="/sound.ogg" preload="auto"></audio>
<video preload="auto"><source src="/other.webm"><track src="/captions.vtt" default></video>
<iframe src="/frame" name="inner"></iframe><iframe src="OTHER/cross-frame"></iframe>
<iframe name="sink" src="about:blank"></iframe><object data="/object.html" type="text/html"></object>
<embed src="/embed.html" type="text/html">
<form id="form" method="post" action="/form" target="sink"><input name="a" value="1"></form>
<form id="crossform" method="post" action="OTHER/cross-form" target="sink"><input name="a" value="1"></form>
<form id="upload" method="post" action="/upload" enctype="multipart/form-data" target="sink">
<input name="a" value="1"></form>
<form id="search" method="get" action="/search" target="sink"><input name="q" value="1"></form>
<a id="link" href="/linked" ping="/ping">next</a> <a id="download" href="/download.bin" download>file</a>
<script>
const wait = ms => new Promise(r => setTimeout(r, ms));
const quietly = async f => { try { await Promise.race([f(), wait(2500)]); } catch (e) {} };
async function tour() {
  await quietly(() => fetch('/fetch'));
  await quietly(() => fetch('/fetch-json', {method: 'POST', body: '{}', headers: {'Content-Type': 'application/json'}}));
  await quietly(() => fetch('/fetch-form', {method: 'POST', body: new URLSearchParams({a: 1})}));
  await quietly(() => fetch('/fetch-data', {method: 'POST', body: new FormData(document.getElementById('form'))}));
  await quietly(() => fetch('/fetch-accept', {headers: {'Accept': 'application/json', 'X-Requested-With': 'fetch'}}));
  await quietly(() => fetch('/fetch-put', {method: 'PUT', body: 'x'}));
  await quietly(() => fetch('/fetch-delete', {method: 'DELETE'}));
  await quietly(() => fetch('/fetch-head', {method: 'HEAD'}));
  await quietly(() => fetch('/fetch-nostore', {cache: 'no-store'}));
  await quietly(() => fetch('/fetch-reload', {cache: 'reload', credentials: 'omit', referrerPolicy: 'no-referrer'}));
  await quietly(() => fetch('/fetch-keepalive', {method: 'POST', keepalive: true, body: 'x'}));
  await quietly(() => fetch('/fetch-range', {headers: {'Range': 'bytes=0-9'}}));
  await quietly(() => fetch('/fetch-same', {mode: 'same-origin', priority: 'low'}));
  await quietly(() => fetch('OTHER/cross-fetch', {mode: 'no-cors'}));
  await quietly(() => fetch('OTHER/cross-post', {mode: 'no-cors', method: 'POST', body: 'x'}));
  await quietly(() => fetch('OTHER/cross-cors', {headers: {'X-Custom': '1'}}));
  await quietly(() => fetch('OTHER/cross-delete', {method: 'DELETE'}));
  await quietly(() => fetch('/redirect'));
  for (const method of ['GET', 'POST']) await quietly(() => new Promise(done => {
    const x = new XMLHttpRequest(); x.open(method, '/xhr-' + method); x.onloadend = done;
    if (method == 'POST') x.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded');
    x.setRequestHeader('X-Requested-With', 'XMLHttpRequest'); x.send(method == 'POST' ? 'a=1' : null); }));
  navigator.sendBeacon && navigator.sendBeacon('/beacon', 'x');
  navigator.sendBeacon && navigator.sendBeacon('/beacon-blob', new Blob(['{}'], {type: 'text/plain'}));
  await quietly(() => new Promise(done => { const e = new EventSource('/events'); e.onerror = () => { e.close(); done(); }; }));
  await quietly(() => new Promise(done => { const w = new WebSocket(location.origin.replace('http', 'ws') + '/socket');
    w.onclose = w.onerror = done; }));
  await quietly(() => import('/imported.mjs'));
  await quietly(() => new Promise(done => { const w = new Worker('/worker.js'); w.onmessage = done; w.onerror = done; }));
  await quietly(() => new Promise(done => { const w = new SharedWorker('/shared.js'); w.onerror = done; setTimeout(done, 500); }));
  await quietly(async () => { const m = new FontFace('late', 'url(/late.woff2)'); await m.load(); });
  if (navigator.serviceWorker) await quietly(async () => {
    await navigator.serviceWorker.register('/sw.js'); await navigator.serviceWorker.ready; await wait(500); });
  for (const id of ['form', 'crossform', 'upload', 'search']) { document.getElementById(id).submit(); await wait(250); }
  document.getElementById('download').click(); await wait(300);
  const frame = document.createElement('iframe'); frame.sandbox = 'allow-scripts'; frame.src = '/sandboxed';
  document.body.append(frame); await wait(200);
  const popup = window.open('/popup'); await wait(400); if (popup) popup.close();
  await quietly(() => fetch('/toured')); document.title = 'toured';
}
addEventListener('load', () => setTimeout(tour, 200));
</script></body></html>"""

LINKED = """<!doctype html><title>linked</title><link rel="icon" href="/icon.png">
<p>linked</p><img src="/image.png"><iframe src="/frame"></iframe><a id="link" href="/tour">back</a>
<script>addEventListener('load', async () => { try { await fetch('/fetch'); await fetch('/linked-data'); } catch (e) {}
setTimeout(() => fetch('/linked-done').then(() => { document.title = 'linked-done'; }), 300); });</script>"""

STYLE = """@font-face { font-family: f; src: url(/font.woff2); } @import url(/imported.css);
body { font-family: f; background: url(/background.png); }"""

SERVICE_WORKER = """self.addEventListener('install', e => self.skipWaiting());
self.addEventListener('activate', e => e.waitUntil((async () => {
  if (self.registration.navigationPreload) await self.registration.navigationPreload.enable();
  await clients.claim(); await fetch('/sw-own'); })()));
self.addEventListener('fetch', e => e.respondWith((async () =>
  (await e.preloadResponse) || fetch(e.request))()));"""

SANDBOXED = """<script>fetch('/sandboxed-fetch', {mode: 'no-cors'}); new Image().src = '/sandboxed.png';</script>"""

HINTS = (
    "Sec-CH-UA-Full-Version-List, Sec-CH-UA-Arch, Sec-CH-UA-Bitness, Sec-CH-UA-Model, Sec-CH-UA-Platform-Version, "
    "Sec-CH-UA-WoW64, Sec-CH-UA-Form-Factors, Sec-CH-Prefers-Color-Scheme, Sec-CH-Prefers-Reduced-Motion, "
    "Device-Memory, Downlink, ECT, RTT, DPR, Viewport-Width, Width, Sec-CH-Viewport-Height"
)


class Answer(NamedTuple):
    """Status, headers without Content-Length and Connection, body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def _png() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


_IMAGE = _png()
_TYPES = {
    "css": "text/css", "js": "text/javascript", "mjs": "text/javascript", "png": "image/png", "avif": "image/avif",
    "svg": "image/svg+xml", "woff2": "font/woff2", "mp4": "video/mp4", "webm": "video/webm", "ogg": "audio/ogg",
    "vtt": "text/vtt", "webmanifest": "application/manifest+json", "bin": "application/octet-stream",
}  # fmt: skip
_BODIES = {
    "/tour": TOUR, "/linked": LINKED, "/sw.js": SERVICE_WORKER, "/style.css": STYLE, "/sandboxed": SANDBOXED,
    "/worker.js": "fetch('/worker-fetch').then(() => postMessage(1)); importScripts('/worker-import.js');",
    "/shared.js": "fetch('/shared-fetch');", "/module.mjs": "import '/module-inner.mjs';",
    "/app.webmanifest": '{"name":"tour","start_url":"/tour","icons":[{"src":"/app.png","sizes":"144x144"}]}',
    "/robots.txt": "User-agent: *\nAllow: /\n",
}  # fmt: skip


def answer(method: str, target: str, headers: Mapping[str, str], own: str, other: str) -> Answer:
    """What to say to a request. `headers` has lower-case names; `own` and `other` are base addresses."""
    path = urlsplit(target).path or "/"
    origin = headers.get("origin", "*")
    common = [
        ("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Headers", "x-custom, content-type"),
        ("Access-Control-Allow-Credentials", "true"), ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE"),
    ]  # fmt: skip
    if method == "OPTIONS":
        return Answer(204, common, b"")
    if path == "/socket" and "sec-websocket-key" in headers:
        digest = hashlib.sha1((headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        accept = base64.b64encode(digest).decode()
        return Answer(
            101, [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)], b"\x88\x00"
        )
    if path.startswith("/redirect"):
        return Answer(302, [*common, ("Location", own + "/redirected")], b"")
    if path == "/events":
        return Answer(200, [*common, ("Content-Type", "text/event-stream")], b"data: 1\n\n")
    suffix = path.rpartition(".")[2] if "." in path else ""
    kind = _TYPES.get(suffix, "text/html; charset=utf-8")
    if path in _BODIES or not suffix or suffix in ("css", "js", "mjs", "html"):
        default = "" if suffix in ("css", "js", "mjs") else "<!doctype html><title>page</title><p>page"
        body = _BODIES.get(path, default).replace("OTHER", other).encode()
    else:
        body = _IMAGE if kind.startswith("image/") else b"\0" * 512
    extra = [("Content-Type", kind), ("Accept-Ranges", "bytes"), ("Cache-Control", "no-cache"), ("ETag", '"1"')]
    if path in ("/tour", "/linked"):
        extra += [("Set-Cookie", "seen=1; Path=/"), ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")]
        if "hints" in target:
            extra += [("Accept-CH", HINTS)]
    if path == "/download.bin":
        extra += [("Content-Disposition", "attachment")]
    if headers.get("range", "").startswith("bytes=0-") and suffix in ("mp4", "webm", "ogg"):
        return Answer(206, [*common, *extra, ("Content-Range", f"bytes 0-{len(body) - 1}/{len(body)}")], body)
    return Answer(200, [*common, *extra], body)
