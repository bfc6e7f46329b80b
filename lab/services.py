"""An origin for programs: feeds, git, a registry, WebDAV, the fediverse, webhooks, package indexes.

It does as much of each protocol as makes a client go on to its next request, and no more.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from aiohttp import web

_FEED = """<?xml version="1.0"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel>
<title>Journal</title><link>{base}/</link><description>Notes</description><item><title>One</title>
<link>{base}/journal/one</link><guid>{base}/journal/one</guid><pubDate>Mon, 05 Oct 2026 08:00:00 GMT</pubDate>
<enclosure url="{base}/podcast/one.mp3" length="4096" type="audio/mpeg"/></item></channel></rss>"""
_MULTISTATUS = """<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
<d:response><d:href>{path}</d:href><d:propstat><d:prop><d:displayname>x</d:displayname><d:getetag>"1"</d:getetag>
<d:resourcetype><d:collection/>{kind}</d:resourcetype><d:getcontentlength>4</d:getcontentlength>
<d:getlastmodified>Mon, 05 Oct 2026 08:00:00 GMT</d:getlastmodified>
<d:current-user-principal><d:href>/principals/ann/</d:href></d:current-user-principal>
<c:calendar-home-set><d:href>/calendars/ann/</d:href></c:calendar-home-set></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""
_LIMIT = 32 * 1024 * 1024


class Services:
    """The origin; `folder` is where its git repository and what clients upload are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.uploads: dict[str, bytes] = {}
        self.backend = Path(subprocess.check_output(("git", "--exec-path"), text=True).strip()) / "git-http-backend"
        self._make_repository()

    def application(self) -> web.Application:
        """Everything under one catch-all, because programs choose their paths themselves."""
        app = web.Application(client_max_size=_LIMIT)
        app.router.add_route("*", "/{path:.*}", self.answer)
        return app

    def _make_repository(self) -> None:
        work = self.folder / "work"
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
            environment |= {f"{name}_NAME": "Ann", f"{name}_EMAIL": "ann@example.com"}
        work.mkdir(parents=True)
        (work / "readme").write_text("hello\n")
        for line in (
            ("init", "-q", "-b", "main"), ("add", "."), ("commit", "-q", "-m", "one"),
            ("clone", "-q", "--bare", str(work), str(self.folder / "tools.git")),
        ):  # fmt: skip
            subprocess.run(("git", *line), cwd=work, env=environment, check=True)
        bare = self.folder / "tools.git"
        for key in ("http.receivepack", "uploadpack.allowfilter"):
            subprocess.run(("git", "config", key, "true"), cwd=bare, env=environment, check=True)
        subprocess.run(("git", "update-server-info"), cwd=bare, env=environment, check=True)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The answer to any request."""
        path, method = request.path, request.method
        base = f"{request.headers.get('X-Forwarded-Proto', 'https')}://{request.host}"
        accept = request.headers.get("Accept", "")
        if path.startswith("/v2/"):
            return await self._registry(request)
        if "tools.git" in path:
            return await self._git(request)
        if method in ("PROPFIND", "REPORT"):
            kind = "<c:calendar xmlns:c='urn:ietf:params:xml:ns:caldav'/>" if "/calendars/ann/" in path else ""
            text = _MULTISTATUS.format(path=path, kind=kind)
            return web.Response(status=207, text=text, content_type="application/xml")
        if method == "OPTIONS":
            allow = "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, REPORT, MKCOL, MOVE"
            return web.Response(headers={"DAV": "1, 2, 3, calendar-access, addressbook", "Allow": allow})
        if method in ("PUT", "MKCOL", "MKCALENDAR", "LOCK", "MOVE", "COPY"):
            return web.Response(status=201)
        if method == "POST":
            await request.read()
            return web.json_response({"ok": True}, status=202)
        if path.endswith((".mp3", ".deb", ".whl", ".tar.gz", ".crate", ".tgz")):
            return web.Response(body=b"\0" * 4096, content_type="application/octet-stream")
        if re.search(r"(feed|rss|atom)/?$|\.(xml|rss|atom)$", path):
            return web.Response(text=_FEED.format(base=base), content_type="application/rss+xml")
        if path.startswith("/.well-known/webfinger"):
            links = [{"rel": "self", "type": "application/activity+json", "href": base + "/users/ann"}]
            return web.json_response({"subject": "acct:ann@site.test", "links": links})
        if "activity+json" in accept or path.startswith("/users/"):
            return web.json_response({"id": base + path, "type": "Person", "inbox": base + "/users/ann/inbox"})
        if path.startswith("/simple/"):
            return web.Response(text='<a href="/packages/demo-1.0-py3-none-any.whl">demo</a>', content_type="text/html")
        if path in ("/status.php", "/config.json", "/index.json") or path.startswith("/api/"):
            return web.json_response({"installed": True, "dl": base + "/api/v1/crates", "api": base})
        if path.startswith("/calendars/") or path.endswith(".ics"):
            return web.Response(text="BEGIN:VCALENDAR\nEND:VCALENDAR\n", content_type="text/calendar")
        return web.Response(text="<!doctype html><title>page</title><p>page", content_type="text/html")

    async def _git(self, request: web.Request) -> web.Response:
        environment = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.folder), "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": request.path, "QUERY_STRING": request.query_string, "REQUEST_METHOD": request.method,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""), "REMOTE_USER": "ann",
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            str(self.backend), env=environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate(await request.read())
        head, _, body = output.partition(b"\r\n\r\n")
        status, headers = 200, {}
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers[name] = value
        return web.Response(status=status, headers=headers, body=body)

    async def _registry(self, request: web.Request) -> web.Response:
        path, method = request.path, request.method
        body = await request.read()
        if found := re.match(r"/v2/(.+)/manifests/(.+)$", path):
            if method == "PUT":
                digest = "sha256:" + hashlib.sha256(body).hexdigest()
                kept = (request.content_type, body)
                self.manifests[found[2]] = self.manifests[digest] = kept
                return web.Response(status=201, headers={"Docker-Content-Digest": digest, "Location": path})
            known = self.manifests.get(found[2])
            if known is None:
                return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
            digest = "sha256:" + hashlib.sha256(known[1]).hexdigest()
            return web.Response(body=known[1], content_type=known[0], headers={"Docker-Content-Digest": digest})
        if found := re.match(r"/v2/(.+)/blobs/uploads/(.*)$", path):
            name = found[2] or os.urandom(8).hex()
            data = self.uploads.pop(name, b"") + body
            headers = {"Location": f"/v2/{found[1]}/blobs/uploads/{name}", "Range": f"0-{max(len(data) - 1, 0)}"}
            digest = request.query.get("digest", "")
            if method == "PUT":
                self.blobs[digest] = data
                return web.Response(status=201, headers={**headers, "Docker-Content-Digest": digest})
            self.uploads[name] = data
            return web.Response(status=202, headers={**headers, "Docker-Upload-UUID": name})
        if found := re.match(r"/v2/(.+)/blobs/(sha256:\w+)$", path):
            blob = self.blobs.get(found[2])
            if blob is None:
                return web.Response(status=404)
            return web.Response(body=blob, headers={"Docker-Content-Digest": found[2]})
        if path.endswith("/tags/list"):
            return web.json_response({"name": "x", "tags": ["latest"]})
        headers = {"Docker-Distribution-Api-Version": "registry/2.0"}
        return web.Response(text=json.dumps({}), content_type="application/json", headers=headers)


def git_is_there() -> bool:
    """Whether the repository can be served."""
    return shutil.which("git") is not None
