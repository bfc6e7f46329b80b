"""curl, as people use it: every way in which it sends and reads bodies goes through, observed and unharmed."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from botproxy.demo.downloads import content

from .conftest import Program, Proxy, answers, until


@pytest.fixture(scope="module")
def proxy(demo_origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One observing proxy for all of them."""
    folder = tmp_path_factory.mktemp("curl")
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        port, admin = one.getsockname()[1], two.getsockname()[1]
    program = Program(
        folder / "log", "serve", "--origin", demo_origin, "--listen", f"127.0.0.1:{port}",
        "--admin", f"127.0.0.1:{admin}", "--data", str(folder / "data"), "--workers", "1",
    )  # fmt: skip
    running = Proxy(program, port, admin, folder / "data")
    try:
        until(lambda: answers(f"{running.url}/readyz"), 30, "a proxy")
        yield running
    finally:
        program.stop()


@pytest.fixture
def curl(part: Callable[[str], str], tmp_path: Path) -> Callable[..., bytes]:
    def run(*arguments: str) -> bytes:
        command = [part("curl"), "-sS", "--max-time", "20", *arguments]
        return subprocess.run(command, capture_output=True, check=True, cwd=tmp_path).stdout

    return run


def test_uploads_with_and_without_waiting_for_100_continue(proxy: Proxy, curl: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content(0, 60_000))
    for more in (
        [],
        ["-H", "Expect: 100-continue"],
        ["-H", "Expect:"],
        ["-H", "Transfer-Encoding: chunked"],
        ["--http1.0"],
    ):
        said = json.loads(curl("--data-binary", "@file", *more, f"{proxy.url}/api/echo"))
        assert said["body_bytes"] == 60_000, more
        assert said["body"].encode() == content(0, 60_000)


def test_a_body_that_the_origin_will_not_have_is_told_before_it_is_sent(
    proxy: Proxy, curl: Any, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(bytes(4 * 1024**2))
    status = curl("-T", "large", "-o", "out", "-w", "%{http_code}", f"{proxy.url}/api/echo")
    assert status == b"413"


def test_forms_and_files_of_forms(proxy: Proxy, curl: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"words")
    assert b"name=Ada" in curl("-d", "name=Ada", f"{proxy.url}/api/echo")
    assert b"filename=" in curl("-F", "part=@file", f"{proxy.url}/api/echo")
    status = curl(
        "-d", "name=Ada&message=hello", "-o", "out", "-w", "%{http_code} %{redirect_url}", f"{proxy.url}/guestbook"
    )
    assert status.startswith(b"303 ")
    assert status.endswith(b"/guestbook")


def test_heads_ranges_resumption_and_old_versions(proxy: Proxy, curl: Any, tmp_path: Path) -> None:
    head = curl("-I", f"{proxy.url}/files/leaflet.bin")
    assert b"Content-Length: 51200\r\n" in head
    assert head.endswith(b"\r\n\r\n")
    assert curl("-r", "100-199", f"{proxy.url}/files/leaflet.bin") == content(100, 100)
    (tmp_path / "part").write_bytes(content(0, 20_000))
    curl("-C", "-", "-o", "part", f"{proxy.url}/files/leaflet.bin")
    assert (tmp_path / "part").read_bytes() == content(0, 51_200)
    assert curl("--http1.0", f"{proxy.url}/files/leaflet.bin") == content(0, 51_200)


def test_many_requests_on_one_connection(proxy: Proxy, curl: Any) -> None:
    said = curl("-w", "%{num_connects}\n", "-o", "out", f"{proxy.url}/files/bytes-[1000-1039].bin")
    assert [int(line) for line in said.split()] == [1] + [0] * 39
    digest = hashlib.sha256(b"".join(content(0, size) for size in range(1000, 1040)))
    whole = curl(f"{proxy.url}/files/bytes-[1000-1039].bin", "--parallel", "--parallel-max", "1")
    assert hashlib.sha256(whole).digest() == digest.digest()


def test_methods_and_targets_arrive_as_they_were_sent(proxy: Proxy, curl: Any) -> None:
    for method in ("PATCH", "DELETE", "OPTIONS", "PROPFIND", "MKCOL"):
        said = json.loads(curl("-X", method, f"{proxy.url}/api/echo?a=%20b&c"))
        assert (said["method"], said["target"]) == (method, "/api/echo?a=%20b&c")
    through = json.loads(curl("-x", proxy.url, f"{proxy.url}/api/echo"))  # absolute-form
    assert through["target"] == "/api/echo"
    assert curl("--path-as-is", "-o", "out", "-w", "%{http_code}", f"{proxy.url}/a/../../b") == b"400"


def test_h2c_is_declined_and_the_request_served(proxy: Proxy, curl: Any) -> None:
    said = curl("--http2", "-o", "out", "-w", "%{http_version} %{http_code}", f"{proxy.url}/")
    assert said == b"1.1 200"


def test_every_one_of_them_was_found_and_none_was_stopped(proxy: Proxy, curl: Any) -> None:
    curl(f"{proxy.url}/headers")
    event = proxy.event(ClientRequestPath="/headers")
    assert (event["BotScore"], event["BotproxyWouldAction"], event["EdgeResponseStatus"]) == (1, "jschallenge", 200)
    assert "Traceback" not in proxy.program.said()
