"""What operators can set about HTTP/2: how much is spoken at a time, and how much of what costs us more than them."""

from __future__ import annotations

from pydantic import Field

from botproxy.schema import Section, Size


class Http2Limits(Section):
    """HTTP/2 of one visitor's connection. The counted frames are those within ten seconds; who sends more is cut off
    with ENHANCE_YOUR_CALM and counted in `botproxy_http2_floods_total`. Browsers stay far below all of them."""

    streams: int = Field(default=100, ge=1, le=1_000)
    """Requests at a time (SETTINGS_MAX_CONCURRENT_STREAMS); more are refused one by one, and the visitor asks again."""

    stream_window: Size = Field(default=256 * 1024, ge=16 * 1024, le=16 * 1024 * 1024)
    """Bytes of one request's body that may be on their way before the origin has taken them."""

    connection_window: Size = Field(default=1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    """The same for all requests of a connection together."""

    unsent: Size = Field(default=1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    """Bytes of responses that wait for the visitor's flow control; above it no origin is read for this connection."""

    table_size: Size = Field(default=4096, ge=4096, le=64 * 1024)
    """Bytes of a visitor's header table (SETTINGS_HEADER_TABLE_SIZE)."""

    resets: int = Field(default=300, ge=1)
    """Requests that were begun and broken off, by the visitor or for its faults (rapid reset, CVE-2023-44487)."""

    continuations: int = Field(default=16, ge=1, le=60)
    """CONTINUATION frames of one header block (CVE-2024-27316); `header_size` bounds their bytes."""

    settings: int = Field(default=20, ge=1)
    """SETTINGS frames, each of which is to be confirmed."""

    pings: int = Field(default=200, ge=1)
    """PING frames, each of which is to be answered."""

    priorities: int = Field(default=1_000, ge=1)
    """PRIORITY frames, and frames of types that are not known here."""

    window_updates: int = Field(default=2_000, ge=1)
    """WINDOW_UPDATE frames, besides two for each DATA frame that the visitor was sent."""

    empty_frames: int = Field(default=100, ge=1)
    """DATA, HEADERS and CONTINUATION frames that carry nothing, or padding of no bytes, and end nothing."""
