"""Certificates of a TLS listener: one context for each, found by the name a client asks for, renewed without a restart.

A certificate answers for the names that it holds, not for those of the zone that brought it. Nothing here is asked
while a request is on its way: `choose` is a dictionary's answer, and `renew` belongs on another thread.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol, final

from botproxy.errors import OperatorError

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and authenticated encryption alone (RFC 9325 section 4.2); TLS 1.3 has no others."""

VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class Pair(NamedTuple):
    """PEM files of one certificate with its chain, and of its key."""

    certificate: Path
    key: Path


class _State(NamedTuple):
    """What tells that a file was replaced, whether written over, renamed into place or linked anew."""

    modified: int  # nanoseconds
    size: int
    number: int


class _Loaded(NamedTuple):
    pair: Pair
    states: tuple[_State, ...]
    names: tuple[str, ...]  # as in the certificate, lower case
    context: ssl.SSLContext


def tls_context(pair: Pair, minimum: str = "TLSv1.2", protocols: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """A server's context with one certificate; `protocols` are for ALPN, the best first. Raises OperatorError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[minimum]
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(list(protocols))
    try:
        # An empty passphrase keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(pair.certificate, pair.key, password="")
    except (OSError, ValueError) as problem:
        raise OperatorError(f"certificate {pair.certificate} and key {pair.key}: {problem}") from None
    return context


def certificate_names(path: Path) -> tuple[str, ...]:
    """The DNS names that a certificate holds (RFC 5280 section 4.2.1.6), wildcards as they are. Raises OperatorError.

    One that holds none, as some make for themselves, has its common name instead.
    """
    from cryptography import x509  # only where TLS is served
    from cryptography.x509.oid import NameOID

    try:
        read = x509.load_pem_x509_certificate(path.read_bytes())
        try:
            names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
                x509.DNSName
            )
        except x509.ExtensionNotFound:
            names = [str(each.value) for each in read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (OSError, ValueError) as problem:
        raise OperatorError(f"certificate {path}: {problem}") from None
    return tuple(dict.fromkeys(name.lower().removesuffix(".") for name in names))


def covers(names: Container[str], host: str) -> bool:
    """Whether one of these names of certificates stands for this host, which may be a wildcard itself."""
    return host in names or "*." + host.partition(".")[2] in names


def _states(pair: Pair) -> tuple[_State, ...]:
    found = []
    for path in pair:
        try:
            said = os.stat(path)
        except (OSError, ValueError) as problem:
            raise OperatorError(f"{path}: {getattr(problem, 'strerror', None) or problem}") from None
        found.append(_State(said.st_mtime_ns, said.st_size, said.st_ino))
    return tuple(found)


class Contexts(Protocol):
    """Who knows the context for a name."""

    def choose(self, name: str) -> ssl.SSLContext:
        """The context for this host name (lower case, no trailing dot; "" when a client names none)."""
        ...


@final
class OneContext:
    """The same context for every name."""

    __slots__ = ("_context",)

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context: Final = context

    def choose(self, name: str) -> ssl.SSLContext:
        """See `Contexts`."""
        return self._context


@final
class Certificates:
    """All certificates of one listener. The first of `pairs` answers where no name fits and where none is asked for.

    An exact name comes before a wildcard; of several certificates with the same name the first one answers.
    """

    __slots__ = ("_default", "_loaded", "_minimum", "_names", "_pairs", "_protocols")

    def __init__(
        self, pairs: Sequence[Pair], minimum: str = "TLSv1.2", protocols: Sequence[str] = ("http/1.1",)
    ) -> None:
        """Raises OperatorError when one of them cannot be used, or when there is none."""
        if not pairs:
            raise OperatorError("a TLS listener needs a certificate: its own, or one of a zone")
        self._pairs: Final = tuple(dict.fromkeys(pairs))
        self._minimum: Final = minimum
        self._protocols: Final = tuple(protocols)
        self._loaded = tuple(self._load(pair) for pair in self._pairs)
        self._names = _table(self._loaded)
        self._default = self._loaded[0].context

    def choose(self, name: str) -> ssl.SSLContext:
        """See `Contexts`."""
        found = self._names.get(name)
        if found is None and name:
            found = self._names.get("*." + name.partition(".")[2])
        return self._default if found is None else found

    def renew(self) -> tuple[int, list[str]]:
        """Load certificates whose files changed: how many were renewed, and what is wrong with those that could not.

        Of these the old one goes on. Connections that are there are not disturbed. Reads files, so it belongs on a
        thread of its own; it must not be called twice at once.
        """
        renewed = 0
        problems: list[str] = []
        loaded: list[_Loaded] = []
        for before in self._loaded:
            now = before
            try:
                if _states(before.pair) != before.states:
                    now = self._load(before.pair)
                    renewed += 1
            except OperatorError as problem:
                problems.append(str(problem))
            loaded.append(now)
        if renewed:
            self._loaded = tuple(loaded)
            self._names = _table(self._loaded)
            self._default = loaded[0].context
        return renewed, problems

    def _load(self, pair: Pair) -> _Loaded:
        # Looked at before they are read: a change in between is seen the next time.
        states = _states(pair)
        context = tls_context(pair, self._minimum, self._protocols)
        return _Loaded(pair, states, certificate_names(pair.certificate), context)


def _table(loaded: Iterable[_Loaded]) -> dict[str, ssl.SSLContext]:
    table: dict[str, ssl.SSLContext] = {}
    for each in loaded:
        for name in each.names:
            table.setdefault(name, each.context)
    return table
