"""The admin listener as the supervisor keeps it: bound before a configuration is taken, swapped when it is."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import NamedTuple, final

from aiohttp import web

from botproxy.admin import Settings
from botproxy.admin.application import Control, application
from botproxy.admin.offers import NOTHING, Offers
from botproxy.admin.settings import TOKEN_VARIABLE, token_fault
from botproxy.aio import listen, parse_endpoint
from botproxy.supervisor.nursery import Refused

MAX_TOKEN_FILE = 64 * 1024


class Prepared(NamedTuple):
    """What will serve operators once the configuration is taken."""

    address: str
    token: str | None
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
        token = _token(settings.token_file)
        if token is None and not endpoint.loopback:
            raise Refused(
                [f"admin.listen: {endpoint} can be reached by others: set admin.token_file or {TOKEN_VARIABLE}"]
            )
        if self._now is not None and self._now.address == settings.listen:
            return Prepared(settings.listen, token, self._now.socket)
        try:
            return Prepared(settings.listen, token, listen(endpoint))
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
        app = application(self._control, prepared.token, self._offers)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
        await self._runner.setup()
        # A site closes its socket when it ends; the next one may go on with the same address.
        await web.SockSite(self._runner, prepared.socket.dup()).start()
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


def _token(file: Path | None) -> str | None:
    if file is None:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        source = TOKEN_VARIABLE
        if not token:
            return None
    else:
        source = f"admin.token_file: {file}"
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
