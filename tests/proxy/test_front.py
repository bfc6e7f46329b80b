"""What a client meets: requests in, answers out, keep-alive, pipelining, refusals."""

from __future__ import annotations

import asyncio

import pytest

from botproxy.model import Ending
from botproxy.proxy import Exchange, Limits

GET = b"GET /page?q=1 HTTP/1.1\r\nHost: example.com\r\n\r\n"


async def test_get_is_forwarded_and_its_outcome_told(rig, hello):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin)
    head, body = await proxy.ask(GET)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nCf-Ray: " in head
    assert body == b"hello"
    outcome = await proxy.ended()
    assert (outcome.status, outcome.origin_status, outcome.body_bytes) == (200, 200, 5)
    assert outcome.ending is Ending.FINISHED
    assert outcome.content_type == b"text/plain"
    assert outcome.request_bytes == len(GET)
    assert outcome.response_bytes == len(head) + len(body)
    assert outcome.origin in origin.url
    assert 0 < outcome.origin_seconds <= outcome.first_byte_seconds <= outcome.seconds


async def test_connections_to_the_client_and_the_origin_are_kept(rig, hello):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    for _ in range(5):
        client.send(GET)
        assert (await client.answer())[1] == b"hello"
    assert len(origin.visits) == 1
    assert proxy.wire.counts.upstream_reused == 4
    assert proxy.wire.counts.accepted == 1


async def test_pipelined_requests_are_answered_in_order(rig):
    seen: list[bytes] = []

    async def script(visit):
        while True:
            head = await visit.head()
            path = head.split(b" ")[1]
            seen.append(path)
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    paths = [b"/%d" % number for number in range(50)]
    client.send(b"".join(b"GET %b HTTP/1.1\r\nHost: a.test\r\n\r\n" % path for path in paths))
    assert [(await client.answer())[1] for _ in paths] == paths
    assert seen == paths


async def test_pipelined_requests_answered_at_once_do_not_recurse(rig):
    proxy = await rig.proxy()
    proxy.handler = lambda exchange: exchange.respond(200, (), b"x")
    client = await proxy.connect()
    client.send(GET * 2000)
    for _ in range(2000):
        assert (await client.answer())[1] == b"x"


async def test_pipelined_input_waits_outside_while_an_answer_is_under_way(rig):
    asked = asyncio.Event()

    async def script(visit):
        await visit.head()
        asked.set()
        await asyncio.Event().wait()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(GET)
    await asked.wait()
    client.writer.transport.set_write_buffer_limits(high=0)
    client.send(b"x" * 64_000_000)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.writer.drain(), 0.3)
    (front,) = proxy.wire.fronts
    assert front.buffered <= 65536


