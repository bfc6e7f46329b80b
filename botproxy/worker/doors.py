"""How visitors get in: what each listener needs, and certificates that are renewed while workers serve."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable
from typing import Final, NamedTuple, final

from botproxy.addresses import NetworkSet
from botproxy.config import Config
from botproxy.errors import OperatorError
from botproxy.proxy import Certificates, Listener, Pair
from botproxy.proxy.settings import TlsSettings
from botproxy.telemetry import log

RENEWAL_SECONDS: Final = 10.0
PROTOCOLS: Final = ("h2", "http/1.1")
"""What ALPN offers, the best first."""

_log = logging.getLogger(__name__)


class Door(NamedTuple):
    """What a listener is besides its socket."""

    certificates: Certificates | None
    proxies: NetworkSet | None
    strangers: bool
    hello_size: int

    def listener(self, sock: socket.socket) -> Listener:
        """The listener that it is, on this socket."""
        return Listener(sock, self.certificates, self.proxies, self.strangers, self.hello_size)


def doors(config: Config) -> dict[str, Door]:
    """By address. Raises OperatorError for a certificate that cannot be used."""
    certificates: dict[tuple[TlsSettings, bool], Certificates] = {}
    made: dict[str, Door] = {}
    for listener in config.listeners:
        tls, proxies = listener.tls, listener.proxy_protocol
        protocols = PROTOCOLS if listener.http2 else PROTOCOLS[1:]
        if tls is not None and (tls, listener.http2) not in certificates:
            try:
                certificates[tls, listener.http2] = Certificates(pairs(config, tls), tls.minimum_version, protocols)
            except OperatorError as problem:
                raise OperatorError(f"listener {listener.address}: {problem}") from None
        made[listener.address] = Door(
            None if tls is None else certificates[tls, listener.http2],
            None if proxies is None else NetworkSet(proxies.peers),
            proxies is not None and proxies.others == "accept",
            tls.hello_size if tls is not None else 0,
        )
    return made


def pairs(config: Config, tls: TlsSettings) -> list[Pair]:
    """The certificates of a listener: its own, which is the default, and those of all zones in order."""
    found = [Pair(each.certificate, each.key) for zone in config.zones for each in zone.certificates]
    if tls.certificate is not None and tls.key is not None:
        found.insert(0, Pair(tls.certificate, tls.key))
    return found


@final
class Renewal:
    """Looks after certificates whose files change, once every few seconds, off the loop."""

    def __init__(self, all_doors: Iterable[Door], seconds: float = RENEWAL_SECONDS) -> None:
        self._certificates: Final = list(
            {id(door.certificates): door.certificates for door in all_doors if door.certificates is not None}.values()
        )
        self._seconds: Final = seconds
        self._said: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self.renewed = 0
        self.failing = 0

    def start(self) -> None:
        """Begin at once: since the certificates were loaded, a worker may have died and this one be its successor."""
        if self._certificates:
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def _watch(self) -> None:
        while True:
            problems: list[str] = []
            for each in self._certificates:
                try:
                    renewed, said = await asyncio.to_thread(each.renew)
                except Exception:
                    _log.exception("looking for renewed certificates failed")
                    continue
                self.renewed += renewed
                problems += said
                if renewed:
                    _log.info("certificates renewed", extra=log.fields(number=renewed))
            self.failing = len(problems)
            if problems != self._said:  # once, and not again every time
                self._said = problems
                for problem in problems:
                    _log.error("a certificate cannot be renewed, the old one stays", extra=log.fields(problem=problem))
            await asyncio.sleep(self._seconds)
