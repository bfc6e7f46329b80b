"""The operator's own files of clients that are known by their TLS."""

from __future__ import annotations

from collections.abc import Iterator

from botproxy.config.files import content, unreadable
from botproxy.config.problems import Said, shown
from botproxy.config.tree import Config
from botproxy.tls import KnownClients, KnownClientsError


def tls_clients(config: Config) -> Iterator[Said]:
    """Each of them is there and in order."""
    for at, path in enumerate(config.scoring.heuristics.tls_clients):
        place = ("scoring", "heuristics", "tls_clients", at)
        faults = list(unreadable(path, place))
        yield from faults
        if faults:
            continue
        try:
            KnownClients.read({str(path): content(path).decode("utf-8", "replace")})
        except KnownClientsError as error:
            for problem in error.problems[:20]:
                what = problem.removeprefix(f"{path}").removeprefix(":").removeprefix(",").strip().replace("\n", " ")
                yield Said(place, f"{shown(str(path))} cannot be used: {what}", "entries as in docs/tls.md")
