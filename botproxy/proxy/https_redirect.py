"""Sending visitors of plain http to https."""

from __future__ import annotations

from typing import Final, NamedTuple

from botproxy.model import Request

ACME: Final = b"/.well-known/acme-challenge/"
"""Whoever proves there that the name is theirs may have no certificate yet (RFC 8555 section 8.3)."""


class Redirect(NamedTuple):
    """An answer without a body."""

    status: int
    location: bytes


def to_https(request: Request, port: int) -> Redirect | None:
    """Where this request is to be made instead; None when it is secure already, or has to be answered as it is.

    301 for what can be asked again, 308 for what has to be sent again as it was (RFC 9110 section 15.4.9).
    """
    if request.secure or request.path.startswith(ACME):
        return None
    where = b"https://" + request.host.encode("ascii") + (b"" if port == 443 else b":%d" % port) + request.path
    if request.query is not None:
        where += b"?" + request.query
    return Redirect(301 if request.method in (b"GET", b"HEAD") else 308, where)
