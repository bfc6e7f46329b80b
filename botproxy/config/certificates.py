"""Certificates of listeners and zones: there, usable, not run out, and for the names that visitors ask for."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from botproxy.config.document import Path as TreePath
from botproxy.config.files import content, others_can_read, unreadable
from botproxy.config.problems import Said, shown
from botproxy.config.tree import Config
from botproxy.errors import OperatorError
from botproxy.proxy.certificates import certificate_names, covers

_SOON: Final = timedelta(days=14)
_FEW: Final = 3


def certificates(config: Config) -> Iterator[Said]:
    """Each certificate and its key are there, belong together, and have not run out; each TLS listener has one."""
    of_zones = any(zone.certificates for zone in config.zones)
    for at, listener in enumerate(config.listeners):
        tls = listener.tls
        if tls is None:
            continue
        place: TreePath = ("listeners", at, "tls")
        if tls.certificate is not None and tls.key is not None:
            yield from _usable(tls.certificate, tls.key, place)
        elif tls.certificate is not None:
            yield Said(place, "`certificate` without its `key`", "name the two files that were made together")
        elif tls.key is not None:
            yield Said(place, "`key` without its `certificate`", "name the two files that were made together")
        elif not of_zones:
            yield Said(
                place, "speaks TLS without a certificate", "`certificate` and `key` here, or `certificates` of a zone"
            )
    for at, zone in enumerate(config.zones):
        for nth, each in enumerate(zone.certificates):
            yield from _usable(each.certificate, each.key, ("zones", at, "certificates", nth))


def _usable(certificate: Path, key: Path, place: TreePath) -> Iterator[Said]:
    faults = [*unreadable(certificate, (*place, "certificate")), *unreadable(key, (*place, "key"))]
    yield from faults
    if faults:
        return
    yield from others_can_read(key, (*place, "key"))
    try:
        # An empty passphrase keeps OpenSSL from asking for one on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        yield from _mismatch(certificate, key, place, error)
    else:
        yield from _expiry(certificate, (*place, "certificate"))


def _mismatch(certificate: Path, key: Path, place: TreePath, error: ssl.SSLError) -> Iterator[Said]:
    if "KEY_VALUES_MISMATCH" in str(error.reason):
        what = f"the key {shown(str(key))} is not the key of the certificate {shown(str(certificate))}"
        yield Said((*place, "key"), what, "name the two files that were made together")
    elif b"-----BEGIN CERTIFICATE-----" not in content(certificate):
        yield Said(
            (*place, "certificate"),
            f"there is no certificate in {shown(str(certificate))}",
            "a PEM file, the site's certificate first",
        )
    elif b"ENCRYPTED" in content(key):
        yield Said(
            (*place, "key"),
            f"the key {shown(str(key))} asks for a passphrase",
            "a key without one: openssl pkey -in KEY -out NEW",
        )
    elif b"PRIVATE KEY-----" not in content(key):
        yield Said(
            (*place, "key"), f"there is no private key in {shown(str(key))}", "a PEM file with the certificate's key"
        )
    else:
        yield Said(
            place,
            f"certificate and key cannot be used: {error.reason or 'unreadable'}",
            "PEM files that belong together",
        )


def _expiry(certificate: Path, place: TreePath) -> Iterator[Said]:
    from cryptography import x509  # only where TLS is served: half of the time that loading takes

    try:
        until = x509.load_pem_x509_certificate(content(certificate)).not_valid_after_utc
    except ValueError:  # OpenSSL takes it, so it works
        return
    left = until - datetime.now(UTC)
    if left < timedelta():
        yield Said(place, f"the certificate ran out on {until:%Y-%m-%d}", "renew it", warning=True)
    elif left < _SOON:
        yield Said(place, f"the certificate runs out on {until:%Y-%m-%d}", "renew it", warning=True)


def names(config: Config) -> Iterator[Said]:
    """Certificates of zones are served by somebody, and visitors of every zone get one with the zone's name."""
    listeners = [listener.tls for listener in config.listeners if listener.tls is not None]
    if not listeners:
        for at, zone in enumerate(config.zones):
            if zone.certificates:
                what = "have no effect: no listener speaks TLS"
                yield Said(("zones", at, "certificates"), what, "`tls: {}` for a listener", warning=True, on_key=True)
        return
    of_listeners = _names(tls.certificate for tls in listeners if tls.certificate is not None)
    of_zones = [_names(each.certificate for each in zone.certificates) for zone in config.zones]
    everything = frozenset(of_listeners).union(*of_zones)
    for at, zone in enumerate(config.zones):
        for nth, each in enumerate(zone.certificates):
            held = _names([each.certificate])
            if held and zone.hosts and not any(covers(held, host) for host in zone.hosts):
                yield Said(
                    ("zones", at, "certificates", nth, "certificate"),
                    f"the certificate is for {_few(held)}, and for no host of this zone",
                    "the certificate of one of its hosts",
                    warning=True,
                )
        bare = [host for host in zone.hosts if everything and not covers(everything, host)]
        if bare:
            yield Said(
                ("zones", at, "hosts"),
                f"no certificate is for {_few(bare)}: browsers warn of https there",
                "`certificates` of this zone",
                warning=True,
                on_key=True,
            )


def redirects(config: Config) -> Iterator[Said]:
    """Who is sent to https arrives there: else they would be sent again and again."""
    if config.forwarding.trusted or any(each.tls or each.proxy_protocol for each in config.listeners):
        return
    for at, zone in enumerate(config.zones):
        if zone.https.redirect:
            what = "sends visitors to https, which no listener speaks and no listed peer is believed to have ended"
            yield Said(("zones", at, "https", "redirect"), what, "`tls` for a listener, or `forwarding.trusted`")


def _few(names: list[str]) -> str:
    return ", ".join(map(shown, names[:_FEW])) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")


def _names(certificates: Iterable[Path]) -> list[str]:
    """The names of those that can be read; about others something was said already."""
    found: list[str] = []
    for path in certificates:
        try:
            found += certificate_names(path)
        except OperatorError:
            continue
    return found
