"""An origin that knows itself under another name is asked under that name, and told the visitor's."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from .conftest import Start, browse


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{self.headers['Host']} {self.headers['X-Forwarded-Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def echo() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("origin", "seen"), [({}, "shop.example"), ({"host": "internal.example"}, "internal.example")])
def test_the_host_that_the_origin_is_asked_for(start: Start, echo: str, origin: dict[str, str], seen: str) -> None:
    zone = {"name": "shop", "hosts": ["shop.example"], "origins": [echo], "origin": origin}
    proxy = start(config={"zones": [zone], "unknown_host": "shop"})
    assert browse(proxy.port).body.decode() == f"{seen} shop.example"
