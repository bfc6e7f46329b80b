"""Floods end the connection with the right code, are counted, and keep nobody else from being served."""

from __future__ import annotations

import pytest
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from botproxy.proxy import Limits

ENHANCE_YOUR_CALM = 11
MANY = 12_000


def flags(frame: Frame, *names: str) -> Frame:
    for name in names:
        frame.flags.add(name)
    return frame


def head(stream: int, *names: str, data: bytes | None = None) -> Frame:
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/")]
    return flags(HeadersFrame(stream, data=Encoder().encode(fields) if data is None else data), *names)


def resets() -> list[Frame]:
    found: list[Frame] = []
    for stream in range(3, 6003, 2):
        reset = RstStreamFrame(stream)
        reset.error_code = 8
        found += [head(stream, "END_HEADERS", "END_STREAM"), reset]
    return found


def malformed() -> list[Frame]:
    """Streams that we have to reset ourselves (CVE-2025-8671)."""
    block = Encoder().encode([(":method", "GET")])
    return [head(stream, "END_HEADERS", "END_STREAM", data=block) for stream in range(3, 6003, 2)]


def priorities() -> list[Frame]:
    return [PriorityFrame(3, depends_on=0, stream_weight=number % 256) for number in range(MANY)]


def window_updates() -> list[Frame]:
    return [WindowUpdateFrame(0, window_increment=1) for _ in range(MANY)]


def bomb() -> list[Frame]:
    """An entry of four thousand bytes, referred to thirty thousand times."""
    entry = b"\x40\x01x" + b"\x7f\xa0\x1e" + b"y" * 3999
    return [head(3, "END_HEADERS", "END_STREAM", data=entry + b"\xbe" * 12_000)]


FLOODS = {
    "resets": resets,
    "continuations": lambda: [head(3), *[ContinuationFrame(3, data=b"") for _ in range(100)]],
    "settings": lambda: [SettingsFrame(0, settings={3: 100 + number}) for number in range(MANY)],
    "pings": lambda: [PingFrame(0, opaque_data=b"12345678") for _ in range(MANY)],
    "priorities": priorities,
    "window_updates": window_updates,
    "empty_frames": lambda: [head(3, "END_HEADERS"), *[DataFrame(3) for _ in range(MANY)]],
    "header_block": lambda: [head(3), *[ContinuationFrame(3, data=b"\x82" * 16_000) for _ in range(10)]],
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_ends_its_connection(rig, hello, context, talk, kind):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    await talker.get()
    talker.raw(*FLOODS[kind]())
    goaways = await talker.gone()
    assert goaways[-1][1] == ENHANCE_YOUR_CALM
    assert proxy.wire.counts.http2_floods == {kind: 1}
    assert not proxy.wire.counts.handler_errors
    await rig.eventually(lambda: not proxy.wire.fronts)
    assert proxy.wire.counts.requests_now == 0
    assert (await (await talk(proxy)).get()).body == b"hello"


OTHERS = {
    "malformed": (malformed, "resets"),
    "unknown": (lambda: [b"\x00\x00\x01\xbb" + bytes(6)] * MANY, "priorities"),
    "padding of no bytes": (
        lambda: [head(3, "END_HEADERS"), *[flags(DataFrame(3, data=b"x"), "PADDED") for _ in range(MANY)]],
        "empty_frames",
    ),
    "padding alone": (
        lambda: [head(3, "END_HEADERS"), *[flags(DataFrame(3, pad_length=9), "PADDED") for _ in range(MANY)]],
        "empty_frames",
    ),
}


@pytest.mark.parametrize("how", OTHERS)
async def test_floods_have_other_forms(rig, hello, context, talk, how):
    made, kind = OTHERS[how]
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    talker.raw(*made())
    assert (await talker.gone())[-1][1] == ENHANCE_YOUR_CALM
    assert proxy.wire.counts.http2_floods == {kind: 1}


async def test_a_header_list_that_unfolds_ends_its_connection(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    talker.raw(*bomb())
    assert (await talker.gone())[-1][1] == ENHANCE_YOUR_CALM
    assert proxy.wire.counts.http2_broken == 1


async def test_a_frame_larger_than_allowed_is_not_waited_for(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    talker.raw(b"\xff\xff\xff\x00\x00\x00\x00\x00\x01")
    assert (await talker.gone())[-1][1] == 6
    assert proxy.wire.counts.http2_floods == {"frame_size": 1}


async def test_a_table_that_shrinks_is_confirmed_before_it_is_used(rig, hello, context, talk):
    proxy = await rig.proxy(await rig.origin(hello), context=context)
    talker = await talk(proxy)
    talker.h2.update_settings({1: 0})
    talker.flush()
    assert (await talker.get()).body == b"hello"
    assert (await talker.get()).body == b"hello"


async def test_who_never_reads_is_not_answered_for_ever(rig, context, talk):
    """PING upon PING, and no byte is read: we stop reading, too."""

    async def script(visit):
        await visit.rest()

    proxy = await rig.proxy(await rig.origin(script), context=context, limits=Limits())
    talker = await talk(proxy)
    await rig.eventually(lambda: proxy.wire.fronts)
    (connection,) = proxy.wire.fronts
    connection.pause_writing()
    talker.raw(*[PingFrame(0, opaque_data=b"12345678") for _ in range(150)])
    assert connection.unread < 64 * 1024
    connection.resume_writing()
    await talker.until(lambda: not connection.session.sending)
