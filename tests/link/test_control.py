"""What supervisor and nursery say to each other."""

from __future__ import annotations

import socket
import threading
from typing import Any

from botproxy.link import Plan, read_plan, receive, send, send_plan


def _pair() -> tuple[socket.socket, socket.socket]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 512 * 1024)
    return one, other


def test_a_plan_with_thousands_of_zones_and_lists_arrives_whole() -> None:
    plan = Plan(
        listeners=("127.0.0.1:80", "[::]:443"),
        workers=2,
        drain_seconds=30.0,
        data="data",
        mode="observe",
        zone_modes={f"zone-{n}-" + "x" * 50: "enforce" if n % 2 else None for n in range(1500)},
        events={"rotate_size": 1},
        admin={"listen": "127.0.0.1:9090"},
        watched=tuple((f"/{n}/" + "x" * 3000, (n, 1, 1_700_000_000_000_000_000)) for n in range(1000)),
        under_attack=tuple(f"zone-{n}-" + "x" * 50 for n in range(1500)),
    )
    one, other = _pair()
    with one, other:
        sending = threading.Thread(target=send_plan, args=(one, plan))  # as much as no socket holds
        sending.start()
        zones: dict[str, str | None] = {}
        watched: list[Any] = []
        under_attack: list[str] = []
        while True:
            word, values, _ = receive(other)
            if word == "ready":
                break
            if word == "watched":
                watched += values[0]
            elif word == "under_attack":
                under_attack += values[0]
            else:
                zones |= values[0]
        sending.join()
        assert read_plan(values[0], zones, watched, under_attack) == plan
        # A supervisor that is older than these knows no such fields, and would not take a plan that has them. What is
        # of use only where it is set stands in the plan only there.
        assert not {"watched", "under_attack", "state", "privacy_key", "shared_secret"} & set(values[0])


def test_sockets_travel_with_a_packet_and_are_not_inherited() -> None:
    one, other = _pair()
    with one, other, socket.create_server(("127.0.0.1", 0)) as listening:
        send(one, "fork", 1, ["a"], sockets=[listening])
        word, values, sockets = receive(other)
        assert (word, values) == ("fork", [1, ["a"]])
        with sockets[0] as arrived:
            assert arrived.getsockname() == listening.getsockname()
            assert not arrived.get_inheritable()


def test_the_other_end_being_gone_is_none() -> None:
    one, other = _pair()
    one.close()
    with other:
        assert receive(other) is None
