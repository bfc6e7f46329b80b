"""What an origin's answers become: framing, interim responses, failures before and after the head, retries."""

from __future__ import annotations

import asyncio

import pytest

from botproxy.model import Ending
from botproxy.proxy import Timeouts

GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody"


def saying(*answers: bytes, close: bool = False):
    """An origin that gives these answers in turn on each connection, then closes or waits."""

    async def script(visit):
        for answer in answers:
            await visit.head()
            visit.send(answer)
            await visit.writer.drain()
        if not close:
            await visit.rest()

    return script


async def test_chunked_answer_is_reframed_and_the_connection_kept(rig):
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n"
    )
    origin = await rig.origin(saying(answer, answer))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    for _ in range(2):
        client.send(GET)
        head = await client.head()
        assert b"Transfer-Encoding: chunked\r\n" in head
        assert b"Content-Length" not in head
        body = await client.until(b"0\r\n\r\n")
        assert body == b"5\r\nabcde\r\n0\r\n\r\n"
    assert len(origin.visits) == 1
    assert (await proxy.ended()).body_bytes == 5


async def test_chunked_answer_reaches_a_1_0_client_without_coding(rig):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    proxy = await rig.proxy(await rig.origin(saying(answer)))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    data = await client.rest()
    assert b"Transfer-Encoding" not in data
    assert data.endswith(b"\r\n\r\nabcde")


async def test_answer_that_ends_with_its_connection_is_chunked_for_the_client(rig):
    proxy = await rig.proxy(await rig.origin(saying(b"HTTP/1.1 200 OK\r\n\r\nabcde", close=True)))
    client = await proxy.connect()
    client.send(GET)
    assert b"Transfer-Encoding: chunked\r\n" in await client.head()
    assert (await client.until(b"0\r\n\r\n")) == b"5\r\nabcde\r\n0\r\n\r\n"
    assert (await proxy.ended()).ending is Ending.FINISHED


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        (b"GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n"),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: x\r\n\r\n"),
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_answers_without_body_end_with_their_head_and_keep_both_connections(rig, method, answer):
    origin = await rig.origin(saying(answer, answer, answer))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    for number in range(3):
        client.send(method + b" / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        head = await client.head()
        assert head.split(b" ")[1] == answer.split(b" ")[1]
        assert b"Connection: close" not in head
        assert (await proxy.ended(number + 1)).body_bytes == 0
        if b"204" in answer:
            assert b"Content-Length" not in head
        elif b"1000" in answer:
            assert b"Content-Length: 1000\r\n" in head
    assert len(origin.visits) == 1


async def test_interim_responses_are_passed_on_and_the_final_one_follows(rig):
    answer = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )
    proxy = await rig.proxy(await rig.origin(saying(answer, answer)))
    client = await proxy.connect()
    client.send(GET)
    early = await client.head()
    assert early.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n")
    assert (await client.answer())[1] == b"ok"
    client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    assert (await client.rest()).startswith(b"HTTP/1.1 200 ")


