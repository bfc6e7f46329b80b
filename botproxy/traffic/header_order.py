"""A fingerprint of how a client writes its headers: which ones, in what order, how spelled. Pure, from names alone.

`h2-07-en-4f1c…-9a0b…`: version of HTTP; how many headers; the first language; twelve hex digits of the names in order,
as they were spelled; twelve of the set of names. Headers that are there or not with the request, and not with the
client, do not count: a browser has one fingerprint for each kind of request that it makes, and a program one in all.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from botproxy.model import VARIED, Headers

PASSED_OVER: Final = VARIED | frozenset(
    (
        b"authorization", b"cache-control", b"content-encoding", b"content-language", b"content-length",
        b"content-type", b"expect", b"forwarded", b"host", b"if-match", b"if-range", b"if-unmodified-since",
        b"last-event-id", b"origin", b"pragma", b"purpose", b"range", b"sec-fetch-user", b"sec-purpose",
        b"transfer-encoding", b"upgrade-insecure-requests", b"via", b"x-csrf-token", b"x-forwarded-host",
        b"x-forwarded-proto", b"x-real-ip", b"x-requested-with",
    )
)  # fmt: skip
"""Lower-case names that say nothing of the client. `host` always stands where the protocol has it."""

MOST: Final = 99
_MEMO: Final = "traffic.header_fingerprint"


def header_fingerprint(version: str, headers: Headers) -> str:
    """The fingerprint of a request's headers; `version` is `Request.version`."""
    known = headers.kind.get(_MEMO)
    if isinstance(known, str):
        return f"h{version[5:6] or '0'}-{known}"
    names = [name for name, _ in headers.items if name.lower() not in PASSED_OVER]
    order = sha256(b"\0".join(names)).hexdigest()[:12]
    lower = sorted({name.lower() for name in names})
    every = sha256(b"\0".join(lower)).hexdigest()[:12]
    made = f"{min(len(names), MOST):02}-{_language(headers)}-{order}-{every}"
    headers.kind[_MEMO] = made
    return f"h{version[5:6] or '0'}-{made}"


def _language(headers: Headers) -> str:
    """The first language in two letters; `00` without one, `xx` for what is none."""
    said = headers.first(b"accept-language")
    if not said:
        return "00"
    tag = said.lstrip(b" ")[:2].lower()
    return tag.decode("ascii") if len(tag) == 2 and tag.isalpha() and tag.isascii() else "xx"
