"""h2 as this proxy uses it: it keeps the frames, the states of streams and the windows; fields go around it as blocks.

What a request's fields are worth is judged in `fields`, so h2 is not asked to; it would end a whole connection over a
Content-Length. And response blocks come ready-made, so that nothing is encoded twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast, final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings
from hpack import Decoder, Encoder, HeaderTuple, HPACKDecodingError, OversizedHeaderListError
from hyperframe.frame import GoAwayFrame

from botproxy.proxy.http2.fields import Fields
from botproxy.proxy.http2.guard import LARGEST_FRAME
from botproxy.proxy.http2.settings import Http2Limits

_CONFIGURATION: Final = H2Configuration(
    client_side=False,
    header_encoding=False,
    validate_outbound_headers=False,
    normalize_outbound_headers=False,
    validate_inbound_headers=False,
    normalize_inbound_headers=False,
)
_BLOCK: Final = b":block"
_FIELDS: Final = b":fields"
_DEFAULT_WINDOW: Final = 65_535
_ALL: Final = 2**31 - 1
_NO_TABLE: Final = b"\x20"  # RFC 7541 section 6.3: the table that we do not use is empty from now on


@final
class _Encoder(Encoder):
    """Hands on a block that is written already."""

    def encode(self, headers: Iterable[Any] | dict[Any, Any], huffman: bool = True) -> bytes:
        block = b"".join([value for name, value in headers if name == _BLOCK])
        if self.header_table.resized:
            # A client that wants a smaller table waits to be told that it is so (RFC 7541 section 4.2).
            self.header_table.resized = False
            self.table_size_changes = []
            return _NO_TABLE + block
        return block


@final
class _Decoder(Decoder):
    """Reads blocks as hpack does, and what is nothing but an index, which is most of them, without a detour.

    Gives all fields as the value of one, which h2 hands on without a look at each.
    """

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        fields: list[tuple[bytes, bytes]] = []
        find = self.header_table.get_by_index
        left = self.max_header_list_size
        at = 0
        end = len(data)
        while at < end:
            first = data[at]
            if 0x80 < first < 0xFF:
                name, value = find(first & 0x7F)
                at += 1
            elif first >= 0x80:
                (name, value), consumed = self._decode_indexed(data[at:])
                at += consumed
            elif first & 0x40:
                (name, value), consumed = self._decode_literal_index(data[at:])
                at += consumed
            elif first & 0x20:
                if fields:
                    raise HPACKDecodingError("a table size update behind a field")
                at += self._update_encoding_context(data[at:])
                continue
            else:
                (name, value), consumed = self._decode_literal_no_index(data[at:])
                at += consumed
            fields.append((name, value))
            left -= len(name) + len(value) + 32
            if left < 0:
                raise OversizedHeaderListError("a header list that is too large")
        self._assert_valid_table_size()
        return [HeaderTuple(_FIELDS, cast("bytes", fields))]


def fields_of(headers: Iterable[Any] | None) -> Fields:
    """The fields that an event of a session tells of."""
    for name, value in headers or ():
        if name == _FIELDS:
            return cast("Fields", value)
    return ()


@final
class Session(H2Connection):
    """The protocol's side of one connection: bytes in, events out; it holds what is to be sent."""

    MAX_CLOSED_STREAMS = 1_024  # 65,536 would let one connection hold megabytes

    def __init__(self, limits: Http2Limits, list_size: int) -> None:
        """`list_size`: bytes of a request's fields, each counted with 32 more."""
        super().__init__(_CONFIGURATION)
        self.encoder = _Encoder()
        self.decoder = _Decoder()
        self.decoder.max_header_list_size = 2 * list_size  # between the two a request is answered with 431
        self.decoder.max_allowed_table_size = limits.table_size
        self.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.HEADER_TABLE_SIZE: limits.table_size,
                SettingCodes.MAX_CONCURRENT_STREAMS: limits.streams,
                SettingCodes.INITIAL_WINDOW_SIZE: limits.stream_window,
                SettingCodes.MAX_FRAME_SIZE: LARGEST_FRAME,
                SettingCodes.MAX_HEADER_LIST_SIZE: list_size,
            },
        )
        self.initiate_connection()
        if limits.connection_window > _DEFAULT_WINDOW:
            self.increment_flow_control_window(limits.connection_window - _DEFAULT_WINDOW)

    @property
    def open_inbound_streams(self) -> int:
        """None that h2 has to count: one too many is refused alone, and h2 would end the connection for it."""
        return 0

    def forget(self, stream: int) -> None:
        """A stream is over, both ways."""
        found = self.streams.pop(stream, None)
        if found is not None:
            self._closed_streams[stream] = found.closed_by

    @property
    def sending(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._data_to_send)

    def send_block(self, stream: int, status: int, block: bytes, ends: bool) -> None:
        """The head of a response, or of an interim one."""
        self.send_headers(stream, ((b":status", b"%d" % status), (_BLOCK, block)), end_stream=ends)

    def announce_leaving(self) -> None:
        """GOAWAY that breaks off nothing: the client opens no more streams here once it has read it."""
        self._go_away(_ALL)

    def leave(self, code: int = 0) -> None:
        """GOAWAY; what is later than the last request that arrived is not answered any more."""
        self._go_away(self.highest_inbound_stream_id, code)

    def _go_away(self, last: int, code: int = 0) -> None:
        # Not `close_connection`, after which h2 lets nothing be sent, not even the rest of responses.
        frame = GoAwayFrame(0)
        frame.last_stream_id = last
        frame.error_code = code
        self._prepare_for_sending([frame])
