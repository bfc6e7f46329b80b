"""HTTP/2 as real clients speak it, through the whole product."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import aiohttp
import pytest

from botproxy.scoring.heuristics import FAMILY
from botproxy.tls import shipped_clients
from tests.system.conftest import Proxy, Start, until

NAME = "localhost"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
FINGERPRINT = re.compile(r"(\d+:\d+;)*\d+:\d+\|\d+\|(0|[\d:,]+)\|[masp](,[masp]){3}")
FIREFOX_QUIET = {
    "app.update.enabled": "false",
    "browser.shell.checkDefaultBrowser": "false",
    "datareporting.policy.dataSubmissionEnabled": "false",
    "network.captive-portal-service.enabled": "false",
    "network.connectivity-service.enabled": "false",
    "toolkit.telemetry.reportingpolicy.firstRun": "false",
}


class Site(NamedTuple):
    proxy: Proxy
    port: int
    url: str
    authority: Path


@pytest.fixture
def site(start: Start, demo_origin: str, certificates: Any, free_port: Callable[[], int]) -> Site:
    plain, secure = free_port(), free_port()
    pair = {"certificate": str(certificates.certificate_file), "key": str(certificates.key_file)}
    proxy = start(
        config={
            "listeners": [{"address": f"127.0.0.1:{plain}"}, {"address": f"127.0.0.1:{secure}", "tls": pair}],
            "zones": [{"name": "shop", "hosts": [NAME, "127.0.0.1"], "origins": [demo_origin]}],
        },
        port=plain,
    )
    return Site(proxy, secure, f"https://{NAME}:{secure}", certificates.authority_file)


def curl(site: Site, program: Path, *options: str) -> str:
    command = [str(program), "-sS", "--max-time", "15", "--cacert", str(site.authority), "--http2", *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_curl_speaks_it(site: Site, part: Any) -> None:
    shown = "%{http_version} %{http_code}\n"
    said = curl(site, part("curl"), "-o", os.devnull, "-w", shown, f"{site.url}/", f"{site.url}/robots.txt")
    assert said.split("\n")[0] == "2 200"
    event = site.proxy.event(ClientRequestURI="/")
    assert event["ClientRequestProtocol"] == "HTTP/2"
    assert event["ClientRequestScheme"] == "https"
    assert FINGERPRINT.fullmatch(event["BotproxyHTTP2Fingerprint"])
    with urlopen(f"{site.proxy.admin}/metrics", timeout=5) as answer:
        page = answer.read().decode()
    assert "botproxy_http2_connections_total" in page


def test_a_browser_that_speaks_it_as_curl_does_is_none(site: Site, part: Any) -> None:
    curl(site, part("curl"), "-o", os.devnull, "-A", CHROME, f"{site.url}/as-chrome")
    event = site.proxy.event(ClientRequestPath="/as-chrome")
    assert event["BotScore"] == 1
    assert FAMILY | 5001 in event["BotDetectionIDs"]
    assert "Claims a browser, and speaks HTTP/2 as another client does." in event["BotproxyReasons"]


def test_a_listener_can_do_without_it(
    start: Start, demo_origin: str, certificates: Any, free_port: Callable[[], int], part: Any
) -> None:
    plain, secure = free_port(), free_port()
    pair = {"certificate": str(certificates.certificate_file), "key": str(certificates.key_file)}
    listeners = [
        {"address": f"127.0.0.1:{plain}"},
        {"address": f"127.0.0.1:{secure}", "tls": pair, "http2": False},
    ]
    zones = [{"name": "shop", "hosts": [NAME], "origins": [demo_origin]}]
    proxy = start(config={"listeners": listeners, "zones": zones}, port=plain)
    site = Site(proxy, secure, f"https://{NAME}:{secure}", certificates.authority_file)
    assert curl(site, part("curl"), "-o", os.devnull, "-w", "%{http_version}", f"{site.url}/") == "1.1"


def test_no_request_of_h2load_is_lost(site: Site, part: Any) -> None:
    command = [part("h2load"), "-n", "2000", "-c", "8", "-m", "16", f"https://127.0.0.1:{site.port}/robots.txt"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "2000 succeeded, 0 failed" in said
    with urlopen(f"{site.proxy.admin}/metrics", timeout=5) as answer:
        assert "botproxy_http2_floods_total{" not in answer.read().decode()


def same_fingerprint(site: Site, browser: str) -> str:
    """The fingerprint that every request of a browser has, once there are some."""

    def events() -> list[dict[str, Any]]:
        found = site.proxy.events(ClientRequestProtocol="HTTP/2")
        return found if len(found) >= 3 else []

    found = until(events, 30, f"requests of {browser}")
    fingerprints = {event["BotproxyHTTP2Fingerprint"] for event in found}
    assert len(fingerprints) == 1, fingerprints
    (fingerprint,) = fingerprints
    assert FINGERPRINT.fullmatch(fingerprint)
    return str(fingerprint)


@pytest.mark.browser
def test_chromium_has_one_fingerprint(site: Site, part: Any, tmp_path: Path) -> None:
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--disable-quic"]
    command = [part("chromium"), *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", f"{site.url}/"]
    quiet = {**os.environ, "HOME": str(tmp_path)}
    said = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True, env=quiet)
    assert "</html>" in said.stdout
    fingerprint = same_fingerprint(site, "Chromium")
    assert fingerprint.endswith("|m,a,s,p")
    found = shipped_clients().find_http2(fingerprint)
    assert found is not None
    assert found.client == "chromium"


@contextlib.asynccontextmanager
async def firefox(program: str, profile: Path, port: int) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    lines = [f'user_pref("{name}", {value});' for name, value in FIREFOX_QUIET.items()]
    await asyncio.to_thread((profile / "user.js").write_text, "\n".join(lines))
    quiet = asyncio.subprocess.DEVNULL
    options = ("--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", str(port))
    environment = {**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    browser = await asyncio.create_subprocess_exec(program, *options, env=environment, stdout=quiet, stderr=quiet)
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(80):
            while True:
                try:
                    wire = await session.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0)
                    break
                except (aiohttp.ClientError, OSError):
                    await asyncio.sleep(0.1)
            yield wire
            await wire.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            browser.terminate()
        await browser.wait()


@pytest.mark.browser
async def test_firefox_has_one_fingerprint(site: Site, part: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    async with firefox(part("firefox"), tmp_path, port) as wire:
        numbers = iter(range(1, 100))

        async def command(method: str, **parameters: Any) -> Any:
            number = next(numbers)
            await wire.send_json({"id": number, "method": method, "params": parameters})
            while True:
                said = await wire.receive_json(timeout=60)
                if said.get("id") == number:
                    assert said["type"] == "success", said
                    return said["result"]

        await command("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        tree = await command("browsingContext.getTree")
        context = tree["contexts"][0]["context"]
        await command("browsingContext.navigate", context=context, url=f"{site.url}/", wait="complete")
        fingerprint = await asyncio.to_thread(same_fingerprint, site, "Firefox")
    assert fingerprint.endswith("|m,p,a,s")
    found = shipped_clients().find_http2(fingerprint)
    assert found is not None
    assert found.client == "firefox"
    assert not [event["BotproxyReasons"] for event in site.proxy.events() if event["BotScore"] == 1]
