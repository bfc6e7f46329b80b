"""nginx as an origin: what a real server says, reaches clients as it was said."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator

import pytest

CONFIGURATION = """
worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; client_max_body_size 0; keepalive_requests 7;
  gzip on; gzip_types *; gzip_min_length 1; default_type text/plain;
  server {{
    listen 127.0.0.1:{port};
    root {folder};
    location /status/204 {{ return 204; }}
    location /moved {{ return 301 /elsewhere; }}
    location /closing {{ keepalive_timeout 0; return 200 "closing"; }}
    location /upload {{ client_body_in_file_only clean; proxy_pass http://127.0.0.1:{port}/sink; }}
    location /sink {{ return 200 "taken"; }}
  }}
}}
"""


@pytest.fixture
async def nginx(part, free_port, tmp_path) -> AsyncIterator[str]:
    port = free_port()
    (tmp_path / "big").write_bytes(bytes(range(256)) * 20_000)
    (tmp_path / "small").write_bytes(b"small file")
    (tmp_path / "nginx.conf").write_text(CONFIGURATION.format(folder=tmp_path, port=port))
    running = subprocess.Popen([part("nginx"), "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")])  # noqa: ASYNC220
    try:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                    continue
                writer.close()
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(10)


def request(method: bytes, path: bytes, lines: bytes = b"") -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\nHost: a.test\r\n" + lines + b"\r\n"


async def test_files_ranges_redirects_and_empty_answers(rig, nginx):
    proxy = await rig.proxy(nginx)
    client = await proxy.connect()
    client.send(request(b"GET", b"/big"))
    head, body = await client.answer()
    assert b"ETag: " in head
    assert hashlib.sha256(body).digest() == hashlib.sha256(bytes(range(256)) * 20_000).digest()
    client.send(request(b"GET", b"/small", b"Range: bytes=1-3\r\n"))
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 206 ")
    assert body == b"mal"
    client.send(request(b"HEAD", b"/small"))
    assert b"Content-Length: 10\r\n" in await client.head()
    client.send(request(b"GET", b"/status/204"))
    assert (await client.head()).startswith(b"HTTP/1.1 204 ")
    client.send(request(b"GET", b"/moved"))
    head, _ = await client.answer()
    assert b"\r\nLocation: http://a.test" in head
    client.send(request(b"GET", b"/absent"))
    assert (await client.answer())[0].startswith(b"HTTP/1.1 404 ")
    assert proxy.wire.counts.accepted == 1


async def test_compressed_answers_come_chunked(rig, nginx):
    proxy = await rig.proxy(nginx)
    client = await proxy.connect()
    client.send(request(b"GET", b"/big", b"Accept-Encoding: gzip\r\n"))
    head = await client.head()
    assert b"Transfer-Encoding: chunked\r\n" in head
    assert b"Content-Encoding: gzip\r\n" in head
    await client.until(b"\r\n0\r\n\r\n")
    assert (await proxy.ended()).status == 200


async def test_validators_answer_304(rig, nginx):
    proxy = await rig.proxy(nginx)
    head, _ = await proxy.ask(request(b"GET", b"/small"))
    etag = next(line for line in head.split(b"\r\n") if line.startswith(b"ETag: "))[6:]
    client = await proxy.connect()
    client.send(request(b"GET", b"/small", b"If-None-Match: " + etag + b"\r\n"))
    assert (await client.head()).startswith(b"HTTP/1.1 304 ")
    client.send(request(b"GET", b"/small"))
    assert (await client.answer())[1] == b"small file"


async def test_origin_that_closes_after_some_requests_loses_none(rig, nginx):
    proxy = await rig.proxy(nginx)
    client = await proxy.connect()
    for number in range(40):
        client.send(request(b"GET", b"/closing" if number % 5 == 4 else b"/small"))
        assert (await client.answer())[0].startswith(b"HTTP/1.1 200 ")


async def test_uploads_with_and_without_a_known_length(rig, nginx):
    proxy = await rig.proxy(nginx)
    client = await proxy.connect()
    body = b"x" * 3_000_000
    client.send(request(b"POST", b"/upload", b"Content-Length: %d\r\n" % len(body)) + body)
    assert (await client.answer())[1] == b"taken"
    client.send(request(b"POST", b"/upload", b"Transfer-Encoding: chunked\r\n"))
    for _ in range(10):
        client.send(b"%x\r\n%b\r\n" % (300_000, body[:300_000]))
    client.send(b"0\r\n\r\n")
    assert (await client.answer())[1] == b"taken"
    client.send(request(b"PUT", b"/upload", b"Expect: 100-continue\r\nContent-Length: 3\r\n"))
    assert (await client.head()).startswith(b"HTTP/1.1 100 ")
    client.send(b"abc")
    assert (await client.answer())[1] == b"taken"
