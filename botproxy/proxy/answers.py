"""Answers of our own on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from botproxy.model import Headers
from botproxy.proxy.forwarding import lines
from botproxy.proxy.reasons import REASONS
from botproxy.proxy.refusals import refuse
from botproxy.proxy.wire import Wire

HeaderList = Sequence[tuple[bytes, bytes]]


def header_lines(headers: HeaderList) -> bytes:
    """Headers of our own on the wire. A line break in one of them is a fault of ours and raises ValueError."""
    text = lines(headers)
    if text.count(b"\n") != len(headers) or text.count(b"\r") != len(headers) or b"\0" in text:
        raise ValueError("a control character in a header of our own")
    return text


def refusal(
    wire: Wire,
    status: int,
    cf_ray: bytes,
    navigation: bool,
    asked: Headers,
    host: str,
    now: float,
    title: str = "",
    sentence: str = "",
    by_rule: bool = False,
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of the usual answer of this status to a request with the headers `asked`, in the look of its
    host's site. `now` is seconds since the epoch."""
    headers, body = refuse(
        status,
        cf_ray.decode("ascii"),
        navigation,
        title,
        sentence,
        pages=wire.pages(host),
        headers=asked,
        host=host,
        now=now,
        by_rule=by_rule,
    )
    if status == 503:
        headers = [item for item in headers if item[0] != b"Retry-After"]
        headers.append((b"Retry-After", b"%d" % ceil(wire.limits.retry_after)))
    return headers, body


def own_answer(
    status: int, headers: HeaderList, body: bytes, date: bytes, cf_ray: bytes, connection: bytes, head_only: bool
) -> bytes:
    """Head and body. `connection` is a whole line or nothing; `head_only` for an answer to HEAD."""
    bodiless = status in (204, 304)
    return b"HTTP/1.1 %d %b\r\n%bDate: %b\r\n%bCf-Ray: %b\r\n%b\r\n%b" % (
        status,
        REASONS.get(status, b""),
        header_lines(headers),
        date,
        b"" if bodiless else b"Content-Length: %d\r\n" % len(body),
        cf_ray,
        connection,
        b"" if bodiless or head_only else body,
    )
