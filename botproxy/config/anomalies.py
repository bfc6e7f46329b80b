"""Anomaly detection where it cannot work, or is known to work badly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from botproxy.config.problems import Said
from botproxy.config.tree import Config, ZoneSettings

MANY_HOSTS: Final = 20
_API: Final = ("api.", "api-", "rest.", "graphql.")


def sessions(config: Config) -> Iterator[Said]:
    """It tells people behind one address apart by their session cookie; the original refuses this as well."""
    for at, zone in enumerate(config.zones):
        if zone.anomaly_detection.enabled and not zone.cookies.bm_cookie_enabled:
            yield Said(
                ("zones", at, "cookies", "bm_cookie_enabled"),
                "anomaly detection needs the session cookie, by which it tells people behind one address apart",
                "`bm_cookie_enabled: true`, or no `anomaly_detection`",
            )


def traffic(config: Config) -> Iterator[Said]:
    """What programs do all day is no anomaly, and the customers of many sites are not alike."""
    for at, zone in enumerate(config.zones):
        if not zone.anomaly_detection.enabled:
            continue
        path = ("zones", at, "anomaly_detection", "enabled")
        if _mostly_api(zone):
            yield Said(
                path,
                "this zone looks like one of an API, whose visitors are programs: few of them will stand out",
                "a zone of its own for pages, with anomaly detection there",
                warning=True,
            )
        if len(zone.hosts) > MANY_HOSTS:
            yield Said(
                path,
                f"this zone has {len(zone.hosts)} host names: what is usual on one is not on another",
                "a zone for each site that anomaly detection is to learn",
                warning=True,
            )


def _mostly_api(zone: ZoneSettings) -> bool:
    return bool(zone.hosts) and all(host.removeprefix("*.").startswith(_API) for host in zone.hosts)
