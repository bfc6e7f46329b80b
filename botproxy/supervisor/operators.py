"""The admin listener as the supervisor keeps it: bound before a configuration is taken, swapped when it is."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from pathlib import Path
from typing import NamedTuple, final

from aiohttp import web

from botproxy.admin import Settings
from botproxy.admin.access import Access, Identity, Token
from botproxy.admin.application import Control, application
from botproxy.admin.offers import NOTHING, Offers
from botproxy.admin.operator import Operator
from botproxy.admin.settings import PLAIN, TOKEN_VARIABLE, AdminTlsSettings, Rights, token_fault
from botproxy.aio import listen, parse_endpoint
from botproxy.supervisor.nursery import Refused

MAX_TOKEN_FILE = 64 * 1024


class Certified(NamedTuple):
    """TLS, and which files it was read from as they were then."""

    files: tuple[tuple[str, int, int], ...]  # path, inode, nanoseconds
    context: ssl.SSLContext


class Prepared(NamedTuple):
    """What will serve operators once the configuration is taken."""

    address: str
    access: Access
    tls: Certified | None
    socket: socket.socket


@final
class Operators:
    """At most one admin application at a time; a new one accepts before the old one ends."""

    def __init__(self, control: Control, offers: Offers = NOTHING) -> None:
        self._control = control
        self._offers = offers
        self._now: Prepared | None = None
        self._runner: web.AppRunner | None = None
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it listens, with the port that it really has."""
        return "" if self._now is None else bound_address(self._now.socket)

    def prepare(self, settings: Settings) -> Prepared:
        """Read the token and bind the address. Raises `Refused`; changes nothing that serves."""
        try:
            endpoint = parse_endpoint(settings.listen)
        except ValueError as error:
            raise Refused([f"admin.listen: {error}"]) from None
        if not settings.guarded and not endpoint.loopback:
            raise Refused(
                [f"admin.listen: {endpoint} can be reached by others: set admin.token_file or {TOKEN_VARIABLE}"]
            )
        if not settings.encrypted and not endpoint.loopback:
            raise Refused([f"admin.listen: {endpoint} can be reached by others: {PLAIN}"])
        access = read_access(settings, not endpoint.loopback)
        before = self._now
        tls = None if settings.tls is None else _certified(settings.tls, before.tls if before is not None else None)
        if before is not None and before.address == settings.listen:
            return Prepared(settings.listen, access, tls, before.socket)
        try:
            return Prepared(settings.listen, access, tls, listen(endpoint))
        except OSError as error:
            said = os.strerror(error.errno) if error.errno else str(error)
            raise Refused([f"admin.listen: cannot listen on {endpoint}: {said}"]) from None

    def discard(self, prepared: Prepared) -> None:
        """The configuration was not taken after all."""
        if self._now is None or prepared.socket is not self._now.socket:
            prepared.socket.close()

    async def take(self, prepared: Prepared) -> None:
        """Serve as prepared from now on."""
        if prepared == self._now:
            return
        before, runner = self._now, self._runner
        self._now = prepared
        app = application(self._control, prepared.access, self._offers)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        # A site closes its socket when it ends; the next one may go on with the same address.
        context = prepared.tls.context if prepared.tls is not None else None
        await web.SockSite(self._runner, prepared.socket.dup(), ssl_context=context).start()
        if runner is not None:
            ending = asyncio.create_task(runner.cleanup())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
        if before is not None and before.socket is not prepared.socket:
            before.socket.close()

    async def end(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        for ending in list(self._ending):
            await ending
        if self._now is not None:
            self._now.socket.close()


def bound_address(bound: socket.socket) -> str:
    """`HOST:PORT` of a listening socket."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_access(settings: Settings, reachable: bool) -> Access:
    """Who is who; `reachable` when others than this machine can connect. Raises `Refused`."""
    tokens = []
    single = _token(
        settings.token_file, None if settings.token_file is not None else TOKEN_VARIABLE, "admin.token_file"
    )
    if single is not None:
        tokens.append(Token(single, Operator("token")))
    for at, each in enumerate(settings.tokens):
        place = f"admin.tokens[{at}].{'token_file' if each.token_file is not None else 'environment'}"
        text = _token(each.token_file, each.environment, place)
        if text is None:
            raise Refused([f"{place}: {each.environment} is not set"])
        if any(text == known.text for known in tokens):
            raise Refused([f"{place}: this token has another name already, give each its own"])
        tokens.append(Token(text, Operator(each.name, each.role, _zones(each))))
    identity = None
    if settings.identity is not None:
        users = {each.name: Operator(each.name, each.role, _zones(each)) for each in settings.identity.users}
        identity = Identity(settings.identity.header, users, settings.identity.others)
    plain = reachable and settings.tls is None and not settings.allow_plain
    return Access(tuple(tokens), settings.proxies, identity, plain)


def _zones(rights: Rights) -> frozenset[str] | None:
    return None if rights.zones is None else frozenset(rights.zones)


def _certified(settings: AdminTlsSettings, before: Certified | None) -> Certified:
    """TLS with these files; what was read before as long as they are the same."""
    try:
        found = [(str(path), os.stat(path)) for path in (settings.certificate, settings.key)]
        files = tuple((path, each.st_ino, each.st_mtime_ns) for path, each in found)
        if before is not None and before.files == files:
            return before
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
    except OSError as error:  # of TLS, too
        said = os.strerror(error.errno) if error.errno and not isinstance(error, ssl.SSLError) else str(error)
        raise Refused([f"admin.tls: {settings.certificate}, {settings.key}: {said}"]) from None
    return Certified(files, context)


def _token(file: Path | None, variable: str | None, place: str) -> str | None:
    if file is None:
        token = os.environ.get(variable or "", "").strip()
        source = variable
        if not token:
            return None
    else:
        source = f"{place}: {file}"
        try:
            with file.open("rb") as opened:
                token = opened.read(MAX_TOKEN_FILE).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "is not text"
            raise Refused([f"{source}: {said}"]) from None
    fault = token_fault(token)
    if fault:
        raise Refused([f"{source}: {fault}"])
    return token
