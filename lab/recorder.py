"""A web server that answers everything and keeps the head of every request exactly as it came.

Raw sockets, because libraries tidy up what must be seen here: spelling and order of header names. HTTP/1.1 alone,
plain and TLS, one thread a connection. It is meant for loopback and for a laboratory, never for a network.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from lab.pages import Answer, answer

SITE = "site.test"
"""The site that clients visit: no loopback name, so that browsers do not treat plain http as trustworthy."""

OTHER = "other.test"
"""Another site, for what browsers send across sites."""

_PORT = re.compile(rb"((?:site|other)\.test|127\.0\.0\.1|localhost):\d+")
_LIMIT = 65_536


@dataclass(frozen=True)
class Recorded:
    """One request head. Ports of this run are taken out, everything else is as received."""

    client: str
    scheme: str
    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]


@dataclass
class Recorder:
    """`with Recorder() as recorder:` serves until the block ends; `recorder.seen` has what came."""

    client: str = ""
    seen: list[Recorded] = field(default_factory=list)
    on_seen: Callable[[Recorded], None] | None = None

    def __enter__(self) -> Recorder:
        self._authority = trustme.CA()
        certificate = self._authority.issue_cert(SITE, OTHER, "localhost", "127.0.0.1")
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self._tls)
        self._tls.set_alpn_protocols(["http/1.1"])
        self.certificate = certificate
        self._open = True
        self._sockets = {scheme: socket.create_server(("127.0.0.1", 0), backlog=128) for scheme in ("http", "https")}
        self.ports = {scheme: sock.getsockname()[1] for scheme, sock in self._sockets.items()}
        for scheme, sock in self._sockets.items():
            threading.Thread(target=self._accept, args=(scheme, sock), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        for sock in self._sockets.values():
            sock.close()

    def url(self, scheme: str, host: str = SITE) -> str:
        """Base address without a trailing slash."""
        return f"{scheme}://{host}:{self.ports[scheme]}"

    def save_authority(self, path: Path) -> Path:
        """Write the certificate of the authority that signed ours, for clients that want to trust it."""
        self._authority.cert_pem.write_to_path(str(path))
        return path

    def key_hash(self) -> str:
        """Base64 of SHA-256 over our public key: what Chromium's `--ignore-certificate-errors-spki-list` takes."""
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        certificate = x509.load_pem_x509_certificate(self.certificate.cert_chain_pems[0].bytes())
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def _accept(self, scheme: str, listener: socket.socket) -> None:
        while self._open:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(scheme, sock), daemon=True).start()

    def _converse(self, scheme: str, sock: socket.socket) -> None:
        sock.settimeout(30)
        try:
            if scheme == "https":
                sock = self._tls.wrap_socket(sock, server_side=True)
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest and b"\n\n" not in rest and len(rest) < _LIMIT:
                    more = sock.recv(_LIMIT)
                    if not more:
                        return
                    rest += more
                head, _, rest = rest.partition(b"\r\n\r\n" if b"\r\n\r\n" in rest else b"\n\n")
                recorded = self._parse(scheme, head)
                if recorded is None:
                    return
                rest = self._skip_body(sock, recorded, rest)
                self.seen.append(recorded)
                if self.on_seen is not None:
                    self.on_seen(recorded)
                if not self._respond(sock, recorded):
                    return
        except (OSError, ValueError):
            return
        finally:
            sock.close()

    def _parse(self, scheme: str, head: bytes) -> Recorded | None:
        lines = _PORT.sub(rb"\1", head).split(b"\n")
        parts = lines[0].rstrip(b"\r").split(b" ")
        if len(parts) != 3:
            return None
        headers = []
        for line in lines[1:]:
            name, _, value = line.rstrip(b"\r").partition(b":")
            headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        method, target, version = (part.decode("latin-1") for part in parts)
        return Recorded(self.client, scheme, method, target, version, headers)

    def _skip_body(self, sock: socket.socket, recorded: Recorded, rest: bytes) -> bytes:
        names = {name.lower(): value for name, value in recorded.headers}
        if names.get("expect", "").lower() == "100-continue":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if names.get("transfer-encoding", "").lower() == "chunked":
            while b"0\r\n\r\n" not in rest:
                more = sock.recv(_LIMIT)
                if not more:
                    return b""
                rest += more
            return rest.partition(b"0\r\n\r\n")[2]
        length = int(names.get("content-length", "0") or 0)
        while len(rest) < length:
            more = sock.recv(_LIMIT)
            if not more:
                return b""
            rest += more
        return rest[length:]

    def _respond(self, sock: socket.socket, recorded: Recorded) -> bool:
        """Answer and say whether the connection goes on."""
        names = {name.lower(): value for name, value in recorded.headers}
        given: Answer = answer(
            recorded.method, recorded.target, names, self.url(recorded.scheme), self.url(recorded.scheme, OTHER)
        )
        goes_on = recorded.version == "HTTP/1.1" and names.get("connection", "").lower() != "close"
        lines = [f"HTTP/1.1 {given.status} OK", *(f"{name}: {value}" for name, value in given.headers)]
        if given.status != 101:
            lines += [f"Content-Length: {len(given.body)}", f"Connection: {'keep-alive' if goes_on else 'close'}"]
        sock.sendall(
            "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if recorded.method == "HEAD" else given.body)
        )
        return goes_on and given.status != 101
