"""Real programs at a TLS listener, and a real HAProxy in front of listeners that expect the PROXY protocol."""

from __future__ import annotations

import asyncio
import ipaddress
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from botproxy.addresses import NetworkSet
from botproxy.proxy import Pair, tls_context

LOOPBACK = NetworkSet([ipaddress.ip_network("127.0.0.0/8")])


@pytest.fixture
def tls(certificates):
    return tls_context(Pair(certificates.certificate_file, certificates.key_file))


async def run(*command: str, given: bytes = b"") -> bytes:
    """What a program writes; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(given), 30)
    assert process.returncode == 0, err.decode(errors="replace")
    return out


def curl(program: str, authority: Path, port: int, *options: str) -> list[str]:
    name = "www.example.test"
    where = ["--cacert", str(authority), "--resolve", f"{name}:{port}:127.0.0.1"]
    return [
        program,
        "-sS",
        "--max-time",
        "10",
        *where,
        *options,
        f"https://{name}:{port}/",
    ]


@pytest.mark.parametrize("options", [(), ("--http1.1",), ("--tls-max", "1.2"), ("--tlsv1.3",)])
async def test_curl_is_served_and_known(rig, hello, tls, certificates, part, options):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    said = await run(*curl(part("curl"), certificates.authority_file, proxy.port, *options))
    assert said == b"hello"
    seen = proxy.exchanges[0].client.tls
    assert seen.version == ("TLSv1.2" if "--tls-max" in options else "TLSv1.3")
    assert seen.ja4[:4] == ("t12d" if "--tls-max" in options else "t13d")
    assert seen.ja4[8:10] == ("h1" if "--http1.1" in options else "h2")
    assert seen.server_name == "www.example.test"
    # Another connection of the same client has the same fingerprints.
    await run(*curl(part("curl"), certificates.authority_file, proxy.port, *options))
    assert proxy.exchanges[1].client.tls.ja4 == seen.ja4
    assert proxy.exchanges[1].client.tls.ja3 == seen.ja3
    assert proxy.exchanges[1].client.tls.client_random != seen.client_random


async def test_openssl_without_a_name_is_served(rig, hello, tls, part):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    where = (
        "-connect",
        f"127.0.0.1:{proxy.port}",
        "-noservername",
        "-quiet",
        "-ign_eof",
    )
    said = await run(
        part("openssl"),
        "s_client",
        *where,
        given=b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    )
    assert said.endswith(b"hello")
    assert proxy.exchanges[0].client.tls.ja4.startswith("t13i")


async def test_openssl_resumes_its_session(rig, hello, tls, part, tmp_path):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    request = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
    base = (
        part("openssl"),
        "s_client",
        "-connect",
        f"127.0.0.1:{proxy.port}",
        "-ign_eof",
    )
    await run(*base, "-sess_out", str(tmp_path / "session"), given=request)
    said = await run(*base, "-sess_in", str(tmp_path / "session"), given=request)
    assert b"Reused, TLSv1.3" in said
    first, second = (exchange.client.tls.ja4 for exchange in proxy.exchanges)
    assert first != second  # it offers the session in an extension of its own
    assert first[:6] == second[:6]


async def test_openssl_of_an_older_version_is_turned_away(rig, tls, part):
    proxy = await rig.proxy(context=tls)
    where = ("-connect", f"127.0.0.1:{proxy.port}", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    process = await asyncio.create_subprocess_exec(
        *(part("openssl"), "s_client", *where),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert await asyncio.wait_for(process.wait(), 10) != 0
    assert proxy.server.unfinished.counts.failed == 1


Haproxy = Callable[[str, str], Awaitable[int]]


@pytest.fixture
async def haproxy(part, tmp_path, free_port) -> AsyncIterator[Haproxy]:
    """`haproxy(bind options, server line)` is the port of one that works on TCP."""
    running: list[asyncio.subprocess.Process] = []
    program = part("haproxy")

    async def start(bind: str, server: str) -> int:
        port = free_port()
        file = tmp_path / f"haproxy-{port}.cfg"
        file.write_text(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n"
            f"frontend in\n bind 127.0.0.1:{port} {bind}\n default_backend out\n"
            f"backend out\n server proxy {server}\n"
        )
        process = await asyncio.create_subprocess_exec(program, "-f", str(file), "-db")
        running.append(process)
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return port

    yield start
    for process in running:
        process.kill()
        await process.wait()


GET = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"


async def ask(port: int, source: str) -> tuple[bytes, int]:
    """An answer to a plain request from this loopback address, and the port it came from."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    own = writer.get_extra_info("sockname")[1]
    writer.write(GET)
    said = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return said, own


