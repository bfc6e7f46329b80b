"""Addresses in the configuration: listeners, the admin listener, origins, and whose forwarded headers count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from botproxy.admin.settings import PLAIN, TokenSettings, UserSettings
from botproxy.aio import Endpoint, parse_endpoint
from botproxy.config.document import Path as TreePath
from botproxy.config.problems import Said, shown
from botproxy.config.tree import Config

_HOST = re.compile(r"(?!-)[0-9A-Za-z_-]{1,63}(?<!-)(?:\.(?!-)[0-9A-Za-z_-]{1,63}(?<!-)){0,126}\Z")
_NUMERIC = re.compile(r"[0-9.]+\Z")

_NEEDED = frozenset(
    (
        *("host", "cookie", "connection", "content-length", "transfer-encoding", "upgrade", "expect", "user-agent"),
        *("accept", "accept-encoding", "accept-language", "referer", "origin", "x-forwarded-for", "x-forwarded-proto"),
        *("if-none-match", "if-modified-since", "content-type", "authorization", "range", "cdn-loop"),
    )
)
"""Headers whose meaning is somebody else's."""


def read_endpoint(text: str) -> Endpoint:
    """As `parse_endpoint`, and the host is one that can exist. ValueError says what would be right."""
    endpoint = parse_endpoint(text)
    if endpoint.host and ":" not in endpoint.host:
        if _NUMERIC.match(endpoint.host):
            try:
                ip_address(endpoint.host)
            except ValueError:
                raise ValueError("an IPv4 address has four numbers from 0 to 255") from None
        elif _HOST.match(endpoint.host) is None:
            raise ValueError("write HOST:PORT, [IPV6]:PORT or :PORT")
    return endpoint


def clash(one: Endpoint, other: Endpoint) -> bool:
    """Whether the system would refuse to listen on both. Port 0 is a different port each time."""
    if one.port != other.port or not one.port:
        return False
    first, second = _address(one.host), _address(other.host)
    everywhere = {"", "::", "0.0.0.0"}  # noqa: S104 - compared, not bound
    if first == second or "" in (first, second):
        return True
    same_family = (":" in first) == (":" in second)
    return same_family and bool(everywhere & {first, second})


def _address(host: str) -> str:
    try:
        return ip_address(host).compressed
    except ValueError:
        return "127.0.0.1" if host == "localhost" else host.lower()


def _fault(error: ValueError, text: str) -> str:
    return str(error).removeprefix(f"{text!r}: ")


def origin_fault(text: str) -> str:
    """What would be right instead of this origin; "" when it is right."""
    shape = "http://HOST[:PORT], https://HOST[:PORT] or unix:/PATH"
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path.startswith("/"):
            return "unix:/PATH, with the whole path of the socket"
        return "" if len(path.encode()) <= 107 else "the path of a socket is at most 107 bytes long"
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        return shape
    if url.scheme not in ("http", "https") or not text.lower().startswith(("http://", "https://")):
        return f"http://{text}" if re.match(r"[0-9A-Za-z.-]+(:[0-9]+)?\Z", text) else shape
    if url.username is not None or url.password is not None:
        return f"{shape}: no user and password"
    if url.path not in ("", "/") or url.query or url.fragment:
        return f"{url.scheme}://{url.netloc}: the path is the visitor's"
    host = url.hostname or ""
    if ":" in host:
        try:
            IPv6Address(host)
        except ValueError:
            return shape
    elif _HOST.match(host) is None:
        return shape
    return "a port is 1 to 65535" if port == 0 else ""


def listeners(config: Config) -> Iterator[Said]:
    """Addresses parse, and no two of them are in each other's way."""
    seen: list[tuple[int, Endpoint]] = []
    for at, listener in enumerate(config.listeners):
        path = ("listeners", at, "address")
        try:
            endpoint = read_endpoint(listener.address)
        except ValueError as error:
            yield Said(path, f"{shown(listener.address)} is no address to listen on", _fault(error, listener.address))
            continue
        taken = next((earlier for earlier, other in seen if clash(endpoint, other)), None)
        if taken is not None:
            yield Said(path, f"{endpoint} is in the way of listeners[{taken}]", "another port, or keep one of them")
        seen.append((at, endpoint))
    for at, listener in enumerate(config.listeners):
        if listener.proxy_protocol is None:
            continue
        for nth, network in enumerate(listener.proxy_protocol.peers):
            if network.prefixlen == 0:
                yield Said(
                    ("listeners", at, "proxy_protocol", "peers", nth),
                    f"{network} lets every visitor name any address",
                    "list only the load balancers in front of this proxy",
                )


