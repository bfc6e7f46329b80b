"""A stand-in for the composed data plane: a tiny HTTP responder that says who it is. Loaded in nurseries by name."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botproxy.admin import Settings as AdminSettings
from botproxy.errors import OperatorError
from botproxy.link import Plan
from botproxy.link.uplink import BATCH
from botproxy.model import Event
from botproxy.store import StoreAway
from botproxy.telemetry import Settings as EventSettings
from botproxy.worker.contract import Life

IDLE_SECONDS = 1.0

EVENT = Event(
    ray="0" * 16, start=0.0, end=0.0, zone="shop", mode="observe", client_ip="127.0.0.1", client_port=1,
    client_country="", client_asn=0, client_ssl_protocol="", client_ssl_cipher="", ja3="", ja4="", method="GET",
    scheme="http", host="localhost", path="/", query="", protocol="HTTP/1.1", user_agent="", referer="",
    x_requested_with="", request_bytes=1, status=200, response_bytes=1, body_bytes=1, content_type="text/plain",
    first_byte_ms=0, origin="", origin_status=0, origin_ms=0, score=50, score_source="Not Computed",
    score_group="likely_human", detection_ids=(), detection_tags=(), reasons=(), bot_tags=(),
    verified_bot_category="", js_detection="missing", static_resource=False, session="", actions=(), rule_ids=(),
    sources=(), action="unknown", would="", rule_id="", rule_description="", originator_ray="", scoring_failed=False,
    unevaluated=0, ending="finished", detail="",
)  # fmt: skip


class BadConfigurationError(OperatorError):
    """What a bad configuration raises."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Standin:
    """Both blueprint and service."""

    def __init__(self, source: dict[str, Any]) -> None:
        self.source = source
        self.plan = Plan(
            listeners=tuple(source["listeners"]),
            workers=source.get("workers", 2),
            drain_seconds=source.get("drain", 5.0),
            data=source["data"],
            mode=source.get("mode", "observe"),
            zone_modes=source.get("zones", {"shop": None}),
            events=EventSettings(**source.get("events", {})).model_dump(mode="json"),
            admin=AdminSettings(**source["admin"]).model_dump(mode="json"),
            watched=tuple(source["watched"]),
        )
        self.connections: set[Connection] = set()
        self.closing = False

    def compose(self, life: Life) -> Standin:
        if self.source.get("cannot_compose"):
            raise RuntimeError("cannot compose")
        self.life = life
        return self

    async def start(self, listening: Mapping[str, socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        self.servers = [await loop.create_server(lambda: Connection(self), sock=each) for each in listening.values()]
        if self.source.get("early"):  # a visitor before the supervisor has heard that this worker serves
            assert self.life.uplink.report({"note": "early"})
            for _ in range(BATCH):
                self.life.uplink.record(EVENT)

    async def drain(self, seconds: float) -> None:
        self.closing = True
        for server in self.servers:
            server.close()
        deadline = time.monotonic() + seconds
        while self.connections and time.monotonic() < deadline:  # noqa: ASYNC110 - good enough for a stand-in
            await asyncio.sleep(0.02)

    def sample(self) -> None:
        self.life.uplink.counters.gauges["connections"] = len(self.connections)


class Connection(asyncio.Protocol):
    """One client; answers one request after the other."""

    def __init__(self, service: Standin) -> None:
        self.service = service
        self.buffer = b""
        self.tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.service.connections.add(self)
        self.idle()

    def connection_lost(self, _error: Exception | None) -> None:
        self.timer.cancel()
        self.service.connections.discard(self)

    def idle(self) -> None:
        self.timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self.transport.close)

    def data_received(self, data: bytes) -> None:
        self.timer.cancel()
        self.buffer += data
        head, end, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if not end:
            self.buffer = head
            return
        task = asyncio.get_running_loop().create_task(self.answer(urlsplit(head.split()[1].decode())))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def answer(self, url: Any) -> None:
        life = self.service.life
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        said: dict[str, Any] = {}
        if url.path == "/slow":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")  # so that the client knows it has begun
            await asyncio.sleep(float(query["seconds"]))
        elif url.path == "/burn":
            try:
                said["burnt"] = await life.uplink.burn(query["key"].encode(), 60.0)
            except StoreAway:
                said["burnt"] = "away"
        now = time.time()
        for _ in range(int(query.get("events", 1))):
            event = EVENT._replace(start=now, end=now, path=url.path)
            life.uplink.record(event)
            life.uplink.counters.event(event)
        said |= {
            "pid": os.getpid(),
            "parent": os.getppid(),
            "body": self.service.source.get("body", ""),
            "mode": life.modes.of("shop"),
            "draining": life.draining,
        }
        body = json.dumps(said).encode()
        closing = b"Connection: close\r\n" if self.service.closing else b""
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), closing, body))
        if closing:
            self.transport.close()
        else:
            self.idle()


def load(source: dict[str, Any]) -> Standin:
    """The factory that nurseries are given."""
    if "problems" in source:
        raise BadConfigurationError(source["problems"])
    source["watched"] = []
    if "list" in source:
        found = os.stat(source["list"])
        source["watched"] = [(source["list"], (found.st_ino, found.st_size, found.st_mtime_ns))]
        source["body"] += Path(source["list"]).read_text()
        if "bad" in source["body"]:
            raise BadConfigurationError([f"{source['list']}:1: bad"])
    if "hang" in source:
        time.sleep(source["hang"])
    return Standin(source)
