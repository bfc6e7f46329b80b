"""The control plane: binds the sockets, starts, watches and replaces the workers, reloads the configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from botproxy.supervisor import supervisor
from botproxy.supervisor.supervisor import Ready

if TYPE_CHECKING:
    # The supervisor hands a source on and never looks into it: what a configuration weighs is the nursery's.
    from botproxy.config import Source

__all__ = ["Ready", "run"]

FACTORY = "botproxy.worker.compose:load"
"""Who makes a blueprint of a source, in a nursery; as text, because supervisor and worker do not import each other."""


def run(source: Source, on_ready: Callable[[Ready], None] | None = None) -> int:
    """Run the proxy with this configuration until SIGTERM or SIGINT; the exit status.

    Every problem of the configuration is said on stderr and gives 1. `on_ready` is called once, when it serves.
    """
    # Pinned: all processes of a generation read the same text, and so does one that has to be started again.
    return supervisor.run(lambda: source.pinned().to_json(), FACTORY, on_ready)
