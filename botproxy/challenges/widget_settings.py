"""What an operator may set about the widget for forms."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from botproxy.schema import Section


def _network(value: object) -> object:
    return ip_network(value) if isinstance(value, str) else value


Peer = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


class SiteKeySettings(Section):
    """One key for forms of a site, as `botproxy sitekeys new` makes it."""

    key: Annotated[str, Field(pattern=r"^0x[A-Za-z0-9_-]{16,40}$")]
    """The site key, which stands in the page: `data-sitekey`."""

    secret_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256, in hexadecimal, of the secret that your server asks siteverify with."""

    mode: Literal["managed", "non-interactive", "invisible"] = "managed"
    """`managed` asks for a click where nothing speaks for the visitor yet, `non-interactive` never does, `invisible`
    shows nothing."""

    hosts: Annotated[tuple[str, ...], Field(max_length=100)] = ()
    """Host names of pages that the widget may stand on, `*.example.com` for all names below it; left out, those of the
    zone."""

    js_detection: Literal["tell", "require"] = "tell"
    """What the report of the browser that solves it is for: `tell` has siteverify say in `metadata.js_detection` what
    was found, `require` gives no token without one that passed."""

    bind_address: Literal["exact", "network", "none"] = "none"
    """Whether the `remoteip` that your server gives has to be that of who solved it: `exact`, `network` (its /24 or
    /64), or `none`."""

    @field_validator("hosts")
    @classmethod
    def _names(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            name = host.removeprefix("*.")
            if not name or name != name.lower() or any(c in name for c in "/:*@ ") or len(name) > 253:
                raise ValueError(f"{host[:80]!r} is no host name in lower case, such as example.com or *.example.com")
        return hosts


class WidgetSettings(Section):
    """The widget for forms, and who may ask whether its tokens are good."""

    alias: Annotated[str, Field(pattern=r"^(/[a-z0-9][a-z0-9._-]{0,62}){1,3}/$")] | None = None
    """A second path for the widget's addresses, such as `/turnstile/v0/`, for libraries that know that one alone; then
    it is ours on every site, and no origin sees it."""

    siteverify_peers: Annotated[tuple[Peer, ...], Field(max_length=1000)] = ()
    """Addresses and networks of servers that may ask siteverify; left out, everybody who has the secret."""
