"""The beginning of a body is held for rules, only so much of it, and then reaches the origin with the rest."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from botproxy.model import Body, Ending
from botproxy.proxy import Limits, Timeouts

WHOLE = 1 << 62
FORM = b"user=root&password=x"


def peeking(proxy, bodies, wanted=WHOLE, answer=None):
    """A handler that wants to see so much of a body, and then forwards or answers."""

    def handle(exchange):
        def then(body):
            bodies.append(body)
            if answer is None:
                exchange.forward(proxy.pool)
            else:
                exchange.respond(answer, (), b"no\n")

        if exchange.request.body_length == 0:
            exchange.forward(proxy.pool)
        else:
            exchange.peek_body(wanted, then)

    proxy.handler = handle


async def echo(visit):
    """Answers with length and digest of what it got, as often as it is asked."""
    while True:
        head = await visit.head()
        body = b""
        if b"chunked" in head:
            while size := int((await visit.until(b"\r\n")).strip(), 16):
                body += await visit.exactly(size)
                await visit.exactly(2)
            await visit.exactly(2)
        else:
            lengths = [line.split()[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
            body = await visit.exactly(int(lengths[0])) if lengths else b""
        said = b"%d %s" % (len(body), hashlib.sha256(body).hexdigest().encode())
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))


def digest(body: bytes) -> bytes:
    return b"%d %s" % (len(body), hashlib.sha256(body).hexdigest().encode())


def sized(body: bytes, more: bytes = b"") -> bytes:
    return b"POST /login HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n" % (more, len(body))


def in_chunks(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


CHUNKED = b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


async def test_a_small_body_is_seen_whole_and_arrives(rig):
    proxy = await rig.proxy(await rig.origin(echo))
    bodies: list[Body] = []
    peeking(proxy, bodies)
    client = await proxy.connect()
    for _ in range(3):
        client.send(sized(FORM) + FORM)
        assert (await client.answer())[1] == digest(FORM)
    client.send(CHUNKED + in_chunks(FORM, 3))
    assert (await client.answer())[1] == digest(FORM)
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await client.answer())[1] == digest(b"")
    assert bodies == [Body(FORM, False, len(FORM))] * 4
    assert proxy.wire.held.size == 0


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("wanted", [1, 5, 100_000, WHOLE])
async def test_a_large_body_is_seen_as_far_as_wanted_and_arrives(rig, wanted, chunked):
    proxy = await rig.proxy(await rig.origin(echo), limits=Limits(rule_body=64 * 1024))
    bodies: list[Body] = []
    peeking(proxy, bodies, wanted)
    body = bytes(range(256)) * 4096
    client = await proxy.connect()
    client.send(CHUNKED + in_chunks(body, 7000) if chunked else sized(body) + body)
    assert (await client.answer())[1] == digest(body)
    (seen,) = bodies
    enough = min(wanted, 64 * 1024)
    assert enough <= len(seen.raw) < enough + 64 * 1024
    assert body.startswith(seen.raw)
    assert seen.truncated
    assert seen.size == (None if chunked else len(body))
    assert proxy.wire.held.size == 0


async def test_no_more_is_read_than_is_wanted_until_it_was_answered(rig):
    proxy = await rig.proxy(await rig.origin(echo))
    waiting = []
    proxy.handler = lambda exchange: exchange.peek_body(1, lambda body: waiting.append((exchange, body)))
    body = b"x" * 8_000_000
    client = await proxy.connect()
    client.send(sized(body) + body)
    await rig.eventually(lambda: waiting)
    await asyncio.sleep(0.1)
    exchange, _ = waiting[0]
    assert proxy.wire.held.size + exchange.front.buffered <= 192 * 1024
    exchange.forward(proxy.pool)
    assert (await client.answer())[1] == digest(body)


async def test_an_answer_of_ours_leaves_the_connection_in_order(rig):
    proxy = await rig.proxy(await rig.origin(echo))
    bodies: list[Body] = []
    peeking(proxy, bodies, 4, 403)
    client = await proxy.connect()
    for _ in range(2):
        client.send(sized(FORM) + FORM)
        head, _ = await client.answer()
        assert head.startswith(b"HTTP/1.1 403")
    client.send(CHUNKED + in_chunks(FORM, 7))
    assert (await client.answer())[0].startswith(b"HTTP/1.1 403")
    assert proxy.wire.held.size == 0


async def test_a_client_that_waits_to_be_asked_is_asked(rig):
    proxy = await rig.proxy(await rig.origin(echo))
    bodies: list[Body] = []
    peeking(proxy, bodies)
    client = await proxy.connect()
    client.send(sized(FORM, b"Expect: 100-continue\r\n"))
    assert (await client.head()).startswith(b"HTTP/1.1 100")
    client.send(FORM)
    assert (await client.answer())[1] == digest(FORM)


async def test_a_client_that_leaves_or_stalls_is_let_go(rig):
    proxy = await rig.proxy(await rig.origin(echo), timeouts=Timeouts(body=0.5))
    bodies: list[Body] = []
    peeking(proxy, bodies)
    client = await proxy.connect()
    client.send(sized(FORM) + FORM[:5])
    await rig.eventually(lambda: proxy.wire.held.size)
    client.reset()
    assert (await proxy.ended()).ending is Ending.CLIENT_LEFT
    client = await proxy.connect()
    client.send(sized(FORM) + FORM[:5])
    head, _ = await client.answer()
    assert head.startswith(b"HTTP/1.1 408")
    assert bodies == []
    assert proxy.wire.held.size == 0


async def test_above_the_memory_for_bodies_the_one_that_waited_longest_is_refused(rig):
    proxy = await rig.proxy(await rig.origin(echo), limits=Limits(rule_body=1 << 20, rule_bodies=1 << 20))
    bodies: list[Body] = []
    peeking(proxy, bodies)
    part = b"x" * 300_000
    clients = []
    for number in range(6):
        client = await proxy.connect()
        client.send(sized(part + b"y") + part)
        clients.append(client)
        await rig.eventually(lambda number=number: len(proxy.outcomes) >= max(0, number - 2))
        assert proxy.wire.held.size <= (1 << 20) + 64 * 1024
    for client in clients[:3]:
        assert (await client.answer())[0].startswith(b"HTTP/1.1 503")
    for client in clients[3:]:
        client.send(b"y")
        assert (await client.answer())[1] == digest(part + b"y")
    assert len(bodies) == 3
    assert proxy.wire.held.size == 0


async def test_a_handler_that_fails_on_a_body_costs_an_answer_and_nothing_else(rig):
    proxy = await rig.proxy(await rig.origin(echo))

    def fails(body):
        raise ZeroDivisionError

    proxy.handler = lambda exchange: exchange.peek_body(WHOLE, fails)
    head, _ = await proxy.ask(sized(FORM) + FORM)
    assert head.startswith(b"HTTP/1.1 500")
    assert proxy.wire.held.size == 0
    assert proxy.wire.counts.handler_errors == 1


async def test_an_origin_that_is_gone_is_told_as_usual(rig):
    origin = await rig.origin(echo)
    origin.stop_listening()
    proxy = await rig.proxy(origin)
    bodies: list[Body] = []
    peeking(proxy, bodies)
    head, _ = await proxy.ask(sized(FORM) + FORM)
    assert head.startswith(b"HTTP/1.1 502")
    assert proxy.wire.held.size == 0


@pytest.mark.parametrize("keep", [False, True])
async def test_a_body_that_somebody_keeps_counts_until_the_end(rig, keep):
    answer = asyncio.Event()

    async def slow(visit):
        await visit.head()
        await visit.exactly(len(FORM))
        await answer.wait()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    origin = await rig.origin(slow)
    proxy = await rig.proxy(origin)
    proxy.handler = lambda exchange: exchange.peek_body(WHOLE, lambda body: exchange.forward(proxy.pool), keep=keep)
    client = await proxy.connect()
    client.send(sized(FORM) + FORM)
    await rig.eventually(lambda: proxy.exchanges and proxy.exchanges[0].relay and proxy.exchanges[0].relay.asked_at)
    assert proxy.wire.held.size == (len(FORM) if keep else 0)
    answer.set()
    assert (await client.answer())[1] == b"ok"
    assert proxy.wire.held.size == 0