async def test_head_split_anywhere_is_read_the_same(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    client = await proxy.connect()
    for cut in range(1, len(GET)):
        client.send(GET[:cut])
        await asyncio.sleep(0)
        client.send(GET[cut:])
        assert (await client.answer())[1] == b"hello"
    for byte in GET:
        client.send(bytes([byte]))
        await client.writer.drain()
    assert (await client.answer())[1] == b"hello"


async def test_http_1_0_client_gets_an_end_it_understands(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    data = await client.rest()
    assert b"Connection: close\r\n" in data
    assert data.endswith(b"hello")
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n")
    assert b"Connection: keep-alive\r\n" in (await client.answer())[0]
    client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    assert (await client.rest()).endswith(b"hello")


async def test_connection_close_is_honoured(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    data = await client.rest()
    assert b"Connection: close\r\n" in data
    assert data.endswith(b"hello")


async def test_a_client_that_says_close_spoils_nothing_for_the_next(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    for number in range(4):
        request = b"GET / HTTP/1.1\r\nHost: a.test\r\nX: %d\r\nConnection: close\r\n\r\n" % number
        assert (await proxy.ask(request))[1] == b"hello"


async def test_answer_of_our_own_is_whole(rig):
    proxy = await rig.proxy()
    proxy.handler = lambda exchange: exchange.respond(418, ((b"X-A", b"b"),), b"teapot")
    client = await proxy.connect()
    client.send(GET)
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 418 ")
    assert body == b"teapot"
    for part in (b"\r\nX-A: b\r\n", b"\r\nDate: ", b"\r\nContent-Length: 6\r\n", b"\r\nCf-Ray: "):
        assert part in head
    client.send(b"HEAD / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
    data = await client.rest()
    assert b"\r\nContent-Length: 6\r\n" in data
    assert data.endswith(b"\r\n\r\n")


async def test_line_break_in_a_header_of_ours_never_reaches_the_client(rig):
    proxy = await rig.proxy()
    proxy.handler = lambda exchange: exchange.respond(200, ((b"Location", b"/\r\nSet-Cookie: a=b"),), b"")
    head, _ = await proxy.ask(GET)
    assert head.startswith(b"HTTP/1.1 500 ")
    assert b"Set-Cookie" not in head


async def test_handler_that_raises_is_answered_500_and_counted(rig, caplog):
    def handler(exchange: Exchange) -> None:
        raise ZeroDivisionError

    proxy = await rig.proxy()
    proxy.handler = handler
    client = await proxy.connect()
    for _ in range(3):
        client.send(GET)
        assert (await client.answer())[0].startswith(b"HTTP/1.1 500 ")
    assert proxy.wire.counts.handler_errors == 3
    assert len(caplog.records) == 1
    assert [outcome.status for outcome in proxy.outcomes] == [500, 500, 500]


async def test_second_answer_is_a_mistake(rig):
    mistakes: list[RuntimeError] = []

    def handler(exchange: Exchange) -> None:
        exchange.respond(200, (), b"one")
        exchange.respond(200, (), b"two")

    proxy = await rig.proxy()
    proxy.handler = handler
    client = await proxy.connect()
    client.send(GET + GET)
    assert (await client.answer())[1] == b"one"
    assert (await client.answer())[1] == b"one"
    assert not mistakes


async def test_answer_may_come_later(rig):
    proxy = await rig.proxy()
    proxy.handler = lambda exchange: None
    client = await proxy.connect()
    client.send(GET)
    await rig.eventually(lambda: bool(proxy.exchanges))
    proxy.exchanges[0].respond(200, (), b"later")
    assert (await client.answer())[1] == b"later"


async def test_client_that_leaves_before_a_later_answer_ends_the_exchange_once(rig):
    proxy = await rig.proxy()
    proxy.handler = lambda exchange: None
    client = await proxy.connect()
    client.send(GET)
    await rig.eventually(lambda: bool(proxy.exchanges))
    client.reset()
    outcome = await proxy.ended()
    assert outcome.ending is Ending.CLIENT_LEFT
    assert outcome.status == 0
    proxy.exchanges[0].respond(200, (), b"too late")
    assert len(proxy.outcomes) == 1
    assert proxy.wire.counts.requests_now == 0


async def test_small_body_is_collected(rig):
    bodies: list[bytes | None] = []

    def handler(exchange: Exchange) -> None:
        def then(body: bytes | None) -> None:
            bodies.append(body)
            if body is None:
                exchange.refuse(413, "too large")
            else:
                exchange.respond(200, (), body[::-1])

        exchange.collect_body(10, then)

    proxy = await rig.proxy()
    proxy.handler = handler
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nab")
    await asyncio.sleep(0.01)
    client.send(b"cde")
    assert (await client.answer())[1] == b"edcba"
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert (await client.answer())[1] == b"cba"
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"xy")
    assert (await client.answer())[1] == b"yx"
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n")
    assert (await client.answer())[0].startswith(b"HTTP/1.1 413 ")
    client.send(GET)
    assert (await client.answer())[1] == b""
    assert bodies == [b"abcde", b"abc", b"xy", None, b""]


async def test_connection_survives_an_answer_that_ignores_a_small_body(rig):
    proxy = await rig.proxy()
    proxy.handler = lambda exchange: exchange.respond(403, (), b"no")
    client = await proxy.connect()
    for _ in range(3):
        client.send(b"POST /login HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nuser=")
        assert (await client.answer())[1] == b"no"
        client.send(b"evil")
    assert proxy.wire.counts.accepted == 1


async def test_answer_that_ignores_a_large_body_reaches_the_client_and_closes(rig):
    proxy = await rig.proxy()
    proxy.handler = lambda exchange: exchange.respond(403, (), b"no")
    client = await proxy.connect()
    client.send(b"POST /login HTTP/1.1\r\nHost: a.test\r\nContent-Length: 500000\r\n\r\n" + b"x" * 300000)
    head, body = await client.answer()
    assert b"Connection: close\r\n" in head
    assert body == b"no"
    client.close()


REFUSED = {
    "two lengths": b"Content-Length: 1\r\nContent-Length: 1\r\n",
    "two differing lengths": b"Content-Length: 1\r\nContent-Length: 2\r\n",
    "length list": b"Content-Length: 1, 1\r\n",
    "signed length": b"Content-Length: +1\r\n",
    "hex length": b"Content-Length: 0x1\r\n",
    "underscored length": b"Content-Length: 1_0\r\n",
    "huge length": b"Content-Length: 99999999999999999999\r\n",
    "length and coding": b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
    "coding and length": b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
    "other coding": b"Transfer-Encoding: gzip\r\n",
    "coding list": b"Transfer-Encoding: gzip, chunked\r\n",
    "coding twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "misspelt coding": b"Transfer-Encoding: xchunked\r\n",
    "coding with vertical tab": b"Transfer-Encoding: \x0bchunked\r\n",
    "coding with quotes": b'Transfer-Encoding: "chunked"\r\n',
    "empty coding": b"Transfer-Encoding:\r\n",
    "space before colon": b"Transfer-Encoding : chunked\r\n",
    "obs-fold": b"X: a\r\n b\r\n",
    "obs-fold of the coding": b"Transfer-Encoding:\r\n chunked\r\n",
    "leading space": b" Transfer-Encoding: chunked\r\n",
    "bare line feed": b"X: a\nTransfer-Encoding: chunked\r\n",
    "bare carriage return": b"X: a\rTransfer-Encoding: chunked\r\n",
    "NUL in a value": b"X: a\x00b\r\n",
    "control character in a name": b"X\x01: a\r\n",
    "no colon": b"garbage\r\n",
    "empty name": b": a\r\n",
    "second Host": b"Host: b.test\r\n",
    "upgrade with a body": b"Connection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n",
}


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED.keys())
async def test_what_could_be_read_in_two_ways_is_refused_before_a_byte_goes_upstream(rig, hello, lines, caplog):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(
        b"POST / HTTP/1.1\r\nHost: a.test\r\n" + lines + b"\r\n1\r\nZ\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    )
    data = await client.rest()
    assert data.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nConnection: close\r\n" in data
    assert data.count(b"HTTP/1.1 ") == 1
    assert origin.visits == []
    (refusal,) = proxy.refusals
    assert refusal.status == 400
    assert refusal.detail
    assert refusal.outcome.ending is Ending.REFUSED
    assert refusal.ray.encode() in data
    assert proxy.wire.counts.refused == 1
    assert not caplog.records


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/2.0\r\nHost: a.test\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        (b"GET / HTTP/1.1 \r\nHost: a.test\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        (b"GET http://b.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        (b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", 501),
        (b"GET / HTTP/1.1\nHost: a.test\n\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a.test\r\nExpect: miracles\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nHost: a.test\r\nCDN-Loop: botproxy\r\n\r\n", 508),
        (b"POST / HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ],
)
async def test_what_is_no_request_for_us_is_refused(rig, hello, data, status):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(data)
    assert (await client.rest()).startswith(b"HTTP/1.1 %d " % status)
    assert origin.visits == []
    assert [refusal.status for refusal in proxy.refusals] == [status]


@pytest.mark.parametrize(
    "body",
    [
        b"G\r\n",
        b"-1\r\n",
        b"0x1\r\nZ\r\n",
        b"1\nZ\r\n",
        b"1\r\nZZ",
        b"1 \r\nZ",
        b"+1\r\nZ\r\n",
        b"1;\x00\r\nZ",
        b"f" * 17,
    ],
)
async def test_bad_chunk_is_refused(rig, hello, body):
    async def script(visit):
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"\r\n")
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")
    assert (await proxy.ended()).ending is Ending.REFUSED


async def test_empty_line_before_a_request_is_passed_over(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello))
    client = await proxy.connect()
    client.send(b"\r\n" + GET)
    assert (await client.answer())[1] == b"hello"
    client.send(b"\r\n")
    await asyncio.sleep(0.01)
    client.send(GET)
    assert (await client.answer())[1] == b"hello"
    client.send(b"\r\n\r\n\r\n" + GET)
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_same_header_block_is_judged_again_under_another_request_line(rig, hello):
    origin = await rig.origin(hello)
    proxy = await rig.proxy(origin)
    block = b"Host: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    head, _ = await proxy.ask(b"POST / HTTP/1.1\r\n" + block + b"0\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.0\r\n" + block + b"0\r\n\r\n")
    assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


async def test_limits_on_the_head_say_so(rig, hello):
    proxy = await rig.proxy(await rig.origin(hello), limits=Limits(header_count=10, header_size=2048, uri_length=200))
    for request, status in [
        (b"GET / HTTP/1.1\r\nHost: a.test\r\n" + b"X: y\r\n" * 10 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a.test\r\nX: " + b"y" * 3000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a.test\r\nX: " + b"y" * 3000, 431),
        (b"GET /" + b"u" * 200 + b" HTTP/1.1\r\nHost: a.test\r\n\r\n", 414),
        (b"GET /" + b"u" * 3000, 414),
    ]:
        client = await proxy.connect()
        client.send(request)
        assert (await client.rest()).startswith(b"HTTP/1.1 %d " % status), request[:60]
    assert (await proxy.ask(b"GET / HTTP/1.1\r\nHost: a.test\r\n" + b"X: y\r\n" * 9 + b"\r\n"))[1] == b"hello"
