"""Requests over HTTP/2, from a visitor through the proxy to an origin and back."""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import IPv4Network

import pytest
from hyperframe.frame import GoAwayFrame

from botproxy.addresses import NetworkSet
from botproxy.model import Ending
from botproxy.proxy import Limits, Timeouts
from botproxy.proxy.http2.settings import Http2Limits


async def test_a_request_is_answered_as_over_http_1_1(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    answer = await talker.get("/x/%2e%2e/y?q=1", ("user-agent", "one"), ("cookie", "a=1"), ("cookie", "b=2"))
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["content-type"] == "text/plain"
    assert "cf-ray" in answer.headers
    assert "connection" not in answer.headers
    (exchange,) = proxy.exchanges
    request = exchange.request
    assert (request.version, request.path, request.query, request.body_length) == ("HTTP/2", b"/y", b"q=1", 0)
    assert request.headers.items == ((b"host", b"a.test"), (b"user-agent", b"one"), (b"cookie", b"a=1; b=2"))
    assert request.secure
    outcome = await proxy.ended()
    assert (outcome.ending, outcome.status, outcome.body_bytes) == (Ending.FINISHED, 200, 5)


async def test_many_requests_share_a_connection(rig, context, talk):
    async def script(visit):
        while True:
            head = await visit.head()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + head.split(b" ")[1][1:3])

    proxy = await rig.proxy(await rig.origin(script), context=context)
    talker = await talk(proxy)
    streams = [talker.ask("GET", f"/{number}") for number in range(10, 60)]
    bodies = [(await talker.answer(stream)).body for stream in streams]
    assert bodies == [b"%d" % number for number in range(10, 60)]
    assert proxy.wire.counts.connections == 1
    assert proxy.wire.counts.http2_connections == 1


async def test_bodies_go_both_ways_whole(rig, context, talk):
    size = 700_000

    async def script(visit):
        head = await visit.head()
        assert b"Transfer-Encoding: chunked" in head
        body = b""
        while True:
            length = int((await visit.until(b"\r\n")), 16)
            piece = await visit.exactly(length + 2)
            if not length:
                break
            body += piece[:-2]
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(body), 50_000):
            piece = body[at : at + 50_000]
            visit.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        visit.send(b"0\r\nTrailer: x\r\n\r\n")
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context)
    talker = await talk(proxy)
    stream = talker.ask("POST", "/", end=False)
    sent = bytes(range(256)) * (size // 256)
    left = sent
    while left:
        await talker.until(lambda: talker.h2.local_flow_control_window(stream) > 0)
        room = min(talker.h2.local_flow_control_window(stream), 16384)
        talker.data(stream, left[:room])
        left = left[room:]
    # Trailers are read, and dropped.
    talker.h2.send_headers(stream, [("x-trailer", "1")], end_stream=True)
    talker.flush()
    answer = await talker.answer(stream)
    assert answer.body == sent
    assert (await proxy.ended()).ending is Ending.FINISHED


async def test_answers_without_a_body_have_none(rig, context, talk):
    async def script(visit):
        while True:
            head = await visit.head()
            status = b"204 No Content" if b"/204" in head else b"304 Not Modified" if b"/304" in head else b"200 OK"
            visit.send(b"HTTP/1.1 %b\r\n%b\r\n" % (status, b"Content-Length: 5\r\n" if status[:1] == b"2" else b""))

    proxy = await rig.proxy(await rig.origin(script), context=context)
    talker = await talk(proxy)
    answer = await talker.answer(talker.ask("HEAD"))
    assert (answer.status, answer.headers["content-length"], answer.body) == (200, "5", b"")
    for status in (204, 304):
        answer = await talker.get(f"/{status}")
        assert (answer.status, answer.body, answer.ended) == (status, b"", True)


async def test_interim_answers_are_passed_on(rig, context, talk):
    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context)
    answer = await (await talk(proxy)).get()
    assert answer.interim == [{":status": "103", "link": "</a.css>; rel=preload"}]
    assert answer.status == 200


async def test_a_reset_cancels_what_the_origin_does(rig, context, talk):
    asked = asyncio.Event()

    async def script(visit):
        await visit.head()
        asked.set()
        await visit.rest()

    origin = await rig.origin(script)
    proxy = await rig.proxy(origin, context=context)
    talker = await talk(proxy)
    stream = talker.ask()
    await asked.wait()
    talker.h2.reset_stream(stream, 8)
    talker.flush()
    outcome = await proxy.ended()
    assert (outcome.ending, outcome.status) == (Ending.CLIENT_LEFT, 0)
    await rig.eventually(lambda: proxy.wire.counts.requests_now == 0)
    assert not proxy.wire.counts.http2_broken


async def test_a_response_that_breaks_off_is_reset(rig, context, talk):
    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        await asyncio.sleep(0.05)

    proxy = await rig.proxy(await rig.origin(script), context=context)
    answer = await (await talk(proxy)).get()
    assert (answer.status, answer.ended, answer.reset) == (200, False, 2)


