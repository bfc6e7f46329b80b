"""Features of one request: its line, its connection, and who sends it. Computed each time."""

from __future__ import annotations

from typing import Final, final

from botproxy.model import Client, Facts, Headers, Tls
from botproxy.rules.tls_client import FITS, claimed_tls_client, tls_fit
from botproxy.scoring.ml.feature import MISSING, Feature, Group
from botproxy.tls import KnownClient, KnownClients

_R: Final = Group.REQUEST
_C: Final = Group.CONNECTION
_W: Final = Group.CALLER

_METHODS: Final = {b"GET": 0.0, b"HEAD": 1.0, b"POST": 2.0, b"OPTIONS": 3.0, b"PUT": 4.0, b"DELETE": 4.0, b"PATCH": 4.0}
_VERSIONS: Final = {"HTTP/1.0": 0.0, "HTTP/1.1": 1.0, "HTTP/2": 2.0}
_PSEUDO: Final = {"m,a,s,p": 1.0, "m,p,a,s": 2.0, "m,s,p,a": 3.0, "m,s,a,p": 4.0}
"""Orders of pseudo-headers: Chromium's, Firefox's, Safari's old and new."""

_BROWSERS: Final = frozenset(("chromium", "firefox", "safari"))

FEATURES: Final[tuple[Feature, ...]] = (
    Feature("method", _R, "0 to 5", "0 GET, 1 HEAD, 2 POST, 3 OPTIONS, 4 PUT, PATCH or DELETE, 5 other"),
    Feature("static_resource", _R, "0 or 1", "the path ends as files that anybody may have do"),
    Feature("body", _R, "0 to 2", "0 none, 1 of known length, 2 chunked"),
    Feature("referer", _R, "0 to 3", "0 none, 1 of this host, 2 of another, 3 the site asks browsers to leave it out"),
    Feature("http_version", _C, "0 to 2", "0 HTTP/1.0, 1 HTTP/1.1, 2 HTTP/2; as the proxy sees it"),
    Feature("tls_version", _C, "12 or 13", "TLS 1.2 or 1.3", "no TLS, or it ended before us"),
    Feature("tls_ciphers", _C, "suites", "offered, GREASE apart", "no JA4"),
    Feature("tls_extensions", _C, "extensions", "offered, GREASE apart", "no JA4"),
    Feature("tls_alpn", _C, "0 to 2", "0 none offered, 1 HTTP/1.1 first, 2 HTTP/2 first", "no JA4"),
    Feature("http2_order", _C, "0 to 4", "pseudo-headers in the order of 1 Chromium, 2 Firefox, 3 and 4 Safari, "
            "0 another", "no HTTP/2"),
    Feature("http2_settings", _C, "settings", "sent at the start", "no HTTP/2"),
    Feature("http2_window", _C, "bytes", "by which the connection's window is widened at the start", "no HTTP/2"),
    Feature("tls_browser", _C, "0 or 1", "the TLS is known as that of a browser", "no JA4, or not known"),
    Feature("tls_fit", _C, "0 or 1", "the TLS is that of the claimed browser", "it cannot be told"),
    Feature("session", _W, "0 or 1", "it brings a session cookie of ours"),
    Feature("session_age", _W, "seconds", "since the session began", "no session"),
)  # fmt: skip

COUNT: Final[int] = len(FEATURES)
LINE: Final[int] = 5
CONNECTION: Final[int] = 8
"""How many of them follow from the request's line, and how many from the connection alone; `tls_fit` is the next."""

NO_SESSION: Final[tuple[float, ...]] = (0.0, MISSING)
"""The features `session` and `session_age` of who has none."""

KEPT: Final = 1_024
LONGEST: Final = 512
"""Kinds of connections that a generation of the memory holds, and characters of what tells them apart."""


@final
class Connection:
    """What follows from a kind of connection. `memo` is room for what is derived of it, a bounded number of entries."""

    __slots__ = ("client", "features", "memo")

    def __init__(self, features: tuple[float, ...], client: KnownClient | None) -> None:
        self.features: Final = features
        self.client: Final = client
        self.memo: Final[dict[int, int]] = {}


