"""Whatever arrives, it is answered or closed, nothing breaks, and the origin only ever sees well-formed requests."""

from __future__ import annotations

import asyncio
import random
import re
from pathlib import Path

import pytest

from benchmarks.machine import cores
from benchmarks.subjects import Bench

CONNECTIONS = 20_000
AT_ONCE = 32
SEEDS = (
    b"GET / HTTP/1.1\r\nHost: a.example.test\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n",
    b"POST /form?x=1 HTTP/1.1\r\nHost: a.example.test\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /up HTTP/1.1\r\nHost: a.example.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"GET /a/../b//%2e%2e/%41;d?q=%00#f HTTP/1.1\r\nHost: a.example.test\r\nCookie: __cf_bm=a; cf_clearance=b\r\n\r\n",
    b"GET http://a.example.test/x HTTP/1.1\r\nHost: a.example.test\r\nX-Forwarded-For: 1.2.3.4, ::1\r\n\r\n",
    b"GET /cdn-cgi/challenge-platform/ HTTP/1.1\r\nHost: a.example.test\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a.example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"GET /1 HTTP/1.1\r\nHost: a.example.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: a.example.test\r\n\r\n",
)
NASTY = (
    *(b"\r\n", b"\n", b"\r", b"\x00", b"\xff", b" ", b"\t", b":", b"\r\n ", b"%2f", b"%", b"\\", b"//", b"\x0b"),
    *(
        b"Content-Length: 3\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ),
    *(b"Transfer-Encoding: xchunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Host: b.example.test\r\n", b"HTTP/1.0"),
    *(
        b"HTTP/2.0",
        b"Expect: 100-continue\r\n",
        b"Connection: close, host\r\n",
        b"ffffffffffffffff",
        b"-1",
        b"0\r\n\r\n",
    ),
    *(b"X: " + b"a" * 70_000 + b"\r\n", b"X: y\r\n" * 200),
)
_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ /[\x21-\x3e\x40-\x7e]*(?:\?[\x21-\x7e\x80-\xff]*)? HTTP/1\.1\Z")
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t\x20-\x7e\x80-\xff]*\Z")


def mutate(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(SEEDS))
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0:
                data[at:at] = chance.choice(NASTY)
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2 if at < len(data):
                data[at] = chance.randrange(256)
            case 3:
                lines = bytes(data).split(b"\r\n")
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                data = bytearray(b"\r\n".join(lines))
            case _:
                data += chance.choice(SEEDS)[: chance.randint(1, 90)]
    return bytes(data)


def fault(head: bytes) -> str:
    """What is wrong with a request head that an origin got; empty when nothing is."""
    line, *fields = head.split(b"\r\n")
    if not _LINE.match(line):
        return f"request line {line!r}"
    for field in fields:
        if not _FIELD.match(field):
            return f"field {field!r}"
    names = [field.partition(b":")[0].lower() for field in fields]
    if names.count(b"host") != 1:
        return "not one Host"
    if names.count(b"content-length") + names.count(b"transfer-encoding") > 1:
        return "more than one framing"
    for field in fields:
        name, _, value = field.partition(b":")
        if name.lower() == b"content-length" and not value.strip().isdigit():
            return f"length {value!r}"
        if name.lower() == b"transfer-encoding" and value.strip() != b"chunked":
            return f"coding {value!r}"
    return ""


class StrictOrigin:
    """Reads one request a connection, answers it, and writes down whatever was wrong with it."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
            self.requests += 1
            wrong = fault(head)
            if wrong:
                self.faults.append(wrong)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
        except (asyncio.CancelledError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()


async def exchange(port: int, data: bytes) -> bytes:
    """What came back until the other side closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        writer.write_eof()
        return await asyncio.wait_for(reader.read(-1), 40)
    except ConnectionError:
        return b""
    finally:
        writer.close()


@pytest.mark.prove
@pytest.mark.timeout(1200)
async def test_arbitrary_bytes_break_nothing_and_never_reach_the_origin_malformed(tmp_path: Path) -> None:
    origin = StrictOrigin()
    server = await asyncio.start_server(origin.serve, "127.0.0.1", 0, limit=2**20)
    bench = Bench(tmp_path, *cores(), tmp_path, tmp_path)
    bench.origin_port = server.sockets[0].getsockname()[1]
    # An exchange that waits for more is ended soon, so that none of them holds the run up.
    extra = "timeouts: {header: 2s, body: 2s, idle: 2s, linger: 500ms, tunnel_silence: 2s}"
    with bench.botproxy(extra=extra, mode="observe") as proxy:
        alive = proxy.members()
        chance = random.Random(20_000)
        room = asyncio.Semaphore(AT_ONCE)
        odd: list[tuple[bytes, bytes]] = []

        async def one(data: bytes) -> None:
            async with room:
                answer = await exchange(proxy.port, data)
            if answer and not answer.startswith(b"HTTP/1."):
                odd.append((data, answer[:80]))

        for _ in range(CONNECTIONS // 500):
            async with asyncio.TaskGroup() as group:
                for _ in range(500):
                    group.create_task(one(mutate(chance)))
        assert odd == []
        assert origin.faults == []
        assert origin.requests > CONNECTIONS // 50, "too little came through to prove anything"
        assert proxy.members() == alive
        assert (await exchange(proxy.port, SEEDS[5])).startswith(b"HTTP/1.1 ")
        assert "trace=" not in proxy.said()
    server.close()
