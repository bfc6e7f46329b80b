"""Keys of the widget beside each other: each key and each secret belongs to one zone."""

from __future__ import annotations

from collections.abc import Iterator

from botproxy.config.problems import Said
from botproxy.config.tree import Config


def sitekeys(config: Config) -> Iterator[Said]:
    """No key, and no secret, is there twice."""
    for name in ("key", "secret_hash"):
        seen: dict[str, str] = {}
        for at, zone in enumerate(config.zones):
            for nth, each in enumerate(zone.sitekeys):
                here = f"zones[{at}].sitekeys[{nth}]"
                before = seen.setdefault(getattr(each, name), here)
                if before != here:
                    yield Said(
                        ("zones", at, "sitekeys", nth, name),
                        f"the same {name} as {before}",
                        "a key of its own: botproxy sitekeys new",
                    )
