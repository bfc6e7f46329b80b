"""Fields of the answer to a request, for what is judged after it: counting, and logs. Missing before there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botproxy.model import Facts, ResponseFacts
from botproxy.rules.types import ARRAY_BYTES, BYTES, INT, MAP_ARRAY_BYTES, Reader, Type


def _response(read: Callable[[ResponseFacts], Any]) -> Reader:
    def from_response(facts: Facts) -> Any:
        response = facts.response
        return None if response is None else read(response)

    return from_response


def _media_type(response: ResponseFacts) -> bytes:
    value = response.content_type or response.headers.first(b"content-type") or b""
    return value.partition(b";")[0].strip(b" \t").lower()


_headers = _response(lambda response: response.headers.index)
_names = _response(lambda response: [name for name, _ in response.headers.items])
_values = _response(lambda response: [value for _, value in response.headers.items])

RESPONSE_FIELDS: Final[tuple[tuple[str, Type, Reader], ...]] = (
    ("http.response.code", INT, _response(lambda response: response.status)),
    ("http.response.content_type.media_type", BYTES, _response(_media_type)),
    ("http.response.headers", MAP_ARRAY_BYTES, _headers),
    ("http.response.headers.names", ARRAY_BYTES, _names),
    ("http.response.headers.values", ARRAY_BYTES, _values),
    ("raw.http.response.headers", MAP_ARRAY_BYTES, _headers),
    ("raw.http.response.headers.names", ARRAY_BYTES, _names),
    ("raw.http.response.headers.values", ARRAY_BYTES, _values),
    # No answer of this proxy has such a code, and 0 is what the original says of every other answer.
    ("cf.response.1xxx_code", INT, _response(lambda response: 0)),
    ("cf.response.error_type", BYTES, _response(lambda response: response.error_type.encode("utf-8", "replace"))),
    ("cf.timings.origin_ttfb_msec", INT, _response(lambda response: response.origin_ms)),
)

RESPONSE_FIELD_NAMES: Final = frozenset(name for name, _, _ in RESPONSE_FIELDS)
