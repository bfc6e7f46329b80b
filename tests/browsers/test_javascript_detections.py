"""A page gets the script on its way, a real browser reports, and its next request has a result."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.browsers import CHROMIUM_OPTIONS, FIREFOX_PREFERENCES
from tests.system.conftest import Proxy, Start, start, until  # noqa: F401 - fixtures
from tests.system.recording import Recording, origin

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PATIENCE = 60.0
PAGE = (
    b"<!DOCTYPE html>\n<!-- of a shop -->\n<html lang=en class='a>b'>\n<head data-x=y>\n"
    b"<meta charset=utf-8><title>Shop</title>"
    b"<script%b>setInterval(() => fetch('/next'), 500);"
    b"fetch('/seen?' + [document.compatMode, document.documentElement.className, document.head.dataset.x,"
    b" document.characterSet, document.head.querySelector('title').textContent].join('|'))</script>"
    b"</head><body><p>caf\xc3\xa9</p></body></html>"
)
FORMS = {
    "no policy": (b"", b""),
    "nonce": (
        b"Content-Security-Policy: script-src 'nonce-abc' 'strict-dynamic'; connect-src 'self'\r\n",
        b" nonce=abc",
    ),
    "self": (b"Content-Security-Policy: script-src 'self' 'sha256-%b'; connect-src 'self'\r\n", b""),
}


def shop(policy: bytes, page: bytes) -> Callable[[socket.socket, Recording], None]:
    body = gzip.compress(page)

    def script(connection: socket.socket, recording: Recording) -> None:
        while head := recording.head(connection):
            if head.startswith(b"GET / "):
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n"
                    b"Cache-Control: no-cache\r\n%bContent-Length: %d\r\n\r\n%b" % (policy, len(body), body)
                )
            else:
                connection.sendall(b"HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n")

    return script


def chromium(program: str, folder: Path, url: str) -> list[str]:
    options = [option for option in CHROMIUM_OPTIONS if "resolver" not in option]
    return [program, f"--user-data-dir={folder}", *options, url]


def firefox(program: str, folder: Path, url: str) -> list[str]:
    lines = [
        f'user_pref("{name}", {str(value).lower() if not isinstance(value, str) else chr(34) + value + chr(34)});'
        for name, value in FIREFOX_PREFERENCES.items()
    ]
    (folder / "user.js").write_text("\n".join(lines))
    return [program, "--no-remote", "--profile", str(folder), url]


COMMANDS = {"chromium": chromium, "firefox": firefox}


@pytest.fixture
def browse(
    request: Any, screen: str, part: Callable[[str], str], tmp_path: Path
) -> Iterator[Callable[[str, str], None]]:
    """`browse(name, url)` opens a page in a browser that nothing drives."""
    running: list[subprocess.Popen[bytes]] = []

    def open_in(name: str, url: str) -> None:
        folder = tmp_path / "profile"
        folder.mkdir()
        environment = {**os.environ, "DISPLAY": screen, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"}
        quiet = subprocess.DEVNULL
        command = COMMANDS[name](part(name), folder, url)
        running.append(subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet, start_new_session=True))

    yield open_in
    for browser in running:
        os.killpg(browser.pid, 9)
        browser.wait()


@pytest.mark.parametrize(
    ("name", "form"), [("chromium", "no policy"), ("chromium", "nonce"), ("chromium", "self"), ("firefox", "no policy")]
)
def test_a_persons_browser_passes_and_its_page_is_as_it_was(
    name: str,
    form: str,
    start: Start,  # noqa: F811
    browse: Callable[[str, str], None],
) -> None:
    policy, nonce = FORMS[form]
    page = PAGE % nonce
    if form == "self":
        from base64 import b64encode
        from hashlib import sha256

        inner = page[page.index(b"<script>") + 8 : page.index(b"</script>")]
        policy %= b64encode(sha256(inner).digest())
    with origin(shop(policy, page)) as recording:
        proxy: Proxy = start(recording.url)
        browse(name, proxy.url + "/")

        def passed() -> bool:
            return any(event["JSDetectionPassed"] == "passed" for event in proxy.events(ClientRequestPath="/next"))

        until(
            passed, PATIENCE, f"a result; {[(e['ClientRequestPath'], e['EdgeResponseStatus']) for e in proxy.events()]}"
        )
        first = proxy.events(ClientRequestPath="/")[0]
        assert first["JSDetectionPassed"] == "missing"
        assert b"GET /seen?CSS1Compat|a%3Eb|y|UTF-8|Shop" in recording.received
        assert b"cf_clearance" not in recording.received
