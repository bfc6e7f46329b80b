"""The wire: listeners, HTTP/1.1 and HTTP/2 towards clients, HTTP/1.1 towards origins, streaming, refusals."""

from botproxy.proxy.accepting import Listener
from botproxy.proxy.certificates import Certificates, OneContext, Pair, tls_context
from botproxy.proxy.exchange import Exchange
from botproxy.proxy.pool import OriginPool
from botproxy.proxy.records import Refusal, ResponseHead
from botproxy.proxy.server import Server
from botproxy.proxy.settings import Limits, ListenerSettings, OriginSettings, Timeouts, TlsSettings
from botproxy.proxy.wire import Counts, Handler, Wire

__all__ = [
    "Certificates",
    "Counts",
    "Exchange",
    "Handler",
    "Limits",
    "Listener",
    "ListenerSettings",
    "OneContext",
    "OriginPool",
    "OriginSettings",
    "Pair",
    "Refusal",
    "ResponseHead",
    "Server",
    "Timeouts",
    "TlsSettings",
    "Wire",
    "tls_context",
]