async def test_who_does_not_read_holds_little(rig, context, talk):
    """A response of 5 MB to a client that opens no window: the origin waits."""

    async def script(visit):
        await visit.head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n")
        for _ in range(5):
            visit.send(bytes(1_000_000))
            await visit.writer.drain()
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context)
    talker = await talk(proxy)
    talker.acknowledges = False
    stream = talker.ask()
    await talker.until(lambda: len(talker.answers[stream].body) == 65_535)
    (connection,) = proxy.wire.fronts
    await asyncio.sleep(0.3)
    assert 0 < connection.unsent <= 192 * 1024
    # and goes on when it may
    talker.acknowledges = True
    talker.h2.acknowledge_received_data(65_535, stream)
    talker.flush()
    await talker.answer(stream)
    assert len(talker.answers[stream].body) == 5_000_000
    await rig.eventually(lambda: connection.unsent == 0)


async def test_many_that_are_not_read_hold_little_together(rig, context, talk):
    """Thirty responses to a client that opens no window: most origins are not even read, and all go on when it does."""
    size = 400_000

    async def script(visit):
        while True:
            await visit.head()
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))

    limits = Limits(http2=Http2Limits(unsent=64 * 1024))
    proxy = await rig.proxy(await rig.origin(script), context=context, limits=limits)
    talker = await talk(proxy)
    talker.acknowledges = False
    streams = []
    for _ in range(30):
        streams.append(talker.ask())
        await rig.eventually(lambda: len(proxy.exchanges) == len(streams))
    await talker.until(lambda: sum(len(talker.answers[stream].body) for stream in streams) == 65_535)
    (connection,) = proxy.wire.fronts
    await asyncio.sleep(0.3)
    assert connection.full
    assert connection.unsent < 1024 * 1024
    talker.acknowledges = True
    for stream in streams:
        if talker.answers[stream].body:
            talker.h2.acknowledge_received_data(len(talker.answers[stream].body), stream)
    talker.flush()
    for stream in streams:
        assert len((await talker.answer(stream)).body) == size
    assert connection.unsent == 0
    assert not connection.full


async def test_windows_open_only_as_the_origin_takes_the_body(rig, context, talk):
    go_on = asyncio.Event()

    async def script(visit):
        await visit.head()
        visit.reader._transport.pause_reading()
        await go_on.wait()
        visit.reader._transport.resume_reading()
        await visit.exactly(60_000_000)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context)
    talker = await talk(proxy)
    stream = talker.ask("POST", "/", ("content-length", "60000000"), end=False)
    await talker.until(lambda: talker.h2.local_flow_control_window(stream) >= 65_536)
    sent = 0

    def push() -> None:
        nonlocal sent
        room = min(talker.h2.local_flow_control_window(stream), 60_000_000 - sent)
        if room:
            talker.data(stream, bytes(room), end=sent + room == 60_000_000)
            sent += room

    push()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            while await talker.hear():
                push()
    held = sent
    assert held < 20_000_000  # what the system's own buffers take, and a window
    (exchange,) = proxy.exchanges
    assert exchange.relay.held < 512 * 1024
    go_on.set()
    while not talker.answers[stream].done:
        push()
        assert await talker.hear()
    assert talker.answers[stream].status == 200


async def test_own_answers_and_refusals_go_out_the_same_way(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    proxy.handler = lambda exchange: exchange.refuse(403, "no")
    talker = await talk(proxy)
    answer = await talker.get("/", ("accept", "text/html"))
    assert answer.status == 403
    assert b"Request refused" in answer.body
    answer = await talker.answer(talker.ask("HEAD"))
    assert (answer.status, answer.body) == (403, b"")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ([(":path", "x")], 400),
        ([(":path", "/a/../../b")], 400),
        ([(":scheme", "ftp")], 400),
        ([(":authority", "a b")], 400),
        ([("host", "other.test")], 400),
        ([("connection", "close")], 400),
        ([("transfer-encoding", "chunked")], 400),
        ([("te", "gzip")], 400),
        ([("X-Upper", "1")], 400),
        ([("x", "a\nb")], 400),
        ([("x", " a")], 400),
        ([(":late", "1")], 400),
        ([("content-length", "5")], 400),
        ([("content-length", "x")], 400),
        ([(":method", "CONNECT")], 501),
        ([("x", "y" * 70_000)], 431),
        ([(":path", "/" + "y" * 20_000)], 414),
        ([("cdn-loop", "botproxy")], 508),
    ],
)
async def test_what_is_malformed_is_refused_alone(rig, hello, context, talk, changed, status):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    names = {name for name, _ in changed}
    fields = [field for field in talker.headers() if field[0] not in names]
    pseudo = [field for field in changed if field[0] in (":path", ":scheme", ":authority", ":method")]
    answer = await talker.answer(talker.send(pseudo + fields + [field for field in changed if field not in pseudo]))
    assert answer.status == status
    (refusal,) = proxy.refusals
    assert refusal.status == status
    assert (await talker.get()).body == b"hello"
    assert not proxy.wire.counts.handler_errors