@pytest.mark.parametrize(
    "how",
    ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"],
)
async def test_haproxy_says_whose_a_connection_is(rig, hello, haproxy, how):
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK)
    port = await haproxy("", f"127.0.0.1:{proxy.port} {how}")
    said, own = await ask(port, "127.0.0.55")
    assert said.endswith(b"hello")
    seen = next(each for each in proxy.exchanges if each.client.text == "127.0.0.55")
    assert (seen.client.port, seen.client.peer) == (own, "127.0.0.1")


async def test_haproxy_passes_tls_on_to_us(rig, hello, tls, certificates, part, haproxy):
    proxy = await rig.proxy(await rig.origin(hello), context=tls, proxies=LOOPBACK)
    port = await haproxy("", f"127.0.0.1:{proxy.port} send-proxy-v2")
    command = curl(part("curl"), certificates.authority_file, port, "--interface", "127.0.0.56")
    assert await run(*command) == b"hello"
    seen = proxy.exchanges[0].client
    assert seen.text == "127.0.0.56"
    assert seen.tls.ja4.startswith("t13d")


async def test_haproxy_ends_tls_and_says_so(rig, hello, certificates, part, haproxy, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(certificates.certificate_file.read_bytes() + certificates.key_file.read_bytes())
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK)
    options = "send-proxy-v2-ssl proxy-v2-options ssl,ssl-cipher,authority"
    port = await haproxy(f"ssl crt {both} alpn http/1.1", f"127.0.0.1:{proxy.port} {options}")
    assert await run(*curl(part("curl"), certificates.authority_file, port)) == b"hello"
    seen: Any = proxy.exchanges[0]
    assert seen.request.secure
    assert seen.client.tls.version == "TLSv1.3"
    assert "GCM" in seen.client.tls.cipher
    assert seen.client.tls.ja4 == ""
    assert seen.client.tls.server_name == "www.example.test"


async def test_health_checks_of_haproxy_are_no_faults(rig, hello, haproxy):
    """It connects, says that it speaks for itself, and leaves."""
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK)
    await haproxy("", f"127.0.0.1:{proxy.port} send-proxy-v2 check-send-proxy check inter 100ms")
    await rig.eventually(lambda: proxy.server.unfinished.counts.finished >= 3)
    assert proxy.server.unfinished.counts.malformed == 0
    assert not proxy.exchanges


@pytest.mark.browser
async def test_chromium_keeps_its_ja4_while_its_ja3_changes(rig, hello, tls, part, tmp_path):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    seen = []
    for number in range(2):
        profile = f"--user-data-dir={tmp_path / str(number)}"
        quiet = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--ignore-certificate-errors")
        before = len(proxy.exchanges)
        await run(part("chromium"), *quiet, profile, "--dump-dom", f"https://127.0.0.1:{proxy.port}/")
        seen.append(proxy.exchanges[before].client.tls)
    assert seen[0].ja4 == seen[1].ja4
    assert seen[0].ja4[:4] == "t13i"
    assert seen[0].ja3 != seen[1].ja3
    assert len(seen[0].cipher_suites) == 2 * (int(seen[0].ja4[4:6]) + 1)  # one of them is GREASE