def admin(config: Config) -> Iterator[Said]:
    """The admin listener has an address of its own, and a token unless only this machine can reach it."""
    path, text = ("admin", "listen"), config.admin.listen
    try:
        endpoint = read_endpoint(text)
    except ValueError as error:
        yield Said(path, f"{shown(text)} is no address to listen on", _fault(error, text))
        return
    if not endpoint.loopback and not config.admin.guarded:
        what = f"{endpoint} can be reached by others, and there is no token"
        yield Said(path, what, "set admin.token_file (or BOTPROXY_ADMIN_TOKEN), or listen on 127.0.0.1")
    elif not endpoint.loopback and not config.admin.encrypted:
        yield Said(path, f"{endpoint} can be reached by others, and tokens would travel unencrypted", PLAIN)
    yield from _operators(config)
    for at, listener in enumerate(config.listeners):
        try:
            same = clash(endpoint, read_endpoint(listener.address))
        except ValueError:
            continue
        if same:
            yield Said(
                path, f"{endpoint} is in the way of listeners[{at}]", "give the admin listener a port of its own"
            )
            return


def _operators(config: Config) -> Iterator[Said]:
    """Tokens and users have names of their own and zones that exist; an identity needs a proxy that is listed."""
    admin = config.admin
    rows: list[tuple[TreePath, TokenSettings | UserSettings]] = [
        (("admin", "tokens", at), token) for at, token in enumerate(admin.tokens)
    ]
    if admin.identity is not None:
        if not admin.proxies:
            what = "nobody's header is believed: no proxy is listed"
            yield Said(("admin", "identity"), what, "list the proxy in admin.proxies")
        rows += [(("admin", "identity", "users", at), user) for at, user in enumerate(admin.identity.users)]
    for at, network in enumerate(admin.proxies):
        if network.prefixlen == 0:
            what = f"{network} believes every visitor to be any operator"
            yield Said(("admin", "proxies", at), what, "list only the proxies in front of the admin listener")
    known = {zone.name for zone in config.zones}
    seen: dict[tuple[str, str], TreePath] = {}
    for path, each in rows:
        if seen.setdefault((str(path[1]), each.name), path) != path:
            yield Said((*path, "name"), f"{shown(each.name)} is here a second time", "a name of its own")
        for nth, zone in enumerate(each.zones or ()):
            if zone not in known:
                names = ", ".join(sorted(known)[:10])
                yield Said((*path, "zones", nth), f"there is no zone {shown(zone)}", f"one of {names}")


def forwarding(config: Config) -> Iterator[Said]:
    """Hops without a listed peer mean nothing; a list that holds everybody believes everybody."""
    if config.forwarding.hops > 1 and not config.forwarding.trusted:
        yield Said(
            ("forwarding", "hops"),
            f"{config.forwarding.hops} hops, but no peer is trusted: every forwarded header is ignored",
            "list the load balancers in forwarding.trusted",
            warning=True,
        )
    yield from _vouched(config)
    for at, network in enumerate(config.forwarding.trusted):
        if network.prefixlen == 0:
            yield Said(
                ("forwarding", "trusted", at),
                f"{network} trusts every visitor to name any address",
                "list only the load balancers in front of this proxy",
            )


def _vouched(config: Config) -> Iterator[Said]:
    """Headers of listed peers need one, and must not be headers that a request cannot do without."""
    seen: dict[str, str] = {}
    for key, name in config.forwarding.headers:
        if name is None:
            continue
        path = ("forwarding", "headers", key)
        if name.lower() in _NEEDED:
            yield Said(path, f"the header {shown(name)} has a meaning of its own", "a header that only the peer sends")
        elif seen.setdefault(name.lower(), key) != key:
            yield Said(path, f"the header {shown(name)} is that of `{seen[name.lower()]}`", "a header of its own")
        elif not config.forwarding.trusted:
            yield Said(
                path,
                "no peer is trusted, so this header is taken out of every request",
                "list the load balancers in forwarding.trusted",
                warning=True,
            )
