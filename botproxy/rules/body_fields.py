"""Fields of a request's body, computed when first asked for; missing while the body is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from botproxy.model import Body, Facts
from botproxy.rules import derived, multipart
from botproxy.rules.media_type import media_type
from botproxy.rules.multipart import Part
from botproxy.rules.types import ARRAY_ARRAY_BYTES, ARRAY_BYTES, BOOL, BYTES, INT, MAP_ARRAY_BYTES, Reader, Type

MOST_FIELDS: Final = 10_000
"""Fields of a form that are read; a body with more counts as truncated."""

_DERIVED: Final = ("rules.body.", "rules.json")
_NO_BODY: Final = Body(b"", False, 0)


def body_of(facts: Facts) -> Body | None:
    """The body as far as it is there; an empty one when the request has none, None while it is still to come."""
    if facts.body is not None:
        return facts.body
    return _NO_BODY if facts.request.body_length == 0 else None


def without_body(facts: Facts) -> Facts:
    """The facts without the body and what was derived of it, which may be large, for who keeps them for long."""
    memo = facts.memo
    for name in [name for name in memo if name.startswith(_DERIVED)]:
        del memo[name]
    return facts._replace(body=None)


def _content_type(facts: Facts) -> bytes:
    return facts.request.headers.first(b"content-type") or b""


def _from_body(key: str, compute: Callable[[Facts, Body], Any]) -> Reader:
    """A reader that computes once for each body: facts may be judged before it is there, and again afterwards."""
    name = f"rules.body.{key}"

    def read(facts: Facts) -> Any:
        body = body_of(facts)
        if body is None:
            return None
        memo: dict[str, Any] = facts.memo
        known = memo.get(name)
        if known is not None and known[0] is body:
            return known[1]
        value = compute(facts, body)
        memo[name] = (body, value)
        return value

    return read


def _is_form(facts: Facts) -> bool:
    kind = _content_type(facts).partition(b";")[0]
    return kind.strip(b" \t").lower() == b"application/x-www-form-urlencoded"


def _read_form(facts: Facts, body: Body) -> list[tuple[bytes, bytes]]:
    return derived.arguments(body.raw, MOST_FIELDS) if _is_form(facts) else []


def _read_parts(facts: Facts, body: Body) -> list[Part]:
    boundary = multipart.boundary_of(_content_type(facts))
    return [] if boundary is None else multipart.parts(body.raw, boundary)


def _is_truncated(facts: Facts, body: Body) -> bool:
    if body.truncated:
        return True
    if _is_form(facts):
        return body.raw.count(b"&") >= MOST_FIELDS
    boundary = multipart.boundary_of(_content_type(facts))
    return boundary is not None and multipart.too_many(body.raw, boundary)


def _size(facts: Facts) -> int | None:
    length = facts.request.body_length
    if length is not None or facts.body is None:
        return length
    return facts.body.size


def _raw(facts: Facts) -> bytes | None:
    body = body_of(facts)
    return None if body is None else body.raw


_form = _from_body("form", _read_form)
_form_map = _from_body("form.map", lambda facts, body: derived.grouped(_form(facts)))
_parts = _from_body("parts", _read_parts)
_part_map = _from_body(
    "parts.map",
    lambda facts, body: derived.grouped([(name, part.value) for part in _parts(facts) for name in part.names]),
)


def _each(values: Reader, pick: Callable[[Any], Any]) -> Reader:
    def read(facts: Facts) -> Any:
        found = values(facts)
        return None if found is None else [pick(item) for item in found]

    return read


BODY_FIELDS: Final[tuple[tuple[str, Type, Reader], ...]] = (
    ("http.request.body.raw", BYTES, _raw),
    ("http.request.body.truncated", BOOL, _from_body("truncated", _is_truncated)),
    ("http.request.body.size", INT, _size),
    ("http.request.body.mime", BYTES, _from_body("mime", lambda facts, body: media_type(body.raw))),
    ("http.request.body.form", MAP_ARRAY_BYTES, _form_map),
    ("http.request.body.form.names", ARRAY_BYTES, _each(_form, lambda pair: pair[0])),
    ("http.request.body.form.values", ARRAY_BYTES, _each(_form, lambda pair: pair[1])),
    ("http.request.body.multipart", MAP_ARRAY_BYTES, _part_map),
    ("http.request.body.multipart.names", ARRAY_ARRAY_BYTES, _each(_parts, lambda part: part.names)),
    ("http.request.body.multipart.values", ARRAY_BYTES, _each(_parts, lambda part: part.value)),
    ("http.request.body.multipart.filenames", ARRAY_ARRAY_BYTES, _each(_parts, lambda part: part.filenames)),
    ("http.request.body.multipart.content_types", ARRAY_ARRAY_BYTES, _each(_parts, lambda part: part.content_types)),
    (
        "http.request.body.multipart.content_dispositions",
        ARRAY_ARRAY_BYTES,
        _each(_parts, lambda part: part.content_dispositions),
    ),
    (
        "http.request.body.multipart.content_transfer_encodings",
        ARRAY_ARRAY_BYTES,
        _each(_parts, lambda part: part.content_transfer_encodings),
    ),
)
