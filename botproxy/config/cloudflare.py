"""Cloudflare itself in front of this proxy: what it keeps for itself, and what has another name here then."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from botproxy.config.problems import Said, shown
from botproxy.config.tree import Config
from botproxy.proxy.own_paths import PREFIX

NETWORKS: Final = tuple(
    map(
        ip_network,
        (
            *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "141.101.64.0/18"),
            *("108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20", "197.234.240.0/22", "198.41.128.0/17"),
            *("162.158.0.0/15", "104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22"),
            *("2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32"),
            *("2a06:98c0::/29", "2c0f:f248::/32"),
        ),
    )
)
"""Its published addresses (https://www.cloudflare.com/ips/)."""

Network = IPv4Network | IPv6Network

SESSION: Final = "__cf_bm"
CLEARANCE: Final = "cf_clearance"


def in_front(config: Config) -> bool:
    """Whether one of its networks is listed, or its score is asked for."""
    score = config.forwarding.headers.bot_score
    return (score is not None and score.lower() == "cf-bot-score") or any(
        _overlap(trusted, each) for trusted in config.forwarding.trusted for each in NETWORKS
    )


def _overlap(one: Network, other: Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


def collisions(config: Config) -> Iterator[Said]:
    """Its own paths never arrive here, and its cookies have the names that ours have."""
    if not in_front(config):
        return
    if config.own_paths.prefix == PREFIX:
        yield Said(
            ("own_paths", "prefix"),
            f"Cloudflare in front keeps {PREFIX} for itself: challenges of this proxy cannot be solved",
            "another prefix, such as /bot-cgi/",
            warning=True,
        )
    for at, zone in enumerate(config.zones):
        for key, name, usual in (
            ("session_name", zone.cookies.session_name, SESSION),
            ("clearance_name", zone.cookies.clearance_name, CLEARANCE),
        ):
            if name == usual:
                yield Said(
                    ("zones", at, "cookies", key),
                    f"Cloudflare in front has a cookie {shown(usual)} as well: each overwrites the other's",
                    "another name",
                    warning=True,
                )


def names(config: Config) -> Iterator[Said]:
    """A cookie cannot be two things."""
    for at, zone in enumerate(config.zones):
        if zone.cookies.session_name == zone.cookies.clearance_name:
            yield Said(("zones", at, "cookies", "session_name"), "both cookies have the same name", "two names")
