"""Requests that browsers make beside pages and their parts: WebSockets, preflights, workers, downloads, beacons.

A site has few of them, so a laboratory records few, and a model that saw few holds them against people: they lack much
of what pages have. Names and order are those of the engine over HTTP/1.1; over HTTP/2 names are in lower case, and Host
and Connection are not there. A WebSocket is opened over a connection of its own, by HTTP/1.1.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from typing import Final

from lab.population import Asked, Person

_FETCH: Final = ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest")

_CHROMIUM: Final = {
    "websocket": "Host Connection Pragma Cache-Control User-Agent Upgrade Origin Sec-WebSocket-Version "
    "Accept-Encoding Accept-Language Cookie Sec-WebSocket-Key Sec-WebSocket-Extensions",
    "preflight": "Host Connection Accept Access-Control-Request-Method Access-Control-Request-Headers Origin "
    "User-Agent Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-Dest Referer Accept-Encoding Accept-Language Priority",
    "worker": "Host Connection Accept Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest Referer User-Agent Accept-Encoding "
    "Accept-Language Cookie Priority",
    "serviceworker": "Host Connection Cache-Control Accept Service-Worker Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest "
    "Referer User-Agent Accept-Encoding Accept-Language Cookie Priority",
    "download": "Host Connection Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest Referer User-Agent Accept-Encoding "
    "Accept-Language Cookie Priority",
    "cors": "Host Connection Origin sec-ch-ua-platform User-Agent sec-ch-ua sec-ch-ua-mobile Accept Sec-Fetch-Site "
    "Sec-Fetch-Mode Sec-Fetch-Dest Referer Accept-Encoding Accept-Language Priority",
    "beacon": "Host Connection Content-Length sec-ch-ua-platform User-Agent sec-ch-ua Content-Type sec-ch-ua-mobile "
    "Accept Origin Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest Referer Accept-Encoding Accept-Language Cookie "
    "Priority",
}
_FIREFOX: Final = {
    "websocket": "Host User-Agent Accept Accept-Language Accept-Encoding Sec-WebSocket-Version Origin "
    "Sec-WebSocket-Extensions Sec-WebSocket-Key Connection Cookie Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Pragma "
    "Cache-Control Upgrade",
    "preflight": "Host User-Agent Accept Accept-Language Accept-Encoding Access-Control-Request-Method "
    "Access-Control-Request-Headers Referer Origin Connection Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Priority TE",
    "worker": "Host User-Agent Accept Accept-Language Accept-Encoding Connection Referer Cookie Sec-Fetch-Dest "
    "Sec-Fetch-Mode Sec-Fetch-Site Priority TE",
    "serviceworker": "Host User-Agent Accept Accept-Language Accept-Encoding Service-Worker Connection Cookie "
    "Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Priority Pragma Cache-Control TE",
    "cors": "Host User-Agent Accept Accept-Language Accept-Encoding Origin Connection Referer Sec-Fetch-Dest "
    "Sec-Fetch-Mode Sec-Fetch-Site Priority TE",
    "beacon": "Host User-Agent Accept Accept-Language Accept-Encoding Content-Type Content-Length Origin Connection "
    "Referer Cookie Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Priority TE",
}
_SAFARI: Final = {
    "websocket": "User-Agent Origin Pragma Cache-Control Upgrade Connection Sec-WebSocket-Key Sec-WebSocket-Version "
    "Sec-WebSocket-Extensions Accept-Encoding Accept-Language Host Cookie Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site",
    "preflight": "Host Accept Origin Access-Control-Request-Method Access-Control-Request-Headers User-Agent Referer "
    "Accept-Language Accept-Encoding Connection Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-Dest",
    "worker": "Host Accept Sec-Fetch-Site Accept-Language Sec-Fetch-Mode Accept-Encoding User-Agent Connection Referer "
    "Sec-Fetch-Dest Cookie",
    "serviceworker": "Host Service-Worker Accept Sec-Fetch-Site Cache-Control Accept-Language Sec-Fetch-Mode "
    "Accept-Encoding User-Agent Connection Referer Sec-Fetch-Dest Cookie",
    "cors": "Host Origin Accept Sec-Fetch-Site Accept-Language Sec-Fetch-Mode Accept-Encoding User-Agent Connection "
    "Referer Sec-Fetch-Dest",
    "beacon": "Host Content-Type Origin Accept Sec-Fetch-Site Accept-Language Sec-Fetch-Mode Accept-Encoding "
    "User-Agent Connection Referer Content-Length Sec-Fetch-Dest Cookie",
}
_ORDERS: Final = {"chromium": _CHROMIUM, "firefox": _FIREFOX, "safari": _SAFARI}

TARGETS: Final = {
    "websocket": "/socket", "preflight": "/api/cart", "worker": "/assets/worker.js", "serviceworker": "/sw.js",
    "download": "/files/manual.pdf", "cors": "/assets/fonts.js", "beacon": "/api/seen",
}  # fmt: skip
_METHODS: Final = {"preflight": "OPTIONS", "beacon": "POST"}
_CODINGS: Final = {
    "chromium": "gzip, deflate, br, zstd",
    "firefox": "gzip, deflate, br, zstd",
    "safari": "gzip, deflate, br",
}


def beside(person: Person, host: str, page: str, number: int, rng: random.Random) -> Iterator[tuple[str, Asked]]:
    """So many requests of a browser that shows this page, each with its kind."""
    orders = _ORDERS[person.engine]
    for kind in rng.choices(sorted(orders), k=number):
        http2 = person.http2 and kind != "websocket"
        values = _values(kind, person, host, page, rng)
        named = [(name, values[name.lower()]) for name in orders[kind].split(" ") if name.lower() in values]
        if http2:
            named = [(name.lower(), value) for name, value in named if name not in ("Host", "Connection")]
        else:
            http2_alone = ("TE",) if person.engine == "firefox" else ("Priority", "TE")
            named = [(name, value) for name, value in named if name not in http2_alone]
        yield kind, Asked(kind, _METHODS.get(kind, "GET"), tuple(named))


def _values(kind: str, person: Person, host: str, page: str, rng: random.Random) -> dict[str, str]:
    site = rng.choice(("same-site", "cross-site")) if kind in ("preflight", "cors") else "same-origin"
    modes = {
        "websocket": ("websocket", "websocket" if person.engine == "safari" else "empty"),
        "preflight": ("cors", "empty"),
        "worker": ("same-origin", rng.choice(("worker", "sharedworker"))),
        "serviceworker": ("same-origin", "serviceworker"),
        "download": ("navigate", "empty"),
        "cors": ("cors", rng.choice(("script", "image", "style"))),
        "beacon": ("no-cors", "empty"),
    }
    mode, destination = modes[kind]
    known = {name: value for name, value in person.headers.items() if name.startswith("sec-ch-ua")}
    values = {
        **known,
        "host": host,
        "user-agent": person.headers["user-agent"],
        "accept": "*/*",
        "accept-language": person.languages,
        "accept-encoding": _CODINGS[person.engine],
        "connection": "Upgrade" if kind == "websocket" else "keep-alive",
        "cookie": "__cf_bm=0",
        "referer": page,
        "origin": f"https://{host}",
        "sec-fetch-site": site,
        "sec-fetch-mode": mode,
        "sec-fetch-dest": destination,
        "priority": "u=4, i",
        "te": "trailers",
    }
    if kind == "websocket":
        values |= {
            "upgrade": "websocket", "pragma": "no-cache", "cache-control": "no-cache", "sec-websocket-version": "13",
            "sec-websocket-key": base64.b64encode(rng.randbytes(16)).decode(),
            "sec-websocket-extensions": "permessage-deflate"
            + ("" if person.engine == "firefox" else "; client_max_window_bits"),
        }  # fmt: skip
    elif kind == "preflight":
        values["access-control-request-method"] = rng.choice(("GET", "POST", "PUT", "DELETE"))
        if rng.random() < 0.7:
            values["access-control-request-headers"] = rng.choice(("authorization", "content-type", "x-csrf-token"))
    elif kind == "serviceworker":
        control = "no-cache" if person.engine == "firefox" else "max-age=0"
        values |= {"service-worker": "script", "cache-control": control, "pragma": "no-cache"}
    elif kind == "beacon":
        values |= {"content-type": "text/plain;charset=UTF-8", "content-length": "40"}
    return values
