"""What a worker process asks of the composition that it runs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botproxy.link import Modes, Plan, Uplink


class Life(Protocol):
    """What a composition may read of the process that it runs in."""

    uplink: Uplink
    """Events and counters go there; it is the `store.KeyValue` of this worker too."""

    modes: Modes
    """Which zones enforce, at this moment."""

    draining: bool
    """Whether the whole proxy is ending: `/readyz` says 503 from then on. A worker that a reload replaces is not: its
    place is taken already, and a load balancer that asks on a kept connection must not look elsewhere."""


class Service(Protocol):
    """A composed data plane. All of it runs on the worker's loop."""

    async def start(self, listening: Mapping[str, socket.socket]) -> None:
        """Begin to accept on these sockets, each under the address that the plan names. Each socket becomes ours to
        close, never to shut down: the other workers accept on it as well."""
        ...

    async def drain(self, seconds: float) -> None:
        """Stop accepting at once, let what runs end, close what remains after `seconds`; then return."""
        ...

    def sample(self) -> None:
        """Set gauges of `uplink.counters`; called about once a second."""
        ...


class Blueprint(Protocol):
    """A loaded and compiled configuration, made once before the workers fork, so that they share its memory.

    It holds no loop, no thread and no socket.
    """

    @property
    def plan(self) -> Plan:
        """What the supervisor needs to know."""
        ...

    def compose(self, life: Life) -> Service:
        """Wire everything, in the worker, with its loop running. Called once."""
        ...


Load = Callable[[Any], Blueprint]
"""Makes a blueprint of a configuration source. Raises `OperatorError`, with `problems` when there are several."""