@pytest.mark.parametrize("missing", [":method", ":path", ":scheme", ":authority"])
async def test_every_pseudo_header_field_is_needed(rig, hello, context, talk, missing):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    answer = await talker.answer(talker.send([field for field in talker.headers() if field[0] != missing]))
    assert answer.status == 400


@pytest.mark.parametrize("sent", [b"12", b"12345678"])
async def test_a_body_of_another_length_than_said_is_refused(rig, context, talk, sent):
    async def script(visit):
        await visit.head()
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context)
    talker = await talk(proxy)
    stream = talker.ask("POST", "/", ("content-length", "5"), end=False)
    talker.data(stream, sent, end=True)
    assert (await talker.answer(stream)).status == 400


async def test_a_body_above_the_limit_is_refused(rig, context, talk):
    async def script(visit):
        await visit.head()
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context, limits=Limits(body_size=1000))
    talker = await talk(proxy)
    stream = talker.ask("POST", "/", end=False)
    talker.data(stream, bytes(1001))
    assert (await talker.answer(stream)).status == 413


async def test_one_stream_too_many_is_refused_alone(rig, context, talk):
    async def script(visit):
        await visit.head()
        await visit.rest()

    limits = Limits(http2=Http2Limits(streams=2))
    proxy = await rig.proxy(await rig.origin(script), context=context, limits=limits)
    talker = await talk(proxy)
    talker.ask(), talker.ask()
    assert (await talker.answer(talker.ask())).reset == 7
    assert len(proxy.exchanges) == 2


async def test_draining_loses_no_request(rig, context, talk):
    release = asyncio.Event()

    async def script(visit):
        await visit.head()
        await release.wait()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    proxy = await rig.proxy(await rig.origin(script), context=context, timeouts=Timeouts(linger=0.6))
    talker = await talk(proxy)
    first = talker.ask()
    await rig.eventually(lambda: len(proxy.exchanges) == 1)
    leaving = asyncio.create_task(proxy.server.drain(20))
    second = talker.ask()  # was on its way when GOAWAY was
    await rig.eventually(lambda: len(proxy.exchanges) == 2)
    release.set()
    assert [(await talker.answer(stream)).body for stream in (first, second)] == [b"ok", b"ok"]
    assert await leaving == 0
    goaways = await talker.gone()
    assert goaways[0] == (2**31 - 1, 0)
    assert goaways[-1] == (second, 0)


async def test_a_client_that_goes_away_gets_its_answers(rig, context, talk):
    async def script(visit):
        await visit.head()
        await asyncio.sleep(0.1)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context)
    talker = await talk(proxy)
    stream = talker.ask()
    talker.raw(GoAwayFrame(0))
    assert (await talker.answer(stream)).body == b"ok"


async def test_who_says_nothing_is_sent_away(rig, hello, context, talk):
    timeouts = Timeouts(idle=0.5, header=0.5, linger=0.3)
    proxy = await rig.proxy(await rig.origin(hello), context=context, timeouts=timeouts)
    silent = await talk(proxy, begin=False)
    assert (await silent.client.rest()).endswith(b"\x00\x00\x00\x0b")  # GOAWAY, ENHANCE_YOUR_CALM
    idle = await talk(proxy)
    await idle.get()
    assert (await idle.gone())[-1] == (1, 0)


async def test_a_head_that_never_ends_is_counted_and_ended(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context, timeouts=Timeouts(header=0.5, linger=0.3))
    talker = await talk(proxy)
    await talker.get()
    talker.raw(b"\x00\x00\x04\x01\x00\x00\x00\x00\x03\x82\x84\x86\x41")  # HEADERS that has no end
    assert (await talker.gone())[-1][1] == 11
    assert proxy.refusals[-1].status == 408


async def test_too_many_connections_are_told_so(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context, limits=Limits(connections=1))
    first = await talk(proxy)
    await first.get()
    second = await talk(proxy)
    answer = await second.get()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert (await first.get()).status == 200


async def test_the_fingerprint_is_the_connections(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    await talker.get()
    await talker.get("/", ("x", "y"))
    first, second = proxy.exchanges
    assert first.client.http2 == second.client.http2
    settings, window, priorities, order = first.client.http2.split("|")
    assert "4:65535" in settings.split(";")
    assert (window, priorities, order) == ("00", "0", "m,s,a,p")


async def test_a_listed_peer_names_the_visitor_over_http2_too(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context, trusted=NetworkSet([IPv4Network("127.0.0.1")]))
    await (await talk(proxy)).get("/", ("x-forwarded-for", "192.0.2.7"))
    (exchange,) = proxy.exchanges
    assert (exchange.client.text, exchange.client.http2) == ("192.0.2.7", "")
