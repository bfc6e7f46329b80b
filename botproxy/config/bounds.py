"""Limits and timeouts that would refuse everybody, or that cannot be reached."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from typing import Final

from botproxy.config.problems import Said
from botproxy.config.tree import Config

# For these, zero says something else than "at once".
_MAY_BE_ZERO: Final = frozenset({"body_rate", "drain", "linger", "queue"})


def limits(config: Config) -> Iterator[Said]:
    """A request line fits into the head that it is part of."""
    head, line = config.limits.header_size, config.limits.uri_length
    if line > head:
        what = f"a request target of {line} bytes does not fit into a head of {head}"
        yield Said(("limits", "uri_length"), what, "less than header_size")
    if config.limits.connections_per_address > config.limits.connections:
        yield Said(
            ("limits", "connections_per_address"),
            "one address alone may take all connections",
            f"less than connections, {config.limits.connections}",
            warning=True,
        )


SPARE: Final = 64
"""Files that a worker has open besides connections."""


def open_files(config: Config) -> Iterator[Said]:
    """Every connection, and one to an origin for each, may need a file of its own on this machine."""
    most, wanted = most_files(), 2 * config.limits.connections + SPARE
    if wanted > most:
        yield Said(
            ("limits", "connections"),
            f"this system lets a process open {most} files, and {config.limits.connections} connections may need "
            f"{wanted}",
            f"raise the hard limit of open files (ulimit -Hn, LimitNOFILE=), or at most {max(1, (most - SPARE) // 2)}",
            warning=True,
        )


def most_files() -> int:
    """How many files a process may open once it has raised its soft limit to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (1 << 62) if hard == resource.RLIM_INFINITY else hard


def timeouts(config: Config) -> Iterator[Said]:
    """No timeout ends before it begins."""
    for name in type(config.timeouts).model_fields:
        if getattr(config.timeouts, name) == 0 and name not in _MAY_BE_ZERO:
            yield Said(("timeouts", name), f"with `{name}: 0` nothing is ever in time", "a duration such as 10s")
