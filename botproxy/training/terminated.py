"""The same requests as they would have come otherwise: straight over HTTP/1.1, or through somebody else's TLS.

Laboratories record HTTP/2 over TLS that ends at the proxy. Many sites have a load balancer in front, and there people
and programs alike come over HTTP/1.x without fingerprints. A model that never saw that would hold it against people.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from botproxy.training import in_front
from botproxy.training.dataset import Labelled

_HTTP2_ALONE: Final = frozenset(("te", "priority"))
_FIREFOX_HTTP2_ALONE: Final = frozenset(("te",))


def directly(one: Labelled) -> Labelled:
    """As a browser would have sent it over HTTP/1.1: Host and Connection first, names as it spells them there."""
    if one.http != "HTTP/2":
        return one
    chromium = any(name.lower() == "sec-ch-ua" for name, _ in one.headers)
    firefox = any(name.lower() == "user-agent" and "Firefox/" in value for name, value in one.headers)
    left_out = _FIREFOX_HTTP2_ALONE if firefox else _HTTP2_ALONE
    rest = [
        (name if chromium and name.startswith("sec-ch-ua") else _titled(name), value)
        for name, value in one.headers
        if name.lower() not in left_out and name.lower() not in ("host", "connection")
    ]
    connection = ("Connection", "keep-alive")
    if not chromium and rest:  # Firefox and Safari name it after what they accept
        at = max((place for place, (name, _) in enumerate(rest) if name.startswith("Accept")), default=len(rest) - 1)
        headers = [("Host", one.host), *rest[: at + 1], connection, *rest[at + 1 :]]
    else:
        headers = [("Host", one.host), connection, *rest]
    return one._replace(http="HTTP/1.1", headers=tuple(headers), http2="")


def through_proxy(one: Labelled) -> Labelled:
    """As a proxy passes it on that ends TLS and says nothing of it: its own Connection, other names as they came."""
    rest = [(name, value) for name, value in one.headers if name.lower() not in ("host", "connection", "te", "upgrade")]
    upgrade = one.header("upgrade")
    if upgrade:  # as everybody tells nginx to pass WebSockets on
        headers = (("Host", one.host), ("Upgrade", upgrade), ("Connection", "upgrade"), *rest)
        return one._replace(http="HTTP/1.1", headers=headers, http2="", tls="", cipher="", ja3="", ja4="")
    headers = (("Host", one.host), ("Connection", "close"), *rest)
    return one._replace(http="HTTP/1.0", headers=headers, http2="", tls="", cipher="", ja3="", ja4="")


def untold(one: Labelled) -> Labelled:
    """As `directly`, through a proxy that passes bytes on and ends TLS."""
    return directly(one)._replace(tls="", cipher="", ja3="", ja4="", http2="")


def plainly(one: Labelled) -> Labelled:
    """As a browser sends it over plain http to a name that is not its own machine's: without Sec-Fetch and client
    hints, and with the codings that nobody on the way misreads.
    """
    sent = directly(one)
    headers = [
        (name, "gzip, deflate" if name == "Accept-Encoding" and "br" in value else value)
        for name, value in sent.headers
        if not name.lower().startswith(("sec-fetch-", "sec-ch-"))
    ]
    return sent._replace(secure=False, tls="", cipher="", ja3="", ja4="", headers=tuple(headers))


_WAYS: Final = (directly, directly, untold, plainly, plainly, through_proxy, *in_front.WAYS)


def varied(requests: Iterable[Labelled], seed: int) -> Iterator[Labelled]:
    """Every visit in one of the other ways, drawn by visit and never by label."""
    drawn: dict[str, Callable[[Labelled], Labelled]] = {}
    random_of = random.Random(seed)  # noqa: S311 - the same each time is what is wanted
    for one in requests:
        way = drawn.get(one.session)
        if way is None:
            way = drawn[one.session] = random_of.choice(_WAYS)
        yield way(one)


def _titled(name: str) -> str:
    return {"dnt": "DNT", "sec-gpc": "Sec-GPC"}.get(name, name.title()) if name == name.lower() else name