async def test_expectation_goes_end_to_end(rig):
    async def script(visit):
        assert b"Expect: 100-continue\r\n" in await visit.head()
        visit.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await visit.exactly(4) == b"body"
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert b"Expect: 100-continue\r\n" in await visit.head()
        visit.send(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")
        await visit.rest()

    origin = await rig.origin(script)
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    request = b"PUT / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    client.send(request)
    assert (await client.head()).startswith(b"HTTP/1.1 100 Continue\r\n")
    client.send(b"body")
    assert (await client.answer())[1] == b"ok"
    client.send(request)
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 417 ")
    assert b"Connection: close\r\n" in head  # whether the client sends its body now is anybody's guess
    assert body == b"no"
    assert not origin.errors


async def test_answer_before_the_whole_request_body_closes_afterwards(rig):
    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000\r\n\r\nabc")
    head, body = await client.answer()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close\r\n" in head
    assert body == b"big"


BAD_ANSWERS = {
    "nothing": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/2": b"HTTP/2 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "length and coding": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab",
    "other coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
    "coding in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before colon": b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nX: y\x00z\r\n\r\n",
    "oversized head": b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70000 + b"\r\n\r\n",
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "interim without end": b"HTTP/1.1 102 Processing\r\n\r\n" * 30,
    "bad chunk at once": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
async def test_answer_that_is_none_becomes_502(rig, answer, caplog):
    origin = await rig.origin(saying(answer, close=True))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(GET)
    head = await client.head()
    while head.startswith(b"HTTP/1.1 102"):
        head = await client.head()
    assert head.startswith(b"HTTP/1.1 502 ")
    outcome = await proxy.ended()
    assert outcome.ending is Ending.ORIGIN_FAILED
    assert outcome.status == 502
    assert outcome.detail
    assert not caplog.records


async def test_client_connection_survives_a_502(rig):
    proxy = await rig.proxy(await rig.origin(saying(b"nonsense\r\n\r\n")))
    client = await proxy.connect()
    for _ in range(3):
        client.send(GET)
        assert (await client.answer())[0].startswith(b"HTTP/1.1 502 ")
    assert proxy.wire.counts.accepted == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
)
async def test_client_can_tell_that_an_answer_was_cut_short(rig, answer):
    proxy = await rig.proxy(await rig.origin(saying(answer, close=True)))
    client = await proxy.connect()
    client.send(GET)
    head = await client.head()
    body = await client.rest()
    if b"Content-Length: 100" in head:
        assert len(body) < 100
    else:
        assert not body.endswith(b"0\r\n\r\n")
    outcome = await proxy.ended()
    assert (outcome.status, outcome.ending) == (200, Ending.ORIGIN_FAILED)


async def test_1_0_client_is_reset_when_an_answer_was_cut_short(rig):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    proxy = await rig.proxy(await rig.origin(saying(answer, close=True)))
    client = await proxy.connect()
    client.send(b"GET / HTTP/1.0\r\nHost: a.test\r\n\r\n")
    with pytest.raises(ConnectionError):
        await client.rest()


async def test_bytes_after_an_answer_are_dropped_with_their_connection(rig):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    origin = await rig.origin(saying(answer + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    for _ in range(2):
        client.send(GET)
        assert (await client.answer())[1] == b"ok"
    assert len(origin.visits) == 2


async def test_origin_that_speaks_unasked_loses_its_connection(rig):
    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await asyncio.sleep(0.02)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await visit.rest()

    origin = await rig.origin(script)
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(GET)
    assert (await client.answer())[1] == b"ok"
    await origin.visits[0].gone()
    client.send(GET)
    assert (await client.answer())[1] == b"ok"
    assert len(origin.visits) == 2


async def test_connection_close_from_the_origin_is_honoured(rig):
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    origin = await rig.origin(saying(answer, answer))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    for _ in range(2):
        client.send(GET)
        head, body = await client.answer()
        assert body == b"ok"
        assert b"Connection" not in head  # that was between the origin and us
    assert len(origin.visits) == 2


def stale_then(answer: bytes):
    """Answers one request a connection, and closes when a second one arrives."""

    async def script(visit):
        await visit.head()
        visit.send(answer)
        await visit.head()

    return script


async def test_stale_connection_is_retried_once_on_a_new_one(rig):
    origin = await rig.origin(stale_then(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    for _ in range(3):
        client.send(GET)
        assert (await client.answer())[1] == b"ok"
    assert proxy.wire.counts.retried == 2
    assert len(origin.visits) == 3


async def test_request_that_cannot_be_repeated_is_not_sent_twice(rig):
    bodies: list[bytes] = []

    async def script(visit):
        await visit.head()
        bodies.append(await visit.exactly(4))
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await visit.head()
        bodies.append(await visit.exactly(4))

    origin = await rig.origin(script)
    proxy = await rig.proxy(origin)
    client = await proxy.connect()
    client.send(POST)
    assert (await client.answer())[1] == b"ok"
    client.send(POST)
    assert (await client.answer())[0].startswith(b"HTTP/1.1 502 ")
    assert bodies == [b"body"] * 2
    assert proxy.wire.counts.retried == 0


async def test_origin_that_closes_a_fresh_connection_is_not_asked_again(rig):
    origin = await rig.origin(saying(b"", close=True))
    proxy = await rig.proxy(origin)
    assert (await proxy.ask(GET))[0].startswith(b"HTTP/1.1 502 ")
    assert len(origin.visits) == 1


async def test_client_that_leaves_cancels_the_origins_work(rig):
    asked = asyncio.Event()
    cancelled = asyncio.Event()

    async def script(visit):
        await visit.head()
        asked.set()
        await visit.gone()
        cancelled.set()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(GET)
    await asked.wait()
    client.close()
    await asyncio.wait_for(cancelled.wait(), 5)
    assert (await proxy.ended()).ending is Ending.CLIENT_LEFT


async def test_client_that_leaves_midway_through_a_download_cancels_it(rig):
    cancelled = asyncio.Event()

    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nabc")
        await visit.gone()
        cancelled.set()

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(GET)
    await client.until(b"abc")
    client.reset()
    await asyncio.wait_for(cancelled.wait(), 5)
    outcome = await proxy.ended()
    assert (outcome.ending, outcome.status, outcome.body_bytes) == (Ending.CLIENT_LEFT, 200, 3)


async def test_silent_origin_is_504(rig):
    async def script(visit):
        await visit.gone()

    proxy = await rig.proxy(await rig.origin(script), timeouts=Timeouts(response=0.3))
    head, body = await proxy.ask(GET)
    assert head.startswith(b"HTTP/1.1 504 ")
    assert b"ray" in body
    assert (await proxy.ended()).ending is Ending.ORIGIN_FAILED


async def test_origin_that_falls_silent_midway_is_cut(rig):
    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await visit.gone()

    proxy = await rig.proxy(await rig.origin(script), timeouts=Timeouts(origin_silence=0.3))
    client = await proxy.connect()
    client.send(GET)
    await client.head()
    assert await client.rest() == b"abc"


async def test_headers_that_the_gateway_adds_arrive_once(rig, hello):
    heads = []

    def add(head):
        heads.append(head)
        return ((b"Set-Cookie", b"__cf_bm=x"),)

    proxy = await rig.proxy(await rig.origin(hello))
    proxy.on_response = add
    head, _ = await proxy.ask(GET)
    assert head.count(b"Set-Cookie: __cf_bm=x\r\n") == 1
    (seen,) = heads
    assert (seen.status, seen.body_length, seen.values(b"content-type")) == (200, 5, [b"text/plain"])


async def test_failing_addition_is_left_out_and_counted(rig, hello):
    def add(head):
        raise ZeroDivisionError

    proxy = await rig.proxy(await rig.origin(hello))
    proxy.on_response = add
    head, body = await proxy.ask(GET)
    assert head.startswith(b"HTTP/1.1 200 ")
    assert body == b"hello"
    assert proxy.wire.counts.handler_errors == 1


async def test_body_to_the_origin_has_one_framing_whatever_came(rig):
    got: list[bytes] = []

    async def script(visit):
        while True:
            head = await visit.head()
            got.append(head + (await visit.until(b"0\r\n\r\n") if b"chunked" in head else await visit.exactly(5)))
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    proxy = await rig.proxy(await rig.origin(script))
    client = await proxy.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\ntransfer-encoding: Chunked\r\n\r\n")
    client.send(b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: y\r\n\r\n")
    assert (await client.answer())[1] == b"ok"
    client.send(b"POST / HTTP/1.1\r\nHost: a.test\r\ncontent-length: 005\r\n\r\nhello")
    assert (await client.answer())[1] == b"ok"
    assert got[0].count(b"Transfer-Encoding: chunked\r\n") == 1
    assert got[0].endswith(b"5\r\nhello\r\n0\r\n\r\n")
    assert b"Trailer" not in got[0]
    assert got[1].lower().count(b"content-length: 5\r\n") == 1
    assert got[1].endswith(b"\r\n\r\nhello")
