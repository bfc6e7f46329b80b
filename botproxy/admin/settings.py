"""Settings of the listener for operators."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from botproxy.schema import Section

TOKEN_VARIABLE = "BOTPROXY_ADMIN_TOKEN"  # noqa: S105 - the name of a variable, not a token


SHORTEST_TOKEN = 16
PLAIN: Final = (
    "set admin.tls, or list the proxy in front that speaks TLS in admin.proxies, or write admin.allow_plain: true "
    "where nobody can listen in"
)
"""What helps when tokens would travel unencrypted."""

MAX_ZONES: Final = 1_000
"""Zones that all tokens and users name together."""


def token_fault(token: str) -> str:
    """What a token has to be, when this is none; "" when it is one."""
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        return f"a token has at least {SHORTEST_TOKEN} printable ASCII characters without spaces"
    return ""


def _network(given: object) -> object:
    if not isinstance(given, str):
        return given
    try:
        return ip_network(given)
    except ValueError:
        raise ValueError("an address or a network such as 10.0.0.0/8, without bits behind its prefix") from None


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$")]
Role = Literal["read", "operator"]


class Rights(Section):
    """What somebody may do."""

    role: Role = "read"
    """`read` looks at everything and changes nothing; `operator` changes things too."""

    zones: Annotated[tuple[str, ...], Field(max_length=MAX_ZONES)] | None = None
    """Zones that they see and change; left out, all of them, and what is not of one zone."""


class TokenSettings(Rights):
    """A token with a name, which the audit shows."""

    name: Name
    """What the audit calls whoever has it."""

    token_file: Path | None = None
    """File with the token, made by `botproxy keys new`."""

    environment: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)] | None = None
    """The environment variable with the token."""

    @model_validator(mode="after")
    def _from_one_place(self) -> TokenSettings:
        if (self.token_file is None) == (self.environment is None):
            raise ValueError("a token needs `token_file` or `environment` — one of the two")
        return self


class UserSettings(Rights):
    """Somebody whom the proxy in front knows."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """The identity, exactly as the header has it."""


class IdentitySettings(Section):
    """Who asks, as a proxy in front has found out: an OAuth proxy, a service mesh, a VPN's gateway."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")] = "X-Forwarded-User"
    """The header with the identity. The proxy has to remove it from what visitors send; it is believed from
    `admin.proxies` alone."""

    users: Annotated[tuple[UserSettings, ...], Field(max_length=200)] = ()
    """Identities, and what each may do."""

    others: Literal["none", "read", "operator"] = "none"
    """What every other identity may do that the proxy lets through."""


class AdminTlsSettings(Section):
    """TLS of the admin listener."""

    certificate: Path
    """PEM file with the certificate, followed by its chain."""

    key: Path
    """PEM file with its private key, without a passphrase."""


class Settings(Section):
    """The `admin` section: metrics, health, mode, reload."""

    listen: str = "127.0.0.1:9090"
    """`HOST:PORT`. An address that others can reach needs a token; the default is for this machine only."""

    token_file: Path | None = None
    """File with the token that requests must carry as `Authorization: Bearer TOKEN`; left out, the environment
    variable BOTPROXY_ADMIN_TOKEN is read. `/healthz` never asks for it."""

    tokens: Annotated[tuple[TokenSettings, ...], Field(max_length=50)] = ()
    """More tokens, each with a name, a role and, if need be, zones."""

    proxies: Annotated[tuple[Network, ...], Field(max_length=100)] = ()
    """Addresses of proxies in front of the admin listener that speak TLS with operators. Without TLS here they and this
    machine are the only ones who may connect."""

    identity: IdentitySettings | None = None
    """Have one of `proxies` say who asks."""

    tls: AdminTlsSettings | None = None
    """TLS of the admin listener; read anew at each reload."""

    allow_plain: bool = False
    """Let tokens travel unencrypted to an address that others can reach, such as in a network of containers."""

    @model_validator(mode="after")
    def _bounded(self) -> Settings:
        users = self.identity.users if self.identity is not None else ()
        if sum(len(each.zones or ()) for each in (*self.tokens, *users)) > MAX_ZONES:
            raise ValueError(f"tokens and users name more than {MAX_ZONES} zones — leave `zones` out for all of them")
        return self

    @property
    def has_token(self) -> bool:
        """Whether a token is set anywhere; the file is not read here."""
        return self.token_file is not None or bool(os.environ.get(TOKEN_VARIABLE)) or bool(self.tokens)

    @property
    def guarded(self) -> bool:
        """Whether it is asked who asks."""
        return self.has_token or self.identity is not None

    @property
    def encrypted(self) -> bool:
        """Whether what operators send is encrypted, here or in front, or need not be."""
        return self.tls is not None or bool(self.proxies) or self.allow_plain
