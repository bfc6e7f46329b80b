"""Reaching origins: kept connections, bounds, the queue, failover, TLS, unix sockets."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from botproxy.errors import OperatorError
from botproxy.proxy import OriginPool, OriginSettings, Timeouts, Wire

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"


def named(name: bytes):
    async def script(visit):
        while True:
            await visit.head()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(name), name))

    return script


def gated(gate: asyncio.Event):
    async def script(visit):
        while True:
            await visit.head()
            await gate.wait()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return script


async def test_origins_take_turns(rig):
    proxy = await rig.proxy(await rig.origin(named(b"one")), await rig.origin(named(b"two")))
    assert {(await proxy.ask(GET))[1] for _ in range(2)} == {b"one", b"two"}


async def test_origin_that_refuses_is_passed_over_and_tried_again_later(rig, free_port):
    good = await rig.origin(named(b"good"))
    proxy = await rig.proxy(f"http://127.0.0.1:{free_port()}", good)
    for _ in range(4):
        assert (await proxy.ask(GET))[1] == b"good"
    assert proxy.pool is not None
    refusing = proxy.pool.origins[0]
    assert refusing.down_until > 0


async def test_last_origin_left_is_tried_even_when_it_refused_before(rig):
    one, two = await rig.origin(named(b"one")), await rig.origin(named(b"two"))
    proxy = await rig.proxy(one, two)
    for origin in proxy.pool.origins:
        origin.down_until = float("inf")
    assert (await proxy.ask(GET))[1] in (b"one", b"two")


async def test_request_with_a_body_fails_over_as_long_as_nothing_was_sent(rig, free_port):
    async def script(visit):
        await visit.head()
        body = await visit.exactly(4)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)
        await visit.rest()

    proxy = await rig.proxy(f"http://127.0.0.1:{free_port()}", await rig.origin(script))
    request = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody"
    assert (await proxy.ask(request))[1] == b"body"
    assert proxy.outcomes[0].request_bytes == len(request)


async def test_no_origin_that_accepts_is_502(rig, free_port):
    proxy = await rig.proxy(f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}")
    head, body = await proxy.ask(GET)
    assert head.startswith(b"HTTP/1.1 502 ")
    assert b"127.0.0.1" not in body  # details are for the log
    assert "127.0.0.1" in proxy.outcomes[0].detail


async def test_name_that_does_not_resolve_is_502(rig):
    proxy = await rig.proxy("http://no-such-host.invalid:80")
    assert (await proxy.ask(GET))[0].startswith(b"HTTP/1.1 502 ")


async def test_connections_are_bounded_and_the_queue_is_served_in_order(rig):
    gate = asyncio.Event()
    origin = await rig.origin(gated(gate))
    proxy = await rig.proxy(origin, settings=OriginSettings(connections=2, queue=3))
    clients = [await proxy.connect() for _ in range(6)]
    for number, client in enumerate(clients):
        client.send(GET)
        await rig.eventually(lambda number=number: len(proxy.exchanges) == number + 1)
    assert (await clients[5].answer())[0].startswith(b"HTTP/1.1 503 ")
    gate.set()
    for client in clients[:5]:
        assert (await client.answer())[1] == b"ok"
    assert len(origin.visits) == 2


async def test_waiting_for_too_long_is_503_with_retry_after(rig):
    origin = await rig.origin(gated(asyncio.Event()))
    proxy = await rig.proxy(origin, settings=OriginSettings(connections=1), timeouts=Timeouts(queue=0.3))
    first = await proxy.connect()
    first.send(GET)
    await rig.eventually(lambda: bool(origin.visits))
    head, _ = await proxy.ask(GET)
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in head


async def test_client_that_leaves_the_queue_is_forgotten(rig):
    gate = asyncio.Event()
    origin = await rig.origin(gated(gate))
    proxy = await rig.proxy(origin, settings=OriginSettings(connections=1))
    clients = [await proxy.connect() for _ in range(3)]
    for number, client in enumerate(clients):
        client.send(GET)
        await rig.eventually(lambda number=number: len(proxy.exchanges) == number + 1)
    await rig.eventually(lambda: bool(origin.visits))
    clients[1].reset()
    await proxy.ended()
    gate.set()
    assert (await clients[0].answer())[1] == b"ok"
    assert (await clients[2].answer())[1] == b"ok"
    assert proxy.wire.counts.requests_now == 0
    assert not proxy.pool.waiting


async def test_queue_moves_on_when_a_client_leaves_the_connection_it_waits_for(rig):
    origin = await rig.origin(gated(asyncio.Event()))
    proxy = await rig.proxy(origin, settings=OriginSettings(connections=1))
    first, second = await proxy.connect(), await proxy.connect()
    first.send(GET)
    await rig.eventually(lambda: len(origin.visits) == 1)
    second.send(GET)
    await rig.eventually(lambda: len(proxy.exchanges) == 2)
    first.reset()
    await rig.eventually(lambda: len(origin.visits) == 2)


async def test_slow_connect_is_504(rig):
    import socket

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        proxy = await rig.proxy(f"http://127.0.0.1:{address[1]}", timeouts=Timeouts(connect=0.3))
        assert (await proxy.ask(GET))[0].startswith(b"HTTP/1.1 504 ")
        for filler in fillers:
            filler.close()


async def test_idle_connection_to_an_origin_is_closed_after_its_time(rig):
    closed = asyncio.Event()

    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        await visit.gone()
        closed.set()

    proxy = await rig.proxy(await rig.origin(script), timeouts=Timeouts(origin_idle=0.2))
    assert (await proxy.ask(GET))[1] == b"hello"
    await asyncio.wait_for(closed.wait(), 5)
    assert (await proxy.ask(GET))[1] == b"hello"
    assert proxy.wire.counts.retried == 0


async def test_request_that_cannot_be_repeated_gets_no_connection_that_idled(rig, hello):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin)
    proxy.pool.origins[0].fresh = 0.0
    assert (await proxy.ask(GET))[1] == b"hello"
    assert (await proxy.ask(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n"))[1] == b"hello"
    assert len(origin.visits) == 2


@pytest.fixture
def tls_origin_context(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate_file, certificates.key_file)
    return context


async def test_https_origin_is_verified_and_told_its_name(rig, hello, tls_origin_context, certificates):
    names: list[str | None] = []
    tls_origin_context.sni_callback = lambda connection, name, context: names.append(name)
    origin = await rig.origin(hello, tls_origin_context)
    settings = OriginSettings(ca_file=certificates.authority_file, server_name="www.example.test")
    proxy = await rig.proxy(origin, settings=settings)
    for _ in range(2):
        assert (await proxy.ask(GET))[1] == b"hello"
    assert names == ["www.example.test"]


@pytest.mark.parametrize("fault", ["authority", "name"])
async def test_https_origin_that_cannot_be_verified_is_502(rig, hello, tls_origin_context, certificates, fault):
    settings = (
        OriginSettings()
        if fault == "authority"
        else OriginSettings(ca_file=certificates.authority_file, server_name="other.invalid")
    )
    origin = await rig.origin(hello, tls_origin_context)
    proxy = await rig.proxy(origin, settings=settings)
    assert (await proxy.ask(GET))[0].startswith(b"HTTP/1.1 502 ")
    assert "certificate" in proxy.outcomes[0].detail.lower()


async def test_verification_can_be_switched_off(rig, hello, tls_origin_context):
    proxy = await rig.proxy(await rig.origin(hello, tls_origin_context), settings=OriginSettings(verify=False))
    assert (await proxy.ask(GET))[1] == b"hello"


async def test_origin_behind_a_unix_socket(rig, hello, tmp_path):
    path = str(tmp_path / "origin.sock")
    proxy = await rig.proxy(await rig.origin(hello, path=path))
    assert (await proxy.ask(GET))[1] == b"hello"
    assert proxy.outcomes[0].origin == path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:80",
        "ftp://a.test",
        "http://",
        "http://a.test/path",
        "http://u:p@a.test",
        "http://a.test:x",
        "unix:relative",
    ],
)
def test_url_that_is_no_origin_is_the_operators_error(url):
    with pytest.raises(OperatorError):
        OriginPool(Wire(), [url])


def test_missing_authority_file_is_the_operators_error(tmp_path):
    with pytest.raises(OperatorError, match="ca_file"):
        OriginPool(Wire(), ["https://a.test"], OriginSettings(ca_file=tmp_path / "absent.pem"))


def test_zone_without_origin_is_the_operators_error():
    with pytest.raises(OperatorError):
        OriginPool(Wire(), [])
