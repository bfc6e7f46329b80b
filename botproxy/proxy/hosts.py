"""Which zone a host name belongs to: exact names first, then the longest wildcard.

`*.example.com` takes every name below `example.com`, at any depth, and not `example.com` itself, as in nginx and Caddy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final


class HostTable:
    """Immutable lookup from host name to zone name; a lookup costs well under a microsecond.

    `entries` are pairs of host and zone name. A host is lower case, without port and trailing dot, as
    `Request.host` is; a wildcard starts with `*.`. `default` is the zone that takes every other host.
    """

    __slots__ = ("_default", "_exact", "_longest", "_wildcards")

    def __init__(self, entries: Iterable[tuple[str, str]], default: str | None = None) -> None:
        exact: dict[str, str] = {}
        wildcards: dict[str, str] = {}
        for host, zone in entries:
            if host.startswith("*."):
                wildcards[host[1:]] = zone
            else:
                exact[host] = zone
        self._exact: Final = exact
        self._wildcards: Final = wildcards
        self._longest: Final = max(map(len, wildcards), default=0)
        self._default: Final = default

    def find(self, host: str) -> str | None:
        """The name of the zone that serves this host; None when no zone does."""
        zone = self._exact.get(host)
        if zone is not None:
            return zone
        if self._longest:
            # Suffixes longer than any wildcard cannot match: a host of a hundred labels costs no more than a usual one.
            dot = host.find(".", max(1, len(host) - self._longest))
            while dot != -1:
                zone = self._wildcards.get(host[dot:])
                if zone is not None:
                    return zone
                dot = host.find(".", dot + 1)
        return self._default
