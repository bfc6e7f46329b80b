"""Every kind of origin that an operator may have, and what visitors see when one fails."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

from .conftest import Page, Proxy, Start, answers, browse, until
from .recording import Recording, origin, says

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def zone(*origins: str, **more: Any) -> dict[str, Any]:
    """A configuration with one zone in front of these origins."""
    return {"unknown_host": "shop", "zones": [{"name": "shop", "origins": list(origins), **more}]}


@contextmanager
def nginx(program: str, port: int, folder: Path) -> Iterator[str]:
    """nginx with a file `big` and a file `page.html`."""
    (folder / "big").write_bytes(bytes(range(256)) * 40_000)
    (folder / "page.html").write_text("<!doctype html><title>Page</title>" + "<p>words</p>" * 500)
    paths = "".join(
        f"{name}_temp_path {folder}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = folder / "nginx.conf"
    file.write_text(
        f"worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{ worker_connections 64; }} http {{ access_log off; {paths} gzip on; types {{ text/html html; }}"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; location /empty {{ return 204; }} }} }}"
    )
    running = subprocess.Popen([program, "-p", str(folder), "-c", str(file)], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: answers(url), 10, "nginx")
        yield url
    finally:
        running.terminate()
        running.wait(10)


def test_nginx_serves_files_ranges_and_compressed_pages_through_it(
    start: Start, part: Callable[[str], str], free_port: Callable[[], int], tmp_path: Path
) -> None:
    with nginx(part("nginx"), free_port(), tmp_path) as url:
        proxy = start(url)

        async def visit() -> None:
            async with aiohttp.ClientSession() as session:
                async with session.get(f"{proxy.url}/big") as answer:
                    assert await answer.read() == bytes(range(256)) * 40_000
                    tag = answer.headers["ETag"]
                async with session.get(f"{proxy.url}/big", headers={"Range": "bytes=256-260"}) as answer:
                    assert (answer.status, await answer.read()) == (206, bytes(range(5)))
                async with session.get(f"{proxy.url}/big", headers={"If-None-Match": tag}) as answer:
                    assert (answer.status, await answer.read()) == (304, b"")
                async with session.get(f"{proxy.url}/page.html") as answer:
                    assert answer.headers["Content-Encoding"] == "gzip"
                    assert (await answer.text()).count("words") == 500
                async with session.head(f"{proxy.url}/page.html") as answer:
                    assert answer.status == 200
                async with session.get(f"{proxy.url}/empty") as answer:
                    assert (answer.status, await answer.read()) == (204, b"")
                async with session.get(f"{proxy.url}/nothing") as answer:
                    assert answer.status == 404

        asyncio.run(visit())
        assert proxy.event(ClientRequestPath="/nothing")["OriginResponseStatus"] == 404


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def saved(authority: trustme.CA, folder: Path) -> str:
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    return str(folder / "authority.pem")


def test_an_https_origin_is_asked_for_its_name_and_verified(
    start: Start, authority: trustme.CA, tmp_path: Path
) -> None:
    with origin(says(b"over tls"), context=serving(authority, "origin.test")) as recording:
        settings = {"ca_file": saved(authority, tmp_path), "server_name": "origin.test"}
        proxy = start(config=zone(recording.url, origin=settings))
        page = browse(proxy.port)
        assert (page.status, page.body) == (200, b"over tls")
        assert recording.names == ["origin.test"]
        assert b"Host: shop.example\r\n" in recording.received


@pytest.mark.parametrize("why", ["unknown authority", "another name"])
def test_an_https_origin_that_cannot_be_verified_gets_no_request(
    start: Start, authority: trustme.CA, tmp_path: Path, why: str
) -> None:
    signed_by = trustme.CA() if why == "unknown authority" else authority
    name = "origin.test" if why == "unknown authority" else "other.test"
    with origin(says(b"never"), context=serving(signed_by, name)) as recording:
        settings = {"ca_file": saved(authority, tmp_path), "server_name": "origin.test"}
        proxy = start(config=zone(recording.url, origin=settings))
        page = browse(proxy.port)
        assert page.status == 502
        assert recording.received == b""
        event = proxy.event(RayID=page.ray)
        assert event["OriginResponseStatus"] == 0
        assert "certificate" in event["BotproxyDetail"].lower()
        assert b"certificate" not in page.body.lower()


def test_an_origin_behind_a_unix_socket(start: Start, tmp_path: Path) -> None:
    with origin(says(b"from a socket"), path=tmp_path / "origin.sock") as recording:
        proxy = start(config=zone(recording.url))
        page = browse(proxy.port)
        assert page.body == b"from a socket"
        assert str(tmp_path / "origin.sock") in proxy.event(RayID=page.ray)["BotproxyOrigin"]


def test_when_the_first_origin_refuses_the_second_answers(start: Start, free_port: Callable[[], int]) -> None:
    with origin(says(b"the second")) as second:
        proxy = start(config=zone(f"http://127.0.0.1:{free_port()}", second.url))
        pages = [browse(proxy.port) for _ in range(4)]
        assert [(page.status, page.body) for page in pages] == [(200, b"the second")] * 4
        assert proxy.event(RayID=pages[0].ray)["BotproxyOrigin"] == second.url.removeprefix("http://")


def raw(port: int, request: bytes) -> bytes:
    """Everything that comes back until the connection closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            pass
        return answer


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_origin_that_dies_midway_is_never_taken_for_a_whole_answer(start: Start, framing: str) -> None:
    def dies(connection: socket.socket, recording: Recording) -> None:
        recording.head(connection)
        if framing == "length":
            connection.sendall(PLAIN + b"Content-Length: 1000\r\n\r\n" + b"x" * 100)
        else:
            connection.sendall(PLAIN + b"Transfer-Encoding: chunked\r\n\r\n64\r\n" + b"x" * 100 + b"\r\n")

    with origin(dies) as recording:
        proxy = start(recording.url)
        answer = raw(proxy.port, b"GET /dies HTTP/1.1\r\nHost: a.test\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert not answer.endswith(b"0\r\n\r\n")
        assert answer.count(b"x" * 100) == 1

        async def strict() -> None:
            async with aiohttp.ClientSession() as session, session.get(f"{proxy.url}/dies") as response:
                await response.read()

        with pytest.raises(aiohttp.ClientPayloadError):
            asyncio.run(strict())
        ray = re.search(rb"Cf-Ray: ([0-9a-f]{16})-", answer)
        assert ray
        event = proxy.event(RayID=ray[1].decode())
        assert event["BotproxyEnding"] == "origin_failed"
        assert event["BotproxyDetail"]
        assert "Traceback" not in proxy.program.said()


def refused_as_page_and_as_json(proxy: Proxy, status: int) -> tuple[Page, dict[str, Any]]:
    page = browse(proxy.port, "/broken")
    assert page.status == status
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Cache-Control"] == "private, no-store"
    assert page.ray.encode() in page.body
    assert "Traceback" not in proxy.program.said()

    async def ask() -> tuple[int, str, str, bytes]:
        async with aiohttp.ClientSession() as session, session.get(f"{proxy.url}/api/broken") as answer:
            return answer.status, answer.content_type, answer.headers["Cf-Ray"], await answer.read()

    answered, content_type, ray, body = asyncio.run(ask())
    assert (answered, content_type) == (status, "application/json")
    assert json.loads(body)["error"]["ray"] == ray
    event = proxy.event(RayID=page.ray)
    assert event["EdgeResponseStatus"] == status
    assert event["BotproxyEnding"] == "origin_failed"
    return page, event


def test_an_origin_that_refuses_is_502_as_a_page_and_as_json(start: Start, free_port: Callable[[], int]) -> None:
    port = free_port()
    page, event = refused_as_page_and_as_json(start(f"http://127.0.0.1:{port}"), 502)
    assert str(port).encode() not in page.body
    assert event["BotproxyDetail"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"",
    ],
)
def test_an_origin_that_answers_nonsense_is_502(start: Start, nonsense: bytes) -> None:
    def script(connection: socket.socket, recording: Recording) -> None:
        recording.head(connection)
        connection.sendall(nonsense)

    with origin(script) as recording:
        refused_as_page_and_as_json(start(recording.url), 502)


def test_an_origin_that_does_not_answer_in_time_is_504(start: Start) -> None:
    def silent(connection: socket.socket, recording: Recording) -> None:
        recording.head(connection)
        connection.recv(1)

    with origin(silent) as recording:
        refused_as_page_and_as_json(start(config={**zone(recording.url), "timeouts": {"response": "1s"}}), 504)
