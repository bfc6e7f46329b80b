"""A listener that speaks TLS."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from botproxy.errors import OperatorError
from botproxy.model import Ending
from botproxy.proxy import Pair, Timeouts, tls_context

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


@pytest.fixture
def tls(certificates):
    return tls_context(Pair(certificates.certificate_file, certificates.key_file))


async def test_tls_listener_serves_and_tells_what_was_agreed(rig, hello, tls, certificates):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    trust = ssl.create_default_context(cafile=str(certificates.authority_file))
    trust.set_alpn_protocols(["h2", "http/1.1"])
    client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
    for _ in range(2):
        client.send(GET)
        assert (await client.answer())[1] == b"hello"
    assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    (first, _) = proxy.exchanges
    assert first.request.secure
    assert first.client.tls.version.startswith("TLSv1.")
    assert first.client.tls.cipher
    client.close()


async def test_tls_carries_large_bodies_both_ways(rig, tls, certificates):
    size = 3_000_000

    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + await visit.exactly(size))
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=tls)
    trust = ssl.create_default_context(cafile=str(certificates.authority_file))
    client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
    body = bytes(range(250)) * (size // 250)
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n" % size + body)
    assert (await client.answer())[1] == body
    client.close()


async def test_refusal_over_tls_reaches_the_client(rig, tls, certificates):
    proxy = await rig.proxy(context=tls, timeouts=Timeouts(linger=0.2))
    trust = ssl.create_default_context(cafile=str(certificates.authority_file))
    client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_tls_client_that_leaves_cancels_the_origins_work(rig, tls, certificates):
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def script(visit):
        await visit.head()
        asked.set()
        await visit.gone()
        cancelled.set()

    proxy = await rig.proxy(await rig.origin(script), context=tls)
    trust = ssl.create_default_context(cafile=str(certificates.authority_file))
    client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
    client.send(GET)
    await asked.wait()
    client.close()
    await asyncio.wait_for(cancelled.wait(), 5)
    assert (await proxy.ended()).ending is Ending.CLIENT_LEFT


@pytest.mark.parametrize("politely", [True, False])
async def test_tls_client_that_leaves_a_download_cancels_it_without_a_word_in_the_log(
    rig, tls, certificates, politely, caplog
):
    cancelled = asyncio.Event()

    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                visit.send(b"x" * 65536)
                await visit.writer.drain()
        finally:
            cancelled.set()

    proxy = await rig.proxy(await rig.origin(script), context=tls)
    trust = ssl.create_default_context(cafile=str(certificates.authority_file))
    for _ in range(5):
        cancelled.clear()
        client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
        client.send(GET)
        await client.exactly(1_000_000)
        if politely:
            client.close()
        else:
            client.reset()
        await asyncio.wait_for(cancelled.wait(), 5)
    assert (await proxy.ended(5)).ending is Ending.CLIENT_LEFT
    assert not caplog.records


async def test_client_that_never_finishes_its_handshake_is_dropped(rig, tls, caplog):
    proxy = await rig.proxy(context=tls, timeouts=Timeouts(header=0.3))
    client = await proxy.connect()
    client.send(b"\x16\x03\x01")
    await client.gone()
    assert not caplog.records


async def test_plain_http_to_a_tls_listener_is_dropped_and_others_are_served(rig, hello, tls, certificates, caplog):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    wrong = await proxy.connect()
    wrong.send(GET)
    await wrong.gone()
    trust = ssl.create_default_context(cafile=str(certificates.authority_file))
    client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
    client.send(GET)
    assert (await client.answer())[1] == b"hello"
    assert not caplog.records
    client.close()


def test_certificate_that_cannot_be_read_is_the_operators_error(tmp_path):
    with pytest.raises(OperatorError, match="certificate"):
        tls_context(Pair(tmp_path / "absent.pem", tmp_path / "absent.pem"))
