"""Features of a header block: computed once for all blocks of a kind, which differ in nothing that is read here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from botproxy.model import Headers
from botproxy.rules.user_agent import claim
from botproxy.scoring.ml.feature import MISSING, Feature, Group

_H: Final = Group.HEADERS
_U: Final = Group.USER_AGENT

_ORDERS: Final = (
    (b"host", b"user-agent"),
    (b"user-agent", b"accept"),
    (b"accept", b"accept-encoding"),
    (b"accept", b"accept-language"),
    (b"accept-language", b"accept-encoding"),
    (b"accept-encoding", b"connection"),
    (b"connection", b"user-agent"),
    (b"sec-fetch-dest", b"sec-fetch-mode"),
    (b"sec-fetch-site", b"sec-fetch-mode"),
    (b"accept", b"sec-fetch-site"),
    (b"sec-ch-ua", b"user-agent"),
    (b"sec-ch-ua-platform", b"sec-ch-ua"),
    (b"referer", b"accept-encoding"),
    (b"cookie", b"accept-language"),
)
"""Pairs of headers whose order tells programs apart."""

_PRESENT: Final = (
    b"upgrade-insecure-requests",
    b"priority",
    b"te",
    b"cache-control",
    b"pragma",
    b"origin",
    b"content-type",
    b"x-requested-with",
    b"range",
    b"via",
    b"from",
)
_PRIVACY: Final = (b"dnt", b"sec-gpc")
_ASKED_FOR: Final = (
    b"sec-ch-ua-full-version-list", b"sec-ch-ua-full-version", b"sec-ch-ua-arch", b"sec-ch-ua-bitness",
    b"sec-ch-ua-model", b"sec-ch-ua-platform-version", b"sec-ch-ua-wow64", b"sec-ch-ua-form-factors",
    b"sec-ch-prefers-color-scheme", b"sec-ch-prefers-reduced-motion", b"sec-ch-prefers-reduced-transparency",
    b"sec-ch-viewport-height", b"sec-ch-viewport-width", b"sec-ch-device-memory", b"sec-ch-dpr", b"sec-ch-width",
    b"device-memory", b"downlink", b"ect", b"rtt", b"dpr", b"viewport-width", b"width",
)  # fmt: skip
"""Client hints that a browser sends where the site asked for them."""

_ADDED: Final = (
    b"x-forwarded", b"forwarded", b"x-real-ip", b"via", b"cf-", b"cdn-loop", b"true-client-ip", b"x-amzn-trace-id",
    b"x-amz-cf-id", b"cloudfront-", b"fastly-", b"x-azure-", b"x-client-ip", b"x-cloud-trace-context",
    b"x-request-id", b"x-request-start", b"traceparent", b"tracestate", b"x-varnish", b"x-envoy-",
)  # fmt: skip
"""How headers begin that proxies, load balancers and caches add: they say nothing of who asks."""

_WRITTEN: Final = frozenset((b"host", b"connection"))
"""Headers that whoever stands in front writes anew."""

_ACCEPTS: Final = (
    (b"*/*", 1.0, "anything"),
    (b"text/html,application/xhtml+xml,application/xml;q=0.9,", 2.0, "a browser's page"),
    (b"image/", 3.0, "an image"),
    (b"text/css,", 4.0, "a style sheet"),
    (b"application/json", 5.0, "JSON"),
    (b"text/html", 6.0, "HTML in other words"),
)
_ACCEPT_OTHER: Final = 7.0

_DESTINATIONS: Final = {
    b"document": (b"navigate",),
    b"iframe": (b"navigate",),
    b"frame": (b"navigate",),
    b"embed": (b"navigate", b"no-cors"),
    b"object": (b"navigate", b"no-cors"),
    b"image": (b"no-cors", b"cors", b"same-origin"),
    b"style": (b"no-cors", b"cors", b"same-origin"),
    b"script": (b"no-cors", b"cors", b"same-origin"),
    b"font": (b"cors", b"same-origin"),
    b"audio": (b"no-cors", b"cors", b"same-origin"),
    b"video": (b"no-cors", b"cors", b"same-origin"),
    b"track": (b"no-cors", b"cors", b"same-origin"),
    b"manifest": (b"cors", b"same-origin", b"no-cors"),
    b"worker": (b"same-origin", b"cors", b"no-cors"),
    b"sharedworker": (b"same-origin", b"cors", b"no-cors"),
    b"serviceworker": (b"same-origin", b"cors", b"no-cors"),
    b"websocket": (b"websocket",),
    b"empty": (b"cors", b"no-cors", b"same-origin", b"websocket", b"navigate"),
}
_PAGE, _PART, _SCRIPTED, _WORKER, _WEBSOCKET, _PREFLIGHT = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0
_PURPOSES: Final = {
    **dict.fromkeys((b"document", b"iframe", b"frame", b"fencedframe", b"embed", b"object"), _PAGE),
    **dict.fromkeys((b"image", b"style", b"script", b"font", b"audio", b"video", b"track", b"manifest"), _PART),
    **dict.fromkeys((b"worker", b"sharedworker", b"serviceworker", b"audioworklet", b"paintworklet"), _WORKER),
    b"empty": _SCRIPTED,
    b"websocket": _WEBSOCKET,
}
_BROWSERS: Final = {
    b"": 0.0,
    b"chrome": 1.0,
    b"edge": 2.0,
    b"opera": 3.0,
    b"samsung": 4.0,
    b"firefox": 5.0,
    b"safari": 6.0,
}
_HINTED_PLATFORMS: Final = {
    b'"Windows"': b"windows",
    b'"macOS"': b"macos",
    b'"Linux"': b"linux",
    b'"Chrome OS"': b"linux",
    b'"Chromium OS"': b"linux",
    b'"Android"': b"android",
    b'"iOS"': b"ios",
}
_CHROMIUM: Final = frozenset((b"chrome", b"edge", b"opera", b"samsung"))


def _order_name(pair: tuple[bytes, bytes]) -> str:
    return f"{pair[0].decode()}_before_{pair[1].decode()}".replace("-", "_")


FEATURES: Final[tuple[Feature, ...]] = (
    Feature("headers", _H, "headers", "how many there are, without client hints that a site asked for and what proxies "
            "add"),
    Feature("names_case", _H, "0 to 3", "spelling of names, without Host, Connection and what proxies add: 0 all "
            "lower, 1 all as in the standards, 2 both as Chromium mixes them over HTTP/1.1, 3 otherwise"),
    Feature("accept", _H, "1 to 7", "; ".join([f"{code:g} {word}" for _, code, word in _ACCEPTS]) + "; 7 other",
            "no Accept"),
    Feature("languages", _H, "languages", "in Accept-Language", "no Accept-Language"),
    Feature("language_weights", _H, "0 or 1", "some language has a weight", "no Accept-Language"),
    Feature("encodings", _H, "0 to 4", "Accept-Encoding: 0 neither of these, 1 gzip, 2 gzip and deflate, 3 br too, "
            "4 zstd too", "no Accept-Encoding"),
    Feature("fetch_headers", _H, "headers", "of Sec-Fetch-Site, -Mode and -Dest"),
    Feature("fetch_coherent", _H, "0 or 1", "Sec-Fetch values that can stand together, and with Accept",
            "one of the three is absent"),
    Feature("client_hints", _H, "headers", "of Sec-CH-UA, -Mobile and -Platform"),
    Feature("connection", _H, "0 to 3", "0 no Connection, 1 keep-alive, 2 close, 3 other"),
    Feature("privacy_headers", _H, "headers", "of DNT and Sec-GPC"),
    *[Feature(f"has_{word.replace('-', '_')}", _H, "0 or 1", f"there is {word}")
      for word in map(bytes.decode, _PRESENT)],
    *[Feature(_order_name(pair), _H, "0 or 1", f"{pair[0].decode()} stands before {pair[1].decode()}", "one is absent")
      for pair in _ORDERS],
    Feature("agent_mozilla", _U, "0 or 1", "begins as those of browsers do", "no User-Agent"),
    Feature("agent_contact", _U, "0 or 1", "has an address of a page or of mail in it", "no User-Agent"),
    Feature("claimed_browser", _U, "0 to 6", "0 none, 1 Chrome, 2 Edge, 3 Opera, 4 Samsung, 5 Firefox, 6 Safari"),
    Feature("hints_agree", _U, "0 to 3", "of the client hints, those that say what the User-Agent says",
            "no client hints, or no User-Agent"),
    Feature("expected_absent", _U, "headers", "that the claimed browser always sends, and that are not there",
            "no browser is claimed"),
    Feature("purpose", _H, "0 to 6", "what it says it is for: 0 it does not say, 1 a page or a frame, 2 a part of a "
            "page, 3 what a script asked for, 4 a worker, 5 a WebSocket, 6 a preflight"),
)  # fmt: skip

COUNT: Final[int] = len(FEATURES)


def read(headers: Headers, secure: bool) -> tuple[float, ...]:
    """The features of a block in the order of `FEATURES`; `secure` is whether it came over https."""
    index = headers.index
    agent = headers.first(b"user-agent")
    order = {name: place for place, name in enumerate(index)}
    languages = headers.first(b"accept-language")
    values = [
        float(len(headers.items) - sum([name in index for name in _ASKED_FOR]) - _added(index)),
        _case(headers),
        _accept(headers.first(b"accept")),
        MISSING if languages is None else float(languages.count(b",") + 1),
        MISSING if languages is None else float(b";q=" in languages or b"; q=" in languages),
        _encodings(headers.first(b"accept-encoding")),
        float((b"sec-fetch-site" in index) + (b"sec-fetch-mode" in index) + (b"sec-fetch-dest" in index)),
        _coherent(headers),
        float((b"sec-ch-ua" in index) + (b"sec-ch-ua-mobile" in index) + (b"sec-ch-ua-platform" in index)),
        _connection(headers.first(b"connection")),
        float(sum([name in index for name in _PRIVACY])),
    ]
    values.extend([float(name in index) for name in _PRESENT])
    values.extend(
        [
            MISSING if one not in order or other not in order else float(order[one] < order[other])
            for one, other in _ORDERS
        ]
    )
    values.extend(_agent(headers, agent, secure))
    values.append(_purpose(headers))
    return tuple(values)


def _added(index: Mapping[bytes, object]) -> int:
    return sum([name.startswith(_ADDED) for name in index])


def _case(headers: Headers) -> float:
    lower = titled = others = 0
    for name, _ in headers.items:
        small = name.lower()
        if small in _WRITTEN or small.startswith(_ADDED):
            others += 1
        elif name == small:
            lower += 1
        elif name == name.title() or name in (b"DNT", b"TE", b"ETag"):
            titled += 1
    if lower + titled + others < len(headers.items):
        return 3.0
    if not titled:
        return 0.0
    return 2.0 if lower else 1.0


def _accept(value: bytes | None) -> float:
    if value is None:
        return MISSING
    for beginning, code, _ in _ACCEPTS:
        if value == beginning or (beginning != b"*/*" and value.startswith(beginning)):
            return code
    return _ACCEPT_OTHER


def _encodings(value: bytes | None) -> float:
    if value is None:
        return MISSING
    if b"gzip" not in value:
        return 0.0
    if b"deflate" not in value:
        return 1.0
    if b"br" not in value:
        return 2.0
    return 4.0 if b"zstd" in value else 3.0


def _connection(value: bytes | None) -> float:
    if value is None:
        return 0.0
    word = value.lower()
    return 1.0 if word == b"keep-alive" else 2.0 if word == b"close" else 3.0


def _coherent(headers: Headers) -> float:
    site, mode, destination = (headers.first(b"sec-fetch-" + part) for part in (b"site", b"mode", b"dest"))
    if site is None or mode is None or destination is None:
        return MISSING
    if site not in (b"none", b"same-origin", b"same-site", b"cross-site"):
        return 0.0
    modes = _DESTINATIONS.get(destination)
    if modes is not None and mode not in modes:
        return 0.0
    if site == b"none" and mode != b"navigate":
        return 0.0
    if b"sec-fetch-user" in headers.index and mode != b"navigate":
        return 0.0
    accept = headers.first(b"accept") or b""
    page = accept.startswith(b"text/html")
    return float(page == (mode == b"navigate") or destination in (b"empty", b"object", b"embed"))


def _purpose(headers: Headers) -> float:
    index = headers.index
    if b"sec-websocket-key" in index:
        return _WEBSOCKET
    if b"access-control-request-method" in index:
        return _PREFLIGHT
    if b"service-worker" in index:
        return _WORKER
    return _PURPOSES.get(headers.first(b"sec-fetch-dest") or b"", 0.0)


def _agent(headers: Headers, agent: bytes | None, secure: bool) -> tuple[float, ...]:
    if agent is None:
        return MISSING, MISSING, 0.0, MISSING, MISSING
    browser, major, platform = claim(agent)
    return (
        float(agent.startswith(b"Mozilla/5.0 (")),
        float(b"://" in agent or b"@" in agent),
        _BROWSERS.get(browser, 0.0),
        _hints(headers, agent, major, platform),
        _absent(headers, browser, secure),
    )


def _hints(headers: Headers, agent: bytes, major: int | None, platform: bytes) -> float:
    brands = headers.first(b"sec-ch-ua")
    mobile = headers.first(b"sec-ch-ua-mobile")
    hinted = headers.first(b"sec-ch-ua-platform")
    if brands is None and mobile is None and hinted is None:
        return MISSING
    agree = 0
    if brands is not None and major is not None and (b';v="%d"' % major in brands or b';v="%d.' % major in brands):
        agree += 1
    if mobile is not None and (mobile == b"?1") == (b"Mobile" in agent):
        agree += 1
    if hinted is not None and _HINTED_PLATFORMS.get(hinted) == platform:
        agree += 1
    return float(agree)


def _absent(headers: Headers, browser: bytes, secure: bool) -> float:
    if not browser:
        return MISSING
    index = headers.index
    expected: tuple[bytes, ...] = (b"accept", b"accept-encoding", b"accept-language")
    if secure:
        expected = (*expected, b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest")
        if browser in _CHROMIUM:
            expected = (*expected, b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform")
    return float(sum([name not in index for name in expected]))
