"""Whether a request was sent by a page of the site itself."""

from __future__ import annotations

from botproxy.model import Request


def same_origin(request: Request) -> bool:
    """Whether a page of this same host sent the request, as far as its browser says.

    `Sec-Fetch-Site` decides where there is one (Fetch metadata, W3C). Else `Origin` must name our host: its scheme is
    not compared, since behind a proxy that ends TLS and is not listed we do not know ours.
    """
    site = request.headers.first(b"sec-fetch-site")
    if site is not None:
        return site == b"same-origin"
    scheme, mark, authority = (request.headers.first(b"origin") or b"").lower().partition(b"://")
    return scheme in (b"http", b"https") and mark != b"" and authority == request.authority.lower()
