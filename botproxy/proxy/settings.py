"""What operators can set about connections: listeners, limits, timeouts, and how an origin is reached."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from botproxy.addresses.settings import NetworkText
from botproxy.proxy.http2.settings import Http2Limits
from botproxy.schema import Seconds, Section, Size


class CertificateSettings(Section):
    """A certificate and its key. Both files are looked at every ten seconds, and loaded again once they change."""

    certificate: Path
    """PEM file with the certificate, followed by its chain."""

    key: Path
    """PEM file with its private key, without a passphrase."""


class TlsSettings(Section):
    """TLS of a listener. It has the certificates of all zones; a visitor gets the one for the name they ask for."""

    certificate: Path | None = None
    """PEM file with the certificate for everybody who asks for a name that no other certificate has, or for none,
    followed by its chain; left out, the first certificate of the zones."""

    key: Path | None = None
    """PEM file with its private key, without a passphrase."""

    minimum_version: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    """Oldest version of TLS that is spoken."""

    hello_size: Size = Field(default=16 * 1024, ge=1024, le=64 * 1024)
    """Bytes of a ClientHello; a larger one is not answered. Those of browsers have about two thousand."""


class HttpsSettings(Section):
    """What becomes of plain http."""

    redirect: bool = False
    """Send visitors of plain http to https. Paths of our own, health checks and `/.well-known/acme-challenge/` are
    answered as they are."""

    port: Annotated[int, Field(ge=1, le=65535)] = 443
    """Port that visitors reach https on."""


class ProxyProtocolSettings(Section):
    """Load balancers that begin each connection with a header of the PROXY protocol, version 1 or 2, to say whose it
    is."""

    peers: Annotated[tuple[NetworkText, ...], Field(min_length=1)]
    """Addresses and networks of the load balancers. They have to send the header, and nobody else's is believed."""

    others: Literal["refuse", "accept"] = "refuse"
    """Who else connects: `refuse` closes the connection, `accept` serves it as any other, without a header."""


class ListenerSettings(Section):
    """One address that visitors connect to."""

    address: str = "127.0.0.1:8080"
    """`HOST:PORT`, `[IPV6]:PORT`, or `:PORT` for every address of the machine."""

    tls: TlsSettings | None = None
    """Speak TLS here; without it the listener is plain http."""

    http2: bool = True
    """Offer HTTP/2 to visitors who speak TLS here."""

    proxy_protocol: ProxyProtocolSettings | None = None
    """Load balancers in front that speak the PROXY protocol; without it nobody does."""


class Limits(Section):
    """Bounds of one worker. Above them a client is told so; nothing grows without end."""

    connections: int = Field(default=8_000, ge=1)
    """Client connections at a time; above it 503 with Retry-After, and the connection is closed."""

    connections_per_address: int = Field(default=256, ge=1)
    """Client connections at a time from one peer address (IPv6: one /64); listed (trusted) peers are not counted.
    Below `connections` of an origin, so that one address cannot take them all."""

    handshakes: int = Field(default=2_000, ge=1)
    """Connections at a time that have not finished their TLS handshake or PROXY header; above it the one that has
    waited longest for its visitor is closed."""

    handshake_memory: Size = Field(default=64 * 1024 * 1024, ge=1024 * 1024)
    """Memory that these may take together, ours and the system's; above it likewise."""

    requests: int = Field(default=10_000, ge=1)
    """Requests being answered at a time; above it 503 with Retry-After."""

    header_count: int = Field(default=100, ge=1)
    """Headers in a request; above it 431."""

    header_size: Size = Field(default=64 * 1024, ge=1024)
    """Bytes of a whole request head, request line included; above it 431."""

    uri_length: Size = Field(default=16 * 1024, ge=64)
    """Bytes of the request target; above it 414."""

    body_size: Size | None = None
    """Bytes of a request body; above it 413. Off by default: bodies are streamed."""

    rule_body: Size = Field(default=128 * 1024, ge=1024, le=4 * 1024 * 1024)
    """Bytes of a request body that rules can look into, held back until they have; of a longer one they see so much,
    and that there is more. Nothing is held where no rule of the site looks into bodies."""

    rule_bodies: Size = Field(default=32 * 1024 * 1024, ge=1024 * 1024)
    """Bytes of all bodies that a worker holds for its rules at a time; above it the one that has waited longest for its
    client gets 503."""

    response_header_size: Size = Field(default=64 * 1024, ge=1024)
    """Bytes of an origin's response head; above it 502."""

    retry_after: Seconds = 5.0
    """What Retry-After says when the proxy is full, rounded up to whole seconds."""

    http2: Http2Limits = Http2Limits()
    """HTTP/2 towards visitors."""


