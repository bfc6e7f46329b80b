"""Features of one request: its line, its connection, and who sends it. Computed each time."""

from __future__ import annotations

from typing import Final, final

from botproxy.model import Facts, Tls
from botproxy.remembered import Remembered
from botproxy.rules.tls_client import CONTRADICTS, FITS, tls_client_fields
from botproxy.scoring.ml.feature import MISSING, Feature, Group
from botproxy.tls import KnownClients

_R: Final = Group.REQUEST
_C: Final = Group.CONNECTION
_W: Final = Group.CALLER

_METHODS: Final = {b"GET": 0.0, b"HEAD": 1.0, b"POST": 2.0, b"OPTIONS": 3.0, b"PUT": 4.0, b"DELETE": 4.0, b"PATCH": 4.0}
_VERSIONS: Final = {"HTTP/1.0": 0.0, "HTTP/1.1": 1.0, "HTTP/2": 2.0}
_PSEUDO: Final = {"m,a,s,p": 1.0, "m,p,a,s": 2.0, "m,s,p,a": 3.0, "m,s,a,p": 4.0}
"""Orders of pseudo-headers: Chromium's, Firefox's, Safari's old and new."""

_BROWSERS: Final = frozenset((b"chromium", b"firefox", b"safari"))

FEATURES: Final = (
    Feature("method", _R, "0 to 5", "0 GET, 1 HEAD, 2 POST, 3 OPTIONS, 4 PUT, PATCH or DELETE, 5 other"),
    Feature("static_resource", _R, "0 or 1", "the path ends as files that anybody may have do"),
    Feature("body", _R, "0 to 2", "0 none, 1 of known length, 2 chunked"),
    Feature("referer", _R, "0 to 2", "0 none, 1 of this host, 2 of another"),
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

COUNT: Final = len(FEATURES)


@final
class Moments:
    """Reads the features of requests. Remembers up to 2,048 kinds of connections; the older half goes first."""

    __slots__ = ("_client", "_fit", "_remembered")

    def __init__(self, clients: KnownClients) -> None:
        fields = {name: reader for name, _, reader in tls_client_fields(clients)}
        self._client: Final = fields["botproxy.tls_client"]
        self._fit: Final = fields["botproxy.tls_fit"]
        self._remembered: Final[Remembered[tuple[float, ...]]] = Remembered(1_024, 1024 * 1024, 4 * 1024)

    def read(self, facts: Facts) -> tuple[float, ...]:
        """The features of a request in the order of `FEATURES`."""
        request, client, session = facts.request, facts.client, facts.session
        tls = client.tls
        length = request.body_length
        fit = known = MISSING
        if tls is None:
            hello: tuple[float, ...] = _NO_TLS
        else:
            key = f"{tls.version} {tls.ja4} {client.http2}".encode("ascii", "replace")
            found = self._remembered.get(key)
            if found is None:
                found = _connection(tls, client.http2)
                self._remembered.offer(key, found)
            hello = found
            if tls.ja4:
                name = self._client(facts)
                known = MISSING if name is None else float(name in _BROWSERS)
                word = self._fit(facts)
                fit = 1.0 if word == FITS else 0.0 if word == CONTRADICTS else MISSING
        return (
            _METHODS.get(request.method, 5.0),
            float(facts.static_resource),
            1.0 if length else 0.0 if length == 0 else 2.0,
            _referer(request.headers.first(b"referer"), request.authority),
            _VERSIONS.get(request.version, 1.0),
            *hello,
            known,
            fit,
            float(session is not None),
            MISSING if session is None else max(0.0, request.received - session.issued),
        )


_NO_TLS: Final = (MISSING,) * 7


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


def _referer(value: bytes | None, authority: bytes) -> float:
    if value is None:
        return 0.0
    _, _, rest = value.partition(b"://")
    return 1.0 if rest.partition(b"/")[0].lower() == authority.lower() else 2.0
