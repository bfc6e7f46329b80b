"""What supervisor and nursery say to each other: packets of JSON on a local socket, with sockets attached."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson

MAX_PACKET = 128 * 1024
MAX_PROBLEM = 16 * 1024
MAX_SOCKETS = 200
"""Linux passes at most 253 descriptors at once; one is the link."""


class Plan(NamedTuple):
    """What the supervisor needs to know of a loaded configuration; everything else stays with the workers."""

    listeners: tuple[str, ...]  # as the operator wrote them, each once
    workers: int  # 1 or more
    drain_seconds: float
    data: str  # directory
    mode: str  # "observe" or "enforce"
    zone_modes: dict[str, str | None]  # zone -> its own mode, None when it follows the instance
    events: dict[str, Any]  # telemetry.Settings in JSON mode
    admin: dict[str, Any]  # admin.Settings in JSON mode
    under_attack: tuple[str, ...] = ()  # zones that the configuration has under attack
    watched: tuple[tuple[str, tuple[int, int, int]], ...] = ()  # files of lists: path; inode, size, nanoseconds
    rate_keys: int = 0  # counters of rate limits that are kept at most; 0 without rate limits
    bots: dict[str, Any] | None = None  # what is to be verified; see `bots.errand`
    state: dict[str, Any] | None = None  # store.settings.StateSettings in JSON mode; None on one machine
    clearance_seconds: float = 31_536_000.0 + 2 * 3600.0  # the longest that any clearance can count
    privacy: tuple[tuple[str, dict[str, Any]], ...] = ()  # zone -> telemetry.privacy_settings.Settings, where not usual
    privacy_key: str = ""  # 64 hex digits, the same on all nodes; "" when no zone hashes addresses
    logpush: tuple[dict[str, Any], ...] = ()  # telemetry.logpush_settings.LogpushSettings in JSON mode
    anomalies: dict[str, dict[str, Any]] | None = None  # zone -> scoring.anomaly.Settings in JSON mode, where it is on
    alerts: dict[str, Any] | None = None  # telemetry.alert_settings.AlertSettings in JSON mode
    training: dict[str, Any] | None = None  # scoring.settings.TrainingSettings in JSON mode; None when it is off
    outgoing: dict[str, Any] | None = None  # outgoing.OutgoingSettings in JSON mode; None without a proxy
    model: str = ""  # file of the model that the configuration names; "" where the registry says which one is asked
    shared_secret: str = ""  # 64 hex digits, the same on all nodes with the same keys; "" without `state`


def send_plan(control: socket.socket, plan: Plan) -> None:
    """Send a plan in as many packets as its zones need; the last one is `ready`."""
    zones = sorted(plan.zone_modes.items())
    for start in range(0, len(zones), 200):
        send(control, "zones", dict(zones[start : start + 200]))
    for start in range(0, len(plan.watched), 20):  # a path can have 4,096 bytes
        send(control, "watched", plan.watched[start : start + 20])
    for start in range(0, len(plan.under_attack), 200):
        send(control, "under_attack", plan.under_attack[start : start + 200])
    if plan.rate_keys:
        send(control, "rate_keys", plan.rate_keys)
    if plan.bots:
        send(control, "bots", plan.bots)
    for start in range(0, len(plan.privacy), 200):
        send(control, "privacy", plan.privacy[start : start + 200])
    for job in plan.logpush:
        send(control, "logpush", job)
    learned = sorted((plan.anomalies or {}).items())
    for start in range(0, len(learned), 200):
        send(control, "anomalies", dict(learned[start : start + 200]))
    # What came in packets of its own is no field of the last one, nor is what says nothing: a supervisor that is older
    # than it passes over it.
    usual = Plan._field_defaults
    fields = {name: value for name, value in plan._asdict().items() if name not in usual or value != usual[name]}
    del fields["zone_modes"]
    apart = ("watched", "under_attack", "rate_keys", "bots", "logpush", "anomalies", "privacy")
    send(control, "ready", {name: fields[name] for name in fields if name not in apart})


def read_plan(
    fields: dict[str, Any],
    zone_modes: dict[str, str | None],
    watched: Iterable[Any] = (),
    under_attack: Iterable[str] = (),
    rate_keys: int = 0,
    bots: dict[str, Any] | None = None,
    logpush: Iterable[dict[str, Any]] = (),
    anomalies: dict[str, dict[str, Any]] | None = None,
    privacy: Iterable[Any] = (),
) -> Plan:
    """The plan that `send_plan` sent."""
    files = tuple((path, (inode, size, changed)) for path, (inode, size, changed) in watched)
    plan = Plan(**{**fields, "listeners": tuple(fields["listeners"]), "zone_modes": zone_modes})
    return plan._replace(
        watched=files,
        under_attack=tuple(under_attack),
        rate_keys=rate_keys,
        bots=bots,
        logpush=tuple(logpush),
        anomalies=anomalies or None,
        privacy=tuple((zone, settings) for zone, settings in privacy),
    )


def send(control: socket.socket, word: str, *values: Any, sockets: Sequence[socket.socket] = ()) -> None:
    """Send one packet. OSError when the other end is gone."""
    packet = orjson.dumps([word, *values])
    if sockets:
        socket.send_fds(control, [packet], [each.fileno() for each in sockets])
    else:
        control.send(packet)


def receive(control: socket.socket) -> tuple[str, list[Any], list[socket.socket]] | None:
    """Receive one packet; None when the other end is gone. BlockingIOError on a non-blocking socket without one."""
    try:
        packet, descriptors, _, _ = socket.recv_fds(control, MAX_PACKET, MAX_SOCKETS)
    except ConnectionResetError:
        return None
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    for each in sockets:
        each.set_inheritable(False)
    if not packet:
        return None
    word, *values = orjson.loads(packet)
    return word, values, sockets