class Timeouts(Section):
    """How long anything may take. One coarse clock watches them: they are kept to about half a second."""

    header: Seconds = 10.0
    """For a client to send its whole request head; then 408. Before that, as long again for a TLS handshake."""

    idle: Seconds = 75.0
    """For a kept-alive client connection to stay without a request; then it is closed."""

    body: Seconds = 30.0
    """For a client to send nothing of a request body that it owes; then 408."""

    body_rate: Size = 240
    """Bytes a second that a sender has to reach, averaged over each `body` period; 0 asks for none."""

    send: Seconds = 60.0
    """For a client to accept nothing of a response; then the connection is cut."""

    connect: Seconds = 5.0
    """For an origin to accept a connection, TLS included; then the next origin, or 504."""

    queue: Seconds = 10.0
    """For a request to wait for a free connection to an origin whose connections are all taken; then 503."""

    response: Seconds = 100.0
    """For an origin to send its response head once it has the request; then 504."""

    origin_silence: Seconds = 300.0
    """For an origin to send nothing midway through a response; then the connections are cut."""

    tunnel_silence: Seconds = 3600.0
    """For a WebSocket to carry nothing in either direction; then it is closed."""

    origin_idle: Seconds = 4.0
    """For a connection to an origin to wait for its next request; many servers close after five seconds."""

    drain: Seconds = 30.0
    """For running requests to end after a reload or a stop; what is left then is cut."""

    linger: Seconds = 2.0
    """For a refused client to read its answer, while what it still sends is thrown away."""


class OriginSettings(Section):
    """How the origins of a zone are reached."""

    verify: bool = True
    """Check the certificate of an https origin, and its name."""

    ca_file: Path | None = None
    """PEM file with the authorities to trust instead of the system's."""

    server_name: str | None = None
    """Name for SNI and for the certificate's check; the host of the origin's URL when absent."""

    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$")] | None = None
    """What Host says to the origin, for one that knows itself under another name; left out, what the visitor asked for,
    which is also in X-Forwarded-Host."""

    connections: int = Field(default=512, ge=1)
    """Connections at a time from one worker to one origin."""

    queue: int = Field(default=2_048, ge=0)
    """Requests that may wait for one of them; above it 503."""

    retry_after_failure: Seconds = 10.0
    """How long an origin that refused a connection is passed over while another one answers."""


class ManagedRequestHeaderSettings(Section):
    """What the origin is told of a request in headers of ours, under the names that Cloudflare's API has for it. What
    is switched off or not known is not sent; and no visitor can send any of these headers, on or off."""

    add_bot_protection_headers: bool = False
    """`cf-bot-score`, `cf-verified-bot`, `cf-ja3-hash` and `cf-ja4`."""

    add_visitor_location_headers: bool = False
    """`cf-ipcountry`, `cf-ipcity`, `cf-ipcontinent`, `cf-iplongitude`, `cf-iplatitude`, `cf-region`, `cf-region-code`,
    `cf-metro-code`, `cf-postal-code` and `cf-timezone`."""

    add_true_client_ip_headers: bool = False
    """`true-client-ip`: the visitor's address, which CF-Connecting-IP always has."""


class HealthSettings(Section):
    """`/livez` and `/readyz` on the listeners, for load balancers."""

    peers: tuple[NetworkText, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
    """Addresses and networks that may ask; for everybody else the two are paths of the site like any other."""


class OwnPathSettings(Section):
    """Paths of our own, which challenges need and origins never see, and how often one address may ask for them."""

    prefix: Annotated[str, Field(pattern=r"^/[a-z0-9][a-z0-9-]{0,30}/$")] = "/cdn-cgi/"
    """What they begin with: one segment between slashes. Behind Cloudflare itself `/cdn-cgi/` never arrives here, so
    another one is needed there."""

    rate: float = Field(default=10.0, gt=0, le=100_000)
    """Requests a second, in the long run; above it 429."""

    burst: float = Field(default=50.0, ge=1, le=1_000_000)
    """Requests at once."""

    addresses: int = Field(default=65_536, ge=1, le=4_000_000)
    """Addresses remembered by one worker; when they are more, the one that asked longest ago starts afresh."""
