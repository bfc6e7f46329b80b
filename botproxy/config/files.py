"""Files that the configuration names: there, readable, what they should be, and kept from other people."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from botproxy.admin.settings import token_fault
from botproxy.config.document import Path as TreePath
from botproxy.config.problems import Said, shown
from botproxy.config.secrets import AUTO, exposed, read_keyring
from botproxy.config.tree import Config
from botproxy.errors import OperatorError
from botproxy.store.settings import StateSettings, locate

_MAX_BYTES: Final = 4 * 1024 * 1024


def secrets(config: Config) -> Iterator[Said]:
    """The secret file that is named is there, holds secrets, and only its owner can read it."""
    path = config.secret_file
    if not isinstance(path, Path):
        return
    place = ("secret_file",)
    faults = list(unreadable(path, place, "make it with: botproxy keys new > FILE"))
    yield from faults
    if faults:
        return
    try:
        read_keyring(path)
    except (OSError, OperatorError) as error:
        yield Said(
            place, f"{shown(str(path))} cannot be used: {error}", "one secret a line, as `botproxy keys new` prints it"
        )
    yield from others_can_read(path, place)


def tokens(config: Config) -> Iterator[Said]:
    """The admin tokens and the certificate that are named are there, are such, and only their owner can read them."""
    yield from _token(config.admin.token_file, ("admin", "token_file"))
    for at, token in enumerate(config.admin.tokens):
        yield from _token(token.token_file, ("admin", "tokens", at, "token_file"))
        if token.environment is not None and not os.environ.get(token.environment):
            # `serve` may have what this shell has not.
            place = ("admin", "tokens", at, "environment")
            yield Said(place, f"{token.environment} is not set here", "set it for `serve`", warning=True)
    if config.admin.tls is not None:
        for name in ("certificate", "key"):
            yield from unreadable(getattr(config.admin.tls, name), ("admin", "tls", name))
        yield from others_can_read(config.admin.tls.key, ("admin", "tls", "key"))


def _token(path: Path | None, place: TreePath) -> Iterator[Said]:
    if path is None:
        return
    faults = list(unreadable(path, place, "make it with: botproxy keys new > FILE"))
    yield from faults
    if faults:
        return
    fault = token_fault(content(path).decode("utf-8", "replace").strip())
    if fault:
        yield Said(place, f"there is no token in {shown(str(path))}", f"{fault}: botproxy keys new > {path}")
    yield from others_can_read(path, place)


def webhooks(config: Config) -> Iterator[Said]:
    """The tokens of webhooks are there, and kept from others."""
    for at, hook in enumerate(config.alerts.webhooks):
        if hook.token_file is not None:
            place = ("alerts", "webhooks", at, "token_file")
            yield from unreadable(hook.token_file, place)
            yield from others_can_read(hook.token_file, place)


def data(config: Config) -> Iterator[Said]:
    """The data directory is one, or can become one."""
    yield from _unwritable(config.data, ("data",))


def events(config: Config) -> Iterator[Said]:
    """The file of events has a directory, or can get one."""
    path = config.events.file
    if path is not None and config.events.enabled:
        if path.is_dir():
            yield Said(("events", "file"), f"{shown(str(path))} is a directory", "the path of a file in it")
        else:
            yield from _unwritable(path.parent, ("events", "file"))


def _unwritable(path: Path, place: TreePath) -> Iterator[Said]:
    right = "a directory that the proxy's user can write to"
    try:
        nearest = next(each for each in (path, *path.parents) if each.exists())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not the path of a directory"
        yield Said(place, f"{shown(str(path))} cannot be used: {reason}", right)
        return
    if not nearest.is_dir():
        yield Said(place, f"{shown(str(nearest))} is no directory", right)
    elif not os.access(nearest, os.W_OK | os.X_OK):
        # `check` may well be run by somebody else than `serve`.
        yield Said(place, f"this user cannot write to {shown(str(nearest))}", right, warning=True)


def fingerprints(config: Config) -> Iterator[Said]:
    """The operator's own fingerprints are there; what stands in them is compiled where they are used."""
    for at, path in enumerate(config.scoring.heuristics.files):
        yield from unreadable(path, ("scoring", "heuristics", "files", at))


def places(config: Config) -> Iterator[Said]:
    """Databases and lists of addresses are there; what stands in them is seen when they are opened."""
    for at, path in enumerate(config.places.databases):
        yield from unreadable(path, ("places", "databases", at), "an MMDB file: botproxy places fetch URL FILE")
    for name in ("tor", "corporate_proxies", "clouds", "more_clouds"):
        path_or_none = getattr(config.places, name)
        if isinstance(path_or_none, Path):
            yield from unreadable(path_or_none, ("places", name))


def outgoing(config: Config) -> Iterator[Said]:
    """The password for the outgoing proxy is there and kept from others."""
    if config.outgoing.password_file is not None:
        place = ("outgoing", "password_file")
        yield from unreadable(config.outgoing.password_file, place)
        yield from others_can_read(config.outgoing.password_file, place)


def state(config: Config) -> Iterator[Said]:
    """The password of shared state is there and kept from others, and so are the authorities of its server."""
    settings = config.state
    if not isinstance(settings, StateSettings):
        return
    if settings.password_file is not None:
        place = ("state", "password_file")
        yield from unreadable(settings.password_file, place)
        yield from others_can_read(settings.password_file, place)
    if settings.ca_file is not None:
        yield from unreadable(settings.ca_file, ("state", "ca_file"))
        if locate(settings.url).tls is False:
            yield Said(("state", "ca_file"), "nobody asks for a certificate there", "a url that begins with rediss://")


def alone(config: Config) -> Iterator[Said]:
    """Nodes that share state have the same secret, so that none may make one of its own."""
    if config.state is not None and config.secret_file == AUTO:
        yield Said(
            ("secret_file",),
            "`auto` makes another secret on each machine, so that they share neither cookies nor counters",
            "one file, the same on every machine: botproxy keys new > botproxy.secret",
            warning=True,
        )


def authorities(config: Config) -> Iterator[Said]:
    """The authorities that origins are checked against are there."""
    for at, zone in enumerate(config.zones):
        path = zone.origin.ca_file
        if path is None:
            continue
        place = ("zones", at, "origin", "ca_file")
        faults = list(unreadable(path, place))
        yield from faults
        if faults:
            continue
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        except ssl.SSLError:
            yield Said(
                place,
                f"there is no certificate in {shown(str(path))}",
                "a PEM file with the certificates of the authorities",
            )


def unreadable(path: Path, place: TreePath, right: str = "") -> Iterator[Said]:
    """The path cannot be opened, and why."""
    try:
        with path.open("rb") as opened:
            opened.read(1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not the path of a file"
        yield Said(
            place, f"{shown(str(path))} cannot be read: {reason}", right or "the path of a file that this user can read"
        )


def others_can_read(path: Path, place: TreePath) -> Iterator[Said]:
    """The file is open to other people of this machine."""
    if exposed(path):
        yield Said(
            place, f"others on this machine can read or change {shown(str(path))}", f"chmod 600 {path}", warning=True
        )


def content(path: Path) -> bytes:
    """The beginning of the file, at most 4 MB."""
    with path.open("rb") as opened:
        return opened.read(_MAX_BYTES)
