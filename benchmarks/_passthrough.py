"""The proxy with a handler that allows everything: what the wire alone costs.

Usage: _passthrough.py PORT ORIGIN [CERTIFICATE KEY]
"""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from pathlib import Path

import uvloop

from botproxy.proxy import Exchange, Limits, Listener, OneContext, OriginPool, Pair, Server, Wire, tls_context


async def main(port: int, origin: str, certificate: str = "", key: str = "") -> None:
    """Serve on loopback until SIGTERM."""
    wire = Wire(Limits(connections_per_address=20_000))
    pool = OriginPool(wire, [origin])

    def handler(exchange: Exchange) -> None:
        exchange.forward(pool)

    server = Server(wire, handler, lambda refusal: None)
    context = OneContext(tls_context(Pair(Path(certificate), Path(key)))) if certificate else None
    listener = socket.create_server(("127.0.0.1", port))
    await server.start([Listener(listener, context)])
    gc.freeze()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), *sys.argv[2:]))
