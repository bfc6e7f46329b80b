"""Requests as they would have come through what people put in front of a site: it ends TLS, and tells nothing of it.

Each keeps the visitor's headers in their order, and adds its own as its documentation says. A visitor over HTTP/2 has
names in lower case, and what passes them on leaves them so; HAProxy makes all of them so. None keeps a connection to
one visitor: what a connection says of itself is what the one in front says.
"""

from __future__ import annotations

from typing import Final

from botproxy.training.dataset import Labelled

_HOP_BY_HOP: Final = frozenset(("host", "connection", "keep-alive", "te"))
_ADDRESS: Final = "203.0.113.7"
"""Stands for the visitor's in headers; no feature reads it."""

_TRACE: Final = "Root=1-67891233-abcdef012345678912345678"

_Headers = tuple[tuple[str, str], ...]


def through_nginx(one: Labelled) -> Labelled:
    """nginx with the lines that everybody copies: HTTP/1.0, a connection each, and who called."""
    upgrade = _upgrade(one)
    said = (("Host", one.host), ("X-Real-IP", _ADDRESS), *_for(one), *(upgrade or (("Connection", "close"),)))
    return _told(one, "HTTP/1.1" if upgrade else "HTTP/1.0", (*said, *_rest(one)))


def through_nginx_kept(one: Labelled) -> Labelled:
    """nginx that keeps connections (`keepalive`, `proxy_http_version 1.1`), shared by whoever comes."""
    said = (("Host", one.host), ("X-Real-IP", _ADDRESS), *_for(one), *_upgrade(one))
    return _told(one, "HTTP/1.1", (*said, *_rest(one)))


def through_haproxy(one: Labelled) -> Labelled:
    """HAProxy with `option forwardfor`: all names in lower case, its own at the end."""
    upgrade = tuple((name.lower(), value) for name, value in _upgrade(one))
    said = tuple((name.lower(), value) for name, value in (*_rest(one), *_for(one)))
    return _told(one, "HTTP/1.1", (("host", one.host), *upgrade, *said))


def through_alb(one: Labelled) -> Labelled:
    """A load balancer as clouds sell it (AWS ALB): its own headers first."""
    said = (*_for(one), ("X-Forwarded-Port", "443"), ("Host", one.host), ("X-Amzn-Trace-Id", _TRACE))
    return _told(one, "HTTP/1.1", (*said, *_upgrade(one), *_rest(one)))


def through_cdn(one: Labelled) -> Labelled:
    """A network of caches (Cloudflare) that asks the origin: other codings, and headers of its own."""
    rest = [
        (name, "gzip, br" if name.lower() == "accept-encoding" else value)
        for name, value in _rest(one)
        if name.lower() != "priority"
    ]
    before = (("Host", one.host), *(_upgrade(one) or (("Connection", "Keep-Alive"),)))
    coded = any(name.lower() == "accept-encoding" for name, _ in rest)
    added = () if coded else (("Accept-Encoding", "gzip, br"),)
    between = (*_for(one), ("CF-RAY", "8f3a52c1d04b7e96-FRA"), ("CF-Visitor", '{"scheme":"https"}'))
    after = (("CF-Connecting-IP", _ADDRESS), ("CDN-Loop", "cloudflare; loops=1"), ("CF-IPCountry", "DE"))
    return _told(one, "HTTP/1.1", (*before, *added, *between, *rest, *after))


WAYS: Final = (through_nginx, through_nginx_kept, through_haproxy, through_alb, through_cdn)


def _for(one: Labelled) -> _Headers:
    return ("X-Forwarded-For", _ADDRESS), ("X-Forwarded-Proto", "https" if one.secure else "http")


def _upgrade(one: Labelled) -> _Headers:
    """What they pass on of a WebSocket's handshake."""
    value = one.header("upgrade")
    return (("Upgrade", value), ("Connection", "upgrade")) if value else ()


def _rest(one: Labelled) -> _Headers:
    dropped = _HOP_BY_HOP | {"upgrade"}
    return tuple((name, value) for name, value in one.headers if name.lower() not in dropped)


def _told(one: Labelled, http: str, headers: _Headers) -> Labelled:
    return one._replace(http=http, headers=headers, http2="", tls="", cipher="", ja3="", ja4="")