@final
class Moments:
    """Reads the features of requests. Remembers up to 2,048 kinds of connections; the older half goes first."""

    __slots__ = ("_clients", "_none", "_old", "_young")

    def __init__(self, clients: KnownClients) -> None:
        self._clients: Final = clients
        self._none: Final = Connection((MISSING,) * CONNECTION, None)
        self._young: dict[tuple[str, str, str], Connection] = {}
        self._old: dict[tuple[str, str, str], Connection] = {}

    def read(self, facts: Facts) -> tuple[float, ...]:
        """The features of a request in the order of `FEATURES`."""
        connection = self.connection(facts.client)
        return (*line(facts), *connection.features, fit(connection, claimed(facts.request.headers)), *session(facts))

    def connection(self, client: Client) -> Connection:
        """What is known of the connection that this client came by."""
        tls = client.tls
        if tls is None:
            return self._none
        key = (tls.version, tls.ja4, client.http2)
        found = self._young.get(key)
        return self._find(key, tls) if found is None else found

    def _find(self, key: tuple[str, str, str], tls: Tls) -> Connection:
        found = self._old.get(key)
        if found is None:
            known = self._clients.find(tls.ja4) if tls.ja4 else None
            browser = MISSING if known is None else float(known.client in _BROWSERS)
            found = Connection((*_connection(tls, key[2]), browser), known)
            if len(tls.ja4) + len(key[2]) > LONGEST:
                return found
        if len(self._young) >= KEPT:
            self._old = self._young
            self._young = {}
        self._young[key] = found
        return found


def line(facts: Facts) -> tuple[float, ...]:
    """The first `LINE` features; they have few values."""
    request = facts.request
    length = request.body_length
    return (
        _METHODS.get(request.method, 5.0),
        1.0 if facts.static_resource else 0.0,
        1.0 if length else 0.0 if length == 0 else 2.0,
        _referer(request.headers.first(b"referer"), request.authority, facts.short_referer),
        _VERSIONS.get(request.version, 1.0),
    )


def claimed(headers: Headers) -> str:
    """The client whose TLS the claimed browser has; kept with the kind of header block."""
    known = headers.kind.get(_CLAIMED)
    if isinstance(known, str):
        return known
    made = claimed_tls_client(headers.first(b"user-agent") or b"")
    headers.kind[_CLAIMED] = made
    return made


def fit(connection: Connection, claimed: str) -> float:
    """The feature `tls_fit`."""
    word = tls_fit(connection.client, claimed)
    return MISSING if word is None else 1.0 if word == FITS else 0.0


def session(facts: Facts) -> tuple[float, ...]:
    """The last two."""
    session = facts.session
    if session is None:
        return NO_SESSION
    return 1.0, max(0.0, facts.request.received - session.issued)


_CLAIMED: Final = "scoring.ml.claimed"


def _connection(tls: Tls, http2: str) -> tuple[float, ...]:
    version = 13.0 if tls.version == "TLSv1.3" else 12.0 if tls.version == "TLSv1.2" else MISSING
    ciphers = extensions = alpn = order = settings = window = MISSING
    ja4 = tls.ja4
    if len(ja4) > 10 and ja4[4:8].isdigit():
        ciphers, extensions = float(ja4[4:6]), float(ja4[6:8])
        alpn = 0.0 if ja4[8:10] == "00" else 2.0 if ja4[8:10] == "h2" else 1.0
    parts = http2.split("|")
    if len(parts) == 4:
        settings = float(parts[0].count(":"))
        window = float(parts[1]) if parts[1].isdigit() else 0.0
        order = _PSEUDO.get(parts[3], 0.0)
    return version, ciphers, extensions, alpn, order, settings, window


_SHORT: Final = 3.0


def _referer(value: bytes | None, authority: bytes, short: bool) -> float:
    own = _SHORT if short else 1.0
    if value is None:
        return _SHORT if short else 0.0
    start = value.find(b"://") + 3
    end = start + len(authority)
    if start > 2 and value.startswith(authority, start) and value.startswith(b"/", end):
        return own  # the usual one, spelled as the request's own host
    _, _, rest = value.partition(b"://")
    return own if rest.partition(b"/")[0].lower() == authority.lower() else 2.0
