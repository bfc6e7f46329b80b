"""Clients and origins that misbehave at random: whatever they do, nothing is left behind, mixed up or raised."""

from __future__ import annotations

import asyncio
import random

import pytest

from botproxy.proxy import Limits, OriginSettings, Timeouts


def moody(chance: random.Random):
    """An origin that answers with the request's path, unless it dies, lies, dawdles or streams."""

    async def script(visit):
        while True:
            head = await visit.head()
            path = head.split(b" ")[1]
            mood = chance.random()
            if mood < 0.04:
                visit.reset()
                return
            if b"Content-Length: " in head and mood < 0.9:
                await visit.exactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            elif b"Transfer-Encoding: chunked" in head and mood < 0.9:
                await visit.until(b"0\r\n\r\n")
            if mood < 0.08:
                visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + path)
                return
            if mood < 0.12:
                visit.send(b"HTTP/1.1 200 OK\r\nContent-Le")
                await asyncio.sleep(0.002)
                visit.reset()
                return
            if mood < 0.16:
                await asyncio.sleep(0.02)
            if mood < 0.4:
                visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for byte in path:
                    visit.send(b"1\r\n%c\r\n" % byte)
                    if mood < 0.2:
                        await asyncio.sleep(0)
                visit.send(b"0\r\n\r\n")
            elif mood < 0.5:
                visit.send(b"HTTP/1.1 200 OK\r\n\r\n" + path)
                await visit.writer.drain()
                return
            else:
                extra = path * 2000 if mood > 0.95 else path
                visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(extra), extra))
                if mood > 0.9:
                    return

    return script


async def visit_once(proxy, number: int, chance: random.Random, wrong: list[str]) -> None:
    client = await proxy.connect()
    try:
        for step in range(chance.randrange(1, 6)):
            path = b"/%d-%d/" % (number, step)
            mood = chance.random()
            body = b"b" * chance.choice([1, 100, 70_000])
            if mood < 0.5:
                client.send(b"GET " + path + b" HTTP/1.1\r\nHost: a.test\r\n\r\n")
            elif mood < 0.7:
                client.send(b"POST " + path + b" HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n" % len(body))
                client.send(body[:50])
                await asyncio.sleep(0)
                client.send(body[50:])
            elif mood < 0.85:
                client.send(b"PUT " + path + b" HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n")
                client.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            elif mood < 0.9:
                client.send(b"GET " + path + b" HTTP/1.1\r\nHost: a.test\r\nX: ")
                return
            elif mood < 0.95:
                client.send(b"GET " + path + b" HTTP/1.1\r\nHost: a.test\r\n\r\n")
                await asyncio.sleep(chance.random() * 0.01)
                client.reset()
                return
            else:
                client.send(b"GET " + path + b" HTTP/1.1\r\nHost : a.test\r\n\r\n")
            head = await client.head()
            if b"Transfer-Encoding: chunked" in head:
                answer = b""
                while length := int((await client.until(b"\r\n")).strip(), 16):
                    answer += await client.exactly(length)
                    await client.exactly(2)
                await client.exactly(2)
            else:
                size = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
                answer = await client.exactly(size)
            if head.startswith(b"HTTP/1.1 200 ") and answer.replace(path, b""):
                wrong.append(f"{path!r} was answered {answer[:80]!r}")
            if b"Connection: close" in head:
                assert await client.rest() == b""
                return
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        client.close()


@pytest.mark.parametrize("seed", range(4))
async def test_no_answer_is_mixed_up_and_nothing_is_left_behind(rig, seed, caplog):
    chance = random.Random(seed)
    origins = [await rig.origin(moody(chance)) for _ in range(2)]
    proxy = await rig.proxy(
        *origins,
        limits=Limits(requests=60),
        timeouts=Timeouts(linger=0.2, queue=1.0),
        settings=OriginSettings(connections=20, queue=30),
    )
    wrong: list[str] = []
    for _ in range(6):
        await asyncio.gather(*(visit_once(proxy, number, chance, wrong) for number in range(80)))
    await rig.eventually(lambda: not proxy.wire.fronts)
    counts = proxy.wire.counts
    assert wrong == []
    assert (counts.connections, counts.requests_now, counts.handler_errors) == (0, 0, 0)
    assert counts.requests == len(proxy.outcomes) == len(proxy.exchanges)
    assert not proxy.wire.addresses
    assert not proxy.pool.waiting
    assert all(origin.busy == 0 for origin in proxy.pool.origins)
    assert not caplog.records


SOUND = (
    b"POST /path/a?b=c HTTP/1.1\r\nHost: a.test\r\nUser-Agent: x\r\nCookie: a=b\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.1, [::1]\r\nCDN-Loop: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: [::1]:80\r\nConnection: upgrade, x\r\nUpgrade: websocket\r\n\r\n",
    b"PUT / HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
)
SPICE = (b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"%", b"%00", b"0", b"-1", b"chunked", b";", b"//")


def spoilt(chance: random.Random) -> bytes:
    """Sound requests in a row, with a few bytes added, taken away or replaced."""
    data = bytearray(b"".join(chance.choices(SOUND, k=chance.randrange(1, 4))))
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = chance.choice(SPICE) if chance.random() < 0.7 else b""
    return bytes(data)


async def test_no_bytes_that_a_client_can_send_raise_anything(rig, caplog):
    async def script(visit):
        while True:
            head = await visit.head()
            # Framing that reaches an origin is single and sound, whatever the client sent.
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            chunked = head.lower().count(b"transfer-encoding:")
            assert len(lengths) + chunked <= 1
            assert head.count(b"\n") == head.count(b"\r\n") == head.count(b"\r")
            if lengths:
                await visit.exactly(int(lengths[0].split(b":")[1]))
            elif chunked:
                await visit.until(b"0\r\n\r\n")
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    origin = await rig.origin(script)
    proxy = await rig.proxy(origin, timeouts=Timeouts(linger=0.2))
    chance = random.Random(7)
    for _ in range(40):
        clients = [await proxy.connect() for _ in range(20)]
        for client in clients:
            data = spoilt(chance)
            cut = chance.randrange(len(data))
            client.send(data[:cut])
            await asyncio.sleep(0)
            client.send(data[cut:])
        await asyncio.sleep(0.01)
        for client in clients:
            client.close()
    await rig.eventually(lambda: not proxy.wire.fronts)
    assert proxy.wire.counts.requests > 200
    assert proxy.wire.counts.refused > 200
    assert proxy.wire.counts.requests_now == proxy.wire.counts.handler_errors == 0
    assert len(proxy.refusals) == proxy.wire.counts.refused
    assert not origin.errors
    assert not caplog.records
