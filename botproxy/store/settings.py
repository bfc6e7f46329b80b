"""Where state is kept that several machines share."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from botproxy.schema import Seconds, Section

PASSWORD_VARIABLE: Final = "BOTPROXY_STATE_PASSWORD"  # noqa: S105 - the name of the variable that holds it
_RIGHT: Final = "redis://host:6379/0, rediss://host:6379/0 for TLS, or unix:///path/of.sock"
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}\Z")
_PORT: Final = 6379
_MOST_DATABASES: Final = 65_535


class Location(NamedTuple):
    """Where a server listens."""

    host: str  # "" on a local socket
    port: int
    path: str  # of a local socket; "" otherwise
    database: int
    tls: bool


def locate(url: str) -> Location:
    """What a URL of Redis or Valkey names. ValueError with what would be right."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"not the URL of a server; write {_RIGHT}") from None
    if "@" in parts.netloc:
        raise ValueError(
            f"a password has no place in a configuration; name a file in `password_file`, or set {PASSWORD_VARIABLE}"
        )
    if parts.scheme not in ("redis", "rediss", "unix") or parts.query or parts.fragment:
        raise ValueError(f"not the URL of a server; write {_RIGHT}")
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/") or len(parts.path) > 107:
            raise ValueError("the path of a local socket is whole and has at most 107 bytes: unix:///run/redis.sock")
        return Location("", 0, parts.path, 0, False)
    database = parts.path.strip("/") or "0"
    if not database.isascii() or not database.isdigit() or int(database) > _MOST_DATABASES:
        raise ValueError(f"the path of such a URL is the number of a database; write {_RIGHT}")
    if not (_HOST.match(host) or _is_address(host)) or port == 0:
        raise ValueError(f"no host that can be asked; write {_RIGHT}")
    return Location(host, port or _PORT, "", int(database), parts.scheme == "rediss")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _url(value: str) -> str:
    locate(value)
    return value


StateUrl = Annotated[str, AfterValidator(_url)]
"""`redis://host:6379/0`, `rediss://…` with TLS, or `unix:///path/of.sock`."""


class StateSettings(Section):
    """A server of Redis or Valkey that all nodes share; without a password or certificates, `state: redis://host` says
    the same."""

    url: StateUrl
    """The server: `redis://host:6379/0`, where 0 is the number of the database, `rediss://…` with TLS, or
    `unix:///path/of.sock`. Any Redis from 6 on, and every Valkey."""

    username: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Whom to log in as, where the server has users (ACL)."""

    password_file: Path | None = None
    """File with the password, readable by its owner alone. Left out, BOTPROXY_STATE_PASSWORD is read; without either
    nothing is sent."""

    ca_file: Path | None = None
    """Certificates that the server's own may be signed by, with `rediss://`; left out, those that the system trusts."""

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")] = "botproxy"
    """How every key of ours begins, so that several installations can share a server. Nodes with the same server,
    database, prefix and secret are one."""

    share_changes: bool = True
    """Whether what operators change on one node (the overlay) is taken by all of them."""

    timeout: Annotated[Seconds, Field(ge=0.01, le=2.0)] = 0.5
    """How long the server may take to answer. When it takes longer, this node goes on alone and tries again."""


def settings_of(said: str | StateSettings | None) -> StateSettings | None:
    """What the short way of writing it stands for."""
    return StateSettings(url=said) if isinstance(said, str) else said


def described(settings: StateSettings | None) -> dict[str, Any] | None:
    """For the supervisor, as JSON has it."""
    return None if settings is None else settings.model_dump(mode="json")
