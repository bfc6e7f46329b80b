"""What a hook may say: header names and values, statuses, and how much of it. Nothing else reaches a socket.

Asked twice: when a hook makes its answer, so that its author sees the fault, and when the worker reads what a hook
process sent, because that process runs code which may have written anything there.
"""

from __future__ import annotations

import re
from typing import Final

MAX_HEADERS: Final = 64
MAX_HEADER_BYTES: Final = 16 * 1024
"""Names and values of one list together."""

Item = tuple[str, tuple[str, ...]]
"""A header name and its values; none takes the header away."""

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
"""A token of RFC 9110 section 5.6.2."""

_VALUE: Final = re.compile(r"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")
"""RFC 9110 section 5.5: no control character, no blank at an end; one byte a character, as in the Fetch standard."""

_FRAMING: Final = frozenset(
    (
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"),
        *("proxy-authentication-info", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings"),
        *("content-length", "expect"),
    )
)
"""Headers of one connection, and how long a body is: both are the proxy's."""

_TO_ORIGIN: Final = _FRAMING | {"host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "cdn-loop"}
_TO_ORIGIN_TOO: Final = "true-client-ip"
_TO_VISITOR: Final = _FRAMING | {"date"}
_OF_BODY: Final = "content-encoding"
_OUR_COOKIE: Final = re.compile(r"[ \t]*(?:__cf_bm|cf_clearance)[ \t]*(?:=|;|\Z)")


class Forbidden(ValueError):  # noqa: N818 - said of what a hook wants
    """A hook may not say this; the text says why."""


_FOLD: Final = {code: "-" for code in range(128) if not chr(code).isalnum()}


def folded(name: str) -> str:
    """The name as servers tell names apart that cannot tell `_` from `-`, or any of these characters from another."""
    return name.lower().translate(_FOLD)


def check_status(status: object) -> int:
    """A final status that a hook may answer with."""
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        raise Forbidden(f"the status {status!r:.40} is none from 200 to 599")
    return status


def check_answer_headers(items: tuple[Item, ...]) -> None:
    """Headers of a hook's own answer."""
    _check(items, _TO_VISITOR)


def check_response_headers(items: tuple[Item, ...]) -> None:
    """Changes to the headers of the origin's answer."""
    _check(items, _TO_VISITOR)
    for name, _ in items:
        if folded(name) == _OF_BODY:
            raise Forbidden("content-encoding says how the origin's bytes are coded, and a hook does not change those")


def check_request_headers(items: tuple[Item, ...]) -> None:
    """Changes to the headers that the origin is sent."""
    _check(items, _TO_ORIGIN)
    for name, _ in items:
        if folded(name) == _TO_ORIGIN_TOO:
            raise Forbidden(f"the header {name} is the proxy's")


def _check(items: tuple[Item, ...], refused: frozenset[str]) -> None:
    size = number = 0
    for name, values in items:
        if _NAME.fullmatch(name) is None:
            raise Forbidden(f"{name!r:.80} is no header name")
        key = folded(name)
        if key in refused or key.startswith("cf-"):
            raise Forbidden(f"the header {name} is the proxy's")
        number += max(1, len(values))
        size += len(name)
        for value in values:
            size += len(name) + len(value)
            if size > MAX_HEADER_BYTES:
                break
            if _VALUE.fullmatch(value) is None:
                raise Forbidden(f"{value!r:.80} cannot be the value of the header {name}")
            if key == "set-cookie" and _OUR_COOKIE.match(value):
                raise Forbidden("__cf_bm and cf_clearance are cookies of the proxy")
    if number > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise Forbidden(f"more than {MAX_HEADERS} headers or {MAX_HEADER_BYTES // 1024} KB of them")
