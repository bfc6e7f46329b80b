"""All sites that learn: rows of events go in, findings come out. Pure; whoever calls keeps threads apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, final

from botproxy.scoring.anomaly.baseline import Baseline
from botproxy.scoring.anomaly.found import Found
from botproxy.scoring.anomaly.observed import observed, zone_of
from botproxy.scoring.anomaly.settings import Settings
from botproxy.scoring.anomaly.site import Site


@final
class Learner:
    """By zone; those that have it off cost a look-up for each of their events."""

    __slots__ = ("sites",)

    def __init__(self) -> None:
        self.sites: Final[dict[str, Site]] = {}

    def configure(self, zones: Mapping[str, Settings], baselines: Mapping[str, Baseline]) -> None:
        """Learn these zones from now on, and no others. `baselines` are those that were learned before; a zone that
        was here already keeps its own."""
        for name in [name for name in self.sites if name not in zones]:
            del self.sites[name]
        for name, settings in zones.items():
            site = self.sites.get(name)
            if site is not None:
                site.settings = settings
            else:
                self.sites[name] = Site(name, settings, baselines.get(name) or Baseline(), 1.0 / len(zones))

    def take(self, rows: Sequence[Sequence[Any]]) -> None:
        """Learn from a batch of events, as a link carries them, and find."""
        sites = self.sites
        if not sites:
            return
        for row in rows:
            site = sites.get(zone_of(row))
            if site is not None:
                seen = observed(row)
                if seen is not None:
                    site.see(seen)

    def changes(self, now: float, most: int) -> list[Found]:
        """Time has come so far; at most about so many findings of each zone that are to be told."""
        told: list[Found] = []
        for site in self.sites.values():
            site.advance(now)
            site.expire()
            told += site.changes(most)
        return told

    def held(self) -> list[Found]:
        """Every finding, for whoever begins now."""
        return [found for site in self.sites.values() for found in site.held()]
