"""What a zone may say about its cookies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from botproxy.cookies.domain import cookie_domain
from botproxy.errors import OperatorError
from botproxy.schema import Section


def _domain(text: str) -> str:
    try:
        return cookie_domain(text)
    except OperatorError as problem:
        raise ValueError(str(problem)) from None


CookieName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,64}$")]
"""A name in letters, digits and underscores; without hyphens none begins with `__Host-` (RFC 6265bis section 4.1.3)."""


class Settings(Section):
    """Cookies of one zone."""

    cookie_domain: Annotated[str, AfterValidator(_domain)] | None = None
    """A domain that covers every host of the zone, so that they share cookies; without it cookies are host-only."""

    session_name: CookieName = "__cf_bm"
    """Name of the session cookie. Behind Cloudflare itself, which has cookies of these names, both need another one."""

    clearance_name: CookieName = "cf_clearance"
    """Name of the cookie that a solved challenge leaves."""

    bm_cookie_enabled: bool = True
    """Whether visitors get the session cookie."""

    challenge_ttl: Literal[
        300, 900, 1800, 2700, 3600, 7200, 10800, 14400, 28800, 57600, 86400, 604800, 2592000, 31536000
    ] = 1800
    """Seconds for which a solved challenge counts."""

    bind_address: Literal["exact", "network", "none"] = "exact"
    """Whether a clearance holds for the visitor's exact address, for its /24 (IPv6: /64), or for any address."""
