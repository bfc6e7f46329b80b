"""Connections to TLS and PROXY listeners: taken in however they arrive, known by their hello, and bounded."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import random
import socket
import ssl
import time
from struct import pack
from typing import Any

import pytest

from botproxy.addresses import NetworkSet
from botproxy.model import Tls
from botproxy.proxy import Certificates, Limits, Listener, OneContext, Pair, Timeouts, tls_context
from botproxy.proxy.front import FrontConnection
from botproxy.tls import hello_facts, parse_client_hello
from tests.proxy.shaking import Shaking, in_records

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
LOOPBACK = NetworkSet([ipaddress.ip_network("127.0.0.0/8")])
NOBODY = NetworkSet([ipaddress.ip_network("192.0.2.0/24")])
V1 = b"PROXY TCP4 203.0.113.7 192.0.2.1 51234 443\r\n"


@pytest.fixture
def tls(certificates):
    return tls_context(Pair(certificates.certificate_file, certificates.key_file))


@pytest.fixture
def shaking(certificates):
    def make(**options: Any) -> Shaking:
        return Shaking(str(certificates.authority_file), **options)

    return make


async def sent_in_pieces(client: Any, data: bytes, size: int) -> None:
    """Send each piece by itself; the loop turns in between, so the other side may look at each."""
    for at in range(0, len(data), size):
        client.send(data[at : at + size])
        await client.writer.drain()
        await asyncio.sleep(0.001 if size > 1 else 0)


def counts(proxy: Any) -> dict[str, int]:
    return {name: number for name, number in proxy.server.unfinished.counts.items() if number}


@pytest.mark.parametrize("record", [0, 100, 40])
@pytest.mark.parametrize("piece", [1, 7, 200, 10_000])
async def test_a_hello_is_known_however_it_was_cut(rig, hello, tls, shaking, record, piece):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    visitor = shaking(protocols=("h2", "http/1.1"))
    expected = hello_facts(parse_client_hello(visitor.hello))
    client = await proxy.connect()
    client.writer.get_extra_info("socket").setsockopt(6, 1, 1)
    await sent_in_pieces(client, in_records(visitor.hello, record) if record else visitor.hello, piece)
    await visitor.finish(client)  # it signs the message, which records are no part of
    assert b"hello" in await visitor.ask(client, GET)
    seen = proxy.exchanges[0].client.tls
    assert seen == expected._replace(version=visitor.tls.version(), cipher=visitor.tls.cipher()[0])
    assert seen.server_name == "www.example.test"
    assert len(seen.ja3) == 32
    assert seen.ja4.startswith("t13d")
    assert counts(proxy) == {"finished": 1}
    assert len(proxy.server.unfinished) == 0


async def test_every_request_of_a_connection_has_its_fingerprint(rig, hello, tls, shaking):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    visitor = shaking()
    client = await proxy.connect()
    client.send(visitor.hello)
    await visitor.finish(client)
    for _ in range(3):
        await visitor.ask(client, GET)
    assert len({exchange.client.tls for exchange in proxy.exchanges}) == 1
    assert proxy.exchanges[2].client.tls.ja4


@pytest.mark.parametrize(
    "first", [b"\x16", b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]
)
async def test_half_a_hello_costs_nothing_while_it_waits(rig, tls, first):
    """With a plain reader these bytes would keep the loop at it without a pause."""
    proxy = await rig.proxy(context=tls)
    clients = [await proxy.connect() for _ in range(20)]
    for client in clients:
        client.send(first)
    await rig.eventually(lambda: len(proxy.server.unfinished) == 20)
    await asyncio.sleep(0.1)
    began, spent = time.monotonic(), time.thread_time()
    await asyncio.sleep(1)
    assert time.thread_time() - spent < 0.25 * (time.monotonic() - began)


@pytest.mark.parametrize(
    "garbage",
    [
        *(GET, b"SSH-2.0-x\r\n", b"\x00" * 600),
        *(b"\x80\x2e\x01\x00\x02", b"\x15\x03\x01\x00\x02\x02\x28", b"\x16\x03\x01\x00\x00"),
    ],
)  # fmt: skip
async def test_garbage_is_closed_and_leaves_nothing(rig, tls, garbage, caplog):
    proxy = await rig.proxy(context=tls)
    for _ in range(5):
        client = await proxy.connect()
        client.send(garbage)
        await client.gone()
    assert counts(proxy) == {"malformed": 5}
    assert (len(proxy.server.unfinished), proxy.server.unfinished.memory) == (0, 0)
    assert not proxy.wire.fronts
    assert not caplog.records


async def test_a_hello_of_the_right_form_that_openssl_refuses_is_counted_and_closed(rig, tls, shaking, caplog):
    proxy = await rig.proxy(context=tls)
    client = await proxy.connect()
    old = bytearray(shaking().hello)
    at = old.index(b"\x00\x2b")  # supported_versions: nothing but SSL 3
    old[at + 4 : at + 5 + old[at + 4]] = bytes((old[at + 4],)) + b"\x03\x00" * (old[at + 4] // 2)
    client.send(bytes(old))
    await client.gone()
    await rig.eventually(lambda: counts(proxy) == {"failed": 1})
    assert len(proxy.server.unfinished) == 0
    assert not caplog.records


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", None])
async def test_a_client_that_leaves_early_is_forgotten_at_once(rig, tls, shaking, sent):
    proxy = await rig.proxy(context=tls)
    client = await proxy.connect()
    client.send(shaking().hello[:100] if sent is None else sent)
    await rig.eventually(lambda: len(proxy.server.unfinished) == 1)
    client.writer.write_eof()
    await rig.eventually(lambda: len(proxy.server.unfinished) == 0)
    assert counts(proxy) == {"failed": 1}


async def test_a_client_that_resets_in_the_middle_of_the_handshake_is_forgotten(rig, tls, shaking, caplog):
    proxy = await rig.proxy(context=tls)
    client = await proxy.connect()
    client.send(shaking().hello)
    await client.reader.read(10)
    client.reset()
    await rig.eventually(lambda: counts(proxy) == {"failed": 1})
    assert len(proxy.server.unfinished) == 0
    assert not caplog.records


@pytest.mark.parametrize("part", [0, 3, 100, 10_000])
async def test_who_does_not_go_on_is_closed_in_time(rig, tls, shaking, part):
    proxy = await rig.proxy(context=tls, timeouts=Timeouts(header=0.3))
    client = await proxy.connect()
    client.send(shaking().hello[:part])
    await asyncio.wait_for(client.gone(), 5)
    await rig.eventually(lambda: counts(proxy) == {"timed_out": 1})
    assert len(proxy.server.unfinished) == 0


async def test_a_hello_larger_than_allowed_is_closed(rig, tls, shaking):
    proxy = await rig.proxy(context=tls, hello_size=300)
    client = await proxy.connect()
    client.send(shaking().hello)
    await client.gone()
    assert counts(proxy) == {"malformed": 1}


async def test_when_full_the_one_that_waits_longest_makes_room(rig, hello, tls, shaking):
    proxy = await rig.proxy(await rig.origin(hello), context=tls, limits=Limits(handshakes=3))
    idle = [await proxy.connect() for _ in range(3)]
    await rig.eventually(lambda: len(proxy.server.unfinished) == 3)
    visitor = shaking()
    client = await proxy.connect()
    client.send(visitor.hello)
    await visitor.finish(client)
    assert b"hello" in await visitor.ask(client, GET)
    assert await idle[0].gone()
    assert counts(proxy) == {"evicted": 1, "finished": 1}
    assert len(proxy.server.unfinished) == 2


async def test_one_address_cannot_take_all_the_room(rig, tls):
    proxy = await rig.proxy(context=tls, limits=Limits(connections_per_address=2))
    first = [await proxy.connect() for _ in range(2)]
    await rig.eventually(lambda: len(proxy.server.unfinished) == 2)
    third = await proxy.connect()
    await third.gone()
    assert counts(proxy) == {"refused": 1}
    first[0].close()
    await rig.eventually(lambda: len(proxy.server.unfinished) == 1)


async def test_listed_peers_are_many_visitors(rig, tls):
    proxy = await rig.proxy(context=tls, limits=Limits(connections_per_address=2), trusted=LOOPBACK)
    for _ in range(4):
        await proxy.connect()
    await rig.eventually(lambda: len(proxy.server.unfinished) == 4)


async def test_draining_lets_a_handshake_end_and_its_request_be_answered(rig, hello, tls, shaking):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    visitor = shaking()
    client = await proxy.connect()
    client.send(visitor.hello[:50])
    await rig.eventually(lambda: len(proxy.server.unfinished) == 1)
    draining = asyncio.create_task(proxy.server.drain(10))
    await asyncio.sleep(0)
    client.send(visitor.hello[50:])
    await visitor.finish(client)
    answer = await visitor.ask(client, GET)
    assert b"Connection: close" in answer
    client.close()
    assert await asyncio.wait_for(draining, 5) == 0


async def test_drain_cuts_who_never_goes_on(rig, tls):
    proxy = await rig.proxy(context=tls)
    client = await proxy.connect()
    client.send(b"\x16\x03")
    await rig.eventually(lambda: len(proxy.server.unfinished) == 1)
    await proxy.server.drain(0.1)
    assert await client.gone()
    assert len(proxy.server.unfinished) == 0


# Which protocol


class Shouting(asyncio.Protocol):
    """Another protocol than HTTP/1.1: says what it hears in capitals."""

    arrival: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data.upper() + self.arrival.tls.ja4.encode())


@pytest.mark.parametrize("offered", [("shout", "http/1.1"), ("http/1.1",), ()])
async def test_what_alpn_agrees_on_is_spoken(rig, hello, certificates, shaking, offered):
    pair = Pair(certificates.certificate_file, certificates.key_file)
    context = tls_context(pair, protocols=("shout", "http/1.1"))
    protocols: dict[str, Any] = {"shout": lambda wire: Shouting(), "": FrontConnection}
    proxy = await rig.proxy(await rig.origin(hello), context=context, protocols=protocols)
    visitor = shaking(protocols=offered)
    client = await proxy.connect()
    client.send(visitor.hello)
    await visitor.finish(client)
    if "shout" in offered:
        assert (await visitor.ask_for(client, b"hey", b"t13")).startswith(b"HEYt13")
    else:
        assert b"hello" in await visitor.ask(client, GET)


# Which certificate


@pytest.fixture
def issued(certificates, tmp_path):
    """`issued("a.test", ...)` is the pair of a new certificate for these names."""
    made = iter(range(100))

    def issue(*names: str, into: Pair | None = None) -> Pair:
        number = next(made)
        pair = into or Pair(tmp_path / f"{number}.pem", tmp_path / f"{number}.key")
        leaf = certificates.authority.issue_cert(*names)
        leaf.private_key_pem.write_to_path(pair.key)
        leaf.cert_chain_pems[0].write_to_path(pair.certificate)
        return pair

    return issue


async def names_seen(proxy: Any, shaking: Any, name: str | None) -> set[str]:
    """The names in the certificate that a visitor of this host gets."""
    visitor = shaking(name=name)
    visitor.tls.context.check_hostname = False
    client = await proxy.connect()
    client.send(visitor.hello)
    await visitor.finish(client)
    client.close()
    return {value for _, value in visitor.tls.getpeercert()["subjectAltName"]}


async def test_certificate_is_the_one_for_the_name(rig, issued, shaking):
    kept = Certificates([issued("first.test"), issued("*.wild.test", "wild.test"), issued("exact.wild.test")])
    proxy = await rig.proxy(context=kept)
    assert kept.choose("first.test") is kept.choose("unknown.test") is kept.choose("")
    assert kept.choose("a.wild.test") is kept.choose("wild.test") is not kept.choose("exact.wild.test")
    assert kept.choose("a.b.wild.test") is kept.choose("")
    assert await names_seen(proxy, shaking, "exact.wild.test") == {"exact.wild.test"}
    assert await names_seen(proxy, shaking, "a.wild.test") == {"*.wild.test", "wild.test"}


async def test_a_renewed_certificate_is_served_without_disturbing_who_is_there(rig, hello, issued, shaking):
    pair = issued("old.example.test", "www.example.test")
    kept = Certificates([pair])
    proxy = await rig.proxy(await rig.origin(hello), context=kept)
    visitor = shaking()
    client = await proxy.connect()
    client.send(visitor.hello)
    await visitor.finish(client)
    assert kept.renew() == (0, [])
    issued("new.example.test", "www.example.test", into=pair)
    assert kept.renew() == (1, [])
    assert "new.example.test" in await names_seen(proxy, shaking, "www.example.test")
    assert b"hello" in await visitor.ask(client, GET)


def test_a_renewal_that_cannot_be_used_leaves_the_old_one(issued):
    pair, other = issued("a.test"), issued("b.test")
    kept = Certificates([pair, other])
    before = kept.choose("a.test")
    pair.key.write_bytes(other.key.read_bytes())
    renewed, problems = kept.renew()
    assert renewed == 0
    assert "a.test" not in problems[0]
    assert str(pair.certificate) in problems[0]
    assert kept.choose("a.test") is before
    pair.key.unlink()
    assert kept.renew()[1]
    issued("a.test", into=pair)
    assert kept.renew() == (1, [])
    assert kept.choose("a.test") is not before


@pytest.mark.parametrize(
    ("minimum", "best", "agreed"),
    [
        ("TLSv1.2", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("TLSv1.2", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("TLSv1.3", ssl.TLSVersion.TLSv1_2, None),
    ],
)
async def test_versions_are_those_that_are_allowed(rig, hello, certificates, minimum, best, agreed):
    context = tls_context(Pair(certificates.certificate_file, certificates.key_file), minimum)
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    trust = ssl.create_default_context(cafile=str(certificates.authority_file))
    trust.maximum_version = best
    if agreed is None:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await proxy.connect(ssl=trust, server_hostname="www.example.test")
        return
    client = await proxy.connect(ssl=trust, server_hostname="www.example.test")
    session = client.writer.get_extra_info("ssl_object")
    assert session.version() == agreed
    assert "GCM" in session.cipher()[0] or "CHACHA20" in session.cipher()[0]
    client.send(GET)
    assert (await client.answer())[1] == b"hello"


# Behind a load balancer that works on TCP


def v2(address: str = "203.0.113.7", values: bytes = b"", command: int = 0x21) -> bytes:
    inside = ipaddress.ip_address(address).packed + bytes((192, 0, 2, 1)) + pack(">HH", 51234, 443) + values
    return b"\r\n\r\n\x00\r\nQUIT\n" + pack(">BBH", command, 0x11, len(inside)) + inside


SSL_VALUE = b"\x20\x00\x18\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.3\x23\x00\x06CIPHER"
ALPN_VALUE = b"\x01\x00\x08http/1.1"


@pytest.mark.parametrize("header", [V1, v2()])
@pytest.mark.parametrize("piece", [1, 5, 1000])
async def test_the_visitor_is_whom_a_listed_peer_names(rig, hello, header, piece):
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK)
    client = await proxy.connect()
    await sent_in_pieces(client, header + GET, piece)
    assert (await client.answer())[1] == b"hello"
    seen = proxy.exchanges[0]
    assert (seen.client.text, seen.client.port, seen.client.peer) == ("203.0.113.7", 51234, "127.0.0.1")
    assert seen.client.tls is None
    assert not seen.request.secure


async def test_tls_behind_a_header_is_ours(rig, hello, tls, shaking):
    proxy = await rig.proxy(await rig.origin(hello), context=tls, proxies=LOOPBACK)
    visitor = shaking()
    client = await proxy.connect()
    await sent_in_pieces(client, v2(values=SSL_VALUE) + visitor.hello, 33)
    await visitor.finish(client)
    await visitor.ask(client, GET)
    seen = proxy.exchanges[0].client
    assert seen.text == "203.0.113.7"
    assert seen.tls.version == visitor.tls.version()
    assert seen.tls.ja4 == hello_facts(parse_client_hello(visitor.hello)).ja4


async def test_tls_that_ended_in_front_makes_the_request_secure(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK)
    client = await proxy.connect()
    client.send(v2(values=SSL_VALUE + ALPN_VALUE) + GET)
    await client.answer()
    seen = proxy.exchanges[0]
    assert seen.request.secure
    assert seen.client.tls == Tls("TLSv1.3", "CIPHER")


async def test_a_load_balancer_may_speak_for_itself(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK)
    for header in (b"PROXY UNKNOWN\r\n", v2(command=0x20)):
        client = await proxy.connect()
        client.send(header + GET)
        assert (await client.answer())[1] == b"hello"
    assert [exchange.client.text for exchange in proxy.exchanges] == ["127.0.0.1"] * 2


async def test_a_listed_peer_has_to_say_whose_it_is(rig, tls, shaking):
    proxy = await rig.proxy(context=tls, proxies=LOOPBACK)
    for start in (shaking().hello, GET, b"PROXY TCP4 x\r\n"):
        client = await proxy.connect()
        client.send(start)
        await client.gone()
    assert counts(proxy) == {"malformed": 3}


async def test_who_is_not_listed_may_not_connect(rig):
    proxy = await rig.proxy(proxies=NOBODY)
    client = await proxy.connect()
    with contextlib.suppress(ConnectionError):
        client.send(V1 + GET)
        assert await client.rest() == b""
    await rig.eventually(lambda: counts(proxy) == {"unlisted": 1})
    assert not proxy.exchanges


async def test_who_is_not_listed_may_be_let_in_and_is_never_believed(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), proxies=NOBODY, strangers=True, timeouts=Timeouts(linger=0.2))
    client = await proxy.connect()
    client.send(GET)
    assert (await client.answer())[1] == b"hello"
    assert proxy.exchanges[0].client.text == "127.0.0.1"
    liar = await proxy.connect()
    liar.send(V1 + GET)
    assert (await liar.rest()).startswith(b"HTTP/1.1 400 ")
    assert len(proxy.exchanges) == 1


async def test_forwarded_headers_count_from_the_peer_that_the_header_names(rig, hello):
    """Two in a row: a CDN that speaks HTTP, behind a load balancer that works on TCP."""
    cdn = NetworkSet([ipaddress.ip_network("203.0.113.0/24")])
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK, trusted=cdn)
    for address, expected in (("203.0.113.7", "198.51.100.9"), ("192.0.2.77", "192.0.2.77")):
        client = await proxy.connect()
        client.send(v2(address) + b"GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 198.51.100.9\r\n\r\n")
        await client.answer()
        assert proxy.exchanges[-1].client.text == expected


async def test_visitors_behind_one_load_balancer_are_counted_one_by_one(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), proxies=LOOPBACK, limits=Limits(connections_per_address=1))
    for address, status in (("203.0.113.7", b"200"), ("203.0.113.8", b"200"), ("203.0.113.7", b"503")):
        client = await proxy.connect()
        client.send(v2(address) + GET)
        assert (await client.head()).split()[1] == status


# Whatever comes


async def test_no_bytes_bring_an_exception_or_leave_anything(rig, hello, tls, shaking, caplog):
    """Hellos and PROXY headers, damaged at random places, cut anywhere; each is served or closed, and forgotten."""
    proxy = await rig.proxy(await rig.origin(hello), context=tls, proxies=LOOPBACK, timeouts=Timeouts(header=0.5))
    dice = random.Random(7)
    raised: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: raised.append(context))

    async def once() -> None:
        data = bytearray(dice.choice([V1, v2(values=SSL_VALUE + ALPN_VALUE)]) + shaking().hello)
        for _ in range(dice.randrange(4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        if dice.random() < 0.3:
            del data[dice.randrange(len(data)) :]
        client = await proxy.connect()
        with contextlib.suppress(ConnectionError, RuntimeError):  # the second is uvloop's, of a closed transport
            for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
                client.send(bytes(piece))
                await asyncio.sleep(0.002)
            await asyncio.wait_for(client.reader.read(1), 2)
        client.reset()

    for _ in range(6):
        await asyncio.gather(*[once() for _ in range(50)])
    await rig.eventually(lambda: len(proxy.server.unfinished) == 0)
    assert proxy.server.unfinished.memory == 0
    await rig.eventually(lambda: not proxy.wire.fronts)
    assert sum(counts(proxy).values()) == 300
    assert {"malformed", "failed"} <= set(counts(proxy))
    assert not raised
    assert not caplog.records


class Faulty:
    """Certificates that are asked in vain."""

    def choose(self, name: str) -> ssl.SSLContext:
        raise LookupError(name)


async def test_a_fault_of_ours_ends_the_connection_and_is_counted(rig, shaking):
    proxy = await rig.proxy(context=Faulty())
    client = await proxy.connect()
    client.send(shaking().hello)
    await client.gone()
    assert proxy.wire.counts.handler_errors == 1
    assert len(proxy.server.unfinished) == 0


class Exhausted(socket.socket):
    """A listening socket of a process that has no descriptor left, once."""

    failed = False

    def accept(self) -> Any:
        if not self.failed:
            self.failed = True
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


async def test_without_descriptors_it_pauses_and_goes_on(rig, hello, tls, shaking):
    proxy = await rig.proxy(await rig.origin(hello), context=tls)
    listener = Exhausted()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    await proxy.server.start([Listener(listener, OneContext(tls))])
    proxy.port = listener.getsockname()[1]
    visitor = shaking()
    client = await proxy.connect()
    client.send(visitor.hello)
    await visitor.finish(client)
    assert b"hello" in await visitor.ask(client, GET)
    assert counts(proxy) == {"accept_failed": 1, "finished": 1}
