"""The cookie headers of HTTP: reading `Cookie` within bounds, writing `Set-Cookie` (RFC 6265, and CHIPS)."""

from __future__ import annotations

from typing import Final

from botproxy.model import Headers

SESSION_COOKIE: Final = b"__cf_bm"
CLEARANCE_COOKIE: Final = b"cf_clearance"

MAX_VALUES: Final = 4
"""Cookies of one name that are looked at: host-only, domain, partitioned, and one that somebody planted."""


def read_cookie(headers: Headers, name: bytes) -> list[bytes]:
    """Values of the cookies with this name (case matters), in order, four at most; blanks around them removed.

    Several cookies of one name are legal, and another host of the same site can plant one in front of ours: try each.
    """
    lines = headers.index.get(b"cookie")
    if lines is None:
        return []
    values: list[bytes] = []
    wanted = name + b"="
    for line in lines:
        at = line.find(wanted)
        while at >= 0 and len(values) < MAX_VALUES:
            start = at + len(wanted)
            end = line.find(b";", start)
            if end < 0:
                end = len(line)
            if line.endswith(b"; ", 0, at) or not line[line.rfind(b";", 0, at) + 1 : at].strip(b" \t"):
                values.append(line[start:end].strip(b" \t"))
            at = line.find(wanted, end)
    return values


def set_cookie(
    name: bytes, value: str, *, secure: bool, max_age: int, domain: str | None = None, partitioned: bool = False
) -> bytes:
    """The value of a Set-Cookie header, always with `HttpOnly` and `Path=/`; `max_age` in seconds.

    Over https it is `SameSite=None; Secure`, and `Partitioned` where asked for, so that it works in frames; over http
    browsers refuse those, and it is `SameSite=Lax`. Without `domain` it is host-only.
    """
    parts = [name + b"=" + value.encode("ascii"), b"Path=/", b"Max-Age=%d" % max(max_age, 0)]
    if domain is not None:
        parts.append(b"Domain=" + domain.encode("ascii"))
    parts.append(b"HttpOnly")
    if secure:
        parts.append(b"Secure")
        parts.append(b"SameSite=None")
        if partitioned:
            parts.append(b"Partitioned")
    else:
        parts.append(b"SameSite=Lax")
    return b"; ".join(parts)
