"""The real proxy in this process, in front of an origin, with every decision of it kept.

What is recorded is what the proxy itself knew when it decided: the header block in order as it came, over TLS and
HTTP/2 as well, and both fingerprints. Nobody can see that from behind the proxy, which speaks for the visitor there.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, final

import trustme
import uvloop

from botproxy.config import Source, examine
from botproxy.cookies import KeyRing, new_secret
from botproxy.link import Modes, Uplink
from botproxy.model import Event, Outcome
from botproxy.pipeline import Decision, Pipeline, Solved
from botproxy.worker.compose import DataPlane
from lab.recorder import OTHER, SITE

PEER = "127.0.0.2"
"""Whoever connects from here comes through `lab.relay`, which says with the PROXY protocol whose connection it is."""

_CONFIG = """
mode: observe
secret_file: auto
data: {data}
unknown_host: default
events: {{redact_query: false}}
bots: {{lists: {{fetch: false}}}}
limits: {{connections_per_address: 100000}}
listeners:
  - address: 127.0.0.1:1
    proxy_protocol: {{peers: [{peer}], others: accept}}
  - address: 127.0.0.1:2
    tls: {{certificate: {data}/site.pem, key: {data}/site.key}}
    proxy_protocol: {{peers: [{peer}], others: accept}}
zones:
  - {{name: default, origins: ["{origin}"], presets: [default]}}
"""

Seen = Callable[[Decision, Outcome, Event], None]


@final
class _Life:
    """What a worker has besides its configuration; nobody listens to its telemetry."""

    draining = False

    def __init__(self, link: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        self.modes = Modes()
        self.uplink = Uplink(link, self.modes, loop)


@final
class Tap:
    """`with Tap(origin, seen) as tap:` serves until the block ends; `seen` gets every request that was decided."""

    def __init__(self, origin: str, seen: Seen) -> None:
        self._origin = origin
        self._seen = seen
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.authority = trustme.CA(organization_name="Example Trust Services", organization_unit_name="Roots")
        self.certificate = self.authority.issue_cert(SITE, OTHER, "localhost", "127.0.0.1")
        self._sockets = {
            "127.0.0.1:1": socket.create_server(("127.0.0.1", 0), backlog=512),
            "127.0.0.1:2": socket.create_server(("127.0.0.1", 0), backlog=512),
        }
        plain, secure = self._sockets.values()
        self.ports: dict[str, int] = {"http": plain.getsockname()[1], "https": secure.getsockname()[1]}
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        data = Path(self._folder.name)
        self.certificate.private_key_pem.write_to_path(str(data / "site.key"))
        chain = b"".join(each.bytes() for each in self.certificate.cert_chain_pems)
        (data / "site.pem").write_bytes(chain)
        self.authority.cert_pem.write_to_path(str(data / "authority.pem"))
        file = data / "proxy.yaml"
        file.write_text(_CONFIG.format(data=data, peer=PEER, origin=self._origin))
        self.authority_file = data / "authority.pem"
        self._plane = DataPlane(examine(Source.from_file(file)).config, KeyRing.from_text(new_secret()))
        # There is no seam for this in the product, and should be none: nothing of a visitor's headers is kept there.
        seen, kept = self._seen, Pipeline.conclude

        def conclude(
            pipeline: Pipeline, decision: Decision, outcome: Outcome, *, solved: Solved | None = None
        ) -> Event:
            event = kept(pipeline, decision, outcome, solved=solved)
            seen(decision, outcome, event)
            return event

        self._kept = kept
        Pipeline.conclude = conclude  # type: ignore[method-assign]
        self._thread.start()
        self._ready.wait(30)
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(20)
        Pipeline.conclude = self._kept  # type: ignore[method-assign]
        for sock in self._sockets.values():
            sock.close()
        self._folder.cleanup()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve())
        except BaseException as problem:  # told by whoever waits for it
            self._failed = problem
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            life: Any = _Life(ours, self._loop)
            service = self._plane.compose(life)
            await service.start(self._sockets)
            self._ready.set()
            await self._ended.wait()
            await service.drain(2.0)
