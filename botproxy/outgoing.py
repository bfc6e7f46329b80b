"""What this machine asks of others by itself, by way of an HTTP proxy where nothing gets out without one.

Meant are fetches and deliveries: lists of verified bots and their keys, webhooks, log exports. Visitors' requests to
origins never go this way, nor does what belongs to this installation: ClickHouse, Redis, resolvers.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final, NamedTuple, final
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from botproxy.errors import OperatorError
from botproxy.schema import Section

ENVIRONMENT: Final = "environment"
_MAX_PASSWORD: Final = 4096
_RIGHT: Final = "http://HOST:PORT of an HTTP proxy, or `environment` for HTTPS_PROXY, HTTP_PROXY and NO_PROXY"


def _proxy(value: str) -> str:
    if value == ENVIRONMENT:
        return value
    try:
        parts = urlsplit(value)
        right = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(_RIGHT)
    if "@" in parts.netloc:
        raise ValueError(f"{_RIGHT}; its user and password go into `user` and `password_file`")
    return value.rstrip("/")


def _host(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        pass
    name = value.lower().removeprefix("*").removeprefix(".")
    if not name or not name.isascii() or any(each in name for each in "/:*@ ") or len(name) > 253:
        raise ValueError("a host, `.example.com` for all of its names, an address or a network")
    return value.lower()


class OutgoingSettings(Section):
    """How fetches and deliveries of this machine get out."""

    proxy: Annotated[str, AfterValidator(_proxy), Field(max_length=2048)] | None = None
    """An HTTP proxy, `http://proxy.internal:3128`: it is asked to CONNECT for https, and for the whole URL for http.
    `environment` reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY, which are not looked at otherwise. Left out, everything is
    asked directly."""

    user: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^:\x00-\x1f]+$")] | None = None
    """Who this is, where the proxy asks for it."""

    password_file: Path | None = None
    """File with the password of `user` on one line."""

    direct: Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], Field(max_length=200)] = ()
    """What is asked directly all the same: hosts, `.example.com` for all names of a domain, addresses, networks. This
    machine (`localhost`, loopback) always is."""

    @model_validator(mode="after")
    def _whole(self) -> OutgoingSettings:
        if (self.user is None) != (self.password_file is None):
            raise ValueError("`user` and `password_file` belong together")
        if (self.user or self.direct) and self.proxy is None:
            raise ValueError("without `proxy` everything is asked directly: name one, or leave the rest out")
        if self.user and self.proxy == ENVIRONMENT:
            raise ValueError("with `proxy: environment` user and password stand in the variable")
        return self


class Way(NamedTuple):
    """The proxy that one URL is asked by way of."""

    proxy: str
    user: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return f"Way({self.proxy})"


@final
class Outgoing:
    """Which way a URL is asked. Equal to another one that goes the same ways."""

    def __init__(self, ways: Mapping[str, Way] | None = None, direct: tuple[str, ...] = ()) -> None:
        """`ways` are proxies by the scheme of what is asked, `http` and `https`."""
        self._ways: Final = dict(ways or {})
        self._names: Final = tuple(each.removeprefix("*") for each in direct if not _is_network(each))
        self._networks: Final = tuple(ip_network(each, strict=False) for each in direct if _is_network(each))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outgoing):
            return NotImplemented
        return (self._ways, self._names, self._networks) == (other._ways, other._names, other._networks)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return bool(self._ways)

    def way(self, url: str) -> Way | None:
        """The proxy for this URL; None when it is asked directly."""
        parts = urlsplit(url)
        way = self._ways.get(parts.scheme)
        host = (parts.hostname or "").rstrip(".")
        if way is None or self._is_direct(host):
            return None
        return way

    def options(self, url: str) -> dict[str, object]:
        """The same as arguments of aiohttp."""
        way = self.way(url)
        if way is None:
            return {}
        if not way.user:
            return {"proxy": way.proxy}
        secret = b64encode(f"{way.user}:{way.password}".encode()).decode()
        # Under this name aiohttp gives it to the proxy and to nobody else, for CONNECT and for whole URLs.
        return {"proxy": way.proxy, "proxy_headers": {"Authorization": f"Basic {secret}"}}

    def _is_direct(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return host == "localhost" or any(
                host == name.removeprefix(".") or host.endswith(f".{name.removeprefix('.')}")
                if name.startswith(".")
                else host == name
                for name in self._names
            )
        return address.is_loopback or any(address in network for network in self._networks)


DIRECT: Final = Outgoing()


def read_outgoing(settings: OutgoingSettings, environment: Mapping[str, str] = os.environ) -> Outgoing:
    """The ways of these settings. Raises OperatorError for a password or a variable that cannot be used."""
    if settings.proxy is None:
        return DIRECT
    if settings.proxy == ENVIRONMENT:
        return _of_environment(environment)
    way = Way(settings.proxy)
    if settings.user is not None and settings.password_file is not None:
        way = Way(settings.proxy, settings.user, _password(settings.password_file))
    return Outgoing({"http": way, "https": way}, settings.direct)


def said(error: BaseException) -> str | None:
    """What a proxy has to do with an error of aiohttp; None for nothing."""
    from aiohttp import ClientHttpProxyError, ClientProxyConnectionError

    if isinstance(error, ClientHttpProxyError):
        return f"the outgoing proxy answered {error.status}"
    if isinstance(error, ClientProxyConnectionError):
        return f"the outgoing proxy {error.host}:{error.port} cannot be reached"
    return None


def _of_environment(environment: Mapping[str, str]) -> Outgoing:
    def value(name: str) -> str:
        return (environment.get(name.lower()) or environment.get(name) or "").strip()

    ways: dict[str, Way] = {}
    for scheme, name in (("http", "HTTP_PROXY"), ("https", "HTTPS_PROXY")):
        text = value(name)
        if not text:
            continue
        parts = urlsplit(text if "://" in text else f"http://{text}")
        try:
            plain = _proxy(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}")
        except ValueError:
            raise OperatorError(f"outgoing.proxy: {name} is none that can be used: http://HOST:PORT") from None
        ways[scheme] = Way(plain, unquote(parts.username or ""), unquote(parts.password or ""))
    direct = []
    for each in value("NO_PROXY").split(","):
        name = each.strip().lower().partition(":")[0] if each.count(":") == 1 else each.strip().lower()
        if name == "*":
            return DIRECT
        try:
            found = _host(name)
        except ValueError:
            continue
        # A name stands for those below it as well, by the usage of that variable.
        direct += [found] if _is_network(found) or found.startswith((".", "*")) else [found, f".{found}"]
    return Outgoing(ways, tuple(direct))


def _password(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            found = opened.read(_MAX_PASSWORD).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "is no text"
        raise OperatorError(f"outgoing.password_file: {file}: {why}") from None
    if not found or not found.isprintable():
        raise OperatorError(f"outgoing.password_file: {file}: one line with the password is wanted")
    return found


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
